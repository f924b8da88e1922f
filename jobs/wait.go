package jobs

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// An Event is one look at a job while it is waited for.
type Event struct {
	// Job is what was seen; when Err is not nil, what was seen before.
	Job Snapshot
	// Err is the error of this look. The wait goes on.
	Err error
	// Look counts the looks from one.
	Look int
	// Elapsed is how long the wait has lasted.
	Elapsed time.Duration
	// Next is the delay until the next look; zero at the end.
	Next time.Duration
}

// A WaitOption changes how one wait works.
type WaitOption func(*polling.Options) error

// WithSchedule sets the delays between looks; see [polling.Schedule] for the
// default.
func WithSchedule(s polling.Schedule) WaitOption {
	return func(o *polling.Options) error {
		if s.Min < 0 || s.Max < 0 || s.Fraction < 0 {
			return invalid("schedule %+v: nothing but jitter may be negative", s)
		}
		o.Schedule = s
		return nil
	}
}

// WithPatience sets how long a wait bears nothing but errors. Every good answer
// renews it. The default is one hour; below zero is no end.
func WithPatience(d time.Duration) WaitOption {
	return func(o *polling.Options) error {
		if d == 0 {
			return invalid("patience is zero: an error would end the wait at once")
		}
		o.Patience = d
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
// There is no time limit but that of ctx. Before its deadline one last look is
// taken. A job that is known to have ended is not looked at again.
func (j *Job) Wait(ctx context.Context, options ...WaitOption) error {
	for _, err := range j.Watch(ctx, options...) {
		if err != nil {
			return err
		}
	}
	return nil
}

// Watch waits like [Job.Wait] and yields an event for every look. The second
// value is what Wait would return: it is nil in every pair but the last, and
// there too after success. Leaving the loop ends the wait.
func (j *Job) Watch(ctx context.Context, options ...WaitOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		o := polling.Options{Timeout: -1} // each attempt has its own
		for _, option := range options {
			if err := option(&o); err != nil {
				yield(Event{Job: j.Snapshot()}, err)
				return
			}
		}
		s, ended := j.state()
		if ended {
			yield(Event{Job: s}, outcome(s))
			return
		}
		o.Age, o.First = j.age(o.Schedule)
		for e, err := range polling.Watch(ctx, j.look, o) {
			event := Event{Job: j.Snapshot(), Err: e.Err, Look: e.Look, Elapsed: e.Elapsed, Next: e.Next}
			if err == nil && e.Done {
				err = outcome(event.Job)
			}
			if !yield(event, j.waitError(err)) {
				return
			}
		}
	}
}

// look asks for the job once. Waiting has its own way with errors, so the
// request is not repeated here.
func (j *Job) look(ctx context.Context) (polling.Sight[struct{}], error) {
	var sight polling.Sight[struct{}]
	var s *Snapshot
	after, err := j.dataset.client.once(ctx, opGetJob, j.get, j.parse(&s))
	sight.After = after
	if err != nil {
		if after == 0 && errors.Is(err, ErrThrottled) {
			sight.After = time.Second // the first retry is not to come at once
		}
		if j.hopeless(err) {
			err = polling.Permanent(err)
		}
		return sight, err
	}
	sight.Done = j.observe(s)
	return sight, nil
}

// hopeless reports whether no further look can mend an error.
func (j *Job) hopeless(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return true // the request could not be built
	}
	if errors.Is(err, ErrNotFound) {
		return !j.young()
	}
	return e.StatusCode >= 400 && e.StatusCode < 500 &&
		e.StatusCode != http.StatusTooManyRequests && e.StatusCode != http.StatusRequestTimeout
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
	if j.rerun != nil {
		age = now.Sub(j.rerun.at)
	}
	age = max(age, 0)
	if !j.seenAt.IsZero() {
		first = max(schedule.Delay(age)-now.Sub(j.seenAt), 0)
	}
	return age, first
}

// outcome is the error of a job that ended; nil for success.
func outcome(s Snapshot) error {
	if s.Status == StatusSuccess {
		return nil
	}
	return &JobError{Job: s}
}

// waitError tells an ended wait in the words of this package.
func (j *Job) waitError(err error) error {
	var p *polling.Error
	if !errors.As(err, &p) {
		return err
	}
	return &WaitError{Job: j.Snapshot(), Reason: p.Reason, Last: p.Last, Looks: p.Looks, Elapsed: p.Elapsed}
}
