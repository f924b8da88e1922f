package transport_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

const signed = "https://data.test/a.txt?sig=5ec1e7"

func TestOpen_ReturnsTheContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, o := newTransport(stub(func(r *http.Request) (*http.Response, error) {
			assert.Equal(t, signed, r.URL.String())
			assert.Equal(t, http.Header{"Accept-Encoding": {"identity"}}, r.Header)
			return response(200, "content"), nil
		})).Open(t.Context(), "train/a.txt", signed, nil)
		require.Equal(t, transport.Done, o.State)
		time.Sleep(time.Hour) // the attempt timeout does not apply to the content
		got, err := io.ReadAll(body)
		require.NoError(t, err)
		assert.Equal(t, "content", string(got))
		require.NoError(t, body.Close())
	})
}

func TestOpen_RejectsMalformedURLsWithoutShowingThem(t *testing.T) {
	tr := newTransport(stub(func(*http.Request) (*http.Response, error) { return nil, errors.New("not expected") }))
	for address, want := range map[string]string{
		"": "does not parse", "/a?sig=5ec1e7": "does not parse", "https://a.test/%zz?sig=5ec1e7": "does not parse",
		"http://a.test/?sig=5ec1e7": "http://a.test: only https is allowed",
	} {
		body, o := tr.Open(t.Context(), "train/a.txt", address, nil)
		assert.Nil(t, body)
		assert.Equal(t, transport.NotSent, o.State)
		require.ErrorContains(t, o.Err, want)
		assert.NotContains(t, o.Err.Error(), "5ec1e7")
		assert.Zero(t, o.Attempts)
	}
}

func TestOpen_RepeatsByStatus(t *testing.T) {
	for status, want := range map[int]struct {
		attempts int
		state    transport.State
	}{
		204: {3, transport.Unknown}, 304: {1, transport.Unknown}, 403: {1, transport.Refused}, 404: {1, transport.Refused},
		408: {3, transport.Refused}, 425: {3, transport.Refused}, 429: {3, transport.Refused}, 503: {3, transport.Unknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			body, o := newTransport(sequence(status)).Open(t.Context(), "train/a.txt", signed, nil)
			assert.Nil(t, body)
			assert.Equal(t, status, o.Status)
			assert.Equal(t, want.attempts, o.Attempts, status)
			assert.Equal(t, want.state, o.State, status)
			assert.Equal(t, "train/a.txt", o.Path)
		})
	}
}

func TestOpen_RepeatsAfterTimeLimitsButTheCallers(t *testing.T) {
	silent := stub(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	synctest.Test(t, func(t *testing.T) {
		_, o := newTransport(silent).Open(t.Context(), "train/a.txt", signed, nil)
		assert.Equal(t, 3, o.Attempts)
		require.EqualError(t, o.Err, "the attempt timed out after 30s, see WithAttemptTimeout")

		_, o = newTransport(nil, func(c *transport.Config) { c.Client = &http.Client{Transport: silent, Timeout: time.Second} }).Open(t.Context(), "train/a.txt", signed, nil)
		assert.Equal(t, 3, o.Attempts)
		assert.False(t, o.Ended())

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, o = newTransport(silent).Open(ctx, "train/a.txt", signed, nil)
		assert.Equal(t, 1, o.Attempts)
		assert.Equal(t, context.DeadlineExceeded, o.Err)
	})
}

func TestOpen_ReturnsAtOnceIfTheNextAttemptWouldBeTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := response(503, "")
		busy.Header.Set("Retry-After", "20")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, o := newTransport(sequence(busy)).Open(ctx, "train/a.txt", signed, nil)
		assert.Zero(t, time.Since(start))
		require.ErrorIs(t, o.Err, context.DeadlineExceeded)
	})
}

func TestOpen_EndsAtTheAttemptTimeoutIfTheBodyOfAnErrorHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, o := newTransport(cutBody(403)).Open(t.Context(), "train/a.txt", signed, nil)
		assert.Equal(t, 30*time.Second, time.Since(start))
		assert.Equal(t, 403, o.Status)
		assert.Equal(t, transport.Refused, o.State)
		assert.NoError(t, o.Err)
	})
}

func TestOpen_DropsAResponseThatComesWithTheAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, o := newTransport(stub(func(*http.Request) (*http.Response, error) {
			time.Sleep(31 * time.Second)
			return response(200, "content"), nil
		})).Open(t.Context(), "train/a.txt", signed, nil)
		assert.Nil(t, body, "its context has ended")
		assert.Equal(t, transport.Unknown, o.State)
		assert.Equal(t, 3, o.Attempts)
		require.EqualError(t, o.Err, "the attempt timed out after 30s, see WithAttemptTimeout")
	})
}

func TestOpen_ReportsWhichTimeLimitEndsTheContent(t *testing.T) {
	for name, tc := range map[string]struct {
		ctx, client time.Duration
		ended       bool
	}{"of the caller": {time.Minute, time.Hour, true}, "of the http.Client": {time.Hour, time.Minute, false}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tc.ctx)
			defer cancel()
			body, o := newTransport(nil, func(c *transport.Config) { c.Client = &http.Client{Transport: cutBody(200), Timeout: tc.client} }).Open(ctx, "train/a.txt", signed, nil)
			require.Equal(t, transport.Done, o.State)
			got, err := io.ReadAll(body)
			assert.Equal(t, `{"jobId":"6f2a",`, string(got))
			require.Error(t, err, name)
			assert.Equal(t, tc.ended, errors.Is(err, context.DeadlineExceeded), name)
			require.NoError(t, body.Close())
		})
	}
}

func TestOpen_LogsAttemptsAndRepetitionsWithoutTheURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		_, o := newTransport(sequence(503, errors.New("lost "+signed), 200), func(c *transport.Config) {
			c.Log = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}).Open(t.Context(), "train/a.txt", signed, nil)
		require.Equal(t, transport.Done, o.State)
		assert.Equal(t, 3, strings.Count(text.String(), `level=DEBUG msg="tensorbay request" operation=openContent method=GET path=train/a.txt`), text.String())
		assert.Equal(t, 2, strings.Count(text.String(), "level=WARN"))
		assert.NotContains(t, text.String(), "5ec1e7")
	})
}

func TestOpen_DeliversContentAsItIsStored(t *testing.T) {
	var stored bytes.Buffer
	w := gzip.NewWriter(&stored)
	io.WriteString(w, "content")
	w.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "sig=a%20b", r.URL.RawQuery)
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(stored.Bytes())
	}))
	defer server.Close()
	body, o := newTransport(nil).Open(t.Context(), "train/a.txt", server.URL+"/a?sig=a b", nil)
	require.Equal(t, transport.Done, o.State, "%v", o.Err)
	defer body.Close()
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	assert.Equal(t, stored.Bytes(), got)
}

func TestOpen_FollowsRedirectsToHTTPSWithoutReferer(t *testing.T) {
	for location, want := range map[string]string{
		"https://mirror.test/b?sig=f2": "", "http://mirror.test/b?sig=f2": "redirect: http://mirror.test: only https is allowed", signed: "more than 10 redirects",
	} {
		synctest.Test(t, func(t *testing.T) {
			body, o := newTransport(stub(func(r *http.Request) (*http.Response, error) {
				assert.Empty(t, r.Header["Referer"])
				assert.Empty(t, r.Header["X-Token"])
				if r.URL.Host == "mirror.test" {
					return response(200, "content"), nil
				}
				resp := response(302, "")
				resp.Header.Set("Location", location)
				return resp, nil
			})).Open(t.Context(), "train/a.txt", signed, nil)
			if want == "" {
				require.Equal(t, transport.Done, o.State, "%v", o.Err)
				require.NoError(t, body.Close())
				return
			}
			require.ErrorContains(t, o.Err, want)
			assert.NotContains(t, o.Err.Error(), "sig=")
		})
	}
}
