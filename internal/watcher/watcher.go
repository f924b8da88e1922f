// Package watcher waits for many jobs with few polls.
//
// A [Set] has one watcher for each [Source] with active waits. A watcher polls in one
// goroutine while there are waits, and is dropped after the last. It knows ids, pages and
// statuses as strings; a [Target] applies the bodies. Start reading at watcher.loop.
package watcher

import (
	"context"
	"sync"
	"time"
)

// A watcher polls all jobs of one source that have waits. Its methods need mu to be held,
// except loop, run, returned and start.
type watcher struct {
	set    *Set
	source Source

	mu        sync.Mutex
	jobs      map[string]*job
	batches   map[int]*batch
	made      int       // batches that are no pages, ever
	walk      *walk     // under way; nil for none
	total     int       // length of the list of all jobs, as the newest request showed it
	counted   time.Time // the time of that request
	growth    float64   // jobs that are added to it in a second
	deleted   int       // by how much the list has become shorter, all times together
	polls     map[*poll]bool
	nextFinal time.Time // when the next final poll is due
	reserved  int       // slots of the limiter, for final polls
	service   service
	rates     rates
	queued    bool // the loop waits for the limiter, else it sleeps
	interrupt context.CancelFunc
}

// A job is one with waits.
type job struct {
	id      string
	waits   []*Wait
	batch   *batch
	place   int // in batch.jobs
	rank    int // place in the list, counted from the oldest job; -1 if unknown
	status  *status
	joined  time.Time
	born    time.Time // when the run may have started, as the first wait knew it
	since   time.Time // when it can have got its status at the earliest
	shown   time.Time // the newest request that showed it; zero before the first
	next    time.Time // the next poll by the schedule of the source
	missing bool      // a sweep did not show it
}

func newWatcher(s *Set, source Source) *watcher {
	return &watcher{
		set: s, source: source, rates: newRates(source.Statuses()), interrupt: func() {},
		jobs: map[string]*job{}, batches: map[int]*batch{}, polls: map[*poll]bool{},
	}
}

// loop polls while there are waits: it sleeps until a poll is due, takes a slot of the rate
// limiter, and then chooses the request that is needed most.
func (w *watcher) loop() {
	for slot := false; !w.set.drop(w); {
		w.mu.Lock()
		if len(w.jobs) == 0 { // the last wait has ended since, and woke nothing
			w.mu.Unlock()
			continue
		}
		now := time.Now()
		request, until := w.choose(now)
		if w.queued = !until.After(now); w.queued && slot {
			w.send(request)
			slot = false
			w.mu.Unlock()
			continue
		}
		switch { // a final poll does not wait in the queue, and another one leaves it then
		case w.queued && request.final:
			until = now.Add(time.Hour)
		case w.queued:
			until = w.nextFinal
		}
		ctx, cancel := context.WithDeadline(context.Background(), until)
		w.interrupt = cancel
		queued := w.queued
		w.mu.Unlock()
		switch slot = false; {
		case !queued:
			<-ctx.Done()
		case request.final:
			slot = w.set.limiter.WaitReserved(ctx) == nil
		default:
			slot = w.set.limiter.Wait(ctx) == nil
		}
		cancel()
	}
}

// changed makes the loop choose again, if it sleeps.
func (w *watcher) changed() {
	if !w.queued {
		w.interrupt()
	}
}

// start adds a wait.
func (w *watcher) start(o Options) *Wait {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	j := w.jobs[o.ID]
	if j == nil {
		j = w.add(o, now)
	}
	wait := &Wait{Options: o, watcher: w, job: j, began: now, place: len(j.waits)}
	j.waits = append(j.waits, wait)
	if w.changed(); !o.Deadline.IsZero() {
		j.batch.stale = true
		w.interrupt() // a final poll may be due
	}
	return wait
}

// gather is how long the first job of a watcher waits for others that the same poll can
// show, and gatherMore how long further ones do.
const gather, gatherMore = 5 * time.Millisecond, 200 * time.Millisecond

// add adds the job of a wait.
func (w *watcher) add(o Options, now time.Time) *job {
	j := &job{id: o.ID, rank: -1, joined: now, born: now, shown: o.Seen}
	if !o.Since.IsZero() && o.Since.Before(now) {
		j.born = o.Since
	}
	if s := w.source.Schedule(); s != nil && !o.Seen.IsZero() {
		j.next = o.Seen.Add(s.Delay(now.Sub(j.born)))
	}
	b := w.newest()
	if b.retry.Before(now) && len(w.jobs) == 0 {
		b.retry = now.Add(gather)
	} else if b.retry.Before(now) {
		b.retry = now.Add(gatherMore)
	}
	w.rates.note(now)
	w.setStatus(j, o.Status, j.born)
	w.jobs[j.id] = j
	w.move(j, b)
	return j
}

// setStatus notes the status of a job since a time.
func (w *watcher) setStatus(j *job, name string, since time.Time) {
	if j.status != nil {
		j.status.jobs--
	}
	j.status, j.since = w.rates.status(name), since
	j.status.jobs++
	j.status.born = latest(j.status.born, since)
}

// end ends a wait with a result, and removes its job after the last one.
func (w *watcher) end(wait *Wait, r Result) {
	wait.over = true
	r.Last, r.Polls, r.Elapsed = wait.result.Last, wait.result.Polls, time.Since(wait.began)
	if wait.result = r; r.Finished || r.Reason != nil {
		wait.Ended <- wait
	}
	j := wait.job
	last := len(j.waits) - 1
	j.waits[wait.place], j.waits[last].place = j.waits[last], wait.place
	j.waits[last] = nil
	j.waits = j.waits[:last]
	if j.batch.stale = true; last > 0 {
		return
	}
	w.rates.note(time.Now())
	j.status.jobs--
	w.move(j, nil)
	delete(w.jobs, j.id)
	if w.service.latest == j {
		w.service.latest = nil
	}
	for p := range w.polls {
		if !w.needs(p) {
			p.cancel()
		}
	}
	if len(w.jobs) == 0 {
		w.interrupt()
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
