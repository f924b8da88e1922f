package watcher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A poll is one request under way.
type poll struct {
	request
	jobs    []*job // that it must show; nil if it reads a list from page to page
	status  string // of a list
	offset  int
	total   int // length of the list before
	began   time.Time
	slow    bool // others do not wait for it any more
	useless bool // canceled, because no wait needs it
	ctx     context.Context
	cancel  context.CancelFunc
	timer   *time.Timer
	done    chan struct{}

	response Response
}

// send begins a poll. mu must be held.
func (w *watcher) send(r request) {
	p := &poll{request: r, began: time.Now(), total: w.total, done: make(chan struct{})}
	switch {
	case r.job != nil:
		p.jobs = []*job{r.job}
		r.job.busy = true
		r.job.changed()
		w.alone.unset(&r.job.alarm)
	case r.page != nil:
		p.jobs = append(p.jobs, r.page.jobs...)
		r.page.busy = true
		p.offset = w.span(r.page)
		for _, j := range p.jobs {
			if !j.alarm.at.After(p.began) {
				w.alone.unset(&j.alarm)
			}
		}
		r.page.stale = true
	case r.walk != nil:
		if w.walk == nil {
			w.beginWalk(r.walk)
		}
		r.walk.busy, r.walk.final = true, r.walk.final || r.final
		p.status, p.offset = r.walk.statuses[0], r.walk.offset
	default:
		w.counting = p.began
	}
	for _, j := range p.jobs {
		j.asked = p.began
	}
	w.polls[p] = true
	w.flights++
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.timer = time.AfterFunc(max(3*w.service.rtt, time.Second), func() { w.slow(p) })
	go w.run(p)
}

var errGoexit = errors.New("the poll ended its goroutine")

// A PanicError is the reason of the waits whose poll has panicked.
type PanicError struct{ Value any }

func (e *PanicError) Error() string {
	switch e.Value.(type) {
	case error, string:
		return fmt.Sprintf("panic in a poll: %v", e.Value)
	}
	return fmt.Sprintf("panic in a poll: a value of type %T", e.Value) // it may hold secrets
}

// run makes the request of a poll. The source may call code of the user, which may panic
// or end the goroutine.
func (w *watcher) run(p *poll) {
	p.response.Err = errGoexit
	defer w.finish(p)
	defer func() {
		if v := recover(); v != nil {
			p.response = Response{Err: &PanicError{v}, Verdict: Definitive}
		}
	}()
	if p.job != nil {
		p.response = w.source.Get(p.ctx, p.job.id)
	} else {
		p.response = w.source.List(p.ctx, p.status, p.offset, PageSize)
	}
}

// slow lets others not wait for a poll any more that takes much longer than usual: the
// same is requested again.
func (w *watcher) slow(p *poll) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.polls[p] {
		return
	}
	p.slow = true
	w.release(p)
	w.service.failed(p.began, time.Now())
	w.backOff(p, false)
	w.changed()
}

// release marks that a poll is not under way any more. mu must be held.
func (w *watcher) release(p *poll) {
	w.flights--
	switch {
	case p.job != nil:
		p.job.busy = false
		p.job.changed()
	case p.page != nil:
		p.page.busy = false
	case p.walk != nil:
		p.walk.busy = false
	}
}

// finish applies the response of a poll.
func (w *watcher) finish(p *poll) {
	w.mu.Lock()
	now := time.Now()
	p.timer.Stop()
	p.cancel()
	delete(w.polls, p)
	if !p.slow {
		w.release(p)
	}
	if after := min(p.response.RetryAfter, maxRetryAfter); after > 0 {
		w.service.retryAfter = latest(w.service.retryAfter, now.Add(after))
	}
	switch {
	case p.useless:
	case p.response.Err != nil:
		w.failed(p, now)
	default:
		w.succeeded(p, now)
	}
	w.rates.redraw()
	w.cancelUseless()
	w.changed()
	ended, canceled := w.ended, w.canceled
	w.ended, w.canceled = nil, nil
	w.mu.Unlock()

	close(p.done)
	if len(ended) == 0 {
		return
	}
	// A wait should not return before its requests have, if they do so at once.
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	for _, other := range canceled {
		select {
		case <-other.done:
		case <-timeout.C:
		}
	}
	for _, wait := range ended {
		wait.Ended <- wait
	}
}

const drainTimeout = 100 * time.Millisecond

// cancelUseless cancels the polls that no wait needs any more: all their jobs have no
// waits, or have been shown by later polls. mu must be held.
func (w *watcher) cancelUseless() {
	for p := range w.polls {
		if !p.useless && !w.needs(p) {
			p.useless = true
			p.cancel()
			w.canceled = append(w.canceled, p)
		}
	}
}

func (w *watcher) needs(p *poll) bool {
	if p.jobs == nil {
		return len(w.jobs) > 0 && (!p.slow || w.listed.Before(p.began))
	}
	for _, j := range p.jobs {
		if len(j.waits) > 0 && (!p.slow || j.shown.Before(p.began)) {
			return true
		}
	}
	return false
}

// succeeded applies a response. mu must be held.
func (w *watcher) succeeded(p *poll, now time.Time) {
	w.service.succeeded()
	w.service.took(now.Sub(p.began))
	if p.job != nil {
		if err := w.show(p.job, p.response.Items[0], p.began); err != nil {
			w.backOffJob(p.job, now)
			w.tell(p.job, err, Transient, now)
		}
		return
	}
	w.service.lists.succeeded()
	w.listed = latest(w.listed, p.began)
	if p.status == "" {
		w.hasTotal(p.response.Total, p.began)
	}
	for i, item := range p.response.Items {
		j := w.jobs[string(item.ID)]
		if j == nil {
			continue
		}
		if p.status == "" {
			w.place(j, w.rankAt(p.offset+i, p.response.Total))
		}
		if err := w.show(j, item, p.began); err != nil && j.alarm.index == 0 && !j.busy {
			w.readAlone(j, now) // that shows the error
		}
	}
	switch {
	case p.page != nil:
		p.page.errors, p.page.retry = 0, time.Time{}
		missed := 0
		for _, j := range p.jobs {
			if len(j.waits) > 0 && j.shown.Before(p.began) && w.miss(p, j, now) {
				missed++
			}
		}
		if 2*missed > len(p.jobs) {
			w.service.ranks.failed(false, now)
		} else if missed == 0 {
			w.service.ranks.succeeded()
		}
	case p.walk != nil && p.walk == w.walk && p.status == w.walk.statuses[0] && p.offset == w.walk.offset:
		w.step(p, now)
	}
}

// readAlone makes a job be read alone now. mu must be held.
func (w *watcher) readAlone(j *job, now time.Time) {
	w.locate(j, nil, true)
	w.alone.set(&j.alarm, now)
}

// miss notes that a page did not show a job, and reports whether it should have. If the
// list has grown, the job may only have moved to the next page. mu must be held.
func (w *watcher) miss(p *poll, j *job, now time.Time) bool {
	w.retryFinal(j, now)
	if j.page != p.page || w.total > p.total && !j.missed {
		j.missed = true
		return false
	}
	w.locate(j, nil, false)
	if !j.busy {
		w.alone.set(&j.alarm, now)
	}
	return true
}

// show applies an item to the waits of a job. mu must be held.
func (w *watcher) show(j *job, item Item, requestedAt time.Time) error {
	now := time.Now()
	var target Target
	var finished bool
	var err, failed error
	var over []*Wait
	for _, wait := range j.waits {
		if wait.Target != target {
			target = wait.Target
			finished, err = target.Apply(item.Body, requestedAt)
		}
		switch {
		case err != nil:
			failed = err
			continue
		case finished:
			over = append(over, wait)
		}
		wait.result.Polls++
		wait.result.Last = nil
	}
	if len(over) > 0 && len(over) == len(j.waits) {
		w.rates.note(now)
		j.status.ended++
	}
	for _, wait := range over {
		w.finishWait(wait, Result{Finished: true})
	}
	if failed != nil || len(j.waits) == 0 {
		return failed
	}
	if requestedAt.After(j.shown) {
		w.service.latest = j
		if name := statusOf(item); string(name) != j.status.name {
			w.rates.note(now)
			w.setStatus(j, string(name), latest(j.shown, j.born))
		}
		j.shown = requestedAt
	}
	j.errors, j.missed, j.missing = 0, false, false
	j.changed()
	if j.page != nil {
		w.alone.unset(&j.alarm)
	} else if !j.busy {
		w.alone.set(&j.alarm, w.dueAlone(j, now))
	}
	for _, wait := range j.waits {
		w.event(wait, nil, now)
	}
	return nil
}

// statusOf returns the name of the status of an unfinished job; empty if it is a final
// one, which the job had before its current run.
func statusOf(item Item) []byte {
	if item.Finished {
		return nil
	}
	return item.Status
}

// finishWait ends a wait by itself. mu must be held.
func (w *watcher) finishWait(wait *Wait, r Result) {
	r.Last = wait.result.Last
	w.end(wait, r)
	w.ended = append(w.ended, wait)
}

// event tells a wait of a poll after which it goes on. mu must be held.
func (w *watcher) event(wait *Wait, err error, now time.Time) {
	if wait.Event == nil {
		return
	}
	var due time.Time
	switch j := wait.job; {
	case j.alarm.index > 0:
		due = j.alarm.at
	case j.page != nil:
		due = w.due(j.page, w.plan(now))
	}
	due = latest(due, w.service.notBefore())
	wait.Event(Event{Err: err, Poll: wait.result.Polls, Next: max(due.Sub(now), 0)})
}

// failed notes a poll that failed. mu must be held.
func (w *watcher) failed(p *poll, now time.Time) {
	err, verdict := p.response.Err, p.response.Verdict
	refused := verdict != Transient
	switch {
	case p.job != nil:
		// A job that fails again and again while others do not is not the service.
		if !refused && (p.job.errors < outageAfter || w.service.outage()) {
			w.service.failed(p.began, now)
		}
	case p.walk != nil && p.walk.sweep:
		w.service.sweeps.failed(refused, now)
	default:
		w.service.lists.failed(refused, now)
	}
	if p.job == nil && !refused {
		w.service.failed(p.began, now)
	}
	w.service.failedAlone = p.job != nil
	if !p.slow {
		w.backOff(p, refused)
	}
	if p.job == nil {
		verdict = Transient // for the jobs
	}
	if p.jobs != nil {
		for _, j := range p.jobs {
			w.tell(j, err, verdict, now)
		}
	} else {
		for _, j := range w.jobs {
			w.tell(j, err, verdict, now)
		}
	}
	if w.service.outage() {
		for _, j := range w.jobs {
			w.endOutages(j, err, now)
		}
	}
}

// tell tells the waits for a job of an error, and ends those that it ends. mu must be
// held.
func (w *watcher) tell(j *job, err error, verdict Verdict, now time.Time) {
	var panicked *PanicError
	fatal := errors.As(err, &panicked) || verdict == Definitive
	for i := len(j.waits) - 1; i >= 0; i-- { // the end of a wait moves the last one
		wait := j.waits[i]
		wait.result.Polls++
		wait.result.Last = err
		if fatal || verdict == NotFound && !now.Before(wait.VisibleBy) {
			w.finishWait(wait, Result{Reason: err})
		}
	}
	w.endOutages(j, err, now)
	for _, wait := range j.waits {
		w.event(wait, err, now)
	}
	w.retryFinal(j, now)
}

// endOutages ends the waits for a job that saw only errors for too long. mu must be held.
func (w *watcher) endOutages(j *job, err error, now time.Time) {
	for i := len(j.waits) - 1; i >= 0; i-- {
		wait := j.waits[i]
		if wait.MaxOutage > 0 && now.Sub(latest(wait.began, j.shown)) >= wait.MaxOutage {
			wait.result.Last = err
			w.finishWait(wait, Result{Reason: polling.ErrOutage})
		}
	}
}

// backOff plans the next poll for the jobs of one that failed, or is slow. mu must be
// held.
func (w *watcher) backOff(p *poll, refused bool) {
	now := time.Now()
	switch {
	case p.job != nil:
		w.backOffJob(p.job, now)
	case p.page != nil:
		p.page.errors++
		p.page.retry = now.Add(backoff(p.page.errors))
	case p.walk != nil && p.walk == w.walk:
		p.walk.errors++
		p.walk.retry = now.Add(backoff(p.walk.errors))
		if p.walk.errors >= outageAfter || refused {
			w.endWalk(false, now)
		}
	}
}

func (w *watcher) backOffJob(j *job, now time.Time) {
	if len(j.waits) == 0 {
		return
	}
	j.errors++
	j.changed()
	w.alone.set(&j.alarm, now.Add(backoff(j.errors)))
}
