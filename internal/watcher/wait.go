package watcher

import (
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
)

// Options describe a wait.
type Options struct {
	ID     string // of the job
	Target Target
	// Status is the last known status; empty means unknown.
	Status string
	// Seen is the time of the request that showed Status. The zero value means that the
	// job is polled at once.
	Seen time.Time
	// Since is when the job's current run may have started at the earliest. The zero
	// value means now.
	Since time.Time
	// CreatedAt is in seconds since the epoch of the service's clock; zero means unknown.
	CreatedAt int64
	// VisibleBy is when the service knows the job at the latest. A NotFound error before
	// that does not end the wait.
	VisibleBy time.Time
	// Deadline is that of the wait's context; zero means none. Shortly before it, the job
	// is polled once more.
	Deadline time.Time
	// MaxOutage ends the wait with [polling.ErrOutage] if all polls fail for so long. Zero or less means no
	// limit.
	MaxOutage time.Duration
	// Event is called for each poll of the job that does not end the wait. It may be nil.
	// It must neither block nor use the watcher.
	Event func(Event)
	// Ended receives the wait once it has ended by itself. The channel must have room
	// for it.
	Ended chan<- *Wait
}

// A Target takes what polls show of a job. Targets must be comparable: waits for a job
// with equal targets share the call.
type Target interface {
	// Apply applies the body of the job and the time of its request. It reports whether
	// the job's current run has finished. It must neither block nor use the watcher.
	Apply(body []byte, requestedAt time.Time) (finished bool, err error)
}

// An Event is a poll after which the wait goes on.
type Event struct {
	Err  error         // of the poll
	Poll int           // number of the poll, from one
	Next time.Duration // until the next poll
}

// A Result tells how a wait ended.
type Result struct {
	Finished bool  // the job's current run has finished
	Reason   error // why the wait ended before; nil if Stop ended it
	Last     error // of the last poll; nil if that succeeded
	Polls    int
	Elapsed  time.Duration
}

// A Wait is one wait for one job.
type Wait struct {
	Options

	watcher *watcher
	job     *job
	began   time.Time
	place   int   // in job.waits
	final   alarm // of the poll before the deadline
	retried bool  // the poll before the deadline
	over    bool
	result  Result
}

// Stop ends the wait if it has not ended, and returns its result.
func (w *Wait) Stop() Result {
	w.watcher.mu.Lock()
	defer w.watcher.mu.Unlock()
	if !w.over {
		w.watcher.end(w, Result{Last: w.result.Last})
	}
	return w.result
}

// A Set holds the watchers of one client: one for each source with active waits.
type Set struct {
	limiter *ratelimit.Limiter

	mu       sync.Mutex // locked before that of a watcher
	watchers map[Source]*watcher
}

// NewSet returns a set whose watchers share a limiter.
func NewSet(limiter *ratelimit.Limiter) *Set {
	return &Set{limiter: limiter, watchers: map[Source]*watcher{}}
}

// Start starts a wait. It does not block. Use [Wait.Stop] to end the wait early.
func (s *Set) Start(source Source, o Options) *Wait {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watchers[source]
	if w == nil {
		w = newWatcher(s, source)
		s.watchers[source] = w
		go w.loop()
	}
	return w.start(o)
}

// drop removes a watcher without waits, and reports whether it has none.
func (s *Set) drop(w *watcher) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.jobs) > 0 {
		return false
	}
	delete(s.watchers, w.source)
	return true
}
