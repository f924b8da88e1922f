package jobs_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestNewClient_RejectsInvalidOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		key    string
		option jobs.Option
		text   string
	}{
		"empty key":                 {"", nil, "malformed access key"},
		"other prefix":              {"accesskey-0123", nil, "malformed access key"},
		"prefix only":               {"Accesskey-", nil, "malformed access key"},
		"newline in key":            {"Accesskey-0123\r\nX-Evil: 1", nil, "malformed access key"},
		"remote http":               {testKey, jobs.WithBaseURL("http://gas.graviti.com/"), "http://gas.graviti.com: only https is allowed, http only to a loopback address"},
		"http to a loopback prefix": {testKey, jobs.WithBaseURL("http://localhost.evil.example/"), "only https is allowed"},
		"ftp":                       {testKey, jobs.WithBaseURL("ftp://gas.graviti.com/"), "only https is allowed"},
		"no host":                   {testKey, jobs.WithBaseURL("gas.graviti.com"), "want https://host[:port]/"},
		"query":                     {testKey, jobs.WithBaseURL("https://gas.graviti.com/?token=hidden"), "want https://host[:port]/"},
		"password":                  {testKey, jobs.WithBaseURL("https://me:hidden@gas.graviti.com/"), "want https://host[:port]/"},
		"unparsable url":            {testKey, jobs.WithBaseURL("https://[::1"), "the base url is empty or malformed"},
		"nil http client":           {testKey, jobs.WithHTTPClient(nil), "http client is nil"},
		"nil logger":                {testKey, jobs.WithLogger(nil), "logger is nil"},
		"negative attempts":         {testKey, jobs.WithRetry(jobs.RetryPolicy{Attempts: -1}), "a field is negative"},
		"poll limit of NaN":         {testKey, jobs.WithPollLimit(math.NaN()), "poll limit is not a number"},
		"rate limit of NaN":         {testKey, jobs.WithRateLimit(math.NaN()), "rate limit is not a number"},
	} {
		t.Run(name, func(t *testing.T) {
			var options []jobs.Option
			if tc.option != nil {
				options = append(options, tc.option)
			}
			client, err := jobs.NewClient(tc.key, options...)
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			assert.ErrorContains(t, err, tc.text)
			assert.NotContains(t, err.Error(), "hidden")
			assert.NotContains(t, err.Error(), "0123")
			assert.Nil(t, client)
		})
	}
}

func TestWithHTTPClient_DoesNotModifyTheClient(t *testing.T) {
	own := &http.Client{Transport: respondWith(200, `{"name":"a","type":0}`), Timeout: time.Minute}
	client, err := jobs.NewClient(testKey, jobs.WithHTTPClient(own))
	require.NoError(t, err)
	_, err = datasetByID(t, client).Refresh(t.Context())
	require.NoError(t, err)
	assert.Nil(t, own.CheckRedirect)
	assert.Equal(t, time.Minute, own.Timeout)
}

func TestWithRetry_DependsOnTheOperation(t *testing.T) {
	const all, once = 4, 1 // attempts
	for fault, tc := range map[string]struct {
		respond       stub
		retryable     int // attempts of a retryable operation
		nonIdempotent int // attempts of another operation
		want          error
		ambiguous     bool // if the operation is not retryable
	}{
		"connection refused":  {failWith(errRefused), all, all, jobs.ErrUnreachable, false},
		"unknown host":        {failWith(&net.DNSError{Err: "no such host"}), all, all, jobs.ErrUnreachable, false},
		"invalid certificate": {failWith(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), once, once, jobs.ErrUnreachable, false},
		"reset":               {failWith(errReset), all, once, jobs.ErrUnreachable, true},
		"408":                 {respondWith(408, ""), all, once, jobs.ErrServer, true},
		"425":                 {respondWith(425, ""), all, all, jobs.ErrServer, false},
		"429":                 {respondWith(429, ""), all, all, jobs.ErrRateLimited, false},
		"500":                 {respondWith(500, `{"code":"InternalServerError","message":"oops"}`), all, once, jobs.ErrServer, true},
		"502 html":            {respondWith(502, "<html>"), all, once, jobs.ErrServer, true},
		"503":                 {respondWith(503, ""), all, once, jobs.ErrServer, true},
		"html with 200":       {respondWith(200, "<html>"), all, once, jobs.ErrInvalidResponse, true},
		"redirect":            {respondWith(307, ""), once, once, jobs.ErrInvalidResponse, true},
		"400":                 {respondWith(400, `{"code":"InvalidParamsValue","message":"no"}`), once, once, jobs.ErrInvalidArgument, false},
		"401":                 {respondWith(401, `{"code":"Unauthorized","message":"no"}`), once, once, jobs.ErrUnauthorized, false},
		"403":                 {respondWith(403, `{"code":"AccessDenied","message":"no"}`), once, once, jobs.ErrForbidden, false},
		"404":                 {respondWith(404, `{"code":"ResourceNotExist","message":"no"}`), once, once, jobs.ErrNotFound, false},
		"409":                 {respondWith(409, `{"code":"NameConflict","message":"no"}`), once, once, jobs.ErrConflict, false},
		"unknown code":        {respondWith(404, `{"code":"Tomorrow","message":"no"}`), once, once, jobs.ErrNotFound, false},
		"code over status":    {respondWith(400, `{"code":"ResourceNotExist","message":"no"}`), once, once, jobs.ErrNotFound, false},
	} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				client := stubClient(t, func(r *http.Request) (*http.Response, error) {
					sent++
					return tc.respond(r)
				}, jobs.WithRetry(jobs.RetryPolicy{}))
				for name, call := range operationCalls(t, client) {
					sent = 0
					err := call(t.Context())
					require.ErrorIs(t, err, tc.want, name)
					nonIdempotent := name == "create" || name == "retry" || name == "create dataset"
					want := tc.retryable
					if nonIdempotent {
						want = tc.nonIdempotent
					}
					assert.Equal(t, want, sent, name)
					assert.Equal(t, tc.ambiguous && nonIdempotent, errors.Is(err, jobs.ErrAmbiguous), "%s: %v", name, err)
					var e *jobs.Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, want, e.Attempts, name)
				}
			})
		})
	}
}

func TestWithRetry_ObeysRetryAfter(t *testing.T) {
	for name, tc := range map[string]struct {
		header   func() string
		min, max time.Duration
	}{
		"seconds":      {func() string { return "7" }, 7 * time.Second, 7 * time.Second},
		"fraction":     {func() string { return "2.5" }, 2500 * time.Millisecond, 2500 * time.Millisecond},
		"date":         {func() string { return time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat) }, 8 * time.Second, 9 * time.Second},
		"past":         {func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, 0, 250 * time.Millisecond},
		"clamped":      {func() string { return "86400" }, time.Minute, time.Minute},
		"negative":     {func() string { return "-5" }, 0, 250 * time.Millisecond},
		"invalid":      {func() string { return "soon" }, 0, 250 * time.Millisecond},
		"not a number": {func() string { return "NaN" }, 0, 250 * time.Millisecond},
		"very large":   {func() string { return "1e300" }, time.Minute, time.Minute},
		"none":         {func() string { return "" }, 0, 250 * time.Millisecond},
		"infinite":     {func() string { return "Inf" }, time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var at []time.Time
				client := stubClient(t, func(*http.Request) (*http.Response, error) {
					at = append(at, time.Now())
					resp := newResponse(503, "")
					if h := tc.header(); h != "" {
						resp.Header.Set("Retry-After", h)
					}
					return resp, nil
				}, jobs.WithRetry(jobs.RetryPolicy{Attempts: 2}))
				_, err := datasetByID(t, client).Refresh(t.Context())
				require.ErrorIs(t, err, jobs.ErrServer)
				require.Len(t, at, 2)
				assert.GreaterOrEqual(t, at[1].Sub(at[0]), tc.min)
				assert.LessOrEqual(t, at[1].Sub(at[0]), tc.max)
			})
		})
	}
}

func TestWithRetry_EndsItsDelayWithTheContext(t *testing.T) {
	for name, tc := range map[string]struct {
		context func(context.Context) (context.Context, context.CancelFunc)
		want    error
		elapsed time.Duration
	}{
		"canceled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, context.Canceled, time.Second},
		"deadline before the end of the delay": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, context.DeadlineExceeded, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				policy := jobs.RetryPolicy{Backoff: time.Hour, MaxBackoff: time.Hour}
				client := stubClient(t, respondWith(503, ""), jobs.WithRetry(policy))
				ctx, cancel := tc.context(t.Context())
				defer cancel()
				start := time.Now()
				_, err := datasetByID(t, client).Refresh(ctx)
				assert.Equal(t, tc.elapsed, time.Since(start))
				require.ErrorIs(t, err, tc.want)
				require.ErrorIs(t, err, jobs.ErrServer)
			})
		})
	}
}

func TestWithRateLimit_BoundsTheRequestsOfEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		client := stubClient(t, func(*http.Request) (*http.Response, error) {
			at = append(at, time.Now())
			return newResponse(200, `{"name":"a","type":0}`), nil
		}, jobs.WithRateLimit(10))
		for range 100 {
			_, err := datasetByID(t, client).Refresh(t.Context())
			require.NoError(t, err)
		}
		for i := 10; i < len(at); i++ {
			require.GreaterOrEqual(t, at[i].Sub(at[i-10]), time.Second, "more than 10 requests in a second")
		}
		assert.Equal(t, 9*time.Second, at[99].Sub(at[0]), "the limit is used fully")
	})
}

// peakOf returns the largest number of requests within a second.
func peakOf(requests []jobstest.Request) (peak int) {
	first := 0
	for i, r := range requests {
		for r.Time.Sub(requests[first].Time) >= time.Second {
			first++
		}
		peak = max(peak, i-first+1)
	}
	return peak
}

func TestWithPollLimit_LimitsPollsAndNothingElse(t *testing.T) {
	for name, tc := range map[string]struct {
		options      []jobs.Option
		calls, polls int // at most in a second; 0 for more than 20
	}{
		"default":              {nil, 0, 10},
		"poll limit":           {[]jobs.Option{jobs.WithPollLimit(3)}, 0, 3},
		"no poll limit":        {[]jobs.Option{jobs.WithPollLimit(-1)}, 0, 0},
		"rate limit":           {[]jobs.Option{jobs.WithRateLimit(20)}, 20, 20},
		"both":                 {[]jobs.Option{jobs.WithRateLimit(20), jobs.WithPollLimit(3)}, 20, 3},
		"no limit of anything": {[]jobs.Option{jobs.WithRateLimit(-1)}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, jobstest.WithProcessing(time.Minute), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
				all := createMerges(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), 100)
				client, err := jobs.NewClient(server.AccessKey(), append([]jobs.Option{jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client())}, tc.options...)...)
				require.NoError(t, err)
				ds := dataset(t, client, "squash-and-merge")
				all = resumeAll(t, ds, all...)
				<-time.After(time.Minute)
				before := len(server.Requests())
				for range 100 {
					_, err := ds.Refresh(t.Context())
					require.NoError(t, err)
				}
				calls := peakOf(server.Requests()[before:])
				<-time.After(2 * time.Second)
				before = len(server.Requests())
				server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(403))
				requireNoErrors(t, waitEach(t.Context(), all))
				polls := peakOf(server.Requests()[before:])
				for what, n := range map[string][2]int{"calls": {calls, tc.calls}, "polls": {polls, tc.polls}} {
					if n[1] == 0 {
						assert.Greater(t, n[0], 20, what)
					} else {
						assert.LessOrEqual(t, n[0], n[1], what)
					}
				}
			})
		})
	}
}

func TestWithMaxBody_RejectsLargerBodies(t *testing.T) {
	client := stubClient(t, func(*http.Request) (*http.Response, error) {
		resp := newResponse(200, "")
		resp.ContentLength = -1
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"title":"`), &endless{}))
		return resp, nil
	}, jobs.WithMaxBody(1<<20))
	_, err := datasetByID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "the body is larger than 1048576 bytes, see WithMaxBody")
}

// endless is a body without an end.
type endless struct{}

func (*endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestWithAttemptTimeout_EndsASlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			resp := newResponse(200, "")
			resp.Body = io.NopCloser(&slow{r: r, left: 1 << 30})
			return resp, nil
		}, jobs.WithAttemptTimeout(5*time.Second))
		start := time.Now()
		_, err := datasetByID(t, client).Refresh(t.Context())
		assert.Equal(t, 5*time.Second, time.Since(start))
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, "the attempt timed out after 5s")
	})
}

func TestWithAttemptTimeout_EndsASlowBodyOverTCP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, " ") // a byte at a time, without an end
			w.(http.Flusher).Flush()
			<-time.After(5 * time.Millisecond)
		}
	}))
	defer server.Close()
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL(server.URL), jobs.WithHTTPClient(server.Client()),
		jobs.WithAttemptTimeout(200*time.Millisecond), jobs.WithRetry(jobs.RetryPolicy{Attempts: 2, Backoff: time.Millisecond}))
	require.NoError(t, err)
	start := time.Now()
	_, err = datasetByID(t, client).Refresh(t.Context())
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "the attempt timed out after 200ms")
	assert.Less(t, time.Since(start), 5*time.Second)
}

// slow is a body that delivers a byte per second until the context of r ends.
type slow struct {
	r    *http.Request
	left int // bytes
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

type attempts struct {
	mu  sync.Mutex
	all []jobs.Attempt
	ctx []context.Context
}

func (a *attempts) observe(ctx context.Context, attempt jobs.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all, a.ctx = append(a.all, attempt), append(a.ctx, ctx)
}

func TestWithObserver_SeesEachAttempt(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond))
		var seen attempts
		client := clientOf(t, server, jobs.WithObserver(seen.observe))
		server.Inject(jobstest.Rule{Operation: "getDataset", Times: 1}, jobstest.Status(503))
		ctx := context.WithValue(t.Context(), key{}, "call")
		_, err := client.DatasetByID("squash-and-merge")
		require.NoError(t, err)
		_, err = client.Dataset(ctx, "squash-and-merge")
		require.NoError(t, err)
		require.Len(t, seen.all, 3)
		assert.Equal(t, []string{"listDatasets", "getDataset", "getDataset"}, []string{seen.all[0].Operation, seen.all[1].Operation, seen.all[2].Operation})
		failed, again := seen.all[1], seen.all[2]
		assert.Equal(t, 503, failed.StatusCode)
		require.ErrorIs(t, failed.Err, jobs.ErrServer)
		assert.Equal(t, 1, failed.Number)
		assert.Equal(t, 2, again.Number)
		assert.NoError(t, again.Err)
		assert.Equal(t, 20*time.Millisecond, again.Duration)
		assert.Equal(t, time.Now().Add(-again.Duration), again.Start)
		assert.NotEqual(t, failed.RequestID, again.RequestID)
		assert.Equal(t, "call", seen.ctx[0].Value(key{}))

		job := createMerge(ctx, t, client)
		before := len(seen.all)
		require.NoError(t, job.Wait(ctx))
		require.Greater(t, len(seen.all), before)
		assert.Nil(t, seen.ctx[before].Value(key{}), "polls are shared")
	})
	_, err := jobs.NewClient(testKey, jobs.WithObserver(nil))
	require.ErrorIs(t, err, jobs.ErrInvalidArgument)
}

func TestWithObserver_SeesTheRouteOfALongPath(t *testing.T) {
	var seen attempts
	client := stubClient(t, respondWith(404, ""), jobs.WithObserver(seen.observe))
	ds, err := client.DatasetByID(strings.Repeat("é", 100)) // 600 bytes in a path
	require.NoError(t, err)
	_, err = ds.SquashAndMerge().Get(t.Context(), "j1")
	require.ErrorIs(t, err, jobs.ErrNotFound)
	assert.Equal(t, "/datasets/{datasetId}/jobs/{jobId}", seen.all[0].Route)
}

func TestWithObserver_SeesNoRequestThatCannotBeBuilt(t *testing.T) {
	var seen attempts
	client := stubClient(t, func(*http.Request) (*http.Response, error) { panic("no request is expected") }, jobs.WithObserver(seen.observe))
	ds, err := client.DatasetByID("d1")
	require.NoError(t, err)
	for _, err := range ds.Jobs("").List(t.Context(), jobs.ListOptions{}) {
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
	}
	assert.Empty(t, seen.all)
}
