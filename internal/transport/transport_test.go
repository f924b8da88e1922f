package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

const (
	testKey = "Accesskey-0123456789abcdef"
	baseURL = "https://service.test/"
)

var (
	read   = transport.Operation("getJob")
	create = transport.Operation("createJob")

	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
)

// stub is an http.RoundTripper that reports no connections.
type stub func(*http.Request) (*http.Response, error)

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) { return s(r) }

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
}

// sequence returns a stub that gives one result after another: a status, a response or an
// error. It repeats the last one.
func sequence(results ...any) stub {
	i := -1
	return func(*http.Request) (*http.Response, error) {
		i = min(i+1, len(results)-1)
		switch result := results[i].(type) {
		case error:
			return nil, result
		case *http.Response:
			return result, nil
		default:
			return response(result.(int), `{}`), nil
		}
	}
}

// limiter is a [transport.Limiter].
type limiter func(context.Context) error

func (l limiter) Wait(ctx context.Context) error { return l(ctx) }

func (l limiter) Observe(time.Time, bool, time.Duration) ratelimit.Change { return ratelimit.Unchanged }

func (l limiter) PerSecond() float64 { return 0 }

// newTransport returns a Transport with three attempts one second apart.
func newTransport(rt http.RoundTripper, change ...func(*transport.Config)) *transport.Transport {
	config := transport.Config{
		Key: redact.New(testKey), Product: "GO-SDK/1", BaseURL: baseURL, Client: &http.Client{Transport: rt},
		Log: slog.New(slog.DiscardHandler), Limit: limiter(context.Context.Err), Timeout: 30 * time.Second, MaxBody: 1 << 20,
		Retry: transport.Retry{Attempts: 3, Backoff: time.Second, MaxBackoff: time.Second, MaxRetryAfter: time.Minute},
	}
	for _, c := range change {
		c(&config)
	}
	return transport.New(config)
}

// do sends op with a body that a redirect could repeat.
func do(ctx context.Context, t *transport.Transport, op transport.Operation) transport.Outcome {
	method, body := http.MethodGet, ""
	if !op.Idempotent() {
		method, body = http.MethodPost, `{"title":"t"}`
	}
	build := func() (*http.Request, error) {
		return http.NewRequest(method, t.Server+"datasets/d1/jobs?jobType=secret5ec1e7", strings.NewReader(body))
	}
	return t.Do(ctx, op, build, func([]byte) error { return nil })
}

func TestDo_RepeatsByStatusAndOperation(t *testing.T) {
	for status, want := range map[int]struct {
		reads, creates int
		state          transport.State
	}{
		200: {1, 1, transport.Done},
		201: {1, 1, transport.Done},
		101: {3, 1, transport.Unknown},
		202: {3, 1, transport.Unknown},
		400: {1, 1, transport.Refused},
		401: {1, 1, transport.Refused},
		404: {1, 1, transport.Refused},
		408: {3, 1, transport.Unknown},
		425: {3, 3, transport.Refused},
		429: {3, 3, transport.Refused},
		500: {3, 1, transport.Unknown},
		503: {3, 1, transport.Unknown},
		999: {3, 1, transport.Unknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := newTransport(sequence(status))
			o := do(t.Context(), tr, read)
			assert.Equal(t, want.reads, o.Attempts, "%d: attempts of a read", status)
			assert.Equal(t, status, o.Status)
			assert.Equal(t, want.state, o.State, status)
			assert.Equal(t, want.creates, do(t.Context(), tr, create).Attempts, "%d: attempts of a create", status)
		})
	}
}

func TestDo_RepeatsCreatesOnlyIfTheyWereNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := do(t.Context(), newTransport(sequence(errRefused, errRefused, 200)), create)
		assert.Equal(t, transport.Done, o.State)
		assert.Equal(t, 3, o.Attempts)
		assert.False(t, o.Uncertain)
		o = do(t.Context(), newTransport(sequence(errRefused, errReset, 200)), create)
		assert.Equal(t, transport.Unknown, o.State)
		assert.Equal(t, 2, o.Attempts)
		require.ErrorIs(t, o.Err, errReset)
	})
}

func TestDo_IsUncertainOnlyAfterAnAttemptThatMayHaveTakenEffect(t *testing.T) {
	cut := response(200, "{")
	cut.ContentLength, cut.Body = 9, io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{io.ErrUnexpectedEOF}))
	for name, tc := range map[string]struct {
		first any
		want  bool
	}{
		"rate limited": {429, false}, "too early": {425, false}, "refused dial": {errRefused, false}, "unknown host": {&net.DNSError{Err: "no such host"}, false},
		"reset": {errReset, true}, "server error": {500, true}, "request timeout": {408, true}, "redirect or other success": {202, true}, "cut body": {cut, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := do(t.Context(), newTransport(sequence(tc.first, 404)), read)
			assert.Equal(t, transport.Refused, o.State, name)
			assert.Equal(t, 2, o.Attempts, name)
			assert.Equal(t, tc.want, o.Uncertain, name)
			assert.False(t, do(t.Context(), newTransport(sequence(404)), read).Uncertain)
		})
	}
}

// failing is an io.Reader that returns its error.
type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

func TestDo_ReturnsAtOnceIfTheNextAttemptWouldBeTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := response(503, "")
		busy.Header.Set("Retry-After", "20")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		o := do(ctx, newTransport(sequence(busy)), read)
		assert.Zero(t, time.Since(start))
		assert.Equal(t, 1, o.Attempts)
		assert.Equal(t, 503, o.Status)
		assert.Equal(t, 20*time.Second, o.RetryAfter)
		require.ErrorIs(t, o.Err, context.DeadlineExceeded)
		require.NoError(t, ctx.Err())
	})
}

func TestDo_ObeysRetryAfterUpToItsMaximum(t *testing.T) {
	for after, want := range map[string]time.Duration{"20": 20 * time.Second, "3600": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			busy := response(429, "")
			busy.Header.Set("Retry-After", after)
			start := time.Now()
			o := do(t.Context(), newTransport(sequence(busy, 200)), create)
			assert.Equal(t, transport.Done, o.State)
			assert.Equal(t, want, time.Since(start))
		})
	}
}

func TestDo_KeepsTheCauseIfTheContextEndsBeforeTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(400*time.Millisecond, cancel)
		o := do(ctx, newTransport(sequence(errReset)), read)
		require.ErrorIs(t, o.Err, context.Canceled)
		require.ErrorIs(t, o.Err, errReset)
		assert.Equal(t, "read tcp: connection reset by peer; context canceled before the next attempt", o.Err.Error())
		assert.True(t, o.Ended())

		waits := 0
		o = do(t.Context(), newTransport(sequence(503), func(c *transport.Config) {
			c.Limit = limiter(func(context.Context) error {
				if waits++; waits == 2 {
					return context.DeadlineExceeded
				}
				return nil
			})
		}), read)
		require.ErrorIs(t, o.Err, context.DeadlineExceeded)
		assert.Equal(t, 503, o.Status)
		assert.Equal(t, 1, o.Attempts)
	})
}

func TestDo_SendsNothingIfTheRateLimitReturnsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := do(ctx, newTransport(stub(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errReset
	})), create)
	assert.Equal(t, transport.NotSent, o.State)
	require.ErrorIs(t, o.Err, context.Canceled)
	assert.Equal(t, "/datasets/d1/jobs", o.Path)
	assert.Equal(t, http.MethodPost, o.Method)
	assert.Empty(t, o.RequestID)
	assert.Zero(t, o.Attempts)
}

func TestDo_RejectsARequestThatCannotBeBuilt(t *testing.T) {
	tr := newTransport(sequence(200))
	errBuild := errors.New("malformed id")
	o := tr.Do(t.Context(), read, func() (*http.Request, error) { return nil, errBuild }, nil)
	assert.Equal(t, transport.NotSent, o.State)
	assert.True(t, o.Invalid())
	assert.False(t, o.Transient())
	require.ErrorIs(t, o.Err, errBuild)
	assert.Equal(t, 1, o.Attempts)
}

func TestDo_RejectsABodyThatDoesNotParse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(stub(func(*http.Request) (*http.Response, error) { return response(201, "<html>"), nil }))
		build := func() (*http.Request, error) { return http.NewRequest(http.MethodPost, tr.Server, nil) }
		errParse := errors.New("no")
		o := tr.Do(t.Context(), create, build, func([]byte) error { return errParse })
		assert.Equal(t, transport.Unknown, o.State)
		require.ErrorIs(t, o.Err, errParse)
		assert.Equal(t, "<html>", o.Body.Reveal(), "the caller may find an id in it")
		assert.Equal(t, 1, o.Attempts)

		o = tr.Do(t.Context(), read, build, nil)
		assert.Equal(t, transport.Unknown, o.State)
		require.EqualError(t, o.Err, "the body is not json")
		assert.Equal(t, 3, o.Attempts)
	})
}

func TestDo_AcceptsAnySuccessIfNoBodyIsPromised(t *testing.T) {
	for _, status := range []int{200, 201, 202, 204} {
		tr := newTransport(stub(func(*http.Request) (*http.Response, error) { return response(status, ""), nil }))
		o := tr.Do(t.Context(), read, func() (*http.Request, error) { return http.NewRequest(http.MethodDelete, tr.Server, nil) }, nil)
		assert.Equal(t, transport.Done, o.State, status)
	}
}

func TestDo_LogsAttemptsAndRepetitionsWithoutSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		failed := response(500, `{"code":"InternalServerError","message":"saw `+testKey+` at https://a.test/b?sig=5ec1e7"}`)
		tr := newTransport(sequence(failed, errors.New("lost https://a.test/?token=5ec1e7"), response(200, "bodytext")), func(c *transport.Config) {
			c.Log = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		o := do(t.Context(), tr, read)
		require.Equal(t, transport.Done, o.State)
		log := text.String()
		assert.Equal(t, 3, strings.Count(log, `level=DEBUG msg="tensorbay request" operation=getJob method=GET path=/datasets/d1/jobs`), log)
		assert.Equal(t, 2, strings.Count(log, `level=WARN msg="tensorbay request will be sent again"`), log)
		for _, want := range []string{"attempt=1 status=500 code=InternalServerError", "attempt=2 status=0", "attempt=3 status=200", "request_id=" + o.RequestID, "delay=", "took="} {
			assert.Contains(t, log, want)
		}
		for _, secret := range []string{"5ec1e7", testKey[10:], "bodytext", "jobType"} {
			assert.NotContains(t, log, secret)
		}
	})
}

func TestDo_SendsANewRequestIDWithEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := map[string]bool{}
		o := do(t.Context(), newTransport(stub(func(r *http.Request) (*http.Response, error) {
			assert.Equal(t, testKey, r.Header.Get("X-Token"))
			assert.Equal(t, "GO-SDK/1", r.Header.Get("X-Source"))
			assert.Equal(t, "GO-SDK/1", r.Header.Get("User-Agent"))
			assert.Equal(t, "application/json", r.Header.Get("Accept"))
			assert.Regexp(t, "^[0-9a-f]{32}$", r.Header.Get("X-Request-Id"))
			ids[r.Header.Get("X-Request-Id")] = true
			return response(503, ""), nil
		})), read)
		assert.Len(t, ids, 3)
		assert.True(t, ids[o.RequestID])
	})
}

func TestOnce_SendsOneAttemptWithoutTheRateLimit(t *testing.T) {
	tr := newTransport(sequence(503), func(c *transport.Config) {
		c.Limit = limiter(func(context.Context) error { return errors.New("not expected") })
	})
	o := tr.Once(t.Context(), read, func() (*http.Request, error) { return http.NewRequest(http.MethodGet, tr.Server, nil) }, nil)
	assert.Equal(t, 503, o.Status)
	assert.Equal(t, 1, o.Attempts)
	assert.NoError(t, o.Err)
}

func TestRetry_DoublesTheDelayUpToItsMaximum(t *testing.T) {
	for name, tc := range map[string]struct {
		retry transport.Retry
		most  []time.Duration // of each delay, before the jitter
	}{
		"doubles": {transport.Retry{Backoff: time.Second, MaxBackoff: 5 * time.Second}, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}},
		"above":   {transport.Retry{Backoff: time.Hour, MaxBackoff: time.Second}, []time.Duration{time.Second, time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			tc.retry.Attempts = len(tc.most) + 1
			do(t.Context(), newTransport(stub(func(*http.Request) (*http.Response, error) {
				at = append(at, time.Now())
				return response(503, ""), nil
			}), func(c *transport.Config) { c.Retry = tc.retry }), read)
			require.Len(t, at, len(tc.most)+1, name)
			for i, most := range tc.most {
				delay := at[i+1].Sub(at[i])
				assert.LessOrEqual(t, delay, most, name)
				assert.GreaterOrEqual(t, delay, most/2, name)
			}
		})
	}
}

func TestRetry_RepeatsManyTimesWithoutOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		o := do(t.Context(), newTransport(sequence(503), func(c *transport.Config) {
			c.Retry = transport.Retry{Attempts: 100, Backoff: 3 * time.Hour, MaxBackoff: 4 * time.Hour}
		}), read)
		assert.Equal(t, 100, o.Attempts)
		assert.Greater(t, time.Since(start), 99*2*time.Hour-time.Hour)
	})
}

func TestSleep_ReturnsTheErrorOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.NoError(t, transport.Sleep(ctx, 400*time.Millisecond))
		require.NoError(t, transport.Sleep(ctx, 0))
		assert.Equal(t, 400*time.Millisecond, time.Since(start))
		require.ErrorIs(t, transport.Sleep(ctx, time.Hour), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, transport.Sleep(ctx, -1), context.DeadlineExceeded)
	})
}

func TestNew_DoesNotChangeTheClientOfTheCaller(t *testing.T) {
	own := &http.Client{Transport: sequence(200), Timeout: time.Minute}
	tr := newTransport(nil, func(c *transport.Config) { c.Client = own })
	require.Equal(t, transport.Done, do(t.Context(), tr, read).State)
	assert.Nil(t, own.CheckRedirect)
	assert.Equal(t, time.Minute, own.Timeout)
	assert.Nil(t, tr.Client)
}

func TestOperations_AreIdempotentAsInTheContract(t *testing.T) {
	document, err := contract.Load()
	require.NoError(t, err)
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			if slices.Equal(op.Tags, []string{"writing"}) {
				continue // package jobs does not use it
			}
			assert.Equal(t, op.Extensions["x-idempotent"], transport.Operation(op.OperationID).Idempotent(), "%s %s", method, path)
		}
	}
}

// A service may say with the response to a poll when to poll again.
func TestDo_TreatsRetryAfterOfASuccessAsNoRefusal(t *testing.T) {
	for status, refused := range map[int]bool{200: false, 202: false, 429: true, 503: true} {
		synctest.Test(t, func(t *testing.T) {
			first := response(status, `{}`)
			first.Header.Set("Retry-After", "1")
			limit := ratelimit.NewAdaptive(0)
			do(t.Context(), newTransport(sequence(first, 200), func(c *transport.Config) { c.Limit = limit }), read)
			assert.Equal(t, refused, limit.PerSecond() > 0, status)
		})
	}
}
