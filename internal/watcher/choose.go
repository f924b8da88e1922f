package watcher

import "time"

// maxFlights is how many polls may be under way, except final ones.
const maxFlights = 8

// choose returns the poll that is needed most, and when to send it. It also reserves slots
// for the final polls that are due soon.
func (w *watcher) choose(now time.Time) (p *poll, at time.Time) {
	plan := w.plan(now)
	lead, slack := w.service.lead()
	const window = 1100 * time.Millisecond // slots are reserved so long before
	never := now.Add(time.Hour)
	var first, final *batch // due first, also for a final poll
	reserve := 0
	_, unknown, _ := w.count()
	at, w.nextFinal = never, never
	for _, b := range w.batches {
		if b.stale || !b.deadline.IsZero() && b.deadline.Before(now) {
			b.refresh(now)
		}
		searched := b.unknown && w.walk != nil && !w.walk.sweep
		trusted := searched && w.service.lists.errors == 0 && pagesOf(w.total-w.walk.offset) <= max(4, unknown)
		if !b.deadline.IsZero() && !trusted && (!b.busy || b.asked.Before(b.deadline.Add(-lead-slack))) {
			due := latest(b.deadline.Add(-lead), w.service.retryAfter)
			if b.errors > 0 { // the backoff would be too long
				due = latest(due, b.asked.Add(lead/3))
			}
			if due.Sub(now) <= window {
				reserve++
			}
			if due.Before(w.nextFinal) {
				final, w.nextFinal = b, due
			}
		}
		if searched || b.busy || w.walk != nil && w.walk.sweep && b.errors == 0 {
			continue
		}
		due := w.due(b, plan)
		if due.Before(at) {
			first, at = b, due
		}
	}
	w.set.limiter.Reserve(reserve - w.reserved)
	w.reserved = reserve
	if !w.nextFinal.After(now) {
		return w.request(final, now, true), now
	}
	if never = w.nextFinal; never.Sub(now) > window {
		never = never.Add(-window) // to reserve a slot
	}
	if len(w.polls) >= maxFlights || w.service.errors > 0 && len(w.polls) > 0 {
		return nil, never
	}
	walk := w.walk
	switch {
	case walk != nil && !walk.busy && walk.retry.Before(at):
		p, at = &poll{walk: walk}, walk.retry
	case at.After(now):
	case plan.sweep && walk == nil && first.missing == 0:
		p = &poll{walk: w.newSweep(plan)}
	default:
		p = w.request(first, now, false)
	}
	return p, earliest(never, latest(at, latest(w.service.retry, w.service.retryAfter)))
}

// request returns the poll for a batch that is due.
func (w *watcher) request(b *batch, now time.Time, final bool) *poll {
	p := &poll{batch: b, final: final}
	lists := !w.service.lists.retry.After(now) && (!final || w.service.lists.errors == 0)
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
