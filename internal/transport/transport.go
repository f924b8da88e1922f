// Package transport sends one request to TensorBay: it waits for the rate limit, authorizes,
// sends, reads, classifies, and repeats the request if that is safe.
//
// [Transport.Do] returns an [Outcome], whose State tells whether the request took effect.
package transport

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// A Limiter delays requests. Wait returns when the next one may be sent, or the error of ctx.
// [ratelimit.Limiter] describes the other methods.
type Limiter interface {
	Wait(ctx context.Context) error
	Observe(sent time.Time, refused bool, delay time.Duration) ratelimit.Change
	PerSecond() float64
}

// Config holds the settings of a [Transport]. All fields but Observe are required.
type Config struct {
	Key     redact.Secret // the access key
	Product string        // the value of the X-Source header
	BaseURL string        // from ParseBaseURL or ParseAccessKey
	Client  *http.Client  // it is copied
	Log     *slog.Logger
	Retry   Retry
	Limit   Limiter
	Timeout time.Duration                  // of one attempt
	MaxBody int64                          // in bytes, after decompression
	Observe func(context.Context, Outcome) // is called after each attempt; may be nil
}

// A Transport sends requests to one TensorBay with one access key. It is safe for
// concurrent use.
type Transport struct {
	Config
	Server    string // the root of the Open API
	api, data send
	clock     clock
}

// New returns a Transport.
func New(c Config) *Transport {
	t := &Transport{Config: c, Server: c.BaseURL + apiPath}
	// The client of the caller is never changed.
	api, data := *c.Client, *c.Client
	t.Client = nil
	api.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	data.CheckRedirect = checkDataRedirect
	t.api, t.data = newSend(&api), newSend(&data)
	return t
}

// An Operation is the id of an operation of openapi.yaml, such as getJob.
type Operation string

// nonIdempotent operations may take effect twice if they are sent twice. They are repeated
// only if the request did not arrive or was refused.
var nonIdempotent = map[Operation]bool{"createJob": true, "retryJob": true, "createDatasetFromSearch": true, "createCommit": true}

// Idempotent reports whether the operation may be sent again.
func (op Operation) Idempotent() bool { return !nonIdempotent[op] }

// Name returns the words of the id, such as get job.
func (op Operation) Name() string {
	return strings.ToLower(regexp.MustCompile(`[A-Z]`).ReplaceAllString(string(op), " $0"))
}

// Build makes the request of one attempt, because a body can be read only once.
type Build func() (*http.Request, error)

// Do sends a request and repeats it according to the retry policy. It passes the body of
// the response to parse; a nil parse means that no body is promised.
func (t *Transport) Do(ctx context.Context, op Operation, build Build, parse func(body []byte) error) Outcome {
	if err := t.Limit.Wait(ctx); err != nil {
		o := Outcome{Operation: op, State: NotSent, Err: err}
		if req, buildErr := build(); buildErr == nil {
			o.Method, o.Path = req.Method, t.relative(req)
		}
		return o
	}
	return t.repeat(ctx, t.Retry, t.Limit.Wait, func() Outcome { return t.once(ctx, op, build, parse) })
}

// Once sends one attempt. It does not wait for the rate limit.
func (t *Transport) Once(ctx context.Context, op Operation, build Build, parse func(body []byte) error) Outcome {
	return t.repeat(ctx, Retry{}, nil, func() Outcome { return t.once(ctx, op, build, parse) })
}

// repeat sends and logs attempts until one succeeds or the policy allows no more. It calls
// wait, which may be nil, before each attempt but the first.
func (t *Transport) repeat(ctx context.Context, policy Retry, wait func(context.Context) error, send func() Outcome) Outcome {
	uncertain := false
	for attempt := 1; ; attempt++ {
		start := time.Now()
		o := send()
		o.Attempts, o.Uncertain, o.RTT = attempt, uncertain, time.Since(start)
		uncertain = uncertain || o.State == Unknown
		if t.Observe != nil && o.Method != "" { // else the request could not be built
			t.Observe(ctx, o)
		}
		if t.Log.Enabled(ctx, slog.LevelDebug) {
			t.Log.LogAttrs(ctx, slog.LevelDebug, "tensorbay request", append(o.attrs(), slog.Duration("took", o.RTT))...)
		}
		delay, again := policy.next(o, attempt)
		if !again {
			return o
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
			o.interrupt(context.DeadlineExceeded) // the next attempt would be too late
			return o
		}
		t.Log.LogAttrs(ctx, slog.LevelWarn, "tensorbay request will be sent again", append(o.attrs(), slog.Duration("delay", delay))...)
		ended := Sleep(ctx, delay)
		if ended == nil && wait != nil {
			ended = wait(ctx)
		}
		if ended != nil {
			o.interrupt(ended)
			return o
		}
	}
}

func (t *Transport) once(ctx context.Context, op Operation, build Build, parse func([]byte) error) Outcome {
	req, err := build()
	if err != nil {
		return Outcome{Operation: op, State: NotSent, Err: &InvalidError{err}}
	}
	o := Outcome{Operation: op, Method: req.Method, Path: t.relative(req), RequestID: t.authorize(req.Header)}
	sent := time.Now()
	body := t.attempt(ctx, req, &o, parse != nil)
	t.observe(ctx, sent, o)
	if parse == nil {
		parse = wire.CheckEmpty
	}
	if o.State == Done {
		if err := parse(body); err != nil {
			o.State, o.Err = Unknown, err
		}
	}
	if o.State != Done {
		o.Body = redact.New(string(body))
	}
	return o
}

// observe adapts the rate limit to a response.
func (t *Transport) observe(ctx context.Context, sent time.Time, o Outcome) {
	if o.Status == 0 {
		return
	}
	refused, delay := o.Status >= 400 && o.RetryAfter > 0, time.Duration(0)
	if o.Status == http.StatusTooManyRequests {
		refused, delay = true, min(o.RetryAfter, t.Retry.MaxRetryAfter)
	}
	switch t.Limit.Observe(sent, refused, delay) {
	case ratelimit.Slower:
		t.Log.LogAttrs(ctx, slog.LevelWarn, "tensorbay refuses requests, which slow down",
			slog.Float64("per_second", t.Limit.PerSecond()), slog.Duration("delay", delay))
	case ratelimit.Unlimited:
		t.Log.LogAttrs(ctx, slog.LevelInfo, "tensorbay has accepted all requests for a minute, which speed up")
	case ratelimit.Unchanged:
	}
}

// Retry is the policy for failed requests.
type Retry struct {
	Attempts      int           // at most
	Backoff       time.Duration // before the second attempt; it doubles
	MaxBackoff    time.Duration
	MaxRetryAfter time.Duration
}

// next returns the delay before the next attempt, and whether there is one.
func (r Retry) next(o Outcome, attempts int) (time.Duration, bool) {
	if attempts >= r.Attempts || !o.retryable() {
		return 0, false
	}
	return max(r.Delay(attempts), min(o.RetryAfter, r.MaxRetryAfter)), true
}

// Delay returns the backoff after so many failed attempts.
func (r Retry) Delay(attempts int) time.Duration {
	d := r.MaxBackoff
	if doublings := attempts - 1; doublings < 62 && r.Backoff < d>>doublings {
		d = r.Backoff << doublings
	}
	return d - time.Duration(rand.Float64()*float64(d)/2)
}

// Sleep waits for d, or returns the error of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}
