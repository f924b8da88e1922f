package watcher

import (
	"errors"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// succeeded applies a response. mu must be held.
func (w *watcher) succeeded(p *poll, now time.Time) {
	w.service.succeeded(now.Sub(p.began))
	if p.job != nil {
		if err := w.show(p.job, p.response.Items[0], p); err != nil {
			w.backOff(p, false)
			w.tell(p.job, err, Transient, now)
		} else if b := p.job.batch; b != nil && b.errors > 0 {
			b.errors, b.retry = 0, time.Time{}
			if p.job.rank >= 0 {
				w.place(p.job, p.job.rank)
			}
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
		switch err := w.show(j, item, p); {
		case err != nil && (j.batch.unknown || j.batch.number >= 0):
			w.move(j, w.newBatch()) // read alone, it shows the error
		case err == nil && len(j.waits) > 0 && p.status == "":
			w.place(j, max(p.response.Total-1-p.offset-i, 0)+w.deleted)
		}
	}
	switch {
	case p.walk == nil:
		w.missed(p, now)
	case p.walk == w.walk && p.status == w.walk.statuses[0] && p.offset == w.walk.offset:
		w.step(p, now)
	}
}

// missed notes which of its jobs a page did not show. If the list has grown, a job may only
// have moved to the next page. mu must be held.
func (w *watcher) missed(p *poll, now time.Time) {
	b, missed := p.batch, 0
	if b.errors, b.retry = 0, (time.Time{}); b.number < 0 {
		if len(b.jobs) == 1 && b.jobs[0].shown.Before(p.began) {
			b.errors, b.retry = 1, now.Add(backoff(2)) // it is read alone again
		}
		return
	}
	for _, j := range p.jobs {
		if len(j.waits) == 0 || j.batch != b || !j.shown.Before(p.began) {
			continue
		}
		w.retryFinal(j, now)
		if w.total > p.total && !j.missed {
			j.missed = true
			continue
		}
		missed++
		j.rank = -1
		w.move(j, w.newest())
	}
	if 2*missed > len(p.jobs) {
		w.service.ranks.failed(false, now)
	} else if missed == 0 {
		w.service.ranks.succeeded()
	}
}

// show applies an item of a poll to the waits of a job. mu must be held.
func (w *watcher) show(j *job, item Item, p *poll) error {
	now := time.Now()
	var target Target
	var finished bool
	var err, failed error
	var over []*Wait
	for _, wait := range j.waits {
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
		if finished {
			over = append(over, wait)
		}
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
	j.missed, j.missing, j.batch.stale = false, false, true
	if p.began.After(j.shown) {
		w.service.latest = j
		name := item.Status
		if item.Finished { // of the run before the current one
			name = nil
		}
		if string(name) != j.status.name {
			w.rates.note(now)
			w.setStatus(j, string(name), latest(j.shown, j.born))
		}
		j.shown = p.began
	}
	for _, wait := range j.waits {
		w.event(wait, nil, now)
	}
	return nil
}

// finishWait ends a wait by itself. mu must be held.
func (w *watcher) finishWait(wait *Wait, r Result) {
	w.end(wait, r)
	w.ended = append(w.ended, wait)
}

// event tells a wait of a poll after which it goes on. mu must be held.
func (w *watcher) event(wait *Wait, err error, now time.Time) {
	if wait.Event == nil {
		return
	}
	b := wait.job.batch
	b.refresh()
	due := latest(w.due(b, w.plan(now)), latest(w.service.hold, w.service.retryAfter))
	wait.Event(Event{Err: err, Poll: wait.result.Polls, Next: max(due.Sub(now), 0)})
}

// failed notes a poll that failed. mu must be held.
func (w *watcher) failed(p *poll, now time.Time) {
	err, verdict := p.response.Err, p.response.Verdict
	refused := verdict != Transient
	w.service.failedAlone = p.job != nil
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

// tell tells the waits for a job of an error, and ends those that it ends. mu must be held.
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

// backOff plans the next poll after one that failed or is slow. A job that fails alone gets
// a batch of its own. mu must be held.
func (w *watcher) backOff(p *poll, refused bool) {
	now := time.Now()
	if p.walk != nil {
		if k := p.walk; k == w.walk {
			k.errors++
			if k.retry = now.Add(backoff(k.errors)); k.errors >= outageAfter || refused {
				w.endWalk(false)
			}
		}
		return
	}
	b := p.batch
	if j := p.job; j != nil && len(j.waits) > 0 {
		if b = j.batch; len(b.jobs) > 1 {
			b = w.newBatch()
			w.move(j, b)
		}
		j.missing, b.stale = false, true
	}
	b.errors++
	b.retry = now.Add(backoff(b.errors))
}
