package polling

import (
	"context"
	"errors"
	"iter"
	"time"
)

// A Look looks once. It must return when ctx ends.
type Look[T any] func(ctx context.Context) (Sight[T], error)

// A Sight is what a [Look] saw.
type Sight[T any] struct {
	// Value is what was seen. It means nothing when the look failed.
	Value T
	// Done says that there is nothing more to wait for.
	Done bool
	// After is how long the other side asks to be left alone, as with
	// Retry-After; it counts for good and failed looks alike.
	After time.Duration
}

// An Event is one look and what follows from it.
type Event[T any] struct {
	// Sight is what was seen; zero, but for After, when Err is not nil.
	Sight[T]
	// Err is the error of the look. The wait goes on, unless this is the last
	// event.
	Err error
	// Look counts the looks from one.
	Look int
	// Elapsed is how long the wait has lasted when the look returned.
	Elapsed time.Duration
	// Next is the delay until the next look; zero when Done, and when the wait
	// ends with this event.
	Next time.Duration
}

// Options change how a wait works. The zero value is the default of every
// field.
type Options struct {
	// Schedule is the delay after good looks.
	Schedule Schedule
	// Backoff is the delay after errors.
	Backoff Backoff
	// Timeout bounds each look. The default is 30 s; below zero is none.
	Timeout time.Duration
	// Patience is how long nothing but errors may be seen before the wait ends
	// with [ErrPatience]. Every good look renews it. The default is one hour;
	// below zero is no end.
	Patience time.Duration
	// MaxAfter bounds what is obeyed of [Sight.After]. The default is one
	// minute; below zero, After is not obeyed.
	MaxAfter time.Duration
	// Age is how old the thing waited for was when the wait began. The delays
	// of a wait that is taken up again go on where they were.
	Age time.Duration
	// First is the delay before the first look. The default is none.
	First time.Duration
}

// Watch looks until the end is seen, and yields an event for every look. The
// second value is nil but for the last pair of a wait that ended without
// seeing the end; then it is an [*Error]. When ctx ended between two looks,
// that last pair holds a zero event.
//
// Watch works while the iterator is advanced and not in between. Leaving the
// loop ends it.
func Watch[T any](ctx context.Context, look Look[T], o Options) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		w := watch{options: o, began: time.Now()}
		w.good = w.began
		end := func(e Event[T], reason error) {
			yield(e, &Error{Reason: reason, Last: w.last, Looks: w.looks, Elapsed: time.Since(w.began)})
		}
		delay, after := o.First, time.Duration(0)
		for {
			if err := w.sleep(ctx, delay, after); err != nil {
				end(Event[T]{}, err)
				return
			}
			sight, err := takeLook(ctx, look, &w)
			event := Event[T]{Sight: sight, Err: err, Look: w.looks, Elapsed: time.Since(w.began)}
			if reason := w.reason(ctx, sight.Done, err); reason != nil {
				end(event, reason)
				return
			}
			if !sight.Done {
				after = min(sight.After, orDefault(o.MaxAfter, time.Minute))
				delay = max(w.next(), after)
				event.Next = delay
			}
			if !yield(event, nil) || sight.Done {
				return
			}
		}
	}
}

// Until looks until the end is seen and returns what was seen then. When the
// wait ends early the error is an [*Error], and the value is that of the last
// good look.
func Until[T any](ctx context.Context, look Look[T], o Options) (T, error) {
	var last T
	for event, err := range Watch(ctx, look, o) {
		if event.Look > 0 && event.Err == nil {
			last = event.Value
		}
		if err != nil {
			return last, err
		}
	}
	return last, nil
}

// watch is the state of one wait between its looks.
type watch struct {
	options Options
	began   time.Time
	good    time.Time // the last good look, or the beginning
	looks   int       // looks taken
	failed  int       // errors in a row
	last    error     // of the last look
	fatal   bool      // the last look's error is permanent
	trips   trips
	looked  time.Time // when the last look began
}

func takeLook[T any](ctx context.Context, look Look[T], w *watch) (Sight[T], error) {
	timeout := orDefault(w.options.Timeout, 30*time.Second)
	lookCtx, cancel := ctx, context.CancelFunc(func() {})
	if timeout > 0 {
		lookCtx, cancel = context.WithTimeoutCause(ctx, timeout, ErrLookTimeout)
	}
	defer cancel()
	w.looked = time.Now()
	sight, err := look(lookCtx)
	// Only this look ran out of time, not the wait: say so, since whoever sees
	// context.DeadlineExceeded believes that the caller's deadline passed.
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(lookCtx), ErrLookTimeout) {
		err = ErrLookTimeout
	}
	var p *permanent
	w.fatal = errors.As(err, &p)
	now := time.Now()
	w.looks++
	w.last = err
	if err != nil {
		w.failed++
		return Sight[T]{After: sight.After}, err
	}
	w.trips.took(now.Sub(w.looked)) // an error may come sooner than an answer, or later
	w.failed = 0
	w.good = now
	return sight, nil
}

// reason says why the wait must end after a look; nil to go on. A look that saw
// the end counts even when ctx ended while it was under way.
func (w *watch) reason(ctx context.Context, done bool, err error) error {
	if err == nil && done {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if w.fatal {
		return err
	}
	patience := orDefault(w.options.Patience, time.Hour)
	if err != nil && patience > 0 && time.Since(w.good) >= patience {
		return ErrPatience
	}
	return nil
}

// next is the delay after a look that did not end the wait.
func (w *watch) next() time.Duration {
	if w.failed > 0 {
		return w.options.Backoff.Delay(w.failed)
	}
	return w.options.Schedule.Delay(w.options.Age + time.Since(w.began))
}

// sleep waits for the delay, or less where a last look before the deadline of ctx
// is due earlier: one for each kind of trip that no look has begun in time for. It
// does not wait for less than after.
func (w *watch) sleep(ctx context.Context, delay, after time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		slow, quick, slack := w.trips.leads()
		for _, lead := range []time.Duration{quick, slow} {
			if due := deadline.Add(-lead); w.looked.Before(due.Add(-slack)) {
				delay = min(delay, max(time.Until(due), after))
			}
		}
	}
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
