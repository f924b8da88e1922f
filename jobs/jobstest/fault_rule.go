package jobstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Rule says which requests a fault meets: those that pass every condition in
// it. The zero Rule is all requests.
type Rule struct {
	// Operation is an operationId of openapi.yaml, such as "getJob", or
	// "content" for what lies behind data URLs. Empty: all of them.
	Operation string
	// Match, when not nil, must say yes to a request. It is called on the
	// goroutine that serves the request, with a Status of 0, and must be safe
	// for concurrent use.
	Match func(Request) bool
	// After and For are the window of time, counted from Inject. A For of 0 has
	// no end.
	After, For time.Duration
	// From is the number of the first request that is met, of those that pass
	// the conditions above. They count from 1; 0 is the same as 1.
	From int
	// Probability is that of each of those requests to be met, by dice that
	// Seed throws: the n-th request is met or not, the same way each time. 0 is
	// the same as 1, which is always.
	Probability float64
	Seed        uint64
	// Times is how many requests are met at the most. 0 has no limit.
	Times int
}

// check panics on a rule that makes no sense: a fault that never happens would
// make a test pass that tests nothing.
func (r *Rule) check(known []string) {
	switch {
	case r.Operation != "" && !slices.Contains(known, r.Operation):
		panic(fmt.Sprintf("jobstest: there is no operation %q, only %s", r.Operation, strings.Join(known, ", ")))
	case r.After < 0 || r.For < 0 || r.From < 0 || r.Times < 0:
		panic(fmt.Sprintf("jobstest: a number in the rule %+v is negative", *r))
	case !(r.Probability >= 0 && r.Probability <= 1):
		panic(fmt.Sprintf("jobstest: the probability %v is not from 0 to 1", r.Probability))
	}
}

// Inject makes a fault meet the requests of a rule from now on. Where several
// rules would meet a request, the one that was injected first does; the others
// count the request, but not as one they met.
//
// The answers that a fault makes are not checked against openapi.yaml. Requests
// still are.
//
// Inject panics on a rule that makes no sense, such as an operation that does
// not exist.
func (s *Server) Inject(rule Rule, fault Fault) {
	rule.check(s.contract.names())
	s.faults.add(&injection{rule: rule, fault: fault, since: time.Now(), dice: rand.New(rand.NewPCG(rule.Seed, 0))})
}

// Clear takes back everything that was injected. Requests that a fault has met
// already stay as they are.
func (s *Server) Clear() { s.faults.clear() }

// Faulted returns the requests that a fault has met, in the order in which they
// arrived.
func (s *Server) Faulted() []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return r.Fault == "" })
}

// An injection is a fault with its rule, and what has come of it.
type injection struct {
	rule  Rule
	fault Fault
	since time.Time
	dice  *rand.Rand
	seen  int // requests that passed the conditions before From
	met   int
}

// considers tells whether a request passes the conditions that do not count.
func (i *injection) considers(r Request) bool {
	age := r.Time.Sub(i.since)
	return (i.rule.Operation == "" || i.rule.Operation == r.Operation) &&
		age >= i.rule.After && (i.rule.For == 0 || age < i.rule.After+i.rule.For) &&
		(i.rule.Match == nil || i.rule.Match(r))
}

// counts takes a request into account and tells whether it is to be met.
func (i *injection) counts() bool {
	i.seen++
	if i.seen < i.rule.From || i.rule.Times > 0 && i.met == i.rule.Times {
		return false
	}
	return i.rule.Probability == 0 || i.dice.Float64() < i.rule.Probability
}

// faults are the injections of a server, and the requests that are held up by
// one.
type faults struct {
	mu         sync.Mutex
	injections []*injection // replaced, never changed
	last       int
	ongoing    map[int]context.CancelFunc
	closed     bool
}

func (fs *faults) add(i *injection) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.injections = append(slices.Clip(fs.injections), i)
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.injections = nil
}

// meet returns the fault that meets a request, nil for none.
func (fs *faults) meet(r *Request) *Fault {
	fs.mu.Lock()
	injections := fs.injections
	fs.mu.Unlock()
	if len(injections) == 0 {
		return nil
	}
	considered := make([]*injection, 0, len(injections))
	for _, i := range injections {
		if i.considers(r.clone()) {
			considered = append(considered, i)
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var fault *Fault
	for _, i := range considered {
		if i.counts() && fault == nil {
			i.met++
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

// hold returns a context of a request that ends with the server too, and what
// to call when the request is over.
func (fs *faults) hold(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		cancel()
		return ctx, cancel
	}
	if fs.ongoing == nil {
		fs.ongoing = make(map[int]context.CancelFunc)
	}
	fs.last++
	number := fs.last
	fs.ongoing[number] = cancel
	return ctx, func() {
		cancel()
		fs.mu.Lock()
		defer fs.mu.Unlock()
		delete(fs.ongoing, number)
	}
}

// close ends what is held up. It is no field of the server's context, because a
// channel that is made outside a bubble of testing/synctest stops its clock.
func (fs *faults) close() {
	fs.mu.Lock()
	fs.closed = true
	ongoing := fs.ongoing
	fs.ongoing = nil
	fs.mu.Unlock()
	for _, cancel := range ongoing {
		cancel()
	}
}

// disturb gives the answer to a request that a fault meets. The caller sends
// the reply.
func (s *Server) disturb(f *Fault, r *http.Request, c call) *reply {
	body, _ := readBody(r) // read, a socket tells when its client goes away
	ctx, release := s.faults.hold(r.Context())
	p := &reply{ctx: ctx, release: release, asked: r.Context()}
	if err := sleep(ctx, f.delay); err != nil {
		p.err = p.ended()
		return p
	}
	request := withBody(r.WithContext(context.WithValue(r.Context(), outlookKey{}, f.outlook)), body)
	answer := newRecorder()
	if f.executed || f.spoils() {
		c.serve(answer, request)
	} else {
		c.inspect(request)
	}
	if f.answer != nil {
		answer = newRecorder()
		f.answer(answer)
	}
	switch f.failure {
	case refused:
		p.err = errRefused()
	case reset:
		p.err = errReset()
	case hung:
		<-ctx.Done()
		p.err = p.ended()
	case noFailure:
		p.take(f, answer)
	}
	return p
}
