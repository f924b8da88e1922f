package watcher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A poll is one request: the next page of a walk, or a job of a batch alone, or else the
// page of a batch.
type poll struct {
	walk  *walk
	batch *batch // nil for a walk
	job   *job
	final bool // before a deadline

	status   string // of the list
	offset   int
	began    time.Time
	cancel   context.CancelFunc
	response Response
}

// ErrPanic is the reason of the waits whose poll has panicked.
var ErrPanic = errors.New("panic in a poll")

var (
	errSlow   = errors.New("the poll was too slow and is repeated") // with more time
	errGoexit = errors.New("the poll ended its goroutine")
)

// send begins a poll.
func (w *watcher) send(p *poll) {
	p.began = time.Now()
	errors := w.service.errors
	if k := p.walk; k != nil {
		if w.walk == nil {
			w.walk, k.began = k, p.began
		}
		k.busy, p.status, p.offset = true, k.statuses[0], k.offset
		errors = max(errors, k.errors)
	} else {
		if p.job != nil {
			p.batch = w.alone(p.job)
		} else {
			p.offset = w.offset(p.batch)
		}
		p.batch.busy, p.batch.asked = true, p.began
		errors = max(errors, p.batch.errors)
	}
	w.polls[p] = true
	timeout := max(3*w.service.rtt, time.Second) << min(max(errors-1, 0), 5)
	var ctx context.Context
	ctx, p.cancel = context.WithTimeoutCause(context.Background(), timeout, errSlow)
	go w.run(ctx, p)
}

// run makes the request of a poll. The source may call code of the user, which may panic or
// end the goroutine.
func (w *watcher) run(ctx context.Context, p *poll) {
	p.response.Err = errGoexit
	defer func() {
		if v := recover(); v != nil {
			p.response = Response{Err: panicError(v)}
		}
		w.returned(p)
	}()
	if p.job != nil {
		p.response = w.source.Get(ctx, p.job.id)
	} else {
		p.response = w.source.List(ctx, p.status, p.offset, PageSize)
	}
}

// panicError returns the error of a panic. A value of another type may hold secrets.
func panicError(v any) error {
	switch v.(type) {
	case error, string:
		return fmt.Errorf("%w: %v", ErrPanic, v)
	}
	return fmt.Errorf("%w: a value of type %T", ErrPanic, v)
}

// report tells the source that an outage has begun or ended. If that panics, all waits end.
func (w *watcher) report(err error) {
	defer func() {
		if v := recover(); v != nil {
			w.set.mu.Lock()
			defer w.set.mu.Unlock()
			for _, j := range w.jobs {
				w.tell(j, panicError(v), Transient, time.Now())
			}
		}
	}()
	w.source.Outage(err)
}

// returned applies the response of a poll.
func (w *watcher) returned(p *poll) {
	w.set.mu.Lock()
	before, now := w.service.outage(), time.Now()
	p.cancel()
	if delete(w.polls, p); p.walk != nil {
		p.walk.busy = false
	} else {
		p.batch.busy = false
	}
	if after := min(p.response.RetryAfter, maxRetryAfter); after > 0 {
		w.service.retryAfter = latest(w.service.retryAfter, now.Add(after))
	}
	switch {
	case !w.needs(p):
	case p.response.Err != nil:
		w.failed(p, now)
	default:
		w.succeeded(p, now)
	}
	w.changed()
	after := w.service.outage()
	w.set.mu.Unlock()
	if before != after {
		w.report(p.response.Err)
	}
}

// needs reports whether a job of a poll has waits.
func (w *watcher) needs(p *poll) bool {
	return p.walk != nil && p.walk == w.walk || p.walk == nil && len(p.batch.jobs) > 0
}

// succeeded applies a response.
func (w *watcher) succeeded(p *poll, now time.Time) {
	w.service.failures = failures{}
	w.service.rtt = max(now.Sub(p.began), w.service.rtt*9/10, 1)
	if p.job != nil {
		w.showJob(p, now)
	} else {
		w.showList(p, now)
	}
}

// showJob applies the response to the read of one job.
func (w *watcher) showJob(p *poll, now time.Time) {
	j := p.job
	if err := w.show(j, p.response.Items[0], p); err != nil {
		p.batch.add(1, now)
		w.tell(j, err, Transient, now)
		return
	}
	p.batch.failures = failures{}
	if len(j.waits) > 0 && j.rank >= 0 {
		w.place(j, j.rank)
		j.batch.failures = failures{} // its page may have failed, but the job was shown
	}
}

// showList applies a page of a list.
func (w *watcher) showList(p *poll, now time.Time) {
	w.service.lists = failures{}
	if p.status == "" {
		w.list.observe(p.response.Total, p.began)
	}
	for i, item := range p.response.Items {
		j := w.jobs[string(item.ID)]
		if j == nil {
			continue
		}
		switch err := w.show(j, item, p); {
		case err != nil && (j.batch.unknown || j.batch.number >= 0):
			w.alone(j).unknown = false // read alone, it shows the error
		case err == nil && len(j.waits) > 0 && p.status == "":
			w.place(j, max(p.response.Total-1-p.offset-i, 0))
		}
	}
	switch p.walk {
	case nil:
		w.missed(p, now)
	case w.walk:
		w.step(p, now)
	}
}

// missed notes which of its jobs a page did not show: their ranks are not known any more.
func (w *watcher) missed(p *poll, now time.Time) {
	b, errors := p.batch, p.batch.errors
	b.failures = failures{}
	for j := range b.jobs {
		switch {
		case !j.unseen(p.began):
		case b.number < 0:
			// It is read alone again. Its backoff continues.
			b.errors = errors
			b.add(1, now)
		default:
			j.rank = -1
			w.move(j, w.newest())
		}
	}
}

// show applies an item of a poll to the waits of a job.
func (w *watcher) show(j *job, item Item, p *poll) (failed error) {
	now := time.Now()
	lead, slack := w.service.lead()
	for wait := range j.waits {
		finished, err := wait.Apply(item.Body, p.began)
		if err != nil {
			failed = err
			continue
		}
		wait.result.Polls++
		wait.result.Last, wait.result.RequestID = nil, p.response.RequestID
		wait.final = wait.final || !p.began.Before(wait.Deadline.Add(-lead-slack))
		if finished {
			w.end(wait, true, nil)
		}
	}
	if failed != nil || len(j.waits) == 0 {
		return failed
	}
	if j.batch.stale = true; p.began.After(j.shown) {
		if item.Finished {
			item.Status = nil // of the run before the current one
		}
		if string(item.Status) != j.status.name {
			w.rates.note(now)
			w.setStatus(j, string(item.Status))
		}
		j.shown, j.next = p.began, now.Add(w.delayAlone(now.Sub(j.born)))
	}
	w.event(j)
	return nil
}

// event reports a poll to the waits for a job that it has not ended.
func (w *watcher) event(j *job) {
	for wait := range j.waits {
		if wait.Event != nil {
			wait.Event(wait.result)
		}
	}
}

// failed notes a poll that failed.
func (w *watcher) failed(p *poll, now time.Time) {
	s, err, verdict, n := &w.service, p.response.Err, p.response.Verdict, 1
	if verdict != Transient {
		n = refused
	}
	// A job that fails again and again while others do not is not the service. Polls that
	// were under way together count once.
	own := p.job != nil && p.batch.errors >= outageAfter && !s.outage()
	if n == 1 && !own && (s.errors == 0 || p.began.After(s.failedAt)) {
		s.add(1, now)
		s.failedAt = now
	}
	if p.walk != nil && p.walk.sweep {
		s.sweeps.add(n, now)
	} else if p.job == nil {
		s.lists.add(n, now)
	}
	if k := p.walk; k == nil {
		p.batch.add(1, now)
	} else if k.add(n, now); k == w.walk && (k.errors >= outageAfter || s.outage()) {
		w.endWalk(false)
	}
	for _, j := range w.jobs {
		if j == p.job {
			w.tell(j, err, verdict, now)
		} else if p.walk != nil || s.outage() || j.batch == p.batch {
			w.tell(j, err, Transient, now)
		}
	}
}

// tell records an error in the waits for a job, and ends those that cannot continue.
func (w *watcher) tell(j *job, err error, verdict Verdict, now time.Time) {
	for wait := range j.waits {
		wait.result.Polls++
		wait.result.Last, wait.result.RequestID = err, ""
		switch {
		case errors.Is(err, ErrPanic), verdict == Definitive, verdict == NotFound && !now.Before(wait.VisibleBy):
			w.end(wait, false, err)
		case wait.MaxOutage > 0 && now.Sub(latest(wait.began, j.shown)) >= wait.MaxOutage:
			w.end(wait, false, polling.ErrOutage)
		}
	}
	w.event(j)
}
