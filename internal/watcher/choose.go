package watcher

import "time"

// maxFlights is how many polls may be under way, except final ones.
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
// slots for the final polls that are due soon.
func (w *watcher) choose(now time.Time) (r request, at time.Time) {
	p := w.plan(now)
	lead, slack := w.lead()
	const window = 1100 * time.Millisecond // slots are reserved so long before
	never := now.Add(time.Hour)
	inTime := now.Add(p.delay(p.lists, p.rate) / 2)
	var first, final, missing *batch // due first, for a final poll, with missing jobs
	soon, reserve := 0, 0
	at, w.nextFinal = never, never
	for _, b := range w.batches {
		if b.stale {
			b.refresh()
		}
		searched := b.unknown && w.walk != nil && !w.walk.sweep
		if !b.deadline.IsZero() && !(b.busy && !b.asked.Before(b.deadline.Add(-lead-slack))) {
			due := latest(b.deadline.Add(-lead), w.service.retryAfter)
			if b.errors > 0 { // the backoff would be too long
				due = latest(due, b.asked.Add(lead/3))
			}
			if due.Sub(now) <= window {
				reserve++
			}
			if searched {
				w.walk.final = w.walk.final || !due.After(now)
			} else if due.Before(w.nextFinal) {
				final, w.nextFinal = b, due
			}
		}
		if b.missing > 0 && !b.busy {
			missing = b
		}
		if b.busy || searched || w.walk != nil && w.walk.sweep && b.errors == 0 {
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
	if !w.nextFinal.After(now) {
		return w.request(final, now, true), now
	}
	if never = w.nextFinal; never.Sub(now) > window {
		never = never.Add(-window) // to reserve a slot
	}
	if len(w.polls) >= maxFlights || w.service.failures > 0 && len(w.polls) > 0 {
		return request{}, never
	}
	switch {
	case w.service.outage() && w.service.latest != nil:
		// This job does not fail by itself.
		r, at = w.request(w.service.latest.batch, now, false), now
	case w.walk != nil && !w.walk.busy && !w.walk.retry.After(now):
		r, at = request{walk: w.walk, final: w.walk.final}, now
	case missing != nil:
		r, at = w.request(missing, now, false), now
	case at.After(now):
		if w.walk != nil && !w.walk.busy {
			at = earliest(at, w.walk.retry)
		}
	case p.sweep && w.walk == nil && 3*soon >= len(w.jobs):
		r = request{walk: w.newSweep(p)}
	default:
		r = w.request(first, now, false)
	}
	return r, earliest(never, latest(at, latest(w.service.hold, w.service.retryAfter)))
}

// request returns the request for a batch that is due.
func (w *watcher) request(b *batch, now time.Time, final bool) request {
	r := request{batch: b, final: final}
	lists := w.service.lists.allowed(now) && !(final && w.service.lists.errors > 0)
	again := b.errors > 0 && b.errors%2 == 0 // now in another way than before
	switch {
	case lists && b.number >= 0 && (len(b.jobs) > 1 && b.missing != 1 || again):
	case lists && b.number < 0 && again:
	case lists && b.unknown && w.walk == nil && len(w.jobs) > 1 && w.searchPays():
		return request{walk: &walk{statuses: []string{""}}, final: final}
	case final:
		r.job = b.urgent
	case b.missing > 0:
		r.job = b.lost
	default:
		r.job = b.oldest
	}
	return r
}
