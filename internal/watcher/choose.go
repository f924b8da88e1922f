package watcher

import "time"

// maxFlights is how many polls may be under way, except slow and final ones.
const maxFlights = 8

// A request is the choice of one poll: a job alone, the next page of a walk, or else the
// page of a batch.
type request struct {
	batch *batch
	job   *job
	walk  *walk
	final bool // before a deadline
}

// choose returns the request that is needed most, and when to send it. It also reserves
// slots for the final polls that are due soon. mu must be held.
func (w *watcher) choose(now time.Time) (r request, at time.Time) {
	p := w.plan(now)
	lead, _ := w.lead()
	window := w.set.limiter.Window() * 11 / 10
	var first, final *batch // the batches that are due first, and for a final poll
	at = now.Add(time.Hour)
	soon, inTime, reserve := 0, now.Add(p.delay(p.lists, p.rate)/2), 0
	w.nextFinal = time.Time{}
	for _, b := range w.batches {
		if b.stale {
			b.refresh()
		}
		if !b.deadline.IsZero() && !(w.service.rtt == 0 && (b.busy || w.walk != nil)) {
			due := latest(b.deadline.Add(-lead), w.service.retryAfter)
			if w.nextFinal.IsZero() || due.Before(w.nextFinal) {
				final, w.nextFinal = b, due
			}
			if due.Sub(now) <= window {
				reserve++
			} else if early := due.Add(-window); early.Before(at) {
				first, at = nil, early // to reserve a slot
			}
		}
		if b.busy || w.walk != nil && (b.unknown || w.walk.sweep && b.errors == 0) {
			continue
		}
		due := w.due(b, p)
		if due.Before(at) {
			first, at = b, due
		}
		if !due.After(inTime) {
			soon += len(b.jobs)
		}
	}
	w.set.limiter.Reserve(reserve - w.reserved)
	w.reserved = reserve
	if final != nil && !w.nextFinal.After(now) {
		return w.request(final, now, true), w.nextFinal
	}
	if w.flights >= maxFlights || w.service.failures > 0 && w.flights > 0 {
		return request{}, earliest(now.Add(time.Hour), w.nextFinal)
	}
	missing, found := w.missingRequest(now)
	switch {
	case w.service.outage() && w.service.latest != nil:
		r, at = w.tryAgain(now), now
	case w.walk != nil && !w.walk.busy && !w.walk.retry.After(now):
		r, at = request{walk: w.walk, final: w.walk.final}, now
	case found:
		r, at = missing, now
	case at.After(now):
		if w.walk != nil && !w.walk.busy {
			at = earliest(at, w.walk.retry)
		}
	case first != nil && p.sweep && w.walk == nil && 3*soon >= len(w.jobs):
		r = request{walk: w.newSweep(p)}
	case first != nil:
		r = w.request(first, now, false)
	}
	return r, earliest(latest(at, latest(w.service.hold, w.service.retryAfter)), w.nextFinal)
}

// request returns the request for a batch that is due. mu must be held.
func (w *watcher) request(b *batch, now time.Time, final bool) request {
	r := request{batch: b, final: final}
	lists := w.service.lists.allowed(now) && !(final && w.service.lists.errors > 0)
	again := b.errors > 1 // the job was read alone, in vain
	switch {
	case lists && b.number >= 0 && w.service.ranks.allowed(now) && (len(b.jobs) > 1 || again):
	case lists && b.number < 0 && again:
	case lists && b.unknown && w.walk == nil && len(w.jobs) > 1 && w.searchPays():
		r.walk = &walk{statuses: []string{""}}
	default:
		r.job = b.next(final)
	}
	return r
}

// missingRequest returns the request for the next job that a sweep did not show, and whether
// there is one. mu must be held.
func (w *watcher) missingRequest(now time.Time) (request, bool) {
	for len(w.missing) > 0 {
		j := w.missing[0]
		switch {
		case !j.missing || len(j.waits) == 0:
			w.missing = w.missing[1:]
			continue
		case j.batch.busy:
			return request{}, false
		case j.batch.number >= 0 && j.batch.missing() > 1:
			return w.request(j.batch, now, false), true
		}
		return request{batch: j.batch, job: j}, true
	}
	return request{}, false
}

// tryAgain returns the request that tries during an outage. It is for the job that was shown
// last, because that does not fail by itself, and it reads a list if the last try read the
// job. mu must be held.
func (w *watcher) tryAgain(now time.Time) request {
	r := request{batch: w.service.latest.batch}
	if !w.service.failedAlone || !w.service.lists.allowed(now) {
		r.job = w.service.latest
	}
	return r
}

func earliest(a, b time.Time) time.Time {
	if !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
