package jobs

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// Option configures a [Client]. If its value is invalid, [NewClient] fails with
// [ErrInvalidArgument]. For numbers and durations, zero means the default. A negative value
// means no limit, if the option does not say otherwise.
type Option func(*settings) error

// defaults sets the settings that have a default.
var defaults = []Option{WithRetry(RetryPolicy{}), WithConcurrentPages(0), WithAttemptTimeout(0), WithMaxBody(0)}

type settings struct {
	transport.Config
	rate, pollRate float64
	pages          int // of one list, requested at the same time
	recover        bool
}

// WithBaseURL sets the address of the service, such as https://gas.graviti.com/. The path
// of the API is appended. Only https is allowed, and http to a loopback address. The default,
// also for an empty url, is the address that the access key selects, see [NewClient].
func WithBaseURL(url string) Option {
	return func(s *settings) (err error) {
		if url == "" {
			return nil
		}
		if s.BaseURL, err = transport.ParseBaseURL(url); err != nil {
			return invalid("%v", err)
		}
		return nil
	}
}

// WithHTTPClient sends requests through a copy of the given client. Its transport, cookie
// jar and timeout are used. Its redirect policy is not, because the API never redirects and
// the access key must not leave its host. The default is an http.Client with
// http.DefaultTransport.
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) error {
		if client == nil {
			return invalid("http client is nil: leave the option out for the default")
		}
		s.Client = client
		return nil
	}
}

// WithLogger logs every attempt at level debug and every repetition at level warn. An outage
// during a wait is logged once at its start (warn) and once at its end (info), and so is a
// time in which the service refuses requests. Records contain no access key, query or body.
// The default logs nothing.
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) error {
		if logger == nil {
			return invalid("logger is nil: leave the option out for no log")
		}
		s.Log = logger
		return nil
	}
}

// RetryPolicy configures how failed requests are repeated. Zero means the default, and a
// negative value is an error.
//
// Reads, deleting or aborting a job and closing a draft are repeated if no valid response
// arrived, or if the status is 408, 425, 429 or 5xx. Creating or retrying a job, making a
// dataset and committing a draft are repeated only if no connection was made, or if the status
// is 425 or 429.
type RetryPolicy struct {
	// Attempts is the largest number of attempts. The default is 4; 1 means no repetition.
	Attempts int
	// Backoff is the delay before the second attempt. It doubles for each further attempt,
	// and is shortened at random by up to half. The default is 250 ms.
	Backoff time.Duration
	// MaxBackoff is the longest such delay. The default is 10 s.
	MaxBackoff time.Duration
	// MaxRetryAfter caps the delay of a Retry-After header. The default is one minute.
	MaxRetryAfter time.Duration
}

// WithRetry sets the policy for failed requests. It does not apply to the polls of
// [Job.Wait], which continues after transient errors in its own way.
func WithRetry(policy RetryPolicy) Option {
	return func(s *settings) error {
		if policy.Attempts < 0 || policy.Backoff < 0 || policy.MaxBackoff < 0 || policy.MaxRetryAfter < 0 {
			return invalid("retry policy %+v: a field is negative", policy)
		}
		s.Retry = transport.Retry{
			Attempts:      cmp.Or(policy.Attempts, 4),
			Backoff:       cmp.Or(policy.Backoff, 250*time.Millisecond),
			MaxBackoff:    cmp.Or(policy.MaxBackoff, 10*time.Second),
			MaxRetryAfter: cmp.Or(policy.MaxRetryAfter, time.Minute),
		}
		return nil
	}
}

// WithPollLimit limits the polls of all waits together to the given number in any one second.
// A limit that is not a whole number is spread evenly: 2.5 is one poll every 400 ms. The
// default is 10, or the limit of [WithRateLimit] if that is set.
func WithPollLimit(pollsPerSecond float64) Option {
	return func(s *settings) error {
		if math.IsNaN(pollsPerSecond) {
			return invalid("poll limit is not a number: give polls per second")
		}
		s.pollRate = pollsPerSecond
		return nil
	}
}

// WithRateLimit limits all requests of the client together, polls included, to the given
// number in any one second. Content read through signed URLs does not count. By default only
// polls are limited, see [WithPollLimit]. A negative value means no limit: polls then have none
// either, unless [WithPollLimit] is set.
//
// Regardless of this option the client slows down if the service responds with status 429 or
// with another error and a Retry-After header, and speeds up again by itself: it continues at
// nine tenths of the rate that the service accepted. After status 429 with Retry-After it sends
// no request for that time, up to MaxRetryAfter of [RetryPolicy].
func WithRateLimit(requestsPerSecond float64) Option {
	return func(s *settings) error {
		if math.IsNaN(requestsPerSecond) {
			return invalid("rate limit is not a number: give requests per second")
		}
		s.rate = requestsPerSecond
		return nil
	}
}

// WithConcurrentPages sets how many pages of one list are requested at the same time: one page
// first, and more the further the caller reads. They are held in memory. A loop that ends
// early cancels its requests. The default is 8; 1 requests one page after the other, and a
// negative value is an error.
func WithConcurrentPages(n int) Option {
	return func(s *settings) error {
		if s.pages = cmp.Or(n, 8); n < 0 {
			return invalid("%d concurrent pages: use 1 for one after the other", n)
		}
		return nil
	}
}

// WithAttemptTimeout limits a single attempt, from the connection to the last byte of the
// response. It also applies to the polls of a wait, but a poll that is much slower than usual is
// canceled and repeated earlier. The default is 30 s; a negative value means no limit. For
// content, see [Data.Open].
func WithAttemptTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if s.Timeout = cmp.Or(d, 30*time.Second); d < 0 {
			s.Timeout = math.MaxInt64
		}
		return nil
	}
}

// WithCreateRecovery lets [Jobs.Create] search the list for a job whose creation is
// uncertain: up to five times in about eight seconds, or in 30 s if the service is slow. If
// exactly one job has the same type, title and arguments, is not older than the request, and was
// not returned by another Create of this client, Create returns it. Otherwise Create returns
// a [*CreateError].
//
// Creates of equal jobs with one client then wait for each other. A job that another program
// creates at the same time with the same title and arguments cannot be told apart: do not
// use this option if several programs create equal jobs.
func WithCreateRecovery() Option {
	return func(s *settings) error {
		s.recover = true
		return nil
	}
}

// WithMaxBody limits the size of a response in bytes, after decompression. The error of
// a larger one matches [ErrInvalidResponse]. The default is 64 MiB. Content read through
// [Data.Open] is not limited.
func WithMaxBody(bytes int64) Option {
	return func(s *settings) error {
		if s.MaxBody = cmp.Or(bytes, 64<<20); bytes < 0 {
			s.MaxBody = math.MaxInt64
		}
		return nil
	}
}

// An Attempt describes one request that was sent, for metrics and traces. It contains no
// access key, query or body.
type Attempt struct {
	// Operation is the operationId of openapi.yaml, such as "getJob", or "openContent" for
	// content behind a signed URL.
	Operation string
	// Method and Route of the request. The route is the path of openapi.yaml, without ids,
	// such as /datasets/{datasetId}/jobs/{jobId}; empty for content.
	Method, Route string
	// RequestID is the id that was sent to the service; empty for content.
	RequestID string
	// Number is the number of the attempt of the same request, from one. Polls of a wait are
	// separate requests.
	Number int
	// StatusCode of the response; 0 if none arrived.
	StatusCode int
	// Start is the time of sending. Duration is the time to the end of the response; for
	// content, to its headers.
	Start    time.Time
	Duration time.Duration
	// Err is the error of the attempt, usually an [*Error]; nil if a valid response arrived.
	Err error
}

// WithObserver calls observe after each attempt, on the goroutine that sent it. The context is
// that of the call, such as [Jobs.Create]. Polls of a wait have a context without values,
// because waits share them. The function must be safe for concurrent use and return soon.
func WithObserver(observe func(ctx context.Context, attempt Attempt)) Option {
	return func(s *settings) error {
		if observe == nil {
			return invalid("observer is nil: leave the option out")
		}
		s.Observe = func(ctx context.Context, o transport.Outcome) {
			observe(ctx, Attempt{
				Operation: string(o.Operation), Method: o.Method, Route: route(o), RequestID: o.RequestID, Number: o.Attempts,
				StatusCode: o.Status, Start: time.Now().Add(-o.RTT), Duration: o.RTT, Err: newError(o),
			})
		}
		return nil
	}
}

// parameters maps each collection in a path to the name of the id that follows it.
var parameters = map[string]string{"datasets": "{datasetId}", "jobs": "{jobId}", "drafts": "{draftNumber}", "searchResults": "{jobId}"}

// route returns the path of a request with the names of parameters in place of ids.
func route(o transport.Outcome) string {
	if o.Operation == transport.OpenContent || o.Path == "" {
		return ""
	}
	parts := strings.Split(o.Path, "/")
	for i := 0; i+1 < len(parts); i++ {
		if name, ok := parameters[parts[i]]; ok {
			i++
			parts[i] = name
		}
	}
	return strings.Join(parts, "/")
}
