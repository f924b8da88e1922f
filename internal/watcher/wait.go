package watcher

import (
	"errors"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
)

// ErrOutage is the reason of a wait that saw only errors for its whole
// [Options.MaxOutage].
var ErrOutage = errors.New("max outage reached")

// Options describe a wait.
type Options struct {
	ID string // of the job
	// Job takes responses. Waits with equal jobs share the call.
	Job Job
	// Status is the last known status.
	Status string
	// Since is when the current run of the job started, or the earliest time at
	// which it can have started. The zero value means now.
	Since time.Time
	// Seen is the time of the request that showed Status. The zero value means
	// that the job must be polled at once.
	Seen time.Time
	// CreatedAt is in seconds since the epoch of the service's clock; zero means
	// unknown.
	CreatedAt int64
	// VisibleBy is when the service knows the job at the latest. A NotFound error
	// before that does not end the wait.
	VisibleBy time.Time
	// Deadline is the end of the wait's context; zero means none. Shortly before it
	// the job is polled once more.
	Deadline time.Time
	// MaxOutage ends the wait when only errors were seen for so long. Zero or
	// less means no limit.
	MaxOutage time.Duration
	// Event is called for each poll of the job that does not end the wait. It may
	// be nil. It must neither block nor use the watcher.
	Event func(Event)
	// Ended receives the wait when it has ended by itself, once. The channel must
	// have room for it.
	Ended chan<- *Wait
}

// A Job takes what polls show. Its methods are called one at a time for a watcher,
// must not block, and must not use the watcher. Jobs must be comparable.
type Job interface {
	// Apply applies a job body and the time of its request. It reports whether the
	// current run of the job has finished.
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
	Reason   error // why the wait ended otherwise; nil if it was stopped
	Last     error // of the last poll; nil if that succeeded
	Polls    int
	Elapsed  time.Duration
}

// A Wait is one wait for one job. Start makes it.
type Wait struct {
	Options
	began time.Time
}

// Stop ends the wait if it has not ended, and returns its result. Further calls
// return the same result.
func (w *Wait) Stop() Result { panic("not implemented") }

// A Set holds the watchers of one client: one for each source with active waits.
// Use NewSet.
type Set struct{ limiter *ratelimit.Limiter }

// NewSet returns a set whose watchers share a limiter.
func NewSet(limiter *ratelimit.Limiter) *Set { return &Set{limiter: limiter} }

// Start starts a wait. It does not block. Each wait must be stopped or end by
// itself.
func (s *Set) Start(source Source, o Options) *Wait { panic("not implemented") }
