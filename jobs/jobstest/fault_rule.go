package jobstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Rule selects the requests that a fault affects. All conditions must hold.
// The zero Rule selects all requests.
type Rule struct {
	// Operation is an operationId of openapi.yaml, such as "createJob" or
	// "getJob", or "content" for data URLs. Empty means all. A wait for one job
	// reads it with "getJob", and waits for many jobs also use "listJobs".
	Operation string
	// Match reports whether the rule selects a request, whose Status is 0. It
	// runs on the goroutine that serves the request and must be safe for
	// concurrent use. Nil means all.
	Match func(Request) bool
	// After and For are the start and the length of a time window, counted from
	// Inject. For 0 means no end.
	After, For time.Duration
	// From is the number of the first request, counted from 1 among those that
	// fulfill the conditions above. 0 means 1.
	From int
	// Probability is the probability of each of these requests. 0 means 1. Seed
	// seeds the random numbers, so that a test is reproducible. Rules with the
	// same Seed have independent random numbers.
	Probability float64
	Seed        uint64
	// Times limits the number of affected requests. 0 means no limit.
	Times int
}

// check panics if the rule is invalid. A test whose fault never occurs would
// test nothing.
func (r *Rule) check(operations []string) {
	switch {
	case r.Operation != "" && !slices.Contains(operations, r.Operation):
		panic(fmt.Sprintf("jobstest: there is no operation %q, only %s", r.Operation, strings.Join(operations, ", ")))
	case r.After < 0 || r.For < 0 || r.From < 0 || r.Times < 0:
		panic(fmt.Sprintf("jobstest: a number in the rule %+v is negative", *r))
	case !(r.Probability >= 0 && r.Probability <= 1):
		panic(fmt.Sprintf("jobstest: the probability %v is not between 0 and 1", r.Probability))
	}
}

// Inject applies a fault to the requests that a rule selects, from now on. If
// several rules select a request, the first one applies. The others count the
// request for From but not for Times.
//
// The contract check does not cover the responses of a fault. It does cover the
// requests.
//
// Inject panics if the rule is invalid, for example if its operation does not
// exist.
func (s *Server) Inject(rule Rule, fault Fault) {
	rule.check(s.emulator.Operations())
	s.faults.add(rule, fault)
}

// Clear removes all faults. It does not affect requests in progress.
func (s *Server) Clear() { s.faults.clear() }

// Faulted returns the requests that a fault affected, in the order of their
// arrival.
func (s *Server) Faulted() []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return r.Fault == "" })
}

// An injection is a fault with its rule and its counters.
type injection struct {
	rule     Rule
	fault    Fault
	since    time.Time
	rng      *rand.Rand
	selected int // requests that fulfill the conditions before From
	affected int
}

// selects reports whether a request fulfills the conditions before From.
func (i *injection) selects(r Request) bool {
	age := r.Time.Sub(i.since)
	return (i.rule.Operation == "" || i.rule.Operation == r.Operation) &&
		age >= i.rule.After && (i.rule.For == 0 || age < i.rule.After+i.rule.For) &&
		(i.rule.Match == nil || i.rule.Match(r))
}

// count counts a selected request and reports whether the fault affects it.
func (i *injection) count() bool {
	i.selected++
	if i.selected < i.rule.From || i.rule.Times > 0 && i.affected == i.rule.Times {
		return false
	}
	return i.rule.Probability == 0 || i.rng.Float64() < i.rule.Probability
}

// faults are the injections of a server and the requests that they delay.
type faults struct {
	mu         sync.Mutex
	injections []*injection // replaced, never changed
	added      uint64       // the number of calls of add
	lastHold   int
	holds      map[int]context.CancelFunc
	closed     bool
}

func (fs *faults) add(rule Rule, fault Fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	// The number of the rule selects one of many streams of the same seed.
	rng := rand.New(rand.NewPCG(rule.Seed, fs.added))
	fs.added++
	fs.injections = append(slices.Clip(fs.injections), &injection{rule: rule, fault: fault, since: time.Now(), rng: rng})
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.injections = nil
}

// match returns the fault that affects a request, nil if there is none.
func (fs *faults) match(r *Request) *Fault {
	fs.mu.Lock()
	injections := fs.injections
	fs.mu.Unlock()
	if len(injections) == 0 {
		return nil
	}
	// Rule.Match runs without the lock.
	selecting := make([]*injection, 0, len(injections))
	for _, i := range injections {
		if i.selects(r.clone()) {
			selecting = append(selecting, i)
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var fault *Fault
	for _, i := range selecting {
		if i.count() && fault == nil {
			i.affected++
			fault = &i.fault
		}
	}
	return fault
}

func (r *Request) clone() Request {
	copied := *r
	copied.Header = r.Header.Clone()
	return copied
}

// hold returns a context that ends with parent or with the server, and a
// function to call at the end of the request.
func (fs *faults) hold(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		cancel()
		return ctx, cancel
	}
	if fs.holds == nil {
		fs.holds = make(map[int]context.CancelFunc)
	}
	fs.lastHold++
	number := fs.lastHold
	fs.holds[number] = cancel
	return ctx, func() {
		cancel()
		fs.mu.Lock()
		defer fs.mu.Unlock()
		delete(fs.holds, number)
	}
}

// close ends all holds. A context of the server would not do: a bubble of
// testing/synctest stops its clock for a channel that was made outside it.
func (fs *faults) close() {
	fs.mu.Lock()
	fs.closed = true
	holds := fs.holds
	fs.holds = nil
	fs.mu.Unlock()
	for _, cancel := range holds {
		cancel()
	}
}
