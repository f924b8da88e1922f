package jobs_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func TestOpen_RenewsAndRedirectsSafely(t *testing.T) {
	const page = `{"dataDetails":[{"remotePath":"a.txt","url":%q}],"totalCount":1}`
	// open downloads a datum of the given URL. data serves the data hosts.
	open := func(t *testing.T, signed string, data stub) (string, error) {
		t.Helper()
		contents := stubContents(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "gas.graviti.cn" {
				if strings.HasSuffix(r.URL.Path, "/data/urls") {
					return newResponse(200, fmt.Sprintf(`{"urls":[{"remotePath":"a.txt","url":%q}],"totalCount":1}`, "https://data.example/fresh?sig=f1")), nil
				}
				return newResponse(200, fmt.Sprintf(page, signed)), nil
			}
			for name := range r.Header {
				if name != "User-Agent" && name != "Accept-Encoding" {
					t.Errorf("header %s was sent to a data host", name)
				}
			}
			return data(r)
		})
		return download(t.Context(), collect(t, contents.Data(t.Context(), "train"))[0])
	}
	t.Run("valid", func(t *testing.T) {
		got, err := open(t, "https://data.example/a?sig=s1", respondWith(200, "hello"))
		require.NoError(t, err)
		assert.Equal(t, "hello", got)
	})
	for _, status := range []int{400, 401, 403, 410} {
		t.Run(fmt.Sprintf("expired once, %d", status), func(t *testing.T) {
			got, err := open(t, "https://data.example/a?sig=s1", func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/fresh" {
					return newResponse(200, "hello"), nil
				}
				return newResponse(status, "<Error><Code>ExpiredToken</Code></Error>"), nil
			})
			require.NoError(t, err)
			assert.Equal(t, "hello", got)
		})
	}
	t.Run("expired again", func(t *testing.T) {
		_, err := open(t, "https://data.example/a?sig=s1", respondWith(403, ""))
		require.ErrorIs(t, err, jobs.ErrForbidden)
		assert.ErrorContains(t, err, "open content: GET train/a.txt: 403")
		assert.NotContains(t, err.Error(), "sig=")
	})
	t.Run("redirect", func(t *testing.T) {
		got, err := open(t, "https://data.example/a?sig=s1", func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "cdn.example" {
				return newResponse(200, "hello"), nil
			}
			resp := newResponse(302, "")
			resp.Header.Set("Location", "https://cdn.example/a")
			return resp, nil
		})
		require.NoError(t, err)
		assert.Equal(t, "hello", got)
	})
	t.Run("redirect to http", func(t *testing.T) {
		_, err := open(t, "https://data.example/a?sig=s1", func(*http.Request) (*http.Response, error) {
			resp := newResponse(302, "")
			resp.Header.Set("Location", "http://cdn.example/a")
			return resp, nil
		})
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		assert.NotContains(t, err.Error(), "sig=")
	})
	for name, signed := range map[string]string{
		"http": "http://data.example/a?sig=s1", "file": "file:///etc/passwd", "unparsable": "https://data example/a", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, signed, respondWith(200, "hello"))
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
			assert.NotContains(t, err.Error(), "sig=")
		})
	}
	t.Run("renewed for another path", func(t *testing.T) {
		contents := stubContents(t, func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Host != "gas.graviti.cn":
				return newResponse(403, ""), nil
			case strings.HasSuffix(r.URL.Path, "/data/urls"):
				return newResponse(200, `{"urls":[{"remotePath":"b.txt","url":"https://data.example/b"}],"totalCount":1}`), nil
			}
			return newResponse(200, fmt.Sprintf(page, "https://data.example/a")), nil
		})
		_, err := collect(t, contents.Data(t.Context(), "train"))[0].Open(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, "renew the url of train/a.txt: list data urls: GET /datasets/154e35ba50954cae9f3e3c7ac41b2d0f/data/urls: 200: invalid response: it holds no url of a.txt")
	})
}

func TestOpen_BodyMayOutlastTheAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contents := stubContents(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "gas.graviti.cn" {
				return newResponse(200, `{"dataDetails":[{"remotePath":"a.txt","url":"https://data.example/a"}],"totalCount":1}`), nil
			}
			resp := newResponse(200, "")
			resp.Body = io.NopCloser(&slow{r: r, left: 10})
			return resp, nil
		}, jobs.WithAttemptTimeout(2*time.Second))
		content, err := download(t.Context(), collect(t, contents.Data(t.Context(), "train"))[0])
		require.NoError(t, err)
		assert.Equal(t, "aaaaaaaaaa", content)
	})
}
