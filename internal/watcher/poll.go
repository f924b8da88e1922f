package watcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A poll is one request under way.
type poll struct {
	request
	jobs     []*job // that it is to show; nil for a page of a walk
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
func (w *watcher) send(r request) {
	p := &poll{request: r, began: time.Now()}
	failures := w.service.failures
	switch {
	case r.walk != nil:
		if w.walk == nil {
			w.walk, r.walk.began = r.walk, p.began
		}
		failures, r.walk.busy, r.walk.final = max(failures, r.walk.errors), true, r.walk.final || r.final
		p.status, p.offset = r.walk.statuses[0], r.walk.offset
	case r.job != nil:
		p.jobs, p.batch = []*job{r.job}, w.alone(r.job)
	default:
		p.jobs = append(p.jobs, r.batch.jobs...)
		p.offset = w.offset(r.batch)
	}
	if b := p.batch; b != nil {
		failures, b.busy, b.asked = max(failures, b.errors), true, p.began
	}
	w.polls[p] = true
	timeout := max(3*w.service.rtt, time.Second) << min(max(failures-1, 0), 5)
	ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, errSlow)
	p.cancel = cancel
	go w.run(ctx, p)
}

// run makes the request of a poll. The source may call code of the user, which may panic or
// end the goroutine.
func (w *watcher) run(ctx context.Context, p *poll) {
	p.response.Err = errGoexit
	defer func() {
		if before, after := w.returned(p); before != after {
			w.source.Outage(p.response.Err)
		}
	}()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case error, string:
			p.response = Response{Err: fmt.Errorf("%w: %v", ErrPanic, v)}
		default: // it may hold secrets
			p.response = Response{Err: fmt.Errorf("%w: a value of type %T", ErrPanic, v)}
		}
	}()
	if p.job != nil {
		p.response = w.source.Get(ctx, p.job.id)
	} else {
		p.response = w.source.List(ctx, p.status, p.offset, PageSize)
	}
}

// returned applies the response of a poll, and reports whether it began or ended an outage.
func (w *watcher) returned(p *poll) (outageBefore, outageAfter bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	outageBefore = w.service.outage()
	now := time.Now()
	p.cancel()
	if delete(w.polls, p); p.batch != nil {
		p.batch.busy = false
	} else {
		p.walk.busy = false
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
	return outageBefore, w.service.outage()
}

// needs reports whether a job of a poll has waits.
func (w *watcher) needs(p *poll) bool {
	return p.jobs == nil && len(w.jobs) > 0 || slices.ContainsFunc(p.jobs, func(j *job) bool { return len(j.waits) > 0 })
}

// succeeded applies a response.
func (w *watcher) succeeded(p *poll, now time.Time) {
	w.service.succeeded(now.Sub(p.began))
	if j := p.job; j != nil {
		if err := w.show(j, p.response.Items[0], p); err != nil {
			w.backOff(p, false)
			w.tell(j, err, Transient, now)
		} else if p.batch.errors, p.batch.retry = 0, (time.Time{}); len(j.waits) > 0 && j.rank >= 0 {
			w.place(j, j.rank)
			// Its page may have failed, but the job was shown.
			j.batch.errors, j.batch.retry = 0, time.Time{}
		}
		return
	}
	w.service.lists = avoided{}
	if total := p.response.Total; p.status == "" && !p.began.Before(w.counted) {
		w.deleted += max(w.total-total, 0) // the oldest jobs, it is believed
		if passed := p.began.Sub(w.counted).Seconds(); passed > 0 && !w.counted.IsZero() {
			share := min(passed, 1) / 2
			w.growth += share * (max(float64(total-w.total), 0)/passed - w.growth)
		}
		w.total, w.counted = total, p.began
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
			w.place(j, max(p.response.Total-1-p.offset-i, 0)+w.deleted)
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
	b.errors, b.retry = 0, time.Time{}
	for _, j := range p.jobs {
		if len(j.waits) == 0 || j.batch != b || !j.shown.Before(p.began) {
			continue
		}
		if b.number < 0 {
			// It is read alone again. Its backoff continues.
			b.errors, b.retry = errors+1, now.Add(backoff(errors+1))
		} else {
			j.rank = -1
			w.move(j, w.newest())
		}
	}
}

// show applies an item of a poll to the waits of a job.
func (w *watcher) show(j *job, item Item, p *poll) (failed error) {
	now := time.Now()
	lead, slack := w.lead()
	var target Target
	var finished bool
	var err error
	for _, wait := range slices.Backward(j.waits) { // the end of a wait moves the last one
		if wait.Target != target {
			target = wait.Target
			finished, err = target.Apply(item.Body, p.began)
		}
		if err != nil {
			failed = err
			continue
		}
		wait.result.Polls++
		wait.result.Last = nil
		wait.final = wait.final || !p.began.Before(wait.Deadline.Add(-lead-slack))
		if finished {
			w.end(wait, Result{Finished: true})
		}
	}
	if len(j.waits) == 0 {
		j.status.ended++
	}
	if failed != nil || len(j.waits) == 0 {
		return failed
	}
	if j.missing, j.batch.stale = false, true; p.began.After(j.shown) {
		if item.Finished {
			item.Status = nil // of the run before the current one
		}
		if string(item.Status) != j.status.name {
			w.rates.note(now)
			w.setStatus(j, string(item.Status), latest(j.shown, j.born))
		}
		if s := w.source.Schedule(); s != nil {
			j.next = now.Add(s.Delay(now.Sub(j.born)))
		}
		j.shown, w.service.latest = p.began, j
	}
	w.event(j, nil, now)
	return nil
}

// event tells the waits for a job of a poll after which they go on.
func (w *watcher) event(j *job, err error, now time.Time) {
	for _, wait := range j.waits {
		if wait.Event == nil {
			continue
		}
		j.batch.refresh()
		due := latest(w.due(j.batch, w.plan(now)), latest(w.service.hold, w.service.retryAfter))
		wait.Event(Event{Err: err, Poll: wait.result.Polls, Next: max(due.Sub(now), 0)})
	}
}

// failed notes a poll that failed.
func (w *watcher) failed(p *poll, now time.Time) {
	err, verdict := p.response.Err, p.response.Verdict
	refused := verdict != Transient
	// A job that fails again and again while others do not is not the service.
	if !refused && (p.job == nil || p.batch.errors < outageAfter || w.service.outage()) {
		w.service.failed(p.began, now)
	}
	switch {
	case p.job != nil:
	case p.walk != nil && p.walk.sweep:
		w.service.sweeps.failed(refused, now)
	default:
		w.service.lists.failed(refused, now)
	}
	w.backOff(p, refused)
	jobs := p.jobs
	if jobs == nil || w.service.outage() {
		jobs = slices.Collect(maps.Values(w.jobs))
	}
	for _, j := range jobs {
		if j == p.job {
			w.tell(j, err, verdict, now)
		} else {
			w.tell(j, err, Transient, now)
		}
	}
}

// tell tells the waits for a job of an error, and ends those that it ends.
func (w *watcher) tell(j *job, err error, verdict Verdict, now time.Time) {
	for _, wait := range slices.Backward(j.waits) { // the end of a wait moves the last one
		wait.result.Polls++
		wait.result.Last = err
		switch {
		case errors.Is(err, ErrPanic), verdict == Definitive, verdict == NotFound && !now.Before(wait.VisibleBy):
			w.end(wait, Result{Reason: err})
		case wait.MaxOutage > 0 && now.Sub(latest(wait.began, j.shown)) >= wait.MaxOutage:
			w.end(wait, Result{Reason: polling.ErrOutage})
		}
	}
	w.event(j, err, now)
}

// backOff plans the next poll after one that failed.
func (w *watcher) backOff(p *poll, refused bool) {
	now := time.Now()
	if k := p.walk; k != nil {
		if k.errors++; k == w.walk && (k.errors >= outageAfter || refused) {
			w.endWalk(false)
		}
		k.retry = now.Add(backoff(k.errors))
		return
	}
	b := p.batch
	if p.job != nil {
		p.job.missing, b.stale = false, true
	}
	b.errors++
	b.retry = now.Add(backoff(b.errors))
}
