package watcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
)

// A simJob is a job of the simulated service. Its times are fixed before it is visible.
type simJob struct {
	id                         string
	created, started, finished time.Time
	paused                     bool // its status is PAUSED while it runs
	deleted                    time.Time
	seen                       time.Time // last known to the waiting program; zero if unknown
}

func (j *simJob) status(now time.Time) string {
	switch {
	case now.Before(j.started):
		return "QUEUING"
	case !now.Before(j.finished):
		return "SUCCESS"
	case j.paused:
		return "PAUSED"
	}
	return "PROCESSING"
}

// A sim is a job service in virtual time.
type sim struct {
	rtt  time.Duration
	jobs []*simJob // by creation
	// fault replaces the response to a request; nil does not. A response with
	// errHang never comes.
	fault func(r simRequest) *Response
	count func(total int) int // what is said instead of the total

	mu       sync.Mutex
	requests []simRequest
	calls    int // under way
}

// A simRequest is a request to the service.
type simRequest struct {
	n      int // number of the request, from one
	id     string
	list   bool
	status string
	offset int
	at     time.Time
}

var errHang = errors.New("the response never comes")

// source is a source of the service; different numbers do not share polls.
type source struct {
	*sim
	dataset int
}

func (s source) Statuses() []string { return []string{"QUEUING", "PROCESSING"} }

func (s source) Get(ctx context.Context, id string) Response {
	return s.call(ctx, simRequest{id: id}, func(now time.Time) Response {
		for _, j := range s.visible(now) {
			if j.id == id {
				return Response{Items: []Item{j.item(now)}}
			}
		}
		return Response{Err: errors.New("no such job"), Verdict: NotFound}
	})
}

func (s source) List(ctx context.Context, status string, offset, limit int) Response {
	return s.call(ctx, simRequest{list: true, status: status, offset: offset}, func(now time.Time) (r Response) {
		visible := s.visible(now)
		if status != "" {
			visible = slices.DeleteFunc(slices.Clone(visible), func(j *simJob) bool { return j.status(now) != status })
		}
		for i := offset; i < min(len(visible), offset+limit); i++ {
			r.Items = append(r.Items, visible[len(visible)-1-i].item(now))
		}
		r.Total = len(visible)
		if s.count != nil {
			r.Total = s.count(r.Total)
		}
		return r
	})
}

func (j *simJob) item(now time.Time) Item {
	status := j.status(now)
	return Item{
		ID: []byte(j.id), Status: []byte(status), Finished: status == "SUCCESS",
		Body: []byte(status),
	}
}

// visible returns the jobs that exist, by creation.
func (s *sim) visible(now time.Time) []*simJob {
	n, _ := slices.BinarySearchFunc(s.jobs, now, func(j *simJob, now time.Time) int {
		if j.created.After(now) {
			return 1
		}
		return -1
	})
	if n > 0 && s.jobs[0].deleted.IsZero() { // tests delete the oldest jobs
		return s.jobs[:n]
	}
	return slices.DeleteFunc(slices.Clone(s.jobs[:n]), func(j *simJob) bool {
		return !j.deleted.IsZero() && !j.deleted.After(now)
	})
}

func (s *sim) call(ctx context.Context, r simRequest, answer func(time.Time) Response) Response {
	s.mu.Lock()
	s.calls++
	r.n, r.at = len(s.requests)+1, time.Now()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.calls--
		s.mu.Unlock()
	}()
	pause := func(d time.Duration) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
	if !pause(s.rtt / 2) {
		return Response{Err: context.Cause(ctx)}
	}
	var response Response
	if s.fault != nil {
		if f := s.fault(r); f != nil {
			response = *f
		}
	}
	switch {
	case response.Err == errHang:
		if pause(30 * time.Second) {
			return Response{Err: errors.New("the attempt timed out")}
		}
	case response.Err == nil:
		response = answer(time.Now())
	}
	if !pause(s.rtt / 2) {
		return Response{Err: context.Cause(ctx)}
	}
	return response
}

func (s *sim) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// A load describes jobs.
type load struct {
	seed   uint64
	n      int
	within time.Duration // they are created in this time
	length func(*rand.Rand) time.Duration
}

func lognormal(median time.Duration, sigma float64) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		return time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
	}
}

func aMinute(n int) load {
	return load{seed: 1, n: n, within: time.Second, length: lognormal(time.Minute, 0.5)}
}

// newSim returns a service whose jobs are created from now on.
func newSim(l load) *sim {
	s := &sim{rtt: 20 * time.Millisecond}
	r := rand.New(rand.NewPCG(l.seed, 1))
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

// A target is a job of the waiting program.
type target struct{ id string }

func (t *target) Apply(body []byte, _ time.Time) (bool, error) {
	if bytes.Equal(body, []byte("broken")) {
		return false, errors.New("the body is broken")
	}
	return bytes.Equal(body, []byte("SUCCESS")), nil
}

// options are those of a wait for a job.
func (j *simJob) options(ended chan<- *Wait) Options {
	o := Options{
		ID: j.id, Target: &target{j.id}, Status: "QUEUING", Seen: j.seen,
		MaxOutage: time.Hour, Ended: ended,
	}
	if !j.seen.IsZero() {
		o.Status, o.Since = j.status(j.seen), j.created
	}
	return o
}

// A report is what waits have cost, and how late they ended.
type report struct {
	perJob float64
	lags   []time.Duration
	ends   []time.Time
	lost   []*simJob
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
	return fmt.Sprintf("%d ended, %d lost, %.2f requests per job, lag %v, p99 %v, max %v", len(r.lags), len(r.lost), r.perJob,
		r.mean().Round(time.Millisecond), r.quantile(0.99).Round(time.Millisecond), r.quantile(1).Round(time.Millisecond))
}

// wait waits for jobs, each from its creation on, and reports. change may change the
// options of a wait.
func (s *sim) wait(t *testing.T, set *Set, jobs []*simJob, change func(*simJob, *Options)) (r report) {
	t.Helper()
	ended := make(chan *Wait, len(jobs))
	byWait := map[*Wait]*simJob{}
	var mu sync.Mutex
	var stops sync.WaitGroup
	done := make(chan struct{})
	go func() {
		defer close(done)
		timeout := time.After(3 * time.Hour)
		for range jobs {
			var w *Wait
			select {
			case w = <-ended:
			case <-timeout:
				t.Errorf("%d waits have not ended", len(jobs)-len(r.lags)-len(r.lost))
				mu.Lock()
				for w, j := range byWait {
					if !w.over {
						t.Log(j.id, j.finished, w.job.batch, w.job.missing, w.job.shown)
						w.Stop()
					}
				}
				mu.Unlock()
				return
			}
			mu.Lock()
			j := byWait[w]
			mu.Unlock()
			result := w.Stop()
			if !result.Finished {
				r.lost = append(r.lost, j)
				r.errs = append(r.errs, result.Reason)
				continue
			}
			r.lags = append(r.lags, time.Since(j.finished))
			r.ends = append(r.ends, j.finished)
		}
	}()
	for _, j := range jobs {
		time.Sleep(time.Until(j.created))
		o := j.options(ended)
		if change != nil {
			change(j, &o)
		}
		mu.Lock()
		w := set.Start(source{sim: s}, o)
		byWait[w] = j
		mu.Unlock()
		if !o.Deadline.IsZero() {
			stops.Add(1)
			time.AfterFunc(time.Until(o.Deadline), func() {
				defer stops.Done()
				if !w.Stop().Finished && w.Stop().Reason == nil {
					ended <- w
				}
			})
		}
	}
	<-done
	stops.Wait()
	r.perJob = float64(s.sent()) / float64(len(jobs))
	s.checkQuiet(t, set)
	return r
}

// checkQuiet checks that nothing is left after the waits.
func (s *sim) checkQuiet(t *testing.T, set *Set) {
	t.Helper()
	time.Sleep(time.Second)
	set.mu.Lock()
	watchers := len(set.watchers)
	set.mu.Unlock()
	if s.calls > 0 {
		t.Errorf("%d watchers, %d requests", watchers, s.calls)
	}
	before := s.sent()
	time.Sleep(time.Hour)
	if after := s.sent(); after > before {
		t.Errorf("%d requests after the last wait", after-before)
	}
}

func limited(perSecond float64) *Set { return NewSet(ratelimit.New(perSecond)) }
