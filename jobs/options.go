package jobs

import (
	"log/slog"
	"math"
	"net/http"
	"time"
)

// Option changes how a [Client] works. An option with a value that makes no
// sense makes [NewClient] fail with [ErrInvalidArgument].
type Option func(*settings) error

type settings struct {
	baseURL    string
	httpClient *http.Client
	logger     *slog.Logger
	retry      RetryPolicy
	rate       float64
	timeout    time.Duration
	maxBody    int64
	recover    bool
}

func defaults(home string) settings {
	return settings{
		baseURL:    home,
		httpClient: &http.Client{},
		logger:     slog.New(slog.DiscardHandler),
		retry:      RetryPolicy{}.withDefaults(),
		rate:       10,
		timeout:    30 * time.Second,
		maxBody:    64 << 20,
	}
}

// WithBaseURL sends requests to another TensorBay: a private one, or an
// embedded one from package jobstest. The url is the root, such as
// https://gas.graviti.com/; the path of the API is added. Only https is
// allowed, and http to a loopback address.
func WithBaseURL(url string) Option {
	return func(s *settings) (err error) {
		s.baseURL, err = parseBaseURL(url)
		return err
	}
}

// WithHTTPClient sends requests through a copy of the given client: its
// transport, cookie jar and timeout are used, its redirect policy is not,
// because the API never redirects and the access key must not travel on. The
// default is a plain http.Client with http.DefaultTransport.
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) error {
		if client == nil {
			return invalid("http client is nil: leave the option out for the default")
		}
		s.httpClient = client
		return nil
	}
}

// WithLogger logs every attempt at level debug and every repetition at level
// warn. No record holds the access key, a query or a body. The default logs
// nothing.
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) error {
		if logger == nil {
			return invalid("logger is nil: leave the option out for no log")
		}
		s.logger = logger
		return nil
	}
}

// WithRetry says how often a request that failed is sent again, and when. It
// does not touch [Job.Wait], which goes through errors by rules of its own.
func WithRetry(policy RetryPolicy) Option {
	return func(s *settings) error {
		if policy.Attempts < 0 || policy.Backoff < 0 || policy.MaxBackoff < 0 || policy.MaxRetryAfter < 0 {
			return invalid("retry policy %+v: nothing in it may be negative", policy)
		}
		s.retry = policy.withDefaults()
		return nil
	}
}

// WithRateLimit limits the client to so many requests in any one second, waits and
// lists and single calls together; content read through signed URLs does not
// count. A limit that is not a whole number is spread evenly: 2.5 is one request
// every 400 ms. The default is 10; a negative value means no limit.
func WithRateLimit(requestsPerSecond float64) Option {
	return func(s *settings) error {
		if requestsPerSecond != requestsPerSecond {
			return invalid("rate limit is not a number: give requests per second")
		}
		s.rate = orDefault(requestsPerSecond, 10)
		return nil
	}
}

// WithAttemptTimeout bounds a single attempt, from the connection to the last
// byte of the response. The default is 30 s; a negative value means no limit.
func WithAttemptTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if s.timeout = orDefault(d, 30*time.Second); d < 0 {
			s.timeout = math.MaxInt64
		}
		return nil
	}
}

// WithCreateRecovery makes [Jobs.Create] look for a job that it cannot tell to
// be created: up to five times in about eight seconds, in the list of jobs. If
// exactly one job there is of the same type, title and arguments, was not
// created before, and has not been returned by another Create of this client,
// it is the one, and Create returns it. If there is none, or several, the error
// is a [*CreateError] as ever: that a job does not show proves nothing.
//
// Two things go with it. Creates of the same job with one client wait for each
// other. And a job that another program creates with the same title and
// arguments at the same time, within five seconds and what the clocks of this
// machine and of the service differ by, cannot be told apart: do not use it where
// several programs create the same jobs.
func WithCreateRecovery() Option {
	return func(s *settings) error {
		s.recover = true
		return nil
	}
}

// WithMaxBody bounds the size of an answer in bytes, after decompression. The
// default is 64 MiB; a negative value means no limit. Content read through [Data.Open] is not bounded.
func WithMaxBody(bytes int64) Option {
	return func(s *settings) error {
		if s.maxBody = orDefault(bytes, 64<<20); bytes < 0 {
			s.maxBody = math.MaxInt64
		}
		return nil
	}
}
