// Package redact keeps access keys and signed URLs out of errors, logs and dumps.
package redact

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A Secret holds an access key, a signed URL, or a text that may contain one. It is a
// closure because format verbs, encoders and reflection do not look inside a func.
type Secret struct{ reveal func() string }

// New returns a Secret that holds text.
func New(text string) Secret { return Secret{func() string { return text }} }

// Reveal returns the text of s, or "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

var (
	keyInText   = regexp.MustCompile(`(Accesskey-|ACCESSKEY-)[0-9A-Za-z_-]+`)
	userInText  = regexp.MustCompile(`://([^\s/?#"<>]*|[^\s/?#"<>:]*:\d*[^\s/?#"<>\d][^\s"<>]*)@`) // a password may hold / unescaped
	portInText  = regexp.MustCompile(`invalid port "[^"]*"`)                                       // it is the start of such a password
	queryInText = regexp.MustCompile(`(?i)(https?:[^\s?"<>]*)\?[^\s"<>]*|(/[^\s?"<>]*)\?[^\s"<>=]*=[^\s"<>]*`)
)

// Text removes access keys and the passwords and queries of URLs from text. It is applied
// to every text that this module did not write: a service may quote the request it refuses,
// and an http.RoundTripper may name the URL it failed to reach.
func Text(text string) string {
	text = keyInText.ReplaceAllString(text, "$1...")
	text = userInText.ReplaceAllString(text, "://...@")
	text = portInText.ReplaceAllString(text, "invalid port")
	return queryInText.ReplaceAllString(text, "$1$2?...")
}

// Error returns err with its text redacted. The result matches the same targets with
// errors.Is and errors.As, without those of except. It is err itself if there is nothing to
// redact and err matches no target of except.
func Error(err error, except ...error) error {
	text := err.Error()
	clean := Text(text)
	if clean == text && !slices.ContainsFunc(except, func(target error) bool { return errors.Is(err, target) }) {
		return err
	}
	return &redacted{clean, except, func() error { return err }}
}

// redacted has no Unwrap method, because the text of the inner error holds the secret.
type redacted struct {
	text   string
	except []error
	inner  func() error
}

func (e *redacted) Error() string      { return e.text }
func (e *redacted) As(target any) bool { return errors.As(e.inner(), target) }
func (e *redacted) Is(target error) bool {
	return !slices.Contains(e.except, target) && errors.Is(e.inner(), target)
}

// Limits of Sanitize for the texts of a server that this module keeps.
const (
	MaxName    = 64
	MaxPath    = 512
	MaxMessage = 1024
)

// Sanitize returns s on one line, as valid UTF-8, without control characters and marks that
// change the direction of a text. It cuts s after limit bytes.
func Sanitize(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}
