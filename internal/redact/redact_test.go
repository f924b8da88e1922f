package redact_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
)

func TestSecret_IsNotShownByVerbsAndEncoders(t *testing.T) {
	s := redact.New("Accesskey-5ec1e7")
	assert.Equal(t, "Accesskey-5ec1e7", s.Reveal())
	assert.Empty(t, redact.Secret{}.Reveal())
	encoded, err := json.Marshal([]any{s})
	require.NoError(t, err)
	for _, text := range []string{string(encoded), fmt.Sprint(s), fmt.Sprintf("%+v %#v", s, s), fmt.Sprintf("%+v", &struct{ S redact.Secret }{s})} {
		assert.NotContains(t, text, "5ec1e7")
	}
}

func TestText_RemovesKeysPasswordsAndQueries(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"no secret":                   "no secret",
		"is this a/b? yes":            "is this a/b? yes",
		"why?":                        "why?",
		"key Accesskey-a_b-1, and":    "key Accesskey-..., and",
		"ACCESSKEY-a?Accesskey-b":     "ACCESSKEY-...?Accesskey-...",
		"see https://a.test/b?c=d&e!": "see https://a.test/b?...",
		`"HTTPS://A?x" <http://b?y>`:  `"HTTPS://A?..." <http://b?...>`,
		`header "/a%zz?sig=5ec1e7"`:   `header "/a%zz?..."`,
		"http://user:pw@a.test/b":     "http://...@a.test/b",
		"proxy socks5://u:p@ss@a.b":   "proxy socks5://...@a.b",
		"mail a@b.test":               "mail a@b.test",
		"http://user:p/w@a.test:80":   "http://...@a.test:80",
		"http://user:p?w@a.test":      "http://...@a.test",
		"https://a.test:443/b@c":      "https://a.test:443/b@c",

		`Get "https://a.test/b?name='c'&sig=5ec1e7": EOF`: `Get "https://a.test/b?...": EOF`, // a URL may hold '
		`Get "https://a.test/it's?sig=5ec1e7": EOF`:       `Get "https://a.test/it's?...": EOF`,
		`header "/it's?sig=5ec1e7"`:                       `header "/it's?..."`,
		`proxy "http://user:p'w@a.test/": EOF`:            `proxy "http://...@a.test/": EOF`,
		`proxy "http://user:p'/w@a.test/": EOF`:           `proxy "http://...@a.test/": EOF`,

		`parse "http://u:p/w@a.b": invalid port ":p" after host`: `parse "http://...@a.b": invalid port after host`,
		"https:?https:?": "https:?...",
	} {
		assert.Equal(t, want, redact.Text(text))
	}
}

func TestError_MatchesTheTargetsOfTheOriginal(t *testing.T) {
	inner := &net.OpError{Op: "dial", Err: io.ErrUnexpectedEOF}
	err := redact.Error(fmt.Errorf("https://a.test/?sig=5ec1e7: %w", inner))
	require.EqualError(t, err, "https://a.test/?... dial: unexpected EOF")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	assert.NoError(t, errors.Unwrap(err), "the text of the original holds the secret")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "5ec1e7")
}

func TestError_ReturnsAnErrorWithoutSecretsAsItIs(t *testing.T) {
	assert.Same(t, io.EOF, redact.Error(io.EOF, io.ErrUnexpectedEOF))
}

func TestError_DoesNotMatchTheExcludedTargets(t *testing.T) {
	err := redact.Error(fmt.Errorf("a: %w, %w", io.EOF, io.ErrClosedPipe), io.EOF)
	require.EqualError(t, err, "a: EOF, io: read/write on closed pipe")
	assert.NotErrorIs(t, err, io.EOF)
	assert.NotErrorIs(t, fmt.Errorf("b: %w", err), io.EOF)
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestSanitize_ReturnsOneLineOfBoundedLength(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\r\tc\x00\x7f":          "a b  c  ",
		"a\u0085\u009bb":             "a  b",
		"a\u2028\u2029b":             "a  b",
		"a\u202e\u2066\u200f\u061cb": "a    b",
		"\xff\xfe":                   "\uFFFD",
		"1234567890":                 "1234567890",
		"12345678901":                "1234567890...",
		"123456789é":                 "123456789...",
		"日本 é 👩\u200d":               "日本 é ...",
	} {
		assert.Equal(t, want, redact.Sanitize(text, 10))
	}
}

func FuzzRedact(f *testing.F) {
	for _, text := range []string{
		"", "see https://a.example/b?c=d&e", "Accesskey-0123", "HTTPS://A?x", "https:?https:?", "ACCESSKEY-a?Accesskey-b", "a\x00\xff\u2028b", "?", "https:",
		"://a@b@c", "/a?b=c", "/x?https:?a=b", "\u202e\u009b",
	} {
		f.Add(text, 8)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		clean := redact.Text(text)
		require.Equal(t, clean, redact.Text(clean))
		if limit < 0 || limit > 1<<20 {
			t.Skip()
		}
		printed := redact.Sanitize(clean, limit)
		require.LessOrEqual(t, len(printed), limit+len("..."))
		require.True(t, utf8.ValidString(printed))
		require.False(t, strings.ContainsFunc(printed, func(r rune) bool {
			return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
		}), "%q", printed)
	})
}
