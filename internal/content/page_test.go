package content

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A renewing page has files whose URLs have a generation.
type renewing struct {
	mu         sync.Mutex
	generation int
	requests   []string        // the page, or the file that was asked for alone
	missing    map[string]bool // not in the response for the page
	signed     func(path string, generation int) string
	fail       error
}

func (r *renewing) renew(ctx context.Context, only *File) (map[Key]string, error) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.generation++
	what := "page"
	urls := map[Key]string{}
	for i := range 128 {
		path := fmt.Sprintf("%03d", i)
		if only == nil && !r.missing[path] || only != nil && only.Datum == path {
			urls[Key{Path: path}] = r.signed(path, r.generation)
		}
	}
	if only != nil {
		what = only.Key.Path
	}
	r.requests = append(r.requests, what)
	return urls, r.fail
}

// files returns the 128 files of a page.
func (r *renewing) files(rt http.RoundTripper) []*File {
	if r.signed == nil {
		r.signed = func(path string, generation int) string {
			return fmt.Sprintf("https://data.test/%s?generation=%d", path, generation)
		}
	}
	page := NewPage(newTransport(rt), fail, "train", r.renew)
	files := make([]*File, 128)
	for i := range files {
		path := fmt.Sprintf("%03d", i)
		files[i] = page.File(Key{Path: path}, path, r.signed(path, 0))
	}
	return files
}

// oldest returns a store that refuses URLs before a generation.
func oldest(generation int) *store {
	return &store{content: []byte("content"), status: func(r *http.Request) int {
		time.Sleep(20 * time.Millisecond)
		var n int
		_, _ = fmt.Sscan(r.URL.Query().Get("generation"), &n)
		if n < generation {
			return http.StatusForbidden
		}
		return http.StatusOK
	}}
}

func saveAll(t *testing.T, files []*File) {
	t.Helper()
	next := make(chan *File)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for f := range next {
				n, err := f.Save(t.Context(), io.Discard)
				assert.NoError(t, err)
				assert.EqualValues(t, 7, n)
			}
		})
	}
	for _, f := range files {
		next <- f
	}
	close(next)
	group.Wait()
}

func TestPage_RenewsAllURLsWithOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &renewing{}
		s := oldest(1)
		saveAll(t, r.files(s))
		assert.Equal(t, []string{"page"}, r.requests)
		assert.LessOrEqual(t, s.responses.Load(), int64(128+8), "only the first files meet an expired URL")
	})
}

func TestPage_RenewsAgainWhenTheURLsExpireAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &renewing{}
		s := oldest(1)
		files := r.files(s)
		saveAll(t, files)
		s.status = oldest(2).status
		saveAll(t, files)
		assert.Equal(t, []string{"page", "page"}, r.requests)
		assert.Equal(t, "https://data.test/007?generation=2", files[7].URL())
	})
}

func TestPage_RequestsAFileAloneIfItHasMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &renewing{missing: map[string]bool{"005": true}}
		saveAll(t, r.files(oldest(1)))
		assert.ElementsMatch(t, []string{"page", "page", "005"}, r.requests)
	})
}

func TestPage_ACanceledCallLeavesTheRenewalToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &renewing{}
		files := r.files(oldest(1))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(25*time.Millisecond, cancel) // during the renewal
		var group sync.WaitGroup
		for i, f := range files[:8] {
			group.Go(func() {
				ctx := ctx
				if i%2 == 0 {
					ctx = t.Context()
				}
				if _, err := f.Save(ctx, io.Discard); i%2 == 0 {
					assert.NoError(t, err)
				} else {
					assert.ErrorIs(t, err, context.Canceled)
				}
			})
		}
		group.Wait()
		assert.Equal(t, []string{"page"}, r.requests)
	})
}

func TestPage_RenewsShortlyBeforeTheExpiry(t *testing.T) {
	for name, signed := range map[string]func(path string, expiry time.Time, lifetime time.Duration) string{
		"expires": func(path string, expiry time.Time, _ time.Duration) string {
			return fmt.Sprintf("https://data.test/%s?Expires=%d&Signature=x", path, expiry.Unix())
		},
		"date": func(path string, expiry time.Time, lifetime time.Duration) string {
			return fmt.Sprintf("https://data.test/%s?X-Amz-Date=%s&X-Amz-Expires=%.0f", path, expiry.Add(-lifetime).UTC().Format("20060102T150405Z"), lifetime.Seconds())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const lifetime = 10 * time.Minute
				refused := 0
				r := &renewing{signed: func(path string, _ int) string { return signed(path, time.Now().Add(lifetime), lifetime) }}
				s := &store{content: []byte("content"), status: func(r *http.Request) int {
					if time.Now().After(expiryOf(r.URL.String())) {
						refused++
						return http.StatusForbidden
					}
					return http.StatusOK
				}}
				files := r.files(s)
				for i, f := range files {
					if i == 64 {
						time.Sleep(lifetime - 20*time.Second)
					}
					_, err := f.Save(t.Context(), io.Discard)
					require.NoError(t, err)
				}
				assert.Equal(t, []string{"page"}, r.requests)
				assert.Zero(t, refused)
			})
		})
	}
}

// A wrong clock must not cost more than one request for each page and time.
func TestPage_RenewsExpiredURLsOfAWrongClockOncePerOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &renewing{signed: func(path string, generation int) string {
			return fmt.Sprintf("https://data.test/%s?expires=%d&generation=%d", path, time.Now().Add(-time.Hour).Unix(), generation)
		}}
		f := r.files(oldest(0))[0]
		_, err := f.Save(t.Context(), io.Discard)
		require.NoError(t, err)
		assert.Len(t, r.requests, 1)
		r.fail = errors.New("down")
		_, err = f.Save(t.Context(), io.Discard)
		require.NoError(t, err, "the URL may be good nevertheless")
		assert.Len(t, r.requests, 2)
	})
}

func TestExpiryOf(t *testing.T) {
	for signed, want := range map[string]int64{
		"":                                    0,
		"https://a.test/a":                    0,
		"https://a.test/a?Expires=x":          0,
		"https://a.test/a?Expires=-5":         0,
		"https://a.test/a?expires=1764000000": 1764000000,
		"https://a.test/a?OSSAccessKeyId=a&Expires=1764000000&Signature=b":                1764000000,
		"https://a.test/a?X-Amz-Date=20251124T160000Z&X-Amz-Expires=60":                   1764000060,
		"https://a.test/a?x-oss-date=20251124T160000Z&x-oss-expires=99999999999999999999": 0,
		"https://a.test/a?Expires=99999999999999999":                                      0,
		"https://a.test/a?%zz": 0,
	} {
		got := expiryOf(signed)
		if want == 0 {
			assert.True(t, got.IsZero(), signed)
		} else {
			assert.Equal(t, want, got.Unix(), signed)
		}
	}
}

// A masks host has masks of two data with the same path, and refuses the first URLs.
type masks struct{}

func (masks) RoundTrip(r *http.Request) (*http.Response, error) {
	respond := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}, nil
	}
	if r.URL.Host == "data.test" {
		if r.URL.RawQuery != "fresh" {
			return respond(http.StatusForbidden, "")
		}
		return respond(http.StatusOK, r.URL.Path)
	}
	const first, second = `{"remotePath":"a.png","url":"https://data.test/first?fresh"}`, `{"remotePath":"a.png","url":"https://data.test/second?fresh"}`
	switch r.URL.Query().Get("remotePath") {
	case "a.jpg":
		return respond(http.StatusOK, `{"urls":[`+first+`],"totalCount":1}`)
	case "a.bmp":
		return respond(http.StatusOK, `{"urls":[`+second+`],"totalCount":1}`)
	default:
		return respond(http.StatusOK, `{"urls":[`+first+`,null,`+second+`],"totalCount":3}`)
	}
}

func TestPage_RenewsMasksWithTheSamePathOneByOne(t *testing.T) {
	source := Source{Transport: newTransport(masks{}), Fail: fail, ID: "d"}
	page := source.Page("train", 0, 3).Masks("SEMANTIC_MASK")
	first := page.File(Key{Path: "a.png"}, "a.jpg", "https://data.test/first")
	second := page.File(Key{Path: "a.png"}, "a.bmp", "https://data.test/second")
	for range 2 {
		for f, want := range map[*File]string{first: "/first", second: "/second"} {
			var w strings.Builder
			_, err := f.Save(t.Context(), &w)
			require.NoError(t, err)
			assert.Equal(t, want, w.String())
		}
	}
}

func TestPage_RejectsSeveralURLsOfOneDatum(t *testing.T) {
	source := Source{Transport: newTransport(masks{}), Fail: fail, ID: "d"}
	file := source.Page("train", 0, 3).Masks("SEMANTIC_MASK").File(Key{Path: "a.png"}, "b.jpg", "https://data.test/third")
	_, err := file.Save(t.Context(), io.Discard)
	require.ErrorContains(t, err, "it holds several urls of a.png")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPage_KeepsTheURLIfTheServiceSendsAnEmptyOne(t *testing.T) {
	source := Source{Transport: newTransport(roundTrip(func(r *http.Request) (*http.Response, error) {
		status, body := http.StatusForbidden, ""
		if r.URL.Host == "api.test" {
			status, body = http.StatusOK, `{"urls":[{"frameId":"f","urls":[{"sensorName":"s","remotePath":"a","url":""}]}],"totalCount":1}`
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}, nil
	})), Fail: fail, ID: "d"}
	file := source.Page("train", 0, 1).File(Key{Frame: "f", Sensor: "s", Path: "a"}, "a", "https://data.test/a?sig=1")
	_, err := file.Open(t.Context())
	require.ErrorContains(t, err, "it holds no url of a")
	assert.Equal(t, "https://data.test/a?sig=1", file.URL())
}
