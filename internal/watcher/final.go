package watcher

import "time"

const (
	margin     = 5 * time.Millisecond   // a timer and a goroutine may be late by that
	unknownRTT = 100 * time.Millisecond // round trip that is assumed before the first one
	growth     = time.Second            // how long the length of the list is believed before a final poll
)

// lead returns how long before a deadline the final poll is sent: it returns in time, and
// shows what happened up to half a round trip after it was sent. A poll that is sent
// earlier by no more than slack does as well.
func (w *watcher) lead() (lead, slack time.Duration) {
	rtt := w.service.rtt
	if rtt == 0 {
		rtt = unknownRTT
	}
	return rtt*3/2 + margin, max(rtt/2-margin, margin)
}

// notice returns how long before a final poll its slot is reserved.
func (w *watcher) notice() time.Duration { return w.limiter.Window() + w.limiter.Interval() }

// chooseFinal returns the request of the next final poll, and when to send it. mu must be
// held.
func (w *watcher) chooseFinal(now time.Time) (r request, at time.Time) {
	w.nextFinal = time.Time{}
	lead, slack := w.lead()
	for len(w.finals) > 0 {
		f := w.finals[0]
		at = f.at.Add(-lead)
		if !f.job.asked.Before(at.Add(-slack)) {
			if w.service.rtt == 0 {
				break // it tells when the final poll is due
			}
			w.finals.unset(f) // another poll is in time
			continue
		}
		// If it is late already, others may be as well and share the poll.
		at = latest(latest(at, f.wait.began.Add(gather)), w.service.retryAfter)
		w.nextFinal = at
		if !at.After(now) {
			return w.requestFor(f.job, now, true), at
		}
		if soon := at.Add(-w.notice()); soon.After(now) {
			return request{}, soon // to reserve a slot
		}
		if p := f.job.page; p != nil && len(p.jobs) > 1 && w.service.pages(now) && now.Sub(w.counted) > growth && now.Sub(w.counting) > growth {
			return request{final: true}, latest(now, w.service.retryAfter) // the length of the list tells where the page is
		}
		return request{}, at
	}
	return request{}, now.Add(time.Hour)
}

// reserve reserves slots of the limiter for the final polls that are due soon. mu must be
// held.
func (w *watcher) reserve(now time.Time) {
	if w.limiter == nil {
		return
	}
	lead, slack := w.lead()
	needed := map[any]bool{} // pages, and jobs that are read alone
	if len(w.jobs) > 0 && !w.service.retryAfter.After(now) {
		w.finals.until(now.Add(lead+w.notice()), func(f *alarm) {
			j := f.job
			switch {
			case !j.asked.Before(f.at.Add(-lead - slack)):
			case j.page != nil && len(j.page.jobs) > 1 && w.service.pages(now):
				needed[j.page] = true
			default:
				needed[j] = true
			}
		})
	}
	w.limiter.Reserve(len(needed) - w.reserved)
	w.reserved = len(needed)
}

// retryFinal makes a final poll that failed due again, once. mu must be held.
func (w *watcher) retryFinal(j *job, now time.Time) {
	j.asked = j.shown
	for _, wait := range j.waits {
		if wait.Deadline.IsZero() || wait.final.index > 0 || wait.retried || wait.Deadline.Before(now.Add(w.service.rtt)) {
			continue
		}
		wait.retried = true
		w.finals.set(&wait.final, wait.Deadline)
	}
}
