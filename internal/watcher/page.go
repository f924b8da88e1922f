package watcher

import "time"

// A page has the jobs with waits on one page of the list. Pages are counted from the
// oldest job, so that new jobs do not move others from page to page.
type page struct {
	number int
	jobs   []*job
	busy   bool      // a poll of the page is under way
	errors int       // polls of the page in a row that failed
	retry  time.Time // no poll before, after errors

	stale bool // what follows must be worked out again
	// Of the jobs that are polled with the page:
	shown  time.Time       // the oldest request that showed one of them last
	born   time.Time       // the youngest one
	counts map[*status]int // by status
}

func pagesOf(jobs int) int { return (jobs + PageSize - 1) / PageSize }

// locate puts a job on a page. Without one, the job is unknown until a search finds it, or
// not listed. mu must be held.
func (w *watcher) locate(j *job, p *page, notListed bool) {
	count := func(n int) {
		switch {
		case j.page != nil:
		case j.notListed:
			w.unlisted += n
		default:
			w.unknown += n
		}
	}
	count(-1)
	if old := j.page; old != nil && old != p {
		last := len(old.jobs) - 1
		old.jobs[j.place] = old.jobs[last]
		old.jobs[j.place].place = j.place
		old.jobs[last] = nil
		old.jobs = old.jobs[:last]
		old.stale = true
		if last == 0 {
			delete(w.pages, old.number)
		}
	}
	if p != nil && p != j.page {
		j.place = len(p.jobs)
		p.jobs = append(p.jobs, j)
		p.stale = true
	}
	j.page, j.notListed = p, notListed && p == nil
	count(1)
}

// place notes the rank of a job, as a list shows it. mu must be held.
func (w *watcher) place(j *job, rank int) {
	j.rank, j.missed = rank, false
	number := rank / PageSize
	p := w.pages[number]
	if p == nil {
		p = &page{number: number, counts: map[*status]int{}}
		w.pages[number] = p
	}
	if j.page == nil && !j.notListed && w.walk != nil && !j.joined.After(w.walk.began) {
		w.walk.wanted--
	}
	w.locate(j, p, false)
}

// hasTotal notes the length of the list. If it has become shorter, old jobs are believed
// to be deleted. mu must be held.
func (w *watcher) hasTotal(total int, requestedAt time.Time) {
	if requestedAt.Before(w.counted) {
		return
	}
	w.deleted += max(w.total-total, 0)
	w.total, w.counted = total, requestedAt
}

// rankAt returns the rank at an offset of a list, and offsetOf the offset of a rank.
func (w *watcher) rankAt(offset, total int) int { return max(total-1-offset, 0) + w.deleted }
func (w *watcher) offsetOf(rank int) int        { return max(w.total-1-(rank-w.deleted), 0) }

// span returns the offset of the request that shows a page. The rest of the request is
// spent on both sides of the jobs, since the list may have changed.
func (w *watcher) span(p *page) (offset int) {
	newest, oldest := p.jobs[0].rank, p.jobs[0].rank
	for _, j := range p.jobs {
		newest, oldest = max(newest, j.rank), min(oldest, j.rank)
	}
	return max(w.offsetOf(newest)-max(PageSize-1-(newest-oldest), 0)/2, 0)
}

// changed notes that a job is polled in another way, or was shown. mu must be held.
func (j *job) changed() {
	if j.page != nil {
		j.page.stale = true
	}
}

// refresh works out what depends on all jobs of a page.
func (p *page) refresh() {
	p.stale, p.shown, p.born = false, time.Time{}, time.Time{}
	clear(p.counts)
	for _, j := range p.jobs {
		if j.alarm.index > 0 || j.busy {
			continue // it is polled alone
		}
		if len(p.counts) == 0 || j.shown.Before(p.shown) {
			p.shown = j.shown
		}
		p.born = latest(p.born, j.born)
		p.counts[j.status]++
	}
}

// oldest returns the job of the page that was shown least recently; nil if all are polled
// alone.
func (p *page) oldest() (oldest *job) {
	for _, j := range p.jobs {
		if j.alarm.index == 0 && !j.busy && (oldest == nil || j.shown.Before(oldest.shown)) {
			oldest = j
		}
	}
	return oldest
}

// missing returns the number of jobs that the lists of unfinished jobs did not show.
func (p *page) missing() (n int) {
	for _, j := range p.jobs {
		if j.missing {
			n++
		}
	}
	return n
}
