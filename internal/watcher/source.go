package watcher

import (
	"context"
	"time"
)

// PageSize is the number of jobs on a page of the list.
const PageSize = 128

// A Source reads the jobs of one dataset and type. Get and List make a single attempt,
// do not wait for the rate limiter, and return when ctx ends.
//
// Sources must be comparable: waits with equal sources share polls.
type Source interface {
	// Get reads one job. The response has one item unless it has an error.
	Get(ctx context.Context, id string) Response
	// List reads a page of the jobs with a status, or of all jobs if status is empty,
	// newest first.
	List(ctx context.Context, status string, offset, limit int) Response
	// Statuses returns the known statuses of unfinished jobs, in the order in which a
	// job goes through them.
	Statuses() []string
}

// A Response is the response to one request, or its failure.
type Response struct {
	Items []Item
	Total int // number of jobs in the list
	// RetryAfter is how long the service asks not to be called.
	RetryAfter time.Duration
	Err        error
	Verdict    Verdict // of Err
}

// An Item is a job in a response. The slices may share the memory of the response: the
// watcher and the targets copy what they keep.
type Item struct {
	ID, Status []byte
	Finished   bool   // Status is a final one
	CreatedAt  int64  // seconds since the epoch of the service's clock; zero if unknown
	Body       []byte // the job in its wire form
}

// A Verdict tells what an error means for the waits.
type Verdict int

const (
	// Transient errors are those of the service, of a gateway or of the network. A
	// later poll may succeed.
	Transient Verdict = iota
	// NotFound means that the service does not know the job. It ends a wait unless the
	// job is so new that the service may not know it yet.
	NotFound
	// Definitive errors end the waits for the job. If a list fails so, lists are avoided
	// for a while and the jobs are read alone.
	Definitive
)
