package watcher

import "time"

// maxFlights is how many polls may be under way, except final ones.
const maxFlights = 8

// choose returns the poll that is needed most, and when to send it. It returns an earlier time
// if it must be called again before.
func (w *watcher) choose(now time.Time) (p *poll, at time.Time) {
	for _, b := range w.batches {
		if b.stale || !b.deadline.IsZero() && b.deadline.Before(now) {
			b.refresh(now)
		}
	}
	final := w.planFinals(now)
	if !w.nextFinal.After(now) {
		return w.request(final, now, true), now
	}
	again := w.again(now)
	if len(w.polls) >= maxFlights || w.service.errors > 0 && len(w.polls) > 0 {
		return nil, again
	}
	p, at = w.next(now)
	return p, earliest(again, latest(at, latest(w.service.retry, w.service.retryAfter)))
}

// reserveAhead is how long before a final poll a slot of the limiter is reserved for it.
const reserveAhead = 1100 * time.Millisecond

// again returns when choose must be called for the next final poll: to reserve a slot, and
// then to send it.
func (w *watcher) again(now time.Time) time.Time {
	if reserveAt := w.nextFinal.Add(-reserveAhead); reserveAt.After(now) {
		return reserveAt
	}
	return w.nextFinal
}

// planFinals returns the batch whose final poll is due first, and sets nextFinal. It reserves
// slots for the final polls that are due soon.
func (w *watcher) planFinals(now time.Time) (first *batch) {
	lead, slack := w.service.lead()
	shortSearch := w.service.lists.errors == 0 && pagesOf(w.list.total) <= max(4, w.unknown())
	w.nextFinal = now.Add(time.Hour)
	reserve := 0
	for _, b := range w.batches {
		underWay := b.busy && !b.asked.Before(b.deadline.Add(-lead-slack))
		if b.deadline.IsZero() || underWay || shortSearch && w.walk.searches(b) {
			continue
		}
		due := latest(b.deadline.Add(-lead), w.service.retryAfter)
		if b.errors > 0 { // the backoff would be too long
			due = latest(due, b.asked.Add(lead/3))
		}
		if due.Sub(now) <= reserveAhead {
			reserve++
		}
		if due.Before(w.nextFinal) {
			first, w.nextFinal = b, due
		}
	}
	w.set.limiter.Reserve(reserve - w.reserved)
	w.reserved = reserve
	return first
}

// next returns the poll that is due first, except final ones, and when it is due. The poll
// may be nil before that.
func (w *watcher) next(now time.Time) (p *poll, at time.Time) {
	plan, walk := w.plan(now), w.walk
	var first *batch
	at = now.Add(time.Hour)
	for _, b := range w.batches {
		if b.busy || walk.searches(b) || walk.sweeps(b) {
			continue
		}
		if due := w.due(b, plan); due.Before(at) {
			first, at = b, due
		}
	}
	switch {
	case walk != nil && !walk.busy && walk.retry.Before(at):
		return &poll{walk: walk}, walk.retry
	case at.After(now):
		return nil, at
	case plan.sweep && walk == nil && first.missing == 0:
		return &poll{walk: w.newSweep(plan)}, at
	}
	return w.request(first, now, false), at
}

// request returns the poll for a batch that is due.
func (w *watcher) request(b *batch, now time.Time, final bool) *poll {
	p := &poll{batch: b, final: final}
	lists := !w.service.lists.retry.After(now)
	if w.service.outage() {
		lists = w.service.errors%2 == 0 // lists and single jobs take turns, since one kind may work
	}
	if final && w.service.lists.errors > 0 {
		lists = false
	}
	again := b.errors > 0 && b.errors%2 == 0 // now in another way than before
	switch {
	case lists && (again || b.number >= 0 && len(b.jobs) > 1):
	case lists && b.unknown && w.walk == nil && len(w.jobs) > 1 && w.searchPays():
		return &poll{walk: w.newSearch(), final: final}
	case final:
		p.job = b.urgent
	default:
		p.job = b.oldest
	}
	return p
}
