package watcher

import "time"

// maxFlights is how many polls may be under way, except slow and final ones.
const maxFlights = 8

// A request is the choice of one poll: a job alone, a page, the next page of a walk, or,
// if all are nil, the newest page of the list.
type request struct {
	job   *job
	page  *page
	walk  *walk
	final bool // before a deadline
}

// choose returns the request that is needed most, and when to send it. mu must be held.
func (w *watcher) choose(now time.Time) (r request, at time.Time) {
	r, at = w.chooseFinal(now)
	if at.After(now) && w.flights < maxFlights && (w.service.failures == 0 || w.flights == 0) {
		ordinary, due := w.chooseOrdinary(now)
		if due = latest(due, w.service.notBefore()); due.Before(at) {
			r, at = ordinary, due
		}
	}
	return r, at
}

func (w *watcher) chooseOrdinary(now time.Time) (request, time.Time) {
	if w.service.outage() && w.service.latest != nil {
		return w.tryAgain(now), now
	}
	var alone *job
	var best *page
	at := now.Add(time.Hour)
	if w.walk != nil && !w.walk.busy {
		if at = w.walk.retry; !at.After(now) {
			return request{walk: w.walk, final: w.walk.final}, now
		}
	}
	if len(w.alone) > 0 && w.alone[0].at.Before(at) {
		alone, at = w.alone[0].job, w.alone[0].at
	}
	if w.walk != nil && w.walk.sweep { // it shows all pages
		if alone == nil || at.After(now) {
			return request{}, at
		}
		return w.requestFor(alone, now, false), at
	}
	p, soon := w.plan(now), 0
	inTime := now.Add(p.delay(p.lists, p.rate) / 2)
	for _, pg := range w.pages {
		if pg.busy {
			continue
		}
		due := w.due(pg, p)
		if due.Before(at) {
			best, at = pg, due
		}
		if !due.After(inTime) {
			soon += len(pg.jobs)
		}
	}
	switch {
	case at.After(now):
		return request{}, at
	case p.sweep && w.walk == nil && (best != nil || !alone.missing):
		w.alone.until(inTime, func(*alarm) { soon++ })
		if 3*soon >= len(w.jobs) {
			return request{walk: w.newSweep(now, p)}, at
		}
	}
	if best != nil {
		return w.requestForPage(best, now), at
	}
	return w.requestFor(alone, now, false), at
}

// requestForPage returns the request for a page that is due. A job without others is read
// alone, and so are all if lists are avoided. mu must be held.
func (w *watcher) requestForPage(p *page, now time.Time) request {
	if j := p.oldest(); j != nil && (len(p.jobs) == 1 || !w.service.pages(now)) {
		return request{job: j}
	}
	return request{page: p}
}

// requestFor returns the request that shows a job, and as many others as possible. mu
// must be held.
func (w *watcher) requestFor(j *job, now time.Time, final bool) request {
	r := request{final: final}
	again := j.errors > 1 // it has been read alone, in vain
	pages := pagesOf(w.total)
	switch {
	case !w.service.pages(now) || final && w.service.lists.errors > 0 || len(w.jobs) == 1 && !again:
		r.job = j
	case j.page != nil && (final || !j.page.busy) && (again || len(j.page.jobs) > 1 && (!j.missing || j.page.missing() > 1)):
		r.page = j.page
	case j.page == nil && !j.notListed && !j.missing && w.walk == nil && (again || w.total == 0 || pages <= 4 || w.unknown > 1 && 4*w.unknown >= pages):
		r.walk = w.newSearch(now)
	default:
		r.job = j
	}
	return r
}

// tryAgain returns the request that tries during an outage. It is for the job that was
// shown last, because that does not fail by itself, or for a list if the last try was for
// a job. mu must be held.
func (w *watcher) tryAgain(now time.Time) request {
	if w.service.failedAlone && w.service.lists.allowed(now) {
		return request{}
	}
	return request{job: w.service.latest}
}
