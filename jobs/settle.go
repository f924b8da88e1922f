package jobs

import (
	"context"
	"sync"
	"time"
)

// settleDelays are the pauses before the looks for a job that may have been
// created. It may show late, or be under way to the service still.
var recoveryDelays = [...]time.Duration{0, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}

const (
	// settleBudget bounds all the looks together.
	recoveryTimeout = 30 * time.Second
	// settleJobs is how far into the list a look goes, which begins with the
	// newest job.
	recoveryJobs = 4 * pageSize
	// handedFor is how long a job is remembered that a create has returned: much
	// longer than a create lasts and clocks differ.
	claimTTL = time.Hour
)

// settle looks in the list for a job that may have been created. It sends
// nothing else: a second create could make a second job.
func (js Jobs[J, A]) recover(ctx context.Context, unsure *CreateError) (*Job, error) {
	ctx, cancel := context.WithTimeout(ctx, recoveryTimeout)
	defer cancel()
	for _, delay := range recoveryDelays {
		if sleep(ctx, delay) != nil {
			break
		}
		unsure.Lookups++
		var fit []*Job
		fit, unsure.lookupErr = js.fitting(ctx, unsure)
		switch {
		case unsure.lookupErr != nil:
		case len(fit) == 1:
			return fit[0], nil
		case len(fit) > 1:
			unsure.Found = each(fit, (*Job).ID)
			return nil, unsure
		}
	}
	return nil, unsure
}

// fitting lists the jobs that may be the one, without those that other creates
// have returned.
func (js Jobs[J, A]) fitting(ctx context.Context, unsure *CreateError) (fit []*Job, err error) {
	looked := 0
	for job, err := range js.pages(ctx, ListOptions{}) {
		if err != nil {
			return nil, err
		}
		s := job.Snapshot()
		if looked++; looked > recoveryJobs || unsure.olderThan(s) {
			break
		}
		if unsure.Matches(s) && !js.dataset.client.recovery.claimed(job.id) {
			fit = append(fit, job)
		}
	}
	return fit, nil
}

// A settler keeps creates of the same job apart, so that no two of them settle
// on one. A nil settler does nothing.
type recovery struct {
	mu sync.Mutex
	// open has the creates that are under way, by what they create. Those of the
	// same job wait for each other: whose job it is that one of them finds in
	// the list shows only when the others are done.
	open map[string]chan struct{}
	// handed are the jobs that creates have returned, and order is the order in
	// which they are forgotten.
	claims map[string]bool
	order  []claim
}

type claim struct {
	id string
	at time.Time
}

func newRecovery() *recovery {
	return &recovery{open: make(map[string]chan struct{}), claims: make(map[string]bool)}
}

// enter waits until no other create of the same job is under way. The caller
// calls leave at its end.
func (s *recovery) lock(ctx context.Context, create *CreateError) (leave func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	job := create.key()
	for {
		s.mu.Lock()
		other, busy := s.open[job]
		if !busy {
			mine := make(chan struct{})
			s.open[job] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.open, job)
				s.mu.Unlock()
				close(mine)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// hand notes that a create returns a job.
func (s *recovery) claim(id string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.order) > 0 && now.Sub(s.order[0].at) > claimTTL {
		delete(s.claims, s.order[0].id)
		s.order = s.order[1:]
	}
	s.claims[id] = true
	s.order = append(s.order, claim{id, now})
}

func (s *recovery) claimed(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claims[id]
}
