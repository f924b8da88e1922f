// Package sim is a job service in virtual time: many thousand jobs, answers
// that cost little to make, one place for the delay, the limit and the faults
// of every client. It speaks TensorBay, and says the same of the same jobs in
// the wire forms of the services that other libraries wait for.
//
// It is an http.RoundTripper and is made for a testing/synctest bubble: a round
// trip takes virtual time and no socket.
package sim

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// RoundTrip is how long a request and its answer are under way unless [Faults] say
// otherwise, half of it before the service looks and half after.
const RoundTrip = 20 * time.Millisecond

// DatasetID and JobType are those of every job.
const (
	DatasetID = "0123456789abcdef0123456789abcdef"
	JobType   = "squashAndMerge"
)

// A Job is a job of the service. Its times are fixed when the service is made.
type Job struct {
	ID       string
	Own      bool // false for the jobs of other people
	Created  time.Time
	Started  time.Time
	Finished time.Time

	index   int
	encoded [3][]byte // by state
}

// Length is how long the job takes from its creation.
func (j *Job) Length() time.Duration { return j.Finished.Sub(j.Created) }

// state is 0 while the job queues, 1 while it runs, 2 after its end.
func (j *Job) state(now time.Time) int {
	switch {
	case now.Before(j.Started):
		return 0
	case now.Before(j.Finished):
		return 1
	}
	return 2
}

// A Load says which jobs a service has.
type Load struct {
	Seed   uint64
	N      int           // own jobs
	Within time.Duration // they are created evenly at random within this time
	Others int           // other people's jobs, in the same time
	// Length draws how long a job takes.
	Length func(*rand.Rand) time.Duration
}

// Lognormal draws lengths around a median.
func Lognormal(median time.Duration, sigma float64) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		return time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
	}
}

// LogUniform draws lengths whose logarithm is spread evenly.
func LogUniform(from, to time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		return time.Duration(float64(from) * math.Pow(float64(to)/float64(from), r.Float64()))
	}
}

// Faults are what goes wrong. The zero value is nothing.
type Faults struct {
	// Rate is the share of requests that fail at random, in turn with a
	// connection reset, a 500 of the service, a 502 page of a gateway, and an
	// answer that breaks off.
	Rate float64
	// OutageFrom and OutageTo bound a time in which every request is answered
	// 503 by a gateway.
	OutageFrom, OutageTo time.Duration
	// Limit is the most requests that are served in any one second; others are
	// answered 429. Zero is no limit.
	Limit int
	// Broken is an own job, counted from one, that no list shows and whose
	// every read fails with 500; zero is none.
	Broken int
	// RoundTrip is how long every request takes, when it is not [RoundTrip].
	RoundTrip time.Duration
	// NoList says that TensorBay's list is answered 403.
	NoList bool
	// Hang is how many requests are served before one is never answered; zero
	// is none.
	Hang int
}

// Service is the simulated service.
type Service struct {
	Jobs []*Job // own and others', in the order of their creation
	Own  []*Job
	// Patience is how long after the end of a job its user's own deadline
	// comes, where every job is waited for with a context of its own; zero is
	// no deadline. The service does not mind it.
	Patience time.Duration

	faults Faults
	began  time.Time

	mu       sync.Mutex
	random   *rand.Rand
	sent     []time.Duration // when each request was sent, since the beginning
	served   []time.Duration // when each was served, to hold the limit
	statuses map[int]int
	shown    int // job states shown to the client
	arrived  int
	failures int
}

// New makes a service whose time begins now.
func New(load Load, faults Faults) *Service {
	s := &Service{
		faults: faults, began: time.Now(),
		random:   rand.New(rand.NewPCG(load.Seed, 2)),
		statuses: map[int]int{},
	}
	r := rand.New(rand.NewPCG(load.Seed, 1))
	for i := range load.N + load.Others {
		created := s.began.Add(time.Duration(r.Float64() * float64(load.Within)))
		length := load.Length(r)
		s.Jobs = append(s.Jobs, &Job{
			Own: i < load.N, Created: created, Started: created.Add(length / 20), Finished: created.Add(length),
		})
	}
	slices.SortStableFunc(s.Jobs, func(a, b *Job) int { return a.Created.Compare(b.Created) })
	for i, j := range s.Jobs {
		j.index = i
		j.ID = fmt.Sprintf("%016x%016x", r.Uint64(), i)
		if j.Own {
			s.Own = append(s.Own, j)
		}
	}
	return s
}

// RoundTrip sends a request to the service.
func (s *Service) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.sent = append(s.sent, time.Since(s.began))
	s.mu.Unlock()
	if req.Body != nil {
		defer req.Body.Close()
	}
	half := cmp.Or(s.faults.RoundTrip, RoundTrip) / 2
	if err := sleep(req.Context(), half); err != nil {
		return nil, err
	}
	resp, err := s.serve(req)
	if resp == nil && err == nil { // hangs
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	if err := sleep(req.Context(), half); err != nil {
		return nil, err
	}
	return resp, err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// visible are the jobs that are created by now.
func (s *Service) visible(now time.Time) []*Job {
	n, _ := slices.BinarySearchFunc(s.Jobs, now, func(j *Job, now time.Time) int {
		return cmp.Or(j.Created.Compare(now), -1) // created at this very moment is visible
	})
	return s.Jobs[:n]
}

// isBroken reports whether a job is the one that cannot be read.
func (s *Service) isBroken(j *Job) bool {
	return s.faults.Broken > 0 && s.faults.Broken <= len(s.Own) && s.Own[s.faults.Broken-1] == j
}

// Counts is what a client has asked for.
type Counts struct {
	Requests int
	// Peak is the most requests sent in any one second.
	Peak int
	// Throttled is how many were answered 429.
	Throttled int
	// InOutage is how many were sent during the outage.
	InOutage int
	// Shown is how many job states were shown; a list shows many.
	Shown int
}

// Counts returns what was asked for so far.
func (s *Service) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Requests: len(s.sent), Throttled: s.statuses[http.StatusTooManyRequests], Shown: s.shown}
	first := 0
	for i, at := range s.sent {
		for at-s.sent[first] >= time.Second {
			first++
		}
		c.Peak = max(c.Peak, i-first+1)
		if at >= s.faults.OutageFrom && at < s.faults.OutageTo {
			c.InOutage++
		}
	}
	return c
}

// RequestsAfter is how many requests were sent after a moment.
func (s *Service) RequestsAfter(moment time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.sent {
		if at > moment.Sub(s.began) {
			n++
		}
	}
	return n
}
