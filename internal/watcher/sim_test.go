package watcher

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// simJob is a job of the simulated service.
type simJob struct {
	id                         string
	created, started, finished time.Time
	deleted                    time.Time // zero for never
	running                    string    // its status while it runs; PROCESSING by default
	items                      [3]Item   // while it queues, while it runs, and afterwards
}

// item returns the job as the service shows it.
func (j *simJob) item(now time.Time) *Item {
	state, status := 1, "PROCESSING"
	switch {
	case now.Before(j.started):
		state, status = 0, "QUEUING"
	case !now.Before(j.finished):
		state, status = 2, "SUCCESS"
	case j.running != "":
		status = j.running
	}
	item := &j.items[state]
	if item.ID == nil {
		*item = Item{ID: []byte(j.id), Status: []byte(status), Finished: state == 2, Body: []byte(status)}
	}
	return item
}

// sim is a job service in virtual time. It implements Source.
type sim struct {
	schedule *polling.Schedule
	rtt      time.Duration
	jobs     []*simJob // by creation
	// fault returns the response to a request, or nil for the true one. The error errHang
	// means that the response never arrives.
	fault func(simRequest) *Response
	count func(total int) int // changes the total of lists; nil for no change

	mu       sync.Mutex
	requests []simRequest
	outages  []error // each start, and nil for each end
	open     int
}

// simRequest is a request to the service.
type simRequest struct {
	n      int // number of the request, from one
	id     string
	list   bool
	status string
	offset int
	at     time.Time
}

var (
	errHang     = errors.New("the response never arrives")
	errInternal = errors.New("500 internal error")
	errDenied   = errors.New("403 access denied")
	errReset    = errors.New("the connection is reset") // before the response
)

func failWith(err error, v Verdict) *Response { return &Response{Err: err, Verdict: v} }

func (s *sim) Outage(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outages = append(s.outages, err)
}

func (s *sim) Schedule() *polling.Schedule { return s.schedule }

func (s *sim) Get(ctx context.Context, id string) Response {
	return s.respond(ctx, simRequest{id: id}, func(now time.Time) Response {
		for _, j := range s.visible(now) {
			if j.id == id {
				return Response{Items: []Item{*j.item(now)}}
			}
		}
		return *failWith(errors.New("404 no such job"), NotFound)
	})
}

func (s *sim) List(ctx context.Context, status string, offset, limit int) Response {
	return s.respond(ctx, simRequest{list: true, status: status, offset: offset}, func(now time.Time) (r Response) {
		listed := s.visible(now)
		if status != "" {
			listed = slices.DeleteFunc(slices.Clone(listed), func(j *simJob) bool { return string(j.item(now).Status) != status })
		}
		for i := offset; i < min(len(listed), offset+limit); i++ {
			r.Items = append(r.Items, *listed[len(listed)-1-i].item(now))
		}
		if r.Total = len(listed); s.count != nil {
			r.Total = s.count(r.Total)
		}
		return r
	})
}

// visible returns the jobs that exist.
func (s *sim) visible(now time.Time) []*simJob {
	n, _ := slices.BinarySearchFunc(s.jobs, now, func(j *simJob, now time.Time) int {
		if j.created.After(now) {
			return 1
		}
		return -1
	})
	if n > 0 && s.jobs[0].deleted.IsZero() { // tests delete the oldest jobs first
		return s.jobs[:n]
	}
	return slices.DeleteFunc(slices.Clone(s.jobs[:n]), func(j *simJob) bool { return !j.deleted.IsZero() && !j.deleted.After(now) })
}

// respond makes one round trip.
func (s *sim) respond(ctx context.Context, r simRequest, truth func(time.Time) Response) (response Response) {
	s.mu.Lock()
	s.open++
	r.n, r.at = len(s.requests)+1, time.Now()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
	}()
	pause := func(d time.Duration) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			response = Response{Err: context.Cause(ctx)}
			return false
		}
	}
	if !pause(s.rtt / 2) {
		return response
	}
	func() {
		s.mu.Lock()
		defer s.mu.Unlock() // also if fault panics
		if s.fault != nil {
			if instead := s.fault(r); instead != nil {
				response = *instead
				return
			}
		}
		response = truth(time.Now())
	}()
	switch {
	case errors.Is(response.Err, errReset):
		return response
	case errors.Is(response.Err, errHang):
		pause(time.Hour)
		return response
	}
	pause(s.rtt / 2)
	return response
}

// sent returns the number of requests, or of those that match.
func (s *sim) sent(match ...func(simRequest) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if len(match) == 0 || match[0](r) {
			n++
		}
	}
	return n
}

// load describes jobs that are created within a time.
type load struct {
	n      int
	within time.Duration
	length func(*rand.Rand) time.Duration
}

func lognormal(median time.Duration, sigma float64) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		return time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
	}
}

// aMinute returns n jobs of a minute in the median.
func aMinute(n int) load { return load{n, time.Second, lognormal(time.Minute, 0.5)} }

// newSim returns a service whose jobs are created from now on. They queue for a twentieth of
// their lengths.
func newSim(l load) *sim {
	s := &sim{rtt: 20 * time.Millisecond}
	r := rand.New(rand.NewPCG(1, uint64(l.n)))
	began := time.Now()
	for range l.n {
		created := began.Add(time.Duration(r.Float64() * float64(l.within)))
		length := l.length(r)
		s.jobs = append(s.jobs, &simJob{created: created, started: created.Add(length / 20), finished: created.Add(length)})
	}
	slices.SortStableFunc(s.jobs, func(a, b *simJob) int { return a.created.Compare(b.created) })
	for i, j := range s.jobs {
		j.id = fmt.Sprintf("job-%d", i)
	}
	return s
}

// older adds n finished jobs that are older than all others.
func (s *sim) older(n int, deleted time.Time) {
	var jobs []*simJob
	for i := range n {
		at := time.Now().Add(-time.Hour)
		jobs = append(jobs, &simJob{id: fmt.Sprintf("older-%d", i), created: at, started: at, finished: at, deleted: deleted})
	}
	s.jobs = append(jobs, s.jobs...)
}

// newer adds n jobs that are newer than all others, and run for a time.
func (s *sim) newer(n int, length time.Duration) {
	at := time.Now()
	for i := range n {
		s.jobs = append(s.jobs, &simJob{id: fmt.Sprintf("newer-%d", i), created: at, started: at, finished: at.Add(length)})
	}
}

// grow adds jobs for a time, one in each interval.
func (s *sim) grow(within, interval time.Duration) {
	began := time.Now()
	for at := interval; at < within; at += interval {
		s.jobs = append(s.jobs, &simJob{id: at.String(), created: began.Add(at), started: began.Add(at), finished: began.Add(time.Hour)})
	}
}

// queue lets only a few jobs run at a time.
func (s *sim) queue(running int) {
	free := make([]time.Time, running)
	for _, j := range s.jobs {
		length := j.finished.Sub(j.created)
		i := 0
		for k := range free {
			if free[k].Before(free[i]) {
				i = k
			}
		}
		j.started = latest(free[i], j.created)
		j.finished = j.started.Add(length)
		free[i] = j.finished
	}
}

// apply reports whether a job has finished.
func apply(body []byte, _ time.Time) (finished bool, err error) {
	switch string(body) {
	case "broken":
		return false, errors.New("the body is broken")
	case "SUCCESS":
		return true, nil
	}
	return false, nil
}

// report describes the requests and the lags of many waits.
type report struct {
	perJob float64
	lags   []time.Duration
	lost   []*simJob // whose waits ended before
	errs   []error
}

func (r report) mean() time.Duration {
	var sum time.Duration
	for _, lag := range r.lags {
		sum += lag
	}
	return sum / time.Duration(max(len(r.lags), 1))
}

func (r report) quantile(q float64) time.Duration {
	if len(r.lags) == 0 {
		return 0
	}
	slices.Sort(r.lags)
	return r.lags[max(int(math.Ceil(q*float64(len(r.lags))))-1, 0)]
}

func (r report) String() string {
	return fmt.Sprintf("%d finished, %d lost, %.2f requests per job, mean lag %v, p99 %v", len(r.lags), len(r.lost),
		r.perJob, r.mean().Round(time.Millisecond), r.quantile(0.99).Round(time.Millisecond))
}

// limits are upper limits for a report.
type limits struct {
	perJob    float64
	mean, p99 time.Duration
}

func (r report) check(t *testing.T, want limits) {
	t.Helper()
	t.Log(r)
	if len(r.lost) > 0 {
		t.Errorf("%d waits lost: %v", len(r.lost), r.errs[0])
	}
	if r.perJob > want.perJob || r.mean() > want.mean || r.quantile(0.99) > want.p99 {
		t.Errorf("more than the limits %+v", want)
	}
}

func limited(perSecond float64) *Set { return NewSet(ratelimit.New(perSecond)) }

// options returns the options of a wait for a job.
func (j *simJob) options(ended chan *Wait) Options {
	return Options{ID: j.id, Apply: apply, Status: "QUEUING", MaxOutage: time.Hour, Ended: ended}
}

// wait waits for each job from its creation on. change may change the options of a wait.
// Waits with a deadline are stopped then.
func (s *sim) wait(t *testing.T, set *Set, jobs []*simJob, change func(*simJob, *Options)) (r report) {
	t.Helper()
	ended, started := make(chan *Wait, 2*len(jobs)), make(chan struct{})
	byWait := map[*Wait]*simJob{}
	var mu sync.Mutex
	go func() {
		defer close(started)
		for _, j := range jobs {
			time.Sleep(time.Until(j.created))
			o := j.options(ended)
			if change != nil {
				change(j, &o)
			}
			mu.Lock()
			w := set.Start(s, o)
			byWait[w] = j
			mu.Unlock()
			if !o.Deadline.IsZero() {
				time.AfterFunc(time.Until(o.Deadline), func() {
					if r := w.Stop(); !r.Finished && r.Reason == nil {
						ended <- w
					}
				})
			}
		}
	}()
	late := time.After(3 * time.Hour)
	for range jobs {
		select {
		case w := <-ended:
			mu.Lock()
			j := byWait[w]
			mu.Unlock()
			if result := w.Stop(); result.Finished {
				r.lags = append(r.lags, time.Since(j.finished))
			} else {
				r.lost = append(r.lost, j)
				r.errs = append(r.errs, result.Reason)
			}
		case <-late:
			t.Fatalf("%d waits have not ended", len(jobs)-len(r.lags)-len(r.lost))
		}
	}
	<-started
	r.perJob = float64(s.sent()) / float64(len(jobs))
	s.checkQuiet(t, set)
	return r
}

// checkQuiet checks that nothing is left after the last wait.
func (s *sim) checkQuiet(t *testing.T, set *Set) {
	t.Helper()
	time.Sleep(time.Second)
	before := s.sent()
	time.Sleep(time.Hour)
	if after := s.sent(); after > before || s.open > 0 {
		t.Errorf("%d requests after the last wait, %d under way", after-before, s.open)
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	if len(set.watchers) > 0 {
		t.Errorf("%d watchers are kept", len(set.watchers))
	}
}

// hostile is a service whose responses are wrong in the ways of mode. Reads of single jobs are
// right from a time on.
type hostile struct {
	*sim
	mode  int // bits
	until time.Time

	mu  sync.Mutex
	rng *rand.Rand
}

// does reports whether a way of mode applies to a response, one in so many times.
func (h *hostile) does(bit, times int) bool { return h.mode&bit != 0 && h.random(times) == 0 }

func (h *hostile) random(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rng.IntN(n)
}

// fail returns an error for one in a few requests, or nil.
func (h *hostile) fail(ctx context.Context) *Response {
	if h.mode&128 == 0 || !time.Now().Before(h.until) {
		return nil
	}
	switch h.random(12) {
	case 0:
		runtime.Goexit()
	case 1:
		return failWith(errInternal, Transient)
	case 2:
		return &Response{Err: errInternal, RetryAfter: time.Duration(h.random(100)) * time.Second}
	case 3:
		return &Response{Items: []Item{{Body: []byte("broken")}}}
	case 4:
		<-ctx.Done()
		return &Response{Err: context.Cause(ctx)}
	}
	return nil
}

func (h *hostile) Get(ctx context.Context, id string) Response {
	r := h.sim.Get(ctx, id)
	if instead := h.fail(ctx); instead != nil {
		return *instead
	}
	return r
}

func (h *hostile) List(ctx context.Context, status string, offset, limit int) Response {
	if h.does(1, 2) {
		offset = h.random(400)
	}
	if h.does(2, 2) {
		status = []string{"", "QUEUING", "PROCESSING", "SUCCESS", "X"}[h.random(5)]
	}
	r := h.sim.List(ctx, status, offset, limit)
	if h.does(4, 2) {
		r.Total = []int{0, math.MaxInt, h.random(1 << 30), h.random(300)}[h.random(4)]
	}
	if h.does(8, 1) && len(r.Items) > 0 {
		for range h.random(5) {
			r.Items = append(r.Items, r.Items[h.random(len(r.Items))])
		}
		slices.Reverse(r.Items)
	}
	if h.does(16, 1) && len(r.Items) > 1 {
		r.Items = r.Items[:h.random(len(r.Items))]
	}
	switch instead := h.fail(ctx); {
	case h.does(32, 10):
		return *failWith(errDenied, Definitive)
	case h.does(64, 10):
		return Response{}
	case instead != nil:
		return *instead
	}
	return r
}
