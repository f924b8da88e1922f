// Package watcher waits for many jobs with few polls.
//
// A [Set] has one watcher for each [Source] with active waits. A watcher polls in one
// goroutine while there are waits, and is dropped after the last. It knows ids, pages and
// statuses as strings; an [Apply] function takes the bodies. Start reading at watcher.loop.
package watcher

import (
	"context"
	"time"
)

// A watcher polls all jobs of one source that have waits. Its methods need set.mu to be held,
// except loop, run and returned.
type watcher struct {
	set       *Set
	source    Source
	jobs      map[string]*job
	batches   map[int]*batch
	made      int    // number of batches, ever, that are no pages
	walk      *walk  // under way; nil for none
	list      length // of the list of all jobs
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
	id     string
	waits  map[*Wait]bool
	batch  *batch
	rank   int // place in the list, counted from the oldest job; -1 if unknown
	status *status
	joined time.Time // the batch
	born   time.Time // when the run may have started, as the first wait knew it
	shown  time.Time // the newest request that showed it; zero before the first
	next   time.Time // the next poll of a job without others; zero if it has to be read at once
}

func newWatcher(s *Set, source Source) *watcher {
	return &watcher{
		set: s, source: source, interrupt: func() {},
		jobs: map[string]*job{}, batches: map[int]*batch{}, polls: map[*poll]bool{},
	}
}

// loop polls while there are waits: it sleeps until a poll is due, takes a slot of the rate
// limiter, and then chooses the request that is needed most.
func (w *watcher) loop() {
	w.set.mu.Lock()
	defer w.set.mu.Unlock()
	for slot := false; len(w.jobs) > 0; {
		now := time.Now()
		p, at := w.choose(now)
		w.queued = !at.After(now)
		switch {
		case w.queued && slot:
			w.send(p)
			slot = false
		case w.queued && p.final: // it does not wait in the queue
			slot = w.pause(now.Add(time.Hour), w.set.limiter.WaitReserved) == nil
		case w.queued:
			slot = w.pause(w.again(now), w.set.limiter.Wait) == nil
		default:
			slot = false
			_ = w.pause(at, func(ctx context.Context) error { <-ctx.Done(); return nil })
		}
	}
	w.set.limiter.Reserve(-w.reserved)
	delete(w.set.watchers, w.source)
}

// pause calls wait with a ctx that ends at a time or when interrupt is called. mu is not held
// meanwhile.
func (w *watcher) pause(until time.Time, wait func(ctx context.Context) error) error {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	w.interrupt = cancel
	w.set.mu.Unlock()
	defer w.set.mu.Lock()
	return wait(ctx)
}

// changed makes the loop choose again, if it sleeps.
func (w *watcher) changed() {
	if !w.queued {
		w.interrupt()
	}
}

// start adds a wait.
func (w *watcher) start(o Options) *Wait {
	now := time.Now()
	j := w.jobs[o.ID]
	if j == nil {
		j = w.add(o, now)
	}
	wait := &Wait{Options: o, watcher: w, job: j, began: now}
	j.waits[wait] = true
	if w.changed(); !o.Deadline.IsZero() {
		j.batch.stale = true
		if lead, _ := w.service.lead(); o.Deadline.Add(-lead).Before(w.nextFinal) {
			w.interrupt() // else the loop would lose its place in the queue with each wait
		}
	}
	return wait
}

// gather delays the first poll of a watcher, so that it can show further jobs whose waits
// start meanwhile. gatherMore delays the polls of jobs that are added later.
const gather, gatherMore = 5 * time.Millisecond, 200 * time.Millisecond

// add adds the job of a wait.
func (w *watcher) add(o Options, now time.Time) *job {
	j := &job{id: o.ID, waits: map[*Wait]bool{}, rank: -1, born: now, shown: o.Seen}
	if !o.Since.IsZero() && o.Since.Before(now) {
		j.born = o.Since
	}
	if !o.Seen.IsZero() {
		j.next = o.Seen.Add(w.delayAlone(now.Sub(j.born)))
	}
	b := w.newest()
	if !b.retry.After(b.asked) { // else it gathers jobs already
		b.retry = now.Add(gatherMore)
		if len(w.jobs) == 0 {
			b.retry = now.Add(gather)
		}
	}
	w.rates.note(now)
	w.rates.born = latest(w.rates.born, j.born)
	w.setStatus(j, o.Status)
	w.jobs[j.id] = j
	w.move(j, b)
	return j
}

// setStatus changes the status of a job.
func (w *watcher) setStatus(j *job, name string) {
	if j.status != nil {
		j.status.jobs--
	}
	j.status = w.rates.status(name)
	j.status.jobs++
}

// end ends a wait, and removes its job after the last one.
func (w *watcher) end(wait *Wait, finished bool, reason error) {
	wait.over = true
	r := &wait.result
	r.Finished, r.Reason, r.Elapsed = finished, reason, time.Since(wait.began)
	if finished || reason != nil {
		wait.Ended <- wait
	}
	j := wait.job
	delete(j.waits, wait)
	if j.batch.stale = true; len(j.waits) > 0 {
		return
	}
	w.rates.note(time.Now())
	if j.status.jobs--; finished {
		j.status.ended++
	}
	w.move(j, nil)
	if delete(w.jobs, j.id); len(w.jobs) == 0 {
		w.walk = nil
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
