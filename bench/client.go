// Package bench waits for the same simulated jobs with package jobs and with
// the libraries that people use today, and writes down what each of them costs
// and how late it is.
//
//	go test -run TestReport -v -timeout 30m -report ../docs .
//
// writes docs/performance.md and its plot. `go test -short .` holds package
// jobs to its goals where that takes seconds.
package bench

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

// A Wait waits for all own jobs of a service and returns when every wait is
// over. It calls over once for each job, by its index, at the moment its wait
// ends; err is why the end of the job was not seen.
type Wait func(ctx context.Context, s *sim.Service, over func(i int, err error))

// A Peer is a library at work on the service.
type Peer struct {
	Name   string
	Module string // whose version the report names; empty for a plain loop
	// Default is the library as it comes; DefaultText says what that means.
	Default     func(client *http.Client) Wait
	DefaultText string
	// Reads says what it reads of an answer, beside the whole checked job that
	// package jobs reads.
	Reads string
	// Tunings are ways to set it to another number of requests, each by one
	// knob: the larger, the fewer requests.
	Tunings []Tuning
}

// A Tuning sets a library by a knob.
type Tuning struct {
	// Text says what the knob is, with %s in the place of its value, a
	// duration, or %.3g, a number in seconds.
	Text string
	Make func(client *http.Client, knob time.Duration) Wait
}

// each waits for every job in a goroutine of its own, from the moment the job
// is created. The goroutines hold nothing but the wait, since their memory is
// measured.
func each(wait func(ctx context.Context, j *sim.Job) error) Wait {
	return func(ctx context.Context, s *sim.Service, over func(int, error)) {
		within := wait
		if s.Patience > 0 {
			within = func(ctx context.Context, j *sim.Job) error {
				ctx, cancel := context.WithDeadline(ctx, j.Finished.Add(s.Patience))
				defer cancel()
				return wait(ctx, j)
			}
		}
		var all sync.WaitGroup
		for i, j := range s.Own {
			time.Sleep(time.Until(j.Created))
			all.Go(func() { over(i, within(ctx, j)) })
		}
		all.Wait()
	}
}

// Peers are the libraries that are measured beside package jobs.
func Peers() []Peer {
	return []Peer{
		hcloudPeer(), hcloudEachPeer(), azcorePeer(), awsPeer(), googlePeer(),
		openaiPeer(), terraformPeer(), k8sPeer(), backoffPeer(), loopPeer(),
	}
}
