package content

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A store serves one content.
type store struct {
	content       []byte
	tag           string
	modified      string // the header Last-Modified; the header Date is always the same
	checksum      string // the header, such as "Content-Md5: ..."
	noRanges      bool
	noLength      bool
	ignoreIfRange bool
	noSize        bool                  // in Content-Range
	cut           func(request int) int // the bytes of a response before it breaks off; negative for all
	change        func(request int, s *store)
	status        func(r *http.Request) int // not 200 if the store refuses the request
	responses     atomic.Int64
	sent          atomic.Int64 // bytes
}

func (s *store) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	request := int(s.responses.Add(1))
	if s.change != nil {
		s.change(request, s)
	}
	header := http.Header{}
	if s.status != nil {
		if status := s.status(r); status != http.StatusOK {
			return &http.Response{StatusCode: status, Header: header, Body: http.NoBody}, nil
		}
	}
	if s.tag != "" {
		header.Set("ETag", s.tag)
	}
	if s.modified != "" {
		header.Set("Last-Modified", s.modified)
		header.Set("Date", "Fri, 27 Nov 2026 12:00:00 GMT")
	}
	if name, value, ok := strings.Cut(s.checksum, ": "); ok {
		header.Set(name, value)
	}
	body, status := s.content, http.StatusOK
	var from, to int
	asked := r.Header.Get("Range")
	condition := r.Header.Get("If-Range")
	if n, _ := fmt.Sscanf(asked, "bytes=%d-%d", &from, &to); n > 0 && !s.noRanges && (s.ignoreIfRange || condition == "" || condition == s.tag || condition == s.modified) {
		if from >= len(body) {
			return &http.Response{StatusCode: http.StatusRequestedRangeNotSatisfiable, Header: header, Body: http.NoBody}, nil
		}
		if n == 1 {
			to = len(body) - 1
		}
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(body)))
		if s.noSize {
			header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/*", from, to))
		}
		body, status = body[from:to+1], http.StatusPartialContent
	}
	length := int64(len(body))
	if s.noLength {
		length = -1
	}
	var reader io.Reader = bytes.NewReader(body)
	if s.cut != nil {
		if n := s.cut(request); n >= 0 && n <= len(body) {
			reader = io.MultiReader(bytes.NewReader(body[:n]), failing{})
		}
	}
	return &http.Response{StatusCode: status, Header: header, ContentLength: length, Body: io.NopCloser(counted{reader, &s.sent})}, nil
}

type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

var errReset = errors.New("connection reset by peer")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errReset }

// outcomeError is the error of an outcome.
type outcomeError struct{ transport.Outcome }

func (e outcomeError) Error() string { return fmt.Sprintf("%s: %d %v", e.Path, e.Status, e.Err) }
func (e outcomeError) Unwrap() error { return e.Err }

func fail(o transport.Outcome) error {
	if o.State == transport.Done {
		return nil
	}
	return outcomeError{o}
}

func newTransport(rt http.RoundTripper) *transport.Transport {
	return transport.New(transport.Config{
		Key: redact.New("Accesskey-0"), BaseURL: "https://api.test/", Client: &http.Client{Transport: rt},
		Log: slog.New(slog.DiscardHandler), Limit: ratelimit.NewAdaptive(0), Timeout: 30 * time.Second, MaxBody: 1 << 20,
		Retry: transport.Retry{Attempts: 3, Backoff: time.Second, MaxBackoff: time.Second, MaxRetryAfter: time.Minute},
	})
}

// newFile returns a file of a page without renewal.
func newFile(rt http.RoundTripper) *File {
	page := NewPage(newTransport(rt), fail, "train", func(context.Context, *File) (map[Key]string, error) {
		return nil, errors.New("not expected")
	})
	return page.File(Key{Path: "a.bin"}, "a.bin", "https://data.test/a.bin?sig=1")
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{})
	_, _ = rng.Read(b)
	return b
}

func TestSave_ResumesABrokenBody(t *testing.T) {
	content := randomBytes(1_000_000)
	sum := md5.Sum(content)
	for name, s := range map[string]*store{
		"entity tag":           {tag: `"a"`},
		"no entity tag":        {},
		"weak entity tag":      {tag: `W/"a"`},
		"time":                 {modified: lastYear},
		"a recent time":        {modified: lastMinute},
		"without length":       {tag: `"a"`, noLength: true},
		"no ranges":            {tag: `"a"`, noRanges: true},
		"no ranges, no length": {noRanges: true, noLength: true},
		"checksum":             {checksum: "Content-Md5: " + base64.StdEncoding.EncodeToString(sum[:])},
		"checksum of oss":      {checksum: fmt.Sprintf("X-Oss-Hash-Crc64ecma: %d", crc64.Checksum(content, crc64.MakeTable(crc64.ECMA)))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s.content = content
				s.cut = func(request int) int {
					switch {
					case s.noRanges:
						return 200_000 * request // the whole content each time
					case request == 3:
						return 0 // an attempt without a new byte
					}
					return 200_000
				}
				var got bytes.Buffer
				n, err := newFile(s).Save(t.Context(), &got)
				require.NoError(t, err)
				assert.EqualValues(t, len(content), n)
				assert.True(t, bytes.Equal(content, got.Bytes()))
				if !s.noRanges {
					sent := len(content)
					if s.noLength {
						sent++ // the request for the rest includes the last byte, because there may be no rest
					}
					assert.EqualValues(t, sent, s.sent.Load(), "no other byte is sent twice")
				}
			})
		})
	}
}

// All bytes arrive, and then the connection breaks before the mark of the end.
func TestSave_NeedsNoMarkOfTheEnd(t *testing.T) {
	content := randomBytes(1000)
	for name, tc := range map[string]struct {
		store    *store
		requests int
	}{
		"length":               {&store{}, 1},
		"no length":            {&store{noLength: true}, 2},
		"no length, no ranges": {&store{noLength: true, noRanges: true, cut: func(request int) int { return []int{1000, -1}[request-1] }}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.store.content = content
				if tc.store.cut == nil {
					tc.store.cut = func(int) int { return 1000 }
				}
				var got bytes.Buffer
				_, err := newFile(tc.store).Save(t.Context(), &got)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(content, got.Bytes()))
				assert.EqualValues(t, tc.requests, tc.store.responses.Load())
			})
		})
	}
}

const (
	lastYear   = "Thu, 27 Nov 2025 12:00:00 GMT"
	lastMinute = "Fri, 27 Nov 2026 11:59:01 GMT"
)

// changeAt replaces the content by another of the same size at a request.
func changeAt(request int, modified string) func(int, *store) {
	return func(n int, s *store) {
		if n == request {
			s.content, s.modified = make([]byte, len(s.content)), modified
		}
	}
}

func TestSave_GivesUp(t *testing.T) {
	content := randomBytes(1000)
	for name, tc := range map[string]struct {
		store    *store
		requests int
		want     string
	}{
		"never a byte":      {&store{cut: func(int) int { return 0 }}, 3, "the body was cut short after 0 bytes: connection reset by peer"},
		"one byte, once":    {&store{tag: `"a"`, cut: func(request int) int { return max(2-request, 0) }}, 3, "the body was cut short after 1 bytes: connection reset by peer"},
		"another tag":       {&store{tag: `"a"`, cut: func(int) int { return 500 }, change: func(n int, s *store) { s.tag = fmt.Sprintf(`"%d"`, n) }}, 2, "the content has changed since the first byte"},
		"another weak tag":  {&store{tag: `W/"a"`, cut: func(int) int { return 500 }, change: func(n int, s *store) { s.tag = fmt.Sprintf(`W/"%d"`, n) }}, 2, "the content has changed since the first byte"},
		"another time":      {&store{modified: lastYear, cut: func(int) int { return 500 }, change: changeAt(2, lastMinute)}, 2, "the content has changed since the first byte"},
		"a recent time":     {&store{modified: lastMinute, cut: func(int) int { return 500 }, change: changeAt(2, lastYear)}, 2, "the content has changed since the first byte"},
		"tag, no If-Range":  {&store{tag: `"a"`, ignoreIfRange: true, cut: func(int) int { return 500 }, change: func(n int, s *store) { s.tag = fmt.Sprintf(`"%d"`, n) }}, 2, "the content has changed since the first byte"},
		"time, no If-Range": {&store{modified: lastYear, ignoreIfRange: true, cut: func(int) int { return 500 }, change: changeAt(2, lastMinute)}, 2, "the content has changed since the first byte"},
		"another size":      {&store{cut: func(int) int { return 500 }, change: func(n int, s *store) { s.content = content[:1000-n] }}, 2, "the content has changed since the first byte"},
		"a larger size":     {&store{cut: func(int) int { return 500 }, change: func(n int, s *store) { s.content = randomBytes(999 + n) }}, 2, "the content has changed since the first byte"},
		"no size":           {&store{noLength: true, noSize: true, cut: func(int) int { return 500 }}, 3, "no size"},
		"much smaller":      {&store{cut: func(int) int { return 500 }, change: func(n int, s *store) { s.content = content[:1000/n] }}, 2, "the content has changed since the first byte"},
		"no end mark":       {&store{noLength: true, noRanges: true, cut: func(int) int { return 1000 }}, 3, "the body was cut short after 1000 bytes: connection reset by peer"},
		"another checksum":  {&store{checksum: "X-Oss-Hash-Crc64ecma: 1"}, 1, "the content differs from its checksum crc64ecma:0000000000000001"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.store.content = content
				_, err := newFile(tc.store).Save(t.Context(), io.Discard)
				require.ErrorContains(t, err, "train/a.bin")
				require.ErrorContains(t, err, tc.want)
				assert.EqualValues(t, tc.requests, tc.store.responses.Load())
			})
		})
	}
}

func TestSave_ReturnsTheErrorOfTheWriterAtOnce(t *testing.T) {
	s := &store{content: randomBytes(1000)}
	full := errors.New("the disk is full")
	_, err := newFile(s).Save(t.Context(), writer(func([]byte) (int, error) { return 0, full }))
	require.ErrorIs(t, err, full)
	assert.EqualError(t, err, "save train/a.bin: the disk is full")
	_, err = newFile(s).Save(t.Context(), writer(func([]byte) (int, error) { return 7, nil }))
	require.ErrorIs(t, err, io.ErrShortWrite)
	assert.EqualValues(t, 2, s.responses.Load())
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestSave_ClosesTheBodyIfTheWriterPanics(t *testing.T) {
	body := &closer{Reader: strings.NewReader("abc")}
	f := newFile(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, ContentLength: 3, Body: body}, nil
	}))
	assert.Panics(t, func() { _, _ = f.Save(t.Context(), writer(func([]byte) (int, error) { panic("broken") })) })
	assert.True(t, body.closed)
}

type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error {
	c.closed = true
	return nil
}

func TestSave_EndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &store{content: randomBytes(1000), cut: func(int) int { cancel(); return 10 }}
		n, err := newFile(s).Save(ctx, io.Discard)
		require.ErrorIs(t, err, context.Canceled)
		assert.EqualValues(t, 1, s.responses.Load())
		assert.EqualValues(t, 10, n)
	})
}

func TestOpen_ABodyShorterThanItsLengthIsAnError(t *testing.T) {
	body, err := newFile(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, ContentLength: 10, Body: io.NopCloser(strings.NewReader("123456789"))}, nil
	})).Open(t.Context())
	require.NoError(t, err)
	defer body.Close()
	got, err := io.ReadAll(body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Len(t, got, 9)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestStat_ReadsSizeAndChecksumWithOneByte(t *testing.T) {
	for name, tc := range map[string]struct {
		store *store
		want  Info
	}{
		"range":      {&store{content: randomBytes(1000)}, Info{Size: 1000}},
		"no ranges":  {&store{content: randomBytes(1000), noRanges: true}, Info{Size: 1000}},
		"no length":  {&store{content: randomBytes(1000), noRanges: true, noLength: true}, Info{Size: -1}},
		"empty":      {&store{}, Info{}},
		"md5":        {&store{content: []byte("a"), noRanges: true, checksum: "Content-Md5: DMF1ucDxtqgxw5niaXcmYQ=="}, Info{1, "md5:0cc175b9c0f1b6a831c399e269772661"}},
		"md5 part":   {&store{content: []byte("ab"), checksum: "Content-Md5: DMF1ucDxtqgxw5niaXcmYQ=="}, Info{Size: 2}},
		"crc64ecma":  {&store{content: []byte("ab"), checksum: "X-Oss-Hash-Crc64ecma: 255"}, Info{2, "crc64ecma:00000000000000ff"}},
		"not a hash": {&store{content: []byte("ab"), tag: `"0cc175b9c0f1b6a831c399e269772661"`, checksum: "X-Oss-Hash-Crc64ecma: abc"}, Info{Size: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newFile(tc.store).Stat(t.Context())
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
			assert.LessOrEqual(t, tc.store.sent.Load(), int64(1))
		})
	}
	_, err := newFile(&store{status: func(*http.Request) int { return 404 }}).Stat(t.Context())
	require.ErrorContains(t, err, "train/a.bin: 404")
}

// partial sends a response without a length that breaks off, and then one byte for each range.
type partial struct{ content string }

func (p partial) RoundTrip(r *http.Request) (*http.Response, error) {
	var from int
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); n == 0 {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: -1,
			Body: io.NopCloser(io.MultiReader(strings.NewReader(p.content[:2]), failing{}))}, nil
	}
	header := http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", from, from, len(p.content))}}
	return &http.Response{StatusCode: http.StatusPartialContent, Header: header, ContentLength: 1, Body: io.NopCloser(strings.NewReader(p.content[from : from+1]))}, nil
}

func TestSave_RequestsTheRestAfterAPartIfTheFirstResponseHadNoLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w strings.Builder
		_, err := newFile(partial{"abcdef"}).Save(t.Context(), &w)
		require.NoError(t, err)
		assert.Equal(t, "abcdef", w.String())
	})
}

func TestSave_StartsAgainIfTheContentChangesBeforeTheFirstByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{content: []byte("old"), tag: `"1"`, cut: func(request int) int {
			if request == 1 {
				return 0
			}
			return -1
		}, change: func(request int, s *store) {
			if request == 2 {
				s.content, s.tag = []byte("newer"), `"2"`
			}
		}}
		var w strings.Builder
		_, err := newFile(s).Save(t.Context(), &w)
		require.NoError(t, err)
		assert.Equal(t, "newer", w.String())
	})
}
