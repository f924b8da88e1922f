package watcher

import "time"

// A walk reads lists from page to page: the list of all jobs, in search of jobs whose
// place is not known, or, in a sweep, the lists of the unfinished statuses. Jobs that a
// sweep does not show have probably finished.
type walk struct {
	sweep    bool
	began    time.Time
	statuses []string // whose lists are left; the first one is being read
	offset   int
	total    int       // of the list that is being read, as its last page said
	pages    int       // that it may still read
	wanted   int       // jobs that the search has not found yet
	oldest   int64     // when the oldest of them was created; zero if unknown
	later    []*job    // unknown jobs, which are not polled before its end
	final    bool      // there is a deadline soon
	busy     bool      // its next page is under way
	errors   int       // in a row
	retry    time.Time // no poll before
}

func (w *watcher) newSearch(now time.Time) *walk {
	return &walk{began: now, statuses: []string{""}}
}

func (w *watcher) newSweep(now time.Time, p plan) *walk {
	k := &walk{sweep: true, began: now, pages: int(2*p.lists) + 1}
	for _, s := range w.unfinished() {
		k.statuses = append(k.statuses, s.name)
	}
	return k
}

// beginWalk takes the unknown jobs out of the alarms: the walk may show them all. mu must
// be held.
func (w *watcher) beginWalk(k *walk) {
	w.walk = k
	k.began = time.Now()
	unknown := true
	for _, a := range append(alarms(nil), w.alone...) {
		j := a.job
		if j.page != nil || j.notListed || j.errors > 0 && k.sweep {
			continue
		}
		w.alone.unset(a)
		j.asked = k.began
		k.later = append(k.later, j)
		if j.createdAt <= 0 {
			unknown = false
		} else if k.oldest == 0 || j.createdAt < k.oldest {
			k.oldest = j.createdAt
		}
	}
	if !unknown {
		k.oldest = 0
	}
	k.wanted = len(k.later)
}

// step goes to the next page after one was read. mu must be held.
func (w *watcher) step(p *poll, now time.Time) {
	k, items := p.walk, p.response.Items
	k.errors, k.retry = 0, time.Time{}
	if k.sweep {
		s := w.rates.status(p.status)
		s.others, s.counted = max(p.response.Total-s.jobs, 0), now
	}
	end := p.offset + len(items)
	// Jobs that left the list have moved the others up.
	k.offset = end - min(max(k.total-p.response.Total, 0), len(items)/2)
	k.total = p.response.Total
	// A list with more jobs than its total has no reliable total.
	last := len(items) == 0 || len(items) < PageSize && end >= k.total || end == k.total
	k.pages--
	switch {
	case k.sweep && last:
		if k.statuses, k.offset, k.total = k.statuses[1:], 0, 0; len(k.statuses) == 0 {
			w.service.sweeps.succeeded()
			w.endWalk(true, now)
		} else if k.pages <= 0 {
			w.endWalk(false, now)
		}
	case k.sweep:
		if k.pages <= 0 {
			w.endWalk(false, now) // there is too much in progress
		}
	case k.wanted <= 0 || last || oldest(items) < k.oldest:
		w.endWalk(true, now)
	case w.plan(now).sweep && 3*w.unknown >= len(w.jobs) || pagesOf(w.total) > 4 && 4*w.unknown < pagesOf(w.total):
		w.endWalk(false, now) // the rest is found in another way
	}
}

// oldest returns the smallest time of creation on a page.
func oldest(items []Item) (oldest int64) {
	oldest = 1 << 62
	for _, item := range items {
		if item.CreatedAt > 0 {
			oldest = min(oldest, item.CreatedAt)
		}
	}
	return oldest
}

// endWalk ends a walk. If it is complete, the jobs that it did not show are read alone.
// mu must be held.
func (w *watcher) endWalk(complete bool, now time.Time) {
	k := w.walk
	w.walk = nil
	for _, j := range k.later {
		if len(j.waits) == 0 || j.page != nil || j.busy || j.alarm.index > 0 {
			continue
		}
		at := now
		switch {
		case !j.shown.Before(k.began):
			at = w.dueAlone(j, now)
		case !k.sweep && complete && !j.joined.After(k.began):
			w.locate(j, nil, true)
		}
		w.alone.set(&j.alarm, at)
	}
	if !k.sweep || !complete {
		return
	}
	for _, j := range w.jobs {
		if j.shown.Before(k.began) && !j.joined.After(k.began) && !j.busy && j.errors == 0 {
			j.missing = true
			j.changed()
			w.alone.set(&j.alarm, time.Time{}) // before all others
		}
	}
}
