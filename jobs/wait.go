package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// An Event is one look at a job while it is waited for.
type Event struct {
	// Job is what was seen; when Err is not nil, what was seen before.
	Job Snapshot
	// Err is the error of this look. The wait goes on.
	Err error
	// Look counts the looks from one.
	Poll int
	// Elapsed is how long the wait has lasted.
	Elapsed time.Duration
	// Next is the delay until the next look; zero at the end.
	Next time.Duration
}

// A WaitOption changes how one wait works.
type WaitOption func(*waiting) error

// waiting is how a wait works.
type waiting struct {
	schedule  *polling.Schedule // nil: the one that is shared
	maxOutage time.Duration
}

func newWaiting(options []WaitOption) (w waiting, err error) {
	for _, option := range options {
		if err := option(&w); err != nil {
			return w, err
		}
	}
	return w, nil
}

// WithSchedule sets the delays between looks. Such a wait shares its looks with
// no other. The default is to look after 7 % of the time that a job has lasted,
// and more often where one request shows many jobs that are waited for; see
// [polling.Group].
func WithSchedule(s polling.Schedule) WaitOption {
	return func(w *waiting) error {
		if s.Min < 0 || s.Max < 0 || s.Fraction < 0 {
			return invalid("schedule %+v: nothing but jitter may be negative", s)
		}
		w.schedule = &s
		return nil
	}
}

// WithMaxOutage sets how long a wait continues while every poll fails. Each
// successful poll resets it. The default is one hour; a negative value means no
// limit.
func WithMaxOutage(d time.Duration) WaitOption {
	return func(w *waiting) error {
		w.maxOutage = d
		return nil
	}
}

// Wait waits until the job has ended. It returns nil after success, a
// [*JobError] when the job failed or was aborted, and a [*WaitError] when the
// wait ended and the job, as far as is known, did not: because ctx ended,
// because of an answer that no further look can mend (unauthorized, forbidden,
// malformed request, not found any more), or because the patience ran out.
// Every other error is weather, and the wait goes on.
//
// There is no time limit but that of ctx. Before its deadline a last look is taken,
// which sees what ended two round trips (of 20 ms or more) before; the places that it
// needs under [WithRateLimit] are kept for it. A job that is known to have ended is not
// looked at again.
//
// Waits are independent, and yet they share requests: a thousand goroutines that
// wait for a thousand jobs of a dataset cost hardly more than one does. See
// [WaitAll] for one loop in place of many goroutines. Requests are made
// without the values of ctx, since they are shared.
func (j *Job) Wait(ctx context.Context, options ...WaitOption) error {
	w, err := newWaiting(options)
	if err != nil {
		return err
	}
	if s := j.end(); s != nil {
		return s.outcome()
	}
	// There may be thousands of goroutines in this select. All that needs more of
	// their stacks is in functions that are not inlined.
	wait := j.begin(ctx, w)
	select {
	case <-wait.Ended():
	case <-ctx.Done():
	}
	return j.leave(ctx, wait)
}

// begin begins to wait.
//
//go:noinline
func (j *Job) begin(ctx context.Context, w waiting) *polling.Waiting[*Job, *Snapshot] {
	return j.group(w).Begin(ctx, j, j.joining(w))
}

// leave is how a wait ends.
//
//go:noinline
func (j *Job) leave(ctx context.Context, wait *polling.Waiting[*Job, *Snapshot]) error {
	s, err := wait.End(ctx)
	if err != nil {
		return j.waitError(err)
	}
	return s.outcome()
}

// Watch waits like [Job.Wait] and yields an event for every look. The second
// value is what Wait would return: it is nil in every pair but the last, and
// there too after success. Leaving the loop ends the wait. The looks do not wait for the
// loop: one that is more than 64 looks behind misses the oldest, and one that is more
// than four behind at the end misses those.
func (j *Job) Watch(ctx context.Context, options ...WaitOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w, err := newWaiting(options)
		if err != nil {
			yield(Event{Job: j.Snapshot()}, err)
			return
		}
		if s := j.end(); s != nil {
			yield(Event{Job: *s}, s.outcome())
			return
		}
		j.events(j.group(w).Watch(ctx, j, j.joining(w)))(yield)
	}
}

// events tells what was seen in the words of this package.
func (j *Job) events(looks iter.Seq2[polling.Event[*Snapshot], error]) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for e, err := range looks {
			event := Event{Err: e.Err, Poll: e.Poll, Elapsed: e.Elapsed, Next: e.Next}
			if e.Value != nil {
				event.Job = *e.Value
			} else {
				event.Job = j.Snapshot()
			}
			if err == nil && e.Done {
				err = event.Job.outcome()
			}
			if !yield(event, j.waitError(err)) {
				return
			}
		}
	}
}

// fleet is where waits for the job share their looks.
func (j *Job) fleet() *fleet { return j.dataset.client.fleet(j.dataset, j.jobType) }

// group is where a wait for the job shares its looks, or has one of its own.
func (j *Job) group(w waiting) *polling.Group[*Job, *Snapshot] {
	f := j.fleet()
	if w.schedule != nil {
		return f.alone(*w.schedule)
	}
	return f.group
}

// joining is how a wait for the job begins.
func (j *Job) joining(w waiting) polling.JoinOptions {
	age, first := j.age(value(w.schedule))
	return polling.JoinOptions{Age: age, First: first, Patience: w.maxOutage}
}

// hopeless reports whether no further look can mend an error.
func (j *Job) definitive(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return true // the request could not be built
	}
	if errors.Is(err, ErrNotFound) {
		return !j.young()
	}
	return errors.Is(err, ErrInvalidArgument) || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden)
}

// age is how old the job is, and how long to wait for the first look: a job
// that was seen just now is not looked at again at once.
func (j *Job) age(schedule polling.Schedule) (age, first time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	// Our clock and that of the service may differ: a job we created is as old
	// as we know, any other as old as the service says, but never unborn.
	age = now.Sub(orDefault(j.createdAt, j.last.CreatedAt))
	if j.retry != nil {
		age = now.Sub(j.retry.at)
	}
	age = max(age, 0)
	if !j.seenAt.IsZero() {
		first = max(schedule.Delay(age)-now.Sub(j.seenAt), 0)
	}
	return age, first
}

// waitError tells an ended wait in the words of this package.
func (j *Job) waitError(err error) error {
	var p *polling.Error
	if !errors.As(err, &p) {
		return err
	}
	return &WaitError{Job: j.Snapshot(), Reason: p.Reason, Last: p.Last, Polls: p.Polls, Elapsed: p.Elapsed}
}

// LogValue returns a group with the job and the poll.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Any("job", e.Job), slog.Int("poll", e.Poll), slog.Duration("elapsed", e.Elapsed)}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", redact.Text(e.Err.Error())))
	}
	return slog.GroupValue(attrs...)
}

// A WaitError describes a wait that ended before the job did, as far as the client knows.
// The job goes on: wait for it again, or abort it.
type WaitError struct {
	// Job is the job at the last successful poll.
	Job Snapshot
	// Reason is the error of the context, [polling.ErrOutage], or the [*Error] that no
	// further poll can change. Unwrap returns it.
	Reason error
	// Last is the error of the last poll, or nil if that poll succeeded.
	Last error
	// Polls is the number of polls.
	Polls int
	// Elapsed is the duration of the wait.
	Elapsed time.Duration
}

// Error returns the id and last status of the job, and why the wait ended.
func (e *WaitError) Error() string {
	polls := fmt.Sprintf("%d polls", e.Polls)
	if e.Polls == 1 {
		polls = "1 poll"
	}
	text := fmt.Sprintf("wait for job %s, last seen %s, ended after %v and %s: %v",
		e.Job.ID, e.Job.Status, e.Elapsed.Round(time.Millisecond), polls, e.Reason)
	if e.Last != nil && !errors.Is(e.Reason, e.Last) {
		text += fmt.Sprintf("; the last poll failed: %v", e.Last)
	}
	var refused *Error
	if !errors.As(e.Reason, &refused) {
		text += "; the job goes on: wait again, or abort it"
	}
	return text
}

// Unwrap returns the reason.
func (e *WaitError) Unwrap() error { return e.Reason }

// LogValue returns a group with the job, the wait and the error.
func (e *WaitError) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("job", e.Job), slog.Int("polls", e.Polls), slog.Duration("elapsed", e.Elapsed), slog.String("error", e.Error()))
}
