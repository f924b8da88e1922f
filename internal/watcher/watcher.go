package watcher

import (
	"context"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
)

// A watcher polls all jobs of one source that have waits.
type watcher struct {
	set     *Set
	source  Source
	limiter *ratelimit.Limiter
	wake    chan struct{} // the loop must choose again

	mu         sync.Mutex
	jobs       map[string]*job
	pages      map[int]*page // of the list of all jobs, those with waits
	unknown    int           // jobs that a search of the list may find
	unlisted   int           // jobs that the list does not show
	alone      alarms        // when to poll the jobs that no page shows, or that failed
	finals     alarms        // the deadlines whose final poll is not sent yet
	reserved   int           // slots of the limiter, for final polls
	leaveQueue context.CancelFunc
	polls      map[*poll]bool // under way
	flights    int            // polls under way that are not slow
	walk       *walk          // under way; nil for none
	total      int            // length of the list when it was last read
	counted    time.Time      // the request of that
	deleted    int            // by how much the list has become shorter, all times together
	listed     time.Time      // the newest request that read a list

	nextFinal time.Time // when the next final poll is due; zero for none
	counting  time.Time // when only the length of the list was requested
	ended     []*Wait   // by themselves, and not told yet
	canceled  []*poll   // that may not have returned yet

	service service
	rates   rates
}

// A job is one with waits. Its next poll is that of its page if it has one and alarm is
// not set.
type job struct {
	id        string
	waits     []*Wait
	createdAt int64
	joined    time.Time
	born      time.Time // when the run may have started, as the first wait knew it
	status    *status
	since     time.Time // the earliest time at which it can have got its status

	shown   time.Time // the newest request that showed it; zero before the first
	asked   time.Time // the newest request that was sent to show it
	page    *page     // nil if its rank is not known
	place   int       // in page.jobs
	rank    int       // place in the list, counted from the oldest job
	missed  bool      // its page did not show it
	missing bool      // the lists of the unfinished jobs did not show it
	busy    bool      // a poll of this job alone is under way
	errors  int       // polls in a row that failed for it
	alarm   alarm

	// notListed is set when a search did not find it, or when a list cannot be used to
	// show it.
	notListed bool
}

// gather is how long a new job waits for others that the same poll can show: the first
// one of a watcher, and a further one.
const gather, gatherMore = 5 * time.Millisecond, 200 * time.Millisecond

func newWatcher(s *Set, source Source) *watcher {
	w := &watcher{
		set: s, source: source, limiter: s.limiter, wake: make(chan struct{}, 1),
		jobs: map[string]*job{}, pages: map[int]*page{}, polls: map[*poll]bool{}, leaveQueue: func() {},
	}
	w.rates.init(source.Statuses())
	return w
}

// loop polls while there are waits.
func (w *watcher) loop() {
	slot := false // of the rate limiter is taken
	for {
		w.mu.Lock()
		now := time.Now()
		request, due := w.choose(now)
		w.reserve(now)
		wait, empty := due.Sub(now), len(w.jobs) == 0
		if slot && wait <= 0 {
			w.send(request)
			slot = false
			w.mu.Unlock()
			continue
		}
		queue, leave := w.queue()
		w.mu.Unlock()
		slot = false
		switch {
		case empty:
			if w.set.drop(w) {
				leave()
				return
			}
		case wait > 0:
			w.sleep(wait)
		case request.final:
			slot = w.limiter.WaitReserved(queue) == nil
		default:
			slot = w.limiter.Wait(queue) == nil
		}
		leave()
	}
}

// queue returns the context of waiting for a slot. It ends with the last wait and, since a
// final poll does not wait in the queue, when one is due. mu must be held.
func (w *watcher) queue() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	if now := time.Now(); w.nextFinal.After(now) {
		ctx, cancel = context.WithDeadline(context.Background(), w.nextFinal)
	}
	w.leaveQueue = cancel
	return ctx, cancel
}

func (w *watcher) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.wake:
	}
}

// changed makes the loop choose again. mu must be held.
func (w *watcher) changed() {
	select {
	case w.wake <- struct{}{}:
	default:
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
	if !o.Deadline.IsZero() {
		wait.final.job, wait.final.wait = j, wait
		w.finals.set(&wait.final, o.Deadline)
		if w.finals[0] == &wait.final {
			w.leaveQueue()
		}
	}
	w.changed()
	return wait
}

// add adds the job of a wait. mu must be held.
func (w *watcher) add(o Options, now time.Time) *job {
	j := &job{id: o.ID, createdAt: o.CreatedAt, joined: now, born: now, shown: o.Seen, asked: o.Seen}
	j.alarm.job = j
	if !o.Since.IsZero() && o.Since.Before(now) {
		j.born = o.Since
	}
	due := now.Add(gather)
	if len(w.jobs) > 0 {
		due = now.Add(gatherMore)
	}
	w.rates.note(now)
	w.setStatus(j, o.Status, j.born)
	w.jobs[j.id] = j
	w.unknown++
	if !j.shown.IsZero() {
		due = latest(due, w.dueAlone(j, now))
	}
	if w.walk != nil {
		w.walk.later = append(w.walk.later, j)
	} else {
		w.alone.set(&j.alarm, due)
	}
	return j
}

// end ends a wait with a result, and removes its job after the last one. mu must be
// held.
func (w *watcher) end(wait *Wait, r Result) {
	wait.over = true
	r.Polls, r.Elapsed = wait.result.Polls, time.Since(wait.began)
	wait.result = r
	w.finals.unset(&wait.final)
	j := wait.job
	last := len(j.waits) - 1
	j.waits[wait.place] = j.waits[last]
	j.waits[wait.place].place = wait.place
	j.waits[last] = nil
	j.waits = j.waits[:last]
	if last > 0 {
		return
	}
	w.rates.note(time.Now())
	w.locate(j, nil, true)
	w.unlisted--
	j.status.jobs--
	w.alone.unset(&j.alarm)
	delete(w.jobs, j.id)
	if w.service.latest == j {
		w.service.latest = nil
	}
	w.cancelUseless()
	if len(w.jobs) == 0 {
		w.leaveQueue()
		w.changed()
	}
}

// setStatus notes the status of a job since a time. mu must be held.
func (w *watcher) setStatus(j *job, name string, since time.Time) {
	if j.status != nil {
		j.status.jobs--
	}
	j.status, j.since = w.rates.status(name), since
	j.status.jobs++
	if since.After(j.status.born) {
		j.status.born = since
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
