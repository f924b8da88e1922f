package watcher

import "time"

// A batch has the jobs with waits that are polled together: those on one page of the list,
// or, with a negative number, jobs whose rank is not known, or one job alone.
type batch struct {
	number   int  // of the page, counted from the oldest job: new jobs do not change it
	unknown  bool // a search of the list may find the jobs
	jobs     map[*job]bool
	busy     bool      // a poll is under way
	asked    time.Time // the newest poll
	failures           // no poll before retry, also without errors

	stale    bool            // the following must be worked out again
	oldest   *job            // one that has to be read at once, or else was shown least recently
	next     time.Time       // of the jobs
	counts   map[*status]int // the jobs by status
	missing  int             // jobs that have to be read at once
	deadline time.Time       // the first one that needs a final poll; zero for none
	urgent   *job            // whose deadline that is
}

// perPage is the number of ranks on a page. It is less than PageSize so that a page shows its
// jobs also if the list has grown a little.
const perPage = PageSize - 4

func pagesOf(jobs int) int { return (jobs + perPage - 1) / perPage }

// unseen reports whether no poll has shown the job since a time, although it has been in its
// batch since then.
func (j *job) unseen(since time.Time) bool {
	return j.shown.Before(since) && !j.joined.After(since)
}

// batch returns the batch with a number.
func (w *watcher) batch(number int) *batch {
	b := w.batches[number]
	if b == nil {
		b = &batch{number: number, jobs: map[*job]bool{}, counts: map[*status]int{}}
		w.batches[number] = b
	}
	return b
}

// newBatch returns a new batch that is no page.
func (w *watcher) newBatch() *batch {
	w.made++
	return w.batch(-w.made)
}

// newest returns a batch for a job whose rank is not known.
func (w *watcher) newest() *batch {
	b := w.batches[-w.made]
	if b == nil || !b.unknown || len(b.jobs) == PageSize {
		b = w.newBatch()
		b.unknown = true
	}
	return b
}

// alone moves a job to a batch without others, and returns that.
func (w *watcher) alone(j *job) *batch {
	if len(j.batch.jobs) > 1 {
		b := w.newBatch()
		b.unknown = j.batch.unknown
		w.move(j, b)
	}
	return j.batch
}

// move moves a job to another batch, or to none.
func (w *watcher) move(j *job, to *batch) {
	if from := j.batch; from != nil {
		delete(from.jobs, j)
		if from.stale = true; len(from.jobs) == 0 {
			delete(w.batches, from.number)
		}
	}
	if j.batch = to; to != nil {
		w.batches[to.number] = to // it may have been empty
		to.jobs[j], to.stale, j.joined = true, true, time.Now()
	}
}

// place moves a job to the page of its rank.
func (w *watcher) place(j *job, rank int) {
	if j.rank = rank; j.batch.number != rank/perPage {
		w.move(j, w.batch(rank/perPage))
	}
}

// offset returns where the page of a list begins that shows a batch. The rest of the page
// is spent on both sides of the jobs, since the list may have changed.
func (w *watcher) offset(b *batch) int {
	newest, oldest := b.oldest.rank, b.oldest.rank
	for j := range b.jobs {
		newest, oldest = max(newest, j.rank), min(oldest, j.rank)
	}
	if newest < 0 {
		return 0
	}
	return max(w.list.estimate(time.Now())-1-newest-max(PageSize-1-(newest-oldest), 0)/2, 0)
}

// refresh works out what depends on all jobs.
func (b *batch) refresh(now time.Time) {
	b.stale, b.missing, b.oldest, b.deadline = false, 0, nil, time.Time{}
	clear(b.counts)
	for j := range b.jobs {
		for wait := range j.waits {
			if wait.Deadline.After(now) && !wait.final && (b.deadline.IsZero() || wait.Deadline.Before(b.deadline)) {
				b.deadline, b.urgent = wait.Deadline, j
			}
		}
		if b.oldest == nil {
			b.oldest, b.next = j, j.next
		}
		if j.next.IsZero() {
			b.missing++
			b.oldest = j
		} else if !b.oldest.next.IsZero() && j.shown.Before(b.oldest.shown) {
			b.oldest = j
		}
		b.next = earliest(b.next, j.next)
		b.counts[j.status]++
	}
}
