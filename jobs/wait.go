package jobs

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/watcher"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// Event describes one poll of a wait.
type Event struct {
	// Job is the job as the poll showed it, or as it was known before if Err is not nil.
	Job Snapshot
	// Err is the error of the poll. The wait goes on.
	Err error
	// Poll is the number of the poll, from one. It is zero before the first poll.
	Poll int
	// RequestID is the id of the request, as in [Attempt]; empty if Err is not nil. One request
	// may show many jobs.
	RequestID string
	// At is the time of the event. Elapsed is how long the wait had lasted then.
	At      time.Time
	Elapsed time.Duration
}

// WaitOption configures one wait.
type WaitOption func(*waitOptions) error

type waitOptions struct {
	schedule  *polling.Schedule // nil for the default
	maxOutage time.Duration
	progress  *Progress // may be nil
}

func newWaitOptions(options []WaitOption) (o waitOptions, err error) {
	for _, option := range options {
		if err := option(&o); err != nil {
			return o, err
		}
	}
	return o, nil
}

// WithSchedule sets the delays between polls. Waits with a schedule share polls if they have
// the same option. So call WithSchedule once, and pass its result to all of them.
//
// By default the delay of a single wait is 7 % of the time that the job has run, at least
// 200 ms and at most two minutes. With many waits, the delay depends on the number of requests
// per job, and is at most three times as long.
func WithSchedule(s polling.Schedule) WaitOption {
	return func(o *waitOptions) error {
		if err := s.Validate(); err != nil {
			return invalid("%v", err)
		}
		o.schedule = &s
		return nil
	}
}

// WithMaxOutage sets how long a wait continues while every poll fails. Each successful poll
// resets it. After that time the wait ends with a [*WaitError] whose reason is
// [polling.ErrOutage]. The default is one hour; a negative value means no limit.
func WithMaxOutage(d time.Duration) WaitOption {
	return func(o *waitOptions) error {
		o.maxOutage = d
		return nil
	}
}

// Wait waits until the job has finished. It returns nil after success, a [*JobError] if the
// job failed or was aborted, and a [*WaitError] if the wait ended before: because ctx ended,
// because the service rejected the poll for good (unauthorized, forbidden, malformed request,
// not found any more), because its certificate is not trusted, or because of
// [WithMaxOutage]. All other errors are treated as transient.
//
// The only time limit is that of ctx. Shortly before its deadline, Wait polls once more, and
// sees a job that finished at least two round trips before the deadline. It may miss the end if
// the slots of [WithPollLimit] in that second are used up. A job that is known to have finished
// is not polled again.
//
// Waits are independent but share requests: a thousand waits for jobs of a dataset send about
// one request for each job. Use [WaitAll] to wait in one loop. The requests do not carry the
// values of ctx. If a poll panics, for example in the http.RoundTripper of the caller, the
// waits for its jobs end with an error.
func (j *Job) Wait(ctx context.Context, options ...WaitOption) error {
	o, err := newWaitOptions(options)
	if err != nil {
		return err
	}
	if s := j.ended(o); s != nil {
		return s.outcome()
	}
	ended := make(chan *watcher.Wait, 1)
	w := j.watch(ctx, o, ended, nil)
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return j.waitEnd(ctx, o, stop(w))
}

// Watch waits like [Job.Wait] and yields an event for each poll. The second value of
// the last pair is what Wait would return. It is nil in all other pairs. Leaving the loop
// ends the wait. The polls do not wait for the loop: a loop that is more than 64 polls
// behind loses the oldest events. At the end of the wait, a loop that is more than four polls
// behind loses all events but the last.
func (j *Job) Watch(ctx context.Context, options ...WaitOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		o, err := newWaitOptions(options)
		if err != nil {
			yield(Event{Job: j.Snapshot(), At: time.Now()}, err)
			return
		}
		if s := j.ended(o); s != nil {
			yield(Event{Job: *s, At: time.Now()}, s.outcome())
			return
		}
		const maxBehind, maxBehindAtEnd = 64, 4
		events, ended := make(chan Event, maxBehind), make(chan *watcher.Wait, 1)
		w := j.watch(ctx, o, ended, func(e Event) { replaceOldest(events, e) })
		defer w.Stop()
		for over := false; !over && len(ended) == 0 && ctx.Err() == nil; { // older events must not delay the end
			select {
			case e := <-events:
				if !yield(e, nil) {
					return
				}
			case <-ended:
				over = true
			case <-ctx.Done():
				over = true
			}
		}
		r := stop(w)
		for len(events) > 0 && len(events) <= maxBehindAtEnd {
			if !yield(<-events, nil) {
				return
			}
		}
		yield(j.newEvent(r), j.waitEnd(ctx, o, r))
	}
}

// replaceOldest sends an event, in place of the oldest one if there is no room. There must be
// one sender.
func replaceOldest(events chan Event, e Event) {
	if len(events) == cap(events) {
		select {
		case <-events:
		default: // the receiver was faster
		}
	}
	events <- e
}

// ended returns the final state of a job that needs no wait, or nil.
func (j *Job) ended(o waitOptions) *Snapshot {
	s := j.end()
	if s != nil {
		o.progress.record(j, Event{Job: *s, At: time.Now()})
	}
	return s
}

// stop ends a wait and returns its result. The text of a panic may hold a secret.
func stop(w *watcher.Wait) watcher.Result {
	r := w.Stop()
	if errors.Is(r.Reason, watcher.ErrPanic) {
		r.Reason = errors.New(redact.Text(r.Reason.Error()))
		r.Last = r.Reason
	}
	return r
}

// newEvent returns the event of a result, which has no Elapsed before the end of the wait.
func (j *Job) newEvent(r watcher.Result) Event {
	s := j.newest()
	if r.Finished {
		s = j.waitedEnd()
	}
	return Event{Job: *s, Err: r.Last, Poll: r.Polls, RequestID: r.RequestID, At: time.Now(), Elapsed: r.Elapsed}
}

// waitEnd returns the error of a wait that has ended.
func (j *Job) waitEnd(ctx context.Context, o waitOptions, r watcher.Result) error {
	o.progress.record(j, j.newEvent(r))
	switch {
	case r.Finished:
		return j.waitedEnd().outcome()
	case r.Reason == nil:
		r.Reason = ctx.Err()
	}
	return &WaitError{Job: j.Snapshot(), Reason: r.Reason, Last: r.Last, Polls: r.Polls, Elapsed: r.Elapsed}
}

// LogValue returns a group with the job and the poll.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Any("job", e.Job), slog.Int("poll", e.Poll), slog.Duration("elapsed", e.Elapsed)}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", redact.Text(e.Err.Error())))
	}
	return slog.GroupValue(attrs...)
}

// Progress holds the newest [Event] of each job whose wait has [WithProgress]. Use it to show
// many jobs while [WaitAll] or [WaitSeq] blocks. The zero value is ready for use. A Progress is
// safe for concurrent use and must not be copied.
type Progress struct {
	mu     sync.Mutex
	jobs   []*Job // in the order in which the waits began
	newest map[*Job]Event
}

// WithProgress records the events of a wait in p.
func WithProgress(p *Progress) WaitOption {
	return func(o *waitOptions) error {
		if p == nil {
			return invalid("progress is nil: leave the option out")
		}
		o.progress = p
		return nil
	}
}

// Events returns the newest event of each job, in the order in which the waits began. Before
// its first poll, a job has an event with Poll zero.
func (p *Progress) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return convert(p.jobs, func(j *Job) Event { return p.newest[j] })
}

// record stores an event. A nil Progress ignores it.
func (p *Progress) record(j *Job, e Event) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.newest == nil {
		p.newest = map[*Job]Event{}
	}
	if _, known := p.newest[j]; !known {
		p.jobs = append(p.jobs, j)
	}
	p.newest[j] = e
}
