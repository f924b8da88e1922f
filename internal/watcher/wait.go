package watcher

import (
	"context"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// PageSize is the number of jobs on a page of the list.
const PageSize = 128

// A Source reads the jobs of one dataset and type. Get and List make a single attempt, do
// not wait for the rate limiter, and return the cause of ctx when it ends. Sources must be
// comparable: waits with equal sources share polls.
type Source interface {
	// Get reads one job. The response has one item unless it has an error.
	Get(ctx context.Context, id string) Response
	// List reads a page of the jobs with a status, or of all jobs if status is empty,
	// newest first.
	List(ctx context.Context, status string, offset, limit int) Response
	// Outage is called when polls begin to fail, with the error of the last one, and with nil
	// when one succeeds again.
	Outage(err error)
	// Schedule returns the delays between polls, or nil if the watcher chooses them.
	Schedule() *polling.Schedule
}

// A Response is the response to one request, or its failure.
type Response struct {
	Items      []Item
	Total      int           // number of jobs in the list
	RetryAfter time.Duration // how long the service asks not to be called
	Err        error
	Verdict    Verdict // of Err
	RequestID  string
}

// An Item is a job in a response. The slices may share its memory.
type Item struct {
	ID, Status []byte
	Finished   bool   // Status is a final one
	Body       []byte // the job in its wire form
}

// A Verdict tells what an error means for the waits.
type Verdict int

const (
	// Transient errors may pass.
	Transient Verdict = iota
	// NotFound ends a wait unless the service may not know the job yet.
	NotFound
	// Definitive errors end the waits for a job. Lists that fail so are avoided for a while.
	Definitive
)

// Options describe a wait. ID, Apply and Ended are required. The functions must neither block
// nor use the watcher.
type Options struct {
	ID        string // of the job
	Apply     Apply
	Status    string        // the last known one; empty means unknown
	Seen      time.Time     // of the request that showed Status; zero polls the job at once
	Since     time.Time     // when the current run may have started at the earliest; zero means now
	VisibleBy time.Time     // before that, a NotFound error does not end the wait
	Deadline  time.Time     // the job is polled once more shortly before it; zero means none
	MaxOutage time.Duration // without a successful poll ends the wait; zero or less means no limit
	Event     func(Result)  // called for a poll after which the wait goes on, with the result so far
	Ended     chan<- *Wait  // receives the wait when it has ended by itself; it must have room
}

// Apply takes the body of the job and the time of its request. It reports whether the job's
// current run has finished. It is called for each wait.
type Apply func(body []byte, requestedAt time.Time) (finished bool, err error)

// A Result tells how a wait ended.
type Result struct {
	Finished bool  // the job's current run has finished
	Reason   error // why the wait ended before; nil if Stop ended it
	Last     error // of the last poll; nil if that succeeded
	// RequestID is that of the last poll, if it succeeded.
	RequestID string
	Polls     int
	Elapsed   time.Duration
}

// A Wait is one wait for one job.
type Wait struct {
	Options
	watcher *watcher
	job     *job
	began   time.Time
	final   bool // a poll in time for the deadline has shown the job
	over    bool
	result  Result
}

// Stop ends the wait if it has not ended, and returns its result.
func (w *Wait) Stop() Result {
	w.watcher.set.mu.Lock()
	defer w.watcher.set.mu.Unlock()
	if !w.over {
		w.watcher.end(w, false, nil)
	}
	return w.result
}

// A Set holds the watchers of one client: one for each source with active waits.
type Set struct {
	limiter  *ratelimit.Limiter
	mu       sync.Mutex // of the watchers, too
	watchers map[Source]*watcher
}

// NewSet returns a set whose watchers share a limiter.
func NewSet(limiter *ratelimit.Limiter) *Set {
	return &Set{limiter: limiter, watchers: map[Source]*watcher{}}
}

// Start starts a wait. It does not block.
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
