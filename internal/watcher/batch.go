package watcher

import "time"

// A batch has the jobs with waits that are polled together: those on one page of the list,
// or, with a negative number, jobs whose rank is not known, or one job alone.
type batch struct {
	number  int  // of the page, counted from the oldest job: new jobs do not change it
	unknown bool // a search of the list may find the jobs
	jobs    []*job
	busy    bool      // a poll is under way
	errors  int       // polls in a row that failed
	retry   time.Time // no poll before

	stale    bool            // the following must be worked out again
	shown    time.Time       // the oldest of the newest requests that showed the jobs
	born     time.Time       // the youngest of the jobs
	counts   map[*status]int // the jobs by status
	missing  int             // further jobs, which a sweep did not show
	deadline time.Time       // the first one whose final poll was not sent; zero for none
}

func pagesOf(jobs int) int { return (jobs + PageSize - 1) / PageSize }

// batch returns the batch with a number. mu must be held.
func (w *watcher) batch(number int) *batch {
	b := w.batches[number]
	if b == nil {
		b = &batch{number: number, counts: map[*status]int{}}
		w.batches[number] = b
	}
	return b
}

// newBatch returns a batch that is no page. mu must be held.
func (w *watcher) newBatch(unknown bool) *batch {
	w.made++
	b := w.batch(-w.made)
	b.unknown = unknown
	return b
}

// newest returns the batch for a job whose rank is not known. mu must be held.
func (w *watcher) newest() *batch {
	if b := w.batches[-w.made]; b != nil && b.unknown && len(b.jobs) < PageSize {
		return b
	}
	return w.newBatch(true)
}

// move moves a job to another batch, or to none. mu must be held.
func (w *watcher) move(j *job, to *batch) {
	if from := j.batch; from != nil {
		last := len(from.jobs) - 1
		from.jobs[j.place], from.jobs[last].place = from.jobs[last], j.place
		from.jobs[last] = nil
		from.jobs = from.jobs[:last]
		if from.stale = true; last == 0 {
			delete(w.batches, from.number)
		}
	}
	if j.batch = to; to != nil {
		w.batches[to.number] = to // it may have been empty
		j.place = len(to.jobs)
		to.jobs = append(to.jobs, j)
		to.stale = true
	}
}

// place moves a job to the page of its rank. mu must be held.
func (w *watcher) place(j *job, rank int) {
	if j.batch.unknown && w.walk != nil && !j.joined.After(w.walk.began) {
		w.walk.wanted--
	}
	if j.rank = rank; j.batch.number != rank/PageSize {
		w.move(j, w.batch(rank/PageSize))
	}
}

// hasTotal notes the length of the list. If it has become shorter, the oldest jobs are
// believed to be deleted. mu must be held.
func (w *watcher) hasTotal(total int, requestedAt time.Time) {
	if !requestedAt.Before(w.counted) {
		w.deleted += max(w.total-total, 0)
		w.total, w.counted = total, requestedAt
	}
}

// offset returns where the page of a list begins that shows a batch. The rest of the page
// is spent on both sides of the jobs, since the list may have changed. mu must be held.
func (w *watcher) offset(b *batch) int {
	newest, oldest := b.jobs[0].rank, b.jobs[0].rank
	for _, j := range b.jobs {
		newest, oldest = max(newest, j.rank), min(oldest, j.rank)
	}
	if newest < 0 {
		return 0
	}
	return max(w.total-1-(newest-w.deleted)-max(PageSize-1-(newest-oldest), 0)/2, 0)
}

// refresh works out what depends on all jobs.
func (b *batch) refresh() {
	b.stale, b.missing, b.shown, b.born, b.deadline = false, 0, time.Time{}, time.Time{}, time.Time{}
	clear(b.counts)
	for _, j := range b.jobs {
		for _, wait := range j.waits {
			if !wait.Deadline.IsZero() && !wait.final && (b.deadline.IsZero() || wait.Deadline.Before(b.deadline)) {
				b.deadline = wait.Deadline
			}
		}
		if j.missing {
			b.missing++
			continue
		}
		if len(b.counts) == 0 || j.shown.Before(b.shown) {
			b.shown = j.shown
		}
		b.born = latest(b.born, j.born)
		b.counts[j.status]++
	}
}

// next returns the job that is read first if the jobs are read one by one: the one with the
// first deadline for a final poll, else the one that was shown least recently.
func (b *batch) next(final bool) (next *job) {
	for _, j := range b.jobs {
		for _, wait := range j.waits {
			if final && !wait.final && wait.Deadline.Equal(b.deadline) {
				return j
			}
		}
		if next == nil || j.shown.Before(next.shown) {
			next = j
		}
	}
	return next
}
