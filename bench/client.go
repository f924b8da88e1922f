// Package bench waits for the same simulated jobs with package jobs and with the
// libraries that people use today. It reports how many requests each of them sends
// and how late each of them is.
//
//	go test -run TestReport -v -timeout 30m -report .. .
//
// writes docs/performance.md, its plot, and bench/results.md. `go test -short .`
// checks the goals of package jobs that take seconds.
package bench

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

// Wait waits for all own jobs of a service and returns when all waits have ended. It
// calls ended once for each job, by its index, when its wait ends. err is nil if the
// wait returned the end of the job.
type Wait func(ctx context.Context, s *sim.Service, ended func(i int, err error))

// Maker returns the wait of a client. It may prepare the jobs that a program holds
// before it waits for them.
type Maker func(*http.Client, *sim.Service) Wait

// Peer is another library.
type Peer struct {
	Name   string
	Module string // whose version the report names; empty for a plain loop
	// Default returns the wait with the default options. DefaultText describes
	// them.
	Default     func(client *http.Client) Wait
	DefaultText string
	// OneCall reports whether one call waits for all jobs. They must all exist
	// when it begins.
	OneCall bool
	// Reads describes the part of a response that the library reads. Package jobs
	// reads and checks the whole job.
	Reads string
	// Tunings are ways to change the number of requests.
	Tunings []Tuning
}

// Tuning sets one option of a library.
type Tuning struct {
	// Text describes the option. Its value replaces %s as a duration, or %.3g as a
	// number of seconds.
	Text string
	// Make returns the wait. It sends fewer requests for a larger value.
	Make func(client *http.Client, value time.Duration) Wait
}

// each waits for each job in its own goroutine, from the moment the job is created.
func each(wait func(ctx context.Context, j *sim.Job) error) Wait {
	return func(ctx context.Context, s *sim.Service, ended func(int, error)) {
		var all sync.WaitGroup
		for i, j := range s.Own {
			time.Sleep(time.Until(j.Created))
			all.Go(func() { ended(i, within(ctx, s, j, wait)) })
		}
		all.Wait()
	}
}

// within applies the deadline and the timeout of a scenario to one wait.
func within(ctx context.Context, s *sim.Service, j *sim.Job, wait func(ctx context.Context, j *sim.Job) error) error {
	if s.GiveUp > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, j.Finished.Add(s.GiveUp))
		defer cancel()
	}
	if s.Attempt == 0 {
		return wait(ctx, j)
	}
	for {
		attempt, cancel := context.WithTimeout(ctx, s.Attempt)
		err := wait(attempt, j)
		expired := errors.Is(attempt.Err(), context.DeadlineExceeded)
		cancel()
		if err == nil || !expired || ctx.Err() != nil {
			return err
		}
	}
}

// Peers returns the measured libraries.
func Peers() []Peer {
	return []Peer{
		hcloudPeer(), hcloudEachPeer(), azcorePeer(), awsPeer(), googlePeer(),
		openaiPeer(), terraformPeer(), k8sPeer(), backoffPeer(), loopPeer(), listPeer(),
	}
}
