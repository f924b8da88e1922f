package watcher

import "time"

// A walk reads lists from page to page: the list of all jobs, in search of jobs whose rank
// is not known, or, in a sweep, the lists of the unfinished statuses. Jobs that a sweep does
// not show have probably finished.
type walk struct {
	sweep    bool
	began    time.Time
	statuses []string // whose lists are left; the first one is being read
	offset   int
	total    int  // length of this list
	pages    int  // that may still be read, whatever the lists contain
	busy     bool // its next page is under way
	failures
}

// searches reports whether the walk is a search for the jobs of b.
func (k *walk) searches(b *batch) bool { return k != nil && !k.sweep && b.unknown }

// sweeps reports whether the walk is a sweep that may show the jobs of b.
func (k *walk) sweeps(b *batch) bool { return k != nil && k.sweep && b.errors == 0 }

// unknown returns the number of jobs that a search may find.
func (w *watcher) unknown() (n int) {
	for _, b := range w.batches {
		if b.unknown {
			n += len(b.jobs)
		}
	}
	return n
}

// searchPages returns how many pages a search may read. It then takes fewer requests than
// reading the jobs alone, and shows on which pages they are.
func (w *watcher) searchPages() int {
	return max(4, 5*w.unknown())
}

// searchPays reports whether a search may read the whole list, also if its length is not
// known yet.
func (w *watcher) searchPays() bool { return pagesOf(w.list.total) <= w.searchPages() }

func (w *watcher) newSearch() *walk {
	return &walk{statuses: []string{""}, pages: w.searchPages()}
}

func (w *watcher) newSweep(p plan) *walk {
	k := &walk{sweep: true, pages: int(2*p.lists) + 1}
	for _, s := range w.rates.statuses {
		if s.jobs > 0 {
			k.statuses = append(k.statuses, s.name)
		}
	}
	return k
}

// step goes to the next page after one was read.
func (w *watcher) step(p *poll, now time.Time) {
	k, items, total := w.walk, len(p.response.Items), p.response.Total
	k.failures = failures{}
	end := p.offset + items
	k.offset = end - min(max(k.total-total, 0), items/2) // others have moved up
	k.total = total
	k.pages--
	// A total that is smaller than the list is not believed.
	last := items == 0 || items < PageSize && end >= total || end == total
	switch {
	case last && len(k.statuses) == 1:
		w.endWalk(true)
	case k.pages <= 0 && k.sweep: // others have too many jobs
		w.service.sweeps.add(refused, now)
		w.endWalk(false)
	case k.pages <= 0:
		w.endWalk(true)
	case last:
		k.statuses, k.offset, k.total = k.statuses[1:], 0, 0
	case !k.sweep && (w.unknown() == 0 || !w.searchPays()):
		w.endWalk(false) // all are found, or the others are found in another way
	}
}

// endWalk ends a walk. If it is complete, the jobs that it did not show are read alone.
func (w *watcher) endWalk(complete bool) {
	k := w.walk
	if w.walk = nil; !complete {
		return
	}
	if k.sweep {
		w.service.sweeps = failures{}
	}
	for _, j := range w.jobs {
		switch {
		case !j.unseen(k.began):
		case !k.sweep && j.batch.unknown:
			w.alone(j).unknown = false
		case k.sweep:
			j.next, j.batch.stale = time.Time{}, true
		}
	}
}

// A length is that of the list of all jobs, as the newest request showed it.
type length struct {
	total  int
	at     time.Time // of that request
	growth float64   // jobs that are added in a second
}

func (l *length) observe(total int, at time.Time) {
	if !at.After(l.at) {
		return
	}
	if !l.at.IsZero() {
		passed := at.Sub(l.at).Seconds()
		l.growth += min(passed, 1) / 2 * (max(float64(total-l.total), 0)/passed - l.growth)
	}
	l.total, l.at = total, at
}

// estimate returns the probable length at a time.
func (l *length) estimate(at time.Time) int {
	return l.total + int(l.growth*at.Sub(l.at).Seconds())
}
