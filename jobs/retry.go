package jobs

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A RetryPolicy says how a request that failed is sent again. The zero value
// is the default of every field.
//
// Reads, delete and abort are repeated after no response, a invalid response, 429 and
// 5xx. Creating a job, retrying one and making a dataset are repeated only
// where the request surely did not take effect: the connection was never made,
// or the answer is 429.
type RetryPolicy struct {
	// Attempts is how often a request is sent at the most. The default is 4; 1
	// is no repetition.
	Attempts int
	// Backoff is the delay before the second attempt; it doubles for each one
	// after it, and up to half of it is left out at random. The default is
	// 250 ms.
	Backoff time.Duration
	// MaxBackoff is the longest such delay. The default is 10 s.
	MaxBackoff time.Duration
	// MaxRetryAfter bounds what is obeyed of a Retry-After header. The default
	// is one minute.
	MaxRetryAfter time.Duration
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	return RetryPolicy{
		Attempts:      orDefault(p.Attempts, 4),
		Backoff:       orDefault(p.Backoff, 250*time.Millisecond),
		MaxBackoff:    orDefault(p.MaxBackoff, 10*time.Second),
		MaxRetryAfter: orDefault(p.MaxRetryAfter, time.Minute),
	}
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// next says whether to send again after so many attempts, and when.
func (p RetryPolicy) next(op operation, attempts int, err *Error) (time.Duration, bool) {
	if attempts >= p.Attempts || !retryable(op, err) {
		return 0, false
	}
	d := min(p.Backoff<<min(attempts-1, 20), p.MaxBackoff)
	d -= time.Duration(rand.Float64() * float64(d) / 2)
	return max(d, min(err.RetryAfter, p.MaxRetryAfter)), true
}

func retryable(op operation, err *Error) bool {
	if isContextError(err.cause) || errors.Is(err.cause, ErrInvalidArgument) {
		return false // nobody else's fault
	}
	if err.notSent || err.StatusCode == http.StatusTooManyRequests {
		return true
	}
	return !op.nonIdempotent && transient(err)
}

// refusedAgain reports whether the service refused what was sent before without
// a sound answer: perhaps because it was done then.
func rejectedOnRetry(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Attempts > 1 && e.StatusCode >= 400 && !transient(e)
}

// transient tells weather from an answer.
func transient(err *Error) bool {
	return err.StatusCode == 0 || err.StatusCode >= 500 || err.StatusCode == http.StatusTooManyRequests ||
		errors.Is(err.cause, ErrInvalidResponse)
}

// parseRetryAfter reads the header in both its forms, seconds and date. What it
// cannot read is no wish.
func parseRetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	// A wish of more than a day is an error of somebody.
	const most = 24 * time.Hour
	if seconds, err := strconv.ParseFloat(header, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, most.Seconds()) * float64(time.Second))
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(date.Sub(now), 0), most)
	}
	return 0
}
