package watcher

import (
	"context"
	"time"
)

// PageSize is the number of jobs on a page of the list.
const PageSize = 128

// A Source reads the jobs of one dataset and type. Each method makes a single
// attempt, does not wait for the rate limiter, and returns when ctx ends.
//
// Sources must be comparable: waits whose sources are equal share polls.
type Source interface {
	// Get reads one job. The response has one item unless it has an error.
	Get(ctx context.Context, id string) Response
	// List reads a page of the jobs with a status, or of all jobs if status is
	// empty, newest first.
	List(ctx context.Context, status string, offset, limit int) Response
	// Statuses returns the statuses of unfinished jobs in the order in which a job
	// goes through them. The service may have others.
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

// An Item is a job in a response. The slices may share the memory of the response;
// the watcher copies what it keeps.
type Item struct {
	ID, Status []byte
	CreatedAt  int64  // seconds since the epoch; zero if unknown
	Body       []byte // the job in its wire form
}

// A Verdict tells what an error means for the waits.
type Verdict int

const (
	// Transient errors are those of the service, of a gateway, or of the network.
	// A later poll may succeed.
	Transient Verdict = iota
	// NotFound means that the service does not know the job. It ends a wait unless
	// the job is so new that the service may not know it yet.
	NotFound
	// Definitive errors end the waits for the job. A list that fails so is avoided
	// for a while, and the jobs are read alone.
	Definitive
)
