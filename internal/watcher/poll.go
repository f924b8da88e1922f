package watcher

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A poll is one request under way.
type poll struct {
	request
	jobs     []*job // that it is to show; nil for a page of a walk
	status   string // of the list
	offset   int
	total    int // length of the list of all jobs before
	began    time.Time
	slow     bool // others do not wait for it any more
	useless  bool // canceled, because no wait needs it
	cancel   context.CancelFunc
	timer    *time.Timer
	done     chan struct{}
	response Response
}

// send begins a poll. mu must be held.
func (w *watcher) send(r request) {
	p := &poll{request: r, began: time.Now(), total: w.total, done: make(chan struct{})}
	switch {
	case r.walk != nil:
		w.beginWalk(p)
	case r.job != nil:
		p.jobs = []*job{r.job}
	default:
		p.jobs = append(p.jobs, r.batch.jobs...)
		p.offset = w.offset(r.batch)
	}
	for _, j := range p.jobs {
		w.inTime(j, p.began)
	}
	if p.walk == nil {
		p.batch.busy = true
	}
	w.polls[p] = true
	w.flights++
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.timer = time.AfterFunc(max(3*w.service.rtt, time.Second), func() { w.hedge(p) })
	go w.run(ctx, p)
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

// run makes the request of a poll. The source may call code of the user, which may panic or
// end the goroutine.
func (w *watcher) run(ctx context.Context, p *poll) {
	p.response.Err = errGoexit
	defer w.finish(p)
	defer func() {
		if v := recover(); v != nil {
			p.response = Response{Err: &PanicError{v}, Verdict: Definitive}
		}
	}()
	if p.job != nil {
		p.response = w.source.Get(ctx, p.job.id)
	} else {
		p.response = w.source.List(ctx, p.status, p.offset, PageSize)
	}
}

// hedge lets others not wait any more for a poll that takes much longer than usual: the same
// may be requested again.
func (w *watcher) hedge(p *poll) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polls[p] {
		p.slow = true
		w.release(p)
		w.service.failed(p.began, time.Now())
		w.backOff(p, false)
		w.changed()
	}
}

// release notes that a poll is not under way any more. mu must be held.
func (w *watcher) release(p *poll) {
	w.flights--
	if p.walk != nil {
		p.walk.busy = false
	} else {
		p.batch.busy = false
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
	canceled := w.cancelUseless()
	w.changed()
	ended := w.ended
	w.ended = nil
	w.mu.Unlock()

	close(p.done)
	if len(ended) > 0 {
		drain(canceled)
	}
	for _, wait := range ended {
		wait.Ended <- wait
	}
}

// drain waits for canceled polls if they return at once: then no request outlives its wait.
func drain(canceled []*poll) {
	timeout := time.NewTimer(100 * time.Millisecond)
	defer timeout.Stop()
	for _, p := range canceled {
		select {
		case <-p.done:
		case <-timeout.C:
			return
		}
	}
}

// cancelUseless cancels the polls that no wait needs any more, and returns those that are
// canceled and have not returned. mu must be held.
func (w *watcher) cancelUseless() (canceled []*poll) {
	for p := range w.polls {
		if p.useless = p.useless || !w.needs(p); p.useless {
			p.cancel()
			canceled = append(canceled, p)
		}
	}
	return canceled
}

// needs reports whether a wait needs a poll: a slow one only if no later one has shown the
// same.
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
