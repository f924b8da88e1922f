package polling

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// PollFunc reads the state once. It must return soon after ctx ends.
type PollFunc[T any] func(ctx context.Context) (Result[T], error)

// Result holds the outcome of a poll.
type Result[T any] struct {
	// Value is the state. It is ignored if the poll failed.
	Value T
	// Done reports whether the state is the one waited for.
	Done bool
	// RetryAfter is the least delay before the next poll, as in the HTTP header of
	// that name. It applies after errors too.
	RetryAfter time.Duration
}

// Event describes a poll and its consequences.
type Event[T any] struct {
	// Result is the outcome of the poll. If the poll failed, only RetryAfter is set.
	Result[T]
	// Err is the error of the poll. The wait continues unless this event is the
	// last.
	Err error
	// Poll is the number of the poll, counted from one.
	Poll int
	// Elapsed is the duration of the wait when the poll returned.
	Elapsed time.Duration
	// Next is the delay before the next poll. It is zero if the wait is over.
	Next time.Duration
}

// Options configure a wait. Zero fields mean the defaults.
type Options struct {
	// Schedule sets the delay after polls that succeeded.
	Schedule Schedule
	// Backoff sets the delay after polls that failed.
	Backoff Backoff
	// Timeout limits each poll. The default is 30 s. A negative value means no
	// limit.
	Timeout time.Duration
	// MaxOutage limits how long all polls may fail before the wait ends with
	// [ErrOutage]. Each poll that succeeds starts it anew. The default is one hour.
	// A negative value means no limit.
	MaxOutage time.Duration
	// MaxRetryAfter limits [Result.RetryAfter]. The default is one minute. A
	// negative value means no limit.
	MaxRetryAfter time.Duration
	// Elapsed is the age of the awaited operation when the wait begins. A resumed
	// wait continues with the delays that it would have reached. The default is
	// zero. A negative value is an error.
	Elapsed time.Duration
	// InitialDelay is the delay before the first poll. The default is none. A negative
	// value is an error.
	InitialDelay time.Duration
}

func (o Options) validate() error {
	if err := o.Schedule.Validate(); err != nil {
		return err
	}
	if o.Elapsed < 0 {
		return fmt.Errorf("%w: Elapsed must not be negative, but is %v", ErrInvalidOptions, o.Elapsed)
	}
	if o.InitialDelay < 0 {
		return fmt.Errorf("%w: InitialDelay must not be negative, but is %v", ErrInvalidOptions, o.InitialDelay)
	}
	return validate("Backoff", o.Backoff.Min, o.Backoff.Max, o.Backoff.Jitter)
}

// Watch polls until the result is Done, and yields an event for each poll. The second
// value is nil in all pairs except the last one of a wait that ended early. There it
// is an [*Error], or wraps [ErrInvalidOptions]. If ctx ends between two polls, the
// event of that pair is zero.
//
// Watch polls only while the loop asks for the next event. Leaving the loop ends the
// wait.
func Watch[T any](ctx context.Context, poll PollFunc[T], o Options) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		if err := o.validate(); err != nil {
			yield(Event[T]{}, err)
			return
		}
		now := time.Now()
		w := &wait[T]{poll: poll, options: o, began: now, succeeded: now}
		delay, retryAfter := o.InitialDelay, time.Duration(0)
		for {
			if err := w.sleep(ctx, delay, retryAfter); err != nil {
				yield(Event[T]{}, w.error(err))
				return
			}
			event := w.next(ctx)
			if reason := w.endedEarly(ctx, event); reason != nil {
				yield(event, w.error(reason))
				return
			}
			if !event.Done {
				retryAfter = event.RetryAfter
				if limit := orDefault(o.MaxRetryAfter, time.Minute); limit > 0 {
					retryAfter = min(retryAfter, limit)
				}
				delay = max(w.delay(), retryAfter)
				event.Next = w.untilPoll(ctx, delay, retryAfter)
			}
			if !yield(event, nil) || event.Done {
				return
			}
		}
	}
}

// Wait polls until the result is Done and returns its value. If the wait ends early,
// it returns the value of the last poll that succeeded and an [*Error]. If an option
// is out of range, the error wraps [ErrInvalidOptions].
func Wait[T any](ctx context.Context, poll PollFunc[T], o Options) (T, error) {
	var last T
	for event, err := range Watch(ctx, poll, o) {
		if event.Poll > 0 && event.Err == nil {
			last = event.Value
		}
		if err != nil {
			return last, err
		}
	}
	return last, nil
}

// wait is the state of a wait between its polls.
type wait[T any] struct {
	poll      PollFunc[T]
	options   Options
	began     time.Time
	polled    time.Time // start of the last poll
	succeeded time.Time // end of the last poll that succeeded, or began
	polls     int
	errors    int   // in a row
	last      error // of the last poll
	rtt       time.Duration
}

// next polls.
func (w *wait[T]) next(ctx context.Context) Event[T] {
	pollCtx, cancel := ctx, context.CancelFunc(func() {})
	if timeout := orDefault(w.options.Timeout, 30*time.Second); timeout > 0 {
		pollCtx, cancel = context.WithTimeoutCause(ctx, timeout, ErrPollTimeout)
	}
	defer cancel() // also if poll panics
	w.polled = time.Now()
	result, err := w.poll(pollCtx)
	now := time.Now()
	w.polls++
	if err == nil {
		// A slow round trip counts for the next few polls too, because it may
		// repeat.
		w.rtt = max(now.Sub(w.polled), w.rtt/2, 1)
		w.errors, w.succeeded = 0, now
	} else {
		// The deadline of ctx has not passed: do not return its error.
		if ctx.Err() == nil && errors.Is(context.Cause(pollCtx), ErrPollTimeout) && !isPermanent(err) {
			err = ErrPollTimeout
		}
		w.errors++
		result = Result[T]{RetryAfter: result.RetryAfter}
	}
	w.last = err
	return Event[T]{Result: result, Err: err, Poll: w.polls, Elapsed: now.Sub(w.began)}
}

// endedEarly returns why the wait ends with an event, or nil if it continues or
// the result is Done. A result that is Done counts even if ctx has ended.
func (w *wait[T]) endedEarly(ctx context.Context, e Event[T]) error {
	outage := orDefault(w.options.MaxOutage, time.Hour)
	switch {
	case e.Err == nil && e.Done:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case isPermanent(e.Err):
		return e.Err
	case e.Err != nil && outage > 0 && time.Since(w.succeeded) >= outage:
		return ErrOutage
	}
	return nil
}

func isPermanent(err error) bool {
	var p *permanent
	return errors.As(err, &p)
}

// delay returns the delay after a poll, without RetryAfter.
func (w *wait[T]) delay() time.Duration {
	if w.errors > 0 {
		return w.options.Backoff.Delay(w.errors)
	}
	return w.options.Schedule.Delay(min(w.options.Elapsed, forever) + time.Since(w.began))
}

// untilPoll returns the delay, or less if the final poll before the deadline of ctx is
// due earlier, but at least retryAfter.
func (w *wait[T]) untilPoll(ctx context.Context, delay, retryAfter time.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return delay
	}
	rtt := orDefault(w.rtt, 100*time.Millisecond)
	final := deadline.Add(-rtt*3/2 - 5*time.Millisecond)
	// A poll that began only slightly earlier makes the final one needless.
	if !w.polled.Before(final.Add(-rtt / 2)) {
		return delay
	}
	return min(delay, max(time.Until(final), retryAfter, 0))
}

// sleep waits until the next poll. It returns the error of ctx if ctx ends first.
func (w *wait[T]) sleep(ctx context.Context, delay, retryAfter time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	delay = w.untilPoll(ctx, delay, retryAfter)
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *wait[T]) error(reason error) *Error {
	return &Error{Reason: reason, Last: w.last, Polls: w.polls, Elapsed: time.Since(w.began)}
}

// orDefault returns d, or otherwise if d is zero.
func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
