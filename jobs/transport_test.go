package jobs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestHeadersOfARequest(t *testing.T) {
	ids := map[string]bool{}
	client := stubbed(t, func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "https://gas.graviti.cn/gatewayv2/tensorbay-open-api/v1/datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs/6f2a?jobType=squashAndMerge", r.URL.String())
		assert.Equal(t, []string{testKey}, r.Header["X-Token"])
		assert.Equal(t, "GO-SDK/"+jobs.Version, r.Header.Get("X-Source"))
		assert.Regexp(t, `^[0-9a-f]{32}$`, r.Header.Get("X-Request-Id"))
		ids[r.Header.Get("X-Request-Id")] = true
		return reply(503, ""), nil
	}, jobs.WithRetry(jobs.RetryPolicy{Attempts: 3, Backoff: time.Nanosecond}))
	_, err := byID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.ErrorIs(t, err, jobs.ErrServer)
	assert.Len(t, ids, 3, "a new request id for every attempt")
	var e *jobs.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 3, e.Attempts)
	assert.True(t, ids[e.RequestID])
}

// calls are the operations by how they may be repeated.
func calls(t *testing.T, client *jobs.Client) map[string]func(context.Context) error {
	ds := byID(t, client)
	job := load(t, ds, processing)
	found, err := ds.BasicSearch().Resume([]byte(strings.Replace(processing, `"status":"PROCESSING"`, `"status":"SUCCESS","result":{"searchResultId":"a","searchResultCommitId":"b"}`, 1)))
	require.NoError(t, err)
	return map[string]func(context.Context) error{
		"get":    job.Update,
		"list":   func(ctx context.Context) error { return first(ds.SquashAndMerge().List(ctx, jobs.ListOptions{})) },
		"delete": func(ctx context.Context) error { return ds.SquashAndMerge().Delete(ctx, "6f2a") },
		"abort":  job.Abort,
		"create": func(ctx context.Context) error {
			return second(ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "t", Source: "dev", Target: "main"}))
		},
		"retry":          job.Retry,
		"create dataset": func(ctx context.Context) error { return found.CreateDataset(ctx, jobs.DatasetSpec{Name: "n"}) },
	}
}

func TestRetryByOperation(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	const all, once = 4, 1
	for fault, tc := range map[string]struct {
		answer       stub
		reads, posts int
		kind         error
		ambiguous    bool // for what must not be repeated blindly
	}{
		"refused":      {func(*http.Request) (*http.Response, error) { return nil, dial }, all, all, jobs.ErrUnreachable, false},
		"unknown host": {func(*http.Request) (*http.Response, error) { return nil, &net.DNSError{Err: "no such host"} }, all, all, jobs.ErrUnreachable, false},
		"bad cert": {func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
		}, all, all, jobs.ErrUnreachable, false},
		"reset":          {func(*http.Request) (*http.Response, error) { return nil, reset }, all, once, jobs.ErrUnreachable, true},
		"429":            {always(429, ""), all, all, jobs.ErrRateLimited, false},
		"500":            {always(500, `{"code":"InternalServerError","message":"oops"}`), all, once, jobs.ErrServer, true},
		"502 html":       {always(502, "<html>"), all, once, jobs.ErrServer, true},
		"503":            {always(503, ""), all, once, jobs.ErrServer, true},
		"html with 200":  {always(200, "<html>"), all, once, jobs.ErrInvalidResponse, true},
		"redirect":       {always(307, ""), all, once, jobs.ErrInvalidResponse, true},
		"400":            {always(400, `{"code":"InvalidParamsValue","message":"no"}`), once, once, jobs.ErrInvalidArgument, false},
		"401":            {always(401, `{"code":"Unauthorized","message":"no"}`), once, once, jobs.ErrUnauthorized, false},
		"403":            {always(403, `{"code":"AccessDenied","message":"no"}`), once, once, jobs.ErrForbidden, false},
		"404":            {always(404, `{"code":"ResourceNotExist","message":"no"}`), once, once, jobs.ErrNotFound, false},
		"409":            {always(409, `{"code":"NameConflict","message":"no"}`), once, once, jobs.ErrConflict, false},
		"code not known": {always(404, `{"code":"Tomorrow","message":"no"}`), once, once, jobs.ErrNotFound, false},
		"code first":     {always(400, `{"code":"ResourceNotExist","message":"no"}`), once, once, jobs.ErrNotFound, false},
	} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				client := stubbed(t, func(r *http.Request) (*http.Response, error) {
					sent++
					return tc.answer(r)
				}, jobs.WithRetry(jobs.RetryPolicy{}))
				for name, call := range calls(t, client) {
					sent = 0
					err := call(t.Context())
					require.ErrorIs(t, err, tc.kind, name)
					isOnce := name == "create" || name == "retry" || name == "create dataset"
					want := tc.reads
					if isOnce {
						want = tc.posts
					}
					assert.Equal(t, want, sent, name)
					assert.Equal(t, tc.ambiguous && isOnce, errors.Is(err, jobs.ErrAmbiguous), "%s: %v", name, err)
					var e *jobs.Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, want, e.Attempts, name)
				}
			})
		})
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	for name, tc := range map[string]struct {
		header   func() string
		min, max time.Duration
	}{
		"seconds":       {func() string { return "7" }, 7 * time.Second, 7 * time.Second},
		"parts":         {func() string { return "2.5" }, 2500 * time.Millisecond, 2500 * time.Millisecond},
		"date":          {func() string { return time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat) }, 8 * time.Second, 9 * time.Second},
		"past":          {func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, 0, 250 * time.Millisecond},
		"clamped":       {func() string { return "86400" }, time.Minute, time.Minute},
		"negative":      {func() string { return "-5" }, 0, 250 * time.Millisecond},
		"nonsense":      {func() string { return "soon" }, 0, 250 * time.Millisecond},
		"not a number":  {func() string { return "NaN" }, 0, 250 * time.Millisecond},
		"no end to it":  {func() string { return "1e300" }, time.Minute, time.Minute},
		"none":          {func() string { return "" }, 0, 250 * time.Millisecond},
		"infinite wish": {func() string { return "Inf" }, time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var at []time.Time
				client := stubbed(t, func(*http.Request) (*http.Response, error) {
					at = append(at, time.Now())
					resp := reply(503, "")
					if h := tc.header(); h != "" {
						resp.Header.Set("Retry-After", h)
					}
					return resp, nil
				}, jobs.WithRetry(jobs.RetryPolicy{Attempts: 2}))
				_, err := byID(t, client).Refresh(t.Context())
				require.ErrorIs(t, err, jobs.ErrServer)
				require.Len(t, at, 2)
				assert.GreaterOrEqual(t, at[1].Sub(at[0]), tc.min)
				assert.LessOrEqual(t, at[1].Sub(at[0]), tc.max)
			})
		})
	}
}

func TestCancelWhileWaitingToSendAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := stubbed(t, always(503, ""), jobs.WithRetry(jobs.RetryPolicy{Backoff: time.Hour, MaxBackoff: time.Hour}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := byID(t, client).Refresh(ctx)
		assert.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, jobs.ErrServer)
	})
}

func TestContextThatHasEndedSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client := stubbed(t, func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return reply(200, "{}"), nil
	})
	for name, call := range calls(t, client) {
		err := call(ctx)
		require.ErrorIs(t, err, context.Canceled, name)
		require.NotErrorIs(t, err, jobs.ErrAmbiguous, name)
		require.NotErrorIs(t, err, jobs.ErrUnreachable, name)
	}
}

func TestCreateThatIsCancelledUnderWayIsAmbiguous(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := stubbed(t, func(r *http.Request) (*http.Response, error) {
		cancel()
		return nil, r.Context().Err()
	})
	err := calls(t, client)["create"](ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, jobs.ErrAmbiguous)
}

func TestPaceIsNotPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		client := stubbed(t, func(*http.Request) (*http.Response, error) {
			at = append(at, time.Now())
			return reply(200, `{"name":"a","type":0}`), nil
		}, jobs.WithRateLimit(10))
		for range 100 {
			_, err := byID(t, client).Refresh(t.Context())
			require.NoError(t, err)
		}
		for i := 10; i < len(at); i++ {
			require.GreaterOrEqual(t, at[i].Sub(at[i-10]), time.Second, "more than 10 requests in a second")
		}
		assert.Equal(t, 9*time.Second, at[99].Sub(at[0]), "and not slower than it may be")
	})
}

func TestRedirectDoesNotCarryTheKeyAway(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was followed, with X-Token %q", r.URL, r.Header.Get("X-Token"))
	}))
	defer elsewhere.Close()
	api := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusMovedPermanently))
	defer api.Close()
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL(api.URL), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}))
	require.NoError(t, err)
	for name, call := range calls(t, client) {
		err := call(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, name)
		assert.ErrorContains(t, err, "301: invalid response: unexpected status", name)
	}
}

func TestCallersHTTPClientIsNotChanged(t *testing.T) {
	own := &http.Client{Transport: always(200, `{"name":"a","type":0}`), Timeout: time.Minute}
	client, err := jobs.NewClient(testKey, jobs.WithHTTPClient(own))
	require.NoError(t, err)
	_, err = byID(t, client).Refresh(t.Context())
	require.NoError(t, err)
	assert.Nil(t, own.CheckRedirect)
	assert.Equal(t, time.Minute, own.Timeout)
}

func TestConnectionIsUsedAgain(t *testing.T) {
	connections := 0
	status := 200
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"name":"a","type":0,"filler":"`+strings.Repeat("a", 100_000)+`"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections++
		}
	}
	server.Start()
	defer server.Close()
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL(server.URL), jobs.WithRateLimit(-1), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}),
		jobs.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	for _, status = range []int{200, 500, 404, 200, 302, 200} {
		_, err := byID(t, client).Refresh(t.Context())
		assert.Equal(t, status == 200, err == nil)
	}
	assert.Equal(t, 1, connections)
}

func TestLogHoldsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		server := jobstest.New(t)
		client := clientOf(t, server, jobs.WithLogger(logger))
		job := merge(t.Context(), t, client)
		require.NoError(t, job.Wait(t.Context()))
		logger.Info("all", "client", client, "job", job, "error", &jobs.Error{Operation: "get job"})
		assert.Contains(t, log.String(), "operation=createJob method=POST path=/datasets/")
		assert.Contains(t, log.String(), "operation=getJob")
		assert.Contains(t, log.String(), "status=200")
		assert.NotContains(t, log.String(), server.AccessKey())
		assert.NotContains(t, log.String(), server.AccessKey()[10:])

		log.Reset()
		client = stubbed(t, always(503, ""), jobs.WithLogger(logger), jobs.WithRetry(jobs.RetryPolicy{Attempts: 2, Backoff: 1}))
		_, err := byID(t, client).Refresh(t.Context())
		require.Error(t, err)
		assert.Contains(t, log.String(), "level=WARN msg=\"tensorbay request will be sent again\"")
		assert.NotContains(t, log.String(), testKey)
	})
}

func TestSecretsAreNotPrinted(t *testing.T) {
	server, client := connect(t)
	data := collect(t, contentsOf(t.Context(), t, client, "squash-and-merge").Data(t.Context(), "Segment1"))[0]
	signed, err := url.Parse(data.URL())
	require.NoError(t, err)
	require.NotEmpty(t, signed.RawQuery)
	for _, v := range []any{client, data, *data, data.Label} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			text := fmt.Sprintf(verb, v)
			assert.NotContains(t, text, server.AccessKey())
			assert.NotContains(t, text, signed.RawQuery)
		}
	}
}

func TestDataHosts(t *testing.T) {
	const page = `{"dataDetails":[{"remotePath":"a.txt","url":%q}],"totalCount":1}`
	open := func(t *testing.T, signed string, data stub) (string, error) {
		t.Helper()
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "gas.graviti.cn" {
				if strings.HasSuffix(r.URL.Path, "/data/urls") {
					return reply(200, fmt.Sprintf(`{"urls":[{"remotePath":"a.txt","url":%q}],"totalCount":1}`, "https://data.example/fresh?sig=f1")), nil
				}
				return reply(200, fmt.Sprintf(page, signed)), nil
			}
			for name := range r.Header {
				if name != "User-Agent" && name != "Accept-Encoding" {
					t.Errorf("header %s goes to a data host", name)
				}
			}
			return data(r)
		})
		contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
		require.NoError(t, err)
		d := collect(t, contents.Data(t.Context(), "train"))[0]
		body, err := d.Open(t.Context())
		if err != nil {
			return "", err
		}
		defer body.Close()
		content, err := io.ReadAll(body)
		return string(content), err
	}
	t.Run("good", func(t *testing.T) {
		got, err := open(t, "https://data.example/a?sig=s1", always(200, "hello"))
		require.NoError(t, err)
		assert.Equal(t, "hello", got)
	})
	t.Run("expired once", func(t *testing.T) {
		got, err := open(t, "https://data.example/a?sig=s1", func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/fresh" {
				return reply(200, "hello"), nil
			}
			return reply(403, "<Error>expired</Error>"), nil
		})
		require.NoError(t, err)
		assert.Equal(t, "hello", got)
	})
	t.Run("expired for good", func(t *testing.T) {
		_, err := open(t, "https://data.example/a?sig=s1", always(403, ""))
		require.ErrorIs(t, err, jobs.ErrForbidden)
		assert.ErrorContains(t, err, "open content: GET train/a.txt: 403")
		assert.NotContains(t, err.Error(), "sig=")
	})
	t.Run("redirect", func(t *testing.T) {
		got, err := open(t, "https://data.example/a?sig=s1", func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "cdn.example" {
				return reply(200, "hello"), nil
			}
			resp := reply(302, "")
			resp.Header.Set("Location", "https://cdn.example/a")
			return resp, nil
		})
		require.NoError(t, err)
		assert.Equal(t, "hello", got)
	})
	t.Run("redirect into the clear", func(t *testing.T) {
		_, err := open(t, "https://data.example/a?sig=s1", func(*http.Request) (*http.Response, error) {
			resp := reply(302, "")
			resp.Header.Set("Location", "http://cdn.example/a")
			return resp, nil
		})
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		assert.NotContains(t, err.Error(), "sig=")
	})
	for name, signed := range map[string]string{
		"in clear": "http://data.example/a?sig=s1", "file": "file:///etc/passwd", "broken": "https://data example/a", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, signed, always(200, "hello"))
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
			assert.NotContains(t, err.Error(), "sig=")
		})
	}
	t.Run("renewed with another's", func(t *testing.T) {
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Host != "gas.graviti.cn":
				return reply(403, ""), nil
			case strings.HasSuffix(r.URL.Path, "/data/urls"):
				return reply(200, `{"urls":[{"remotePath":"b.txt","url":"https://data.example/b"}],"totalCount":1}`), nil
			}
			return reply(200, fmt.Sprintf(page, "https://data.example/a")), nil
		})
		contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
		require.NoError(t, err)
		_, err = collect(t, contents.Data(t.Context(), "train"))[0].Open(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, "renew the url of train/a.txt: renew data urls: GET /datasets/154e35ba50954cae9f3e3c7ac41b2d0f/data/urls: 200: invalid response: it holds no url of a.txt")
	})
}

func TestContentMayTakeLongerThanAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "gas.graviti.cn" {
				return reply(200, `{"dataDetails":[{"remotePath":"a.txt","url":"https://data.example/a"}],"totalCount":1}`), nil
			}
			resp := reply(200, "")
			resp.Body = io.NopCloser(&slow{r: r, left: 10})
			return resp, nil
		}, jobs.WithAttemptTimeout(2*time.Second))
		contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
		require.NoError(t, err)
		d := collect(t, contents.Data(t.Context(), "train"))[0]
		assert.Equal(t, "aaaaaaaaaa", read(t.Context(), t, d))
	})
}

// slow gives a byte a second.
type slow struct {
	r    *http.Request
	left int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	select {
	case <-time.After(time.Second):
	case <-s.r.Context().Done():
		return 0, s.r.Context().Err()
	}
	s.left--
	p[0] = 'a'
	return 1, nil
}

func TestSlowBodyEndsAtTheAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			resp := reply(200, "")
			resp.Body = io.NopCloser(&slow{r: r, left: 1 << 30})
			return resp, nil
		}, jobs.WithAttemptTimeout(5*time.Second))
		start := time.Now()
		_, err := byID(t, client).Refresh(t.Context())
		assert.Equal(t, 5*time.Second, time.Since(start))
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, "the attempt timed out after 5s")
	})
}
