// Package sim simulates a job service in virtual time. It holds many thousand jobs
// and applies one delay, one rate limit and the same faults to all clients. It
// implements the API of TensorBay, and shows the same jobs in the wire forms that
// the other measured libraries understand.
//
// A [Service] is an http.RoundTripper for use in a testing/synctest bubble. A round
// trip takes virtual time and no socket.
package sim

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// RoundTrip is the default duration of a request. The service reads the state of
// the jobs in the middle of it.
const RoundTrip = 20 * time.Millisecond

// JobType is the type of all jobs.
const JobType = "squashAndMerge"

// DatasetID returns the id of a dataset, counted from zero.
func DatasetID(dataset int) string { return fmt.Sprintf("%032x", dataset+1) }

// Job is a job of the service. Its times are fixed when the service is made.
type Job struct {
	ID       string
	Own      bool // false for jobs of other users
	Dataset  int
	Created  time.Time
	Started  time.Time
	Finished time.Time
	Deleted  time.Time // zero for never

	index   int       // in the order of creation
	encoded [3][]byte // by state
	reset   bool      // see Faults.ResetEnd
}

// Length returns the time from the creation of the job to its end.
func (j *Job) Length() time.Duration { return j.Finished.Sub(j.Created) }

// The states of a job.
const (
	queuing = iota
	processing
	finished
)

func (j *Job) state(now time.Time) int {
	switch {
	case now.Before(j.Started):
		return queuing
	case now.Before(j.Finished):
		return processing
	}
	return finished
}

// Load describes the jobs of a service.
type Load struct {
	Seed   uint64
	N      int           // own jobs
	Within time.Duration // own jobs are created at random times within it
	// Length returns the time that a job takes, without the time that it queues
	// because of Running.
	Length func(*rand.Rand) time.Duration
	// Dataset returns the dataset of the own job i. Nil means one dataset.
	Dataset func(i int) int
	// Running is the number of jobs that run at the same time. Zero means no
	// limit: each job then queues for a twentieth of its length.
	Running int
	// Others is the number of jobs of other users in dataset 0, created within
	// OthersWithin, by default Within.
	Others       int
	OthersWithin time.Duration
	// Older is the number of jobs in dataset 0 that finished before the service
	// begins. They are deleted one by one within DeletedWithin; zero means never.
	Older         int
	DeletedWithin time.Duration
}

// Lognormal returns a distribution of lengths around a median.
func Lognormal(median time.Duration, sigma float64) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		return time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
	}
}

// LogUniform returns a distribution of lengths whose logarithm is uniform.
func LogUniform(from, to time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		return time.Duration(float64(from) * math.Pow(float64(to)/float64(from), r.Float64()))
	}
}

// Faults describes the faults of a service. The zero value means none.
type Faults struct {
	// Rate is the share of requests that fail at random. They fail in turn with a
	// connection reset, a 500 of the service, a 502 page of a gateway, and a
	// response that is cut.
	Rate float64
	// OutageFrom and OutageTo limit a time in which a gateway responds 503.
	OutageFrom, OutageTo time.Duration
	// Limit is the number of requests served in any second. The service responds
	// 429 to others. Zero means no limit.
	Limit int
	// Broken is the number of an own job, counted from one. No list contains it,
	// and reads of it fail with 500. Zero means none.
	Broken int
	// RoundTrip is the duration of a request. The default is [RoundTrip].
	RoundTrip time.Duration
	// NoList makes the lists of TensorBay fail with 403.
	NoList bool
	// Count multiplies the totalCount of lists. Zero means one.
	Count float64
	// Hang is the number of a request that gets no response. HangEvery makes each
	// request whose number is a multiple of it hang. Zero means none.
	Hang, HangEvery int
	// ResetEnd resets the connection of the first request that would show the end
	// of an own job, but at most once a second. The retry for one job then does
	// not fail because of another.
	ResetEnd bool
}

// Service is the simulated service.
type Service struct {
	Jobs []*Job // in the order of creation
	Own  []*Job
	// GiveUp is the time from the end of a job to the end of the context of its
	// wait. Zero means never. The service does not use it.
	GiveUp time.Duration
	// Attempt is the timeout of each wait. The caller waits again if it passes.
	// Zero means none. The service does not use it.
	Attempt time.Duration

	faults   Faults
	began    time.Time
	datasets map[int][]*Job
	deletes  bool

	mu       sync.Mutex
	random   *rand.Rand
	waited   time.Time       // when the waits began
	sent     []time.Duration // when each request was sent, since began
	served   []time.Duration // when each request of the last second was served
	statuses map[int]int
	shown    int       // job states that responses contained
	resetAt  time.Time // the last reset because of ResetEnd
	reset    bool      // the response being made is to be replaced by a connection reset
	arrived  int
	failures int
}

// New returns a service whose time begins now.
func New(load Load, faults Faults) *Service {
	s := &Service{
		faults: faults, began: time.Now(), waited: time.Now(), deletes: load.DeletedWithin > 0,
		random:   rand.New(rand.NewPCG(load.Seed, 2)),
		statuses: map[int]int{}, datasets: map[int][]*Job{},
	}
	r := rand.New(rand.NewPCG(load.Seed, 1))
	for i := range load.N + load.Others {
		own, within := i < load.N, load.Within
		if !own {
			within = cmp.Or(load.OthersWithin, within)
		}
		created := s.began.Add(time.Duration(r.Float64() * float64(within)))
		length := load.Length(r)
		j := &Job{Own: own, Created: created, Started: created.Add(length / 20), Finished: created.Add(length)}
		if own && load.Dataset != nil {
			j.Dataset = load.Dataset(i)
		}
		s.Jobs = append(s.Jobs, j)
	}
	for i := range load.Older {
		created := s.began.Add(-24*time.Hour + time.Duration(i)*time.Second)
		j := &Job{Created: created, Started: created, Finished: created.Add(time.Minute)}
		if s.deletes {
			j.Deleted = s.began.Add(time.Duration(r.Float64() * float64(load.DeletedWithin)))
		}
		s.Jobs = append(s.Jobs, j)
	}
	slices.SortStableFunc(s.Jobs, func(a, b *Job) int { return a.Created.Compare(b.Created) })
	if load.Running > 0 {
		queue(s.Jobs, load.Running)
	}
	for i, j := range s.Jobs {
		j.index = i
		j.ID = fmt.Sprintf("%016x%016x", r.Uint64(), i)
		s.datasets[j.Dataset] = append(s.datasets[j.Dataset], j)
		if j.Own {
			s.Own = append(s.Own, j)
		}
	}
	return s
}

// queue starts each job when one of the running ones has finished, in the order of
// creation.
func queue(jobs []*Job, running int) {
	free := make(times, running) // when each place becomes free
	for _, j := range jobs {
		length := j.Length()
		if free[0].After(j.Created) {
			j.Started = free[0]
		} else {
			j.Started = j.Created
		}
		j.Finished = j.Started.Add(length)
		free[0] = j.Finished
		heap.Fix(&free, 0)
	}
}

// times is a heap, the earliest first.
type times []time.Time

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i].Before(t[j]) }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(any)          { panic("the heap has a fixed length") }
func (t *times) Pop() any          { panic("the heap has a fixed length") }

// RoundTrip sends a request to the service.
func (s *Service) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet {
		s.mu.Lock()
		s.sent = append(s.sent, time.Since(s.began))
		s.mu.Unlock()
	}
	if req.Body != nil {
		defer req.Body.Close()
	}
	half := cmp.Or(s.faults.RoundTrip, RoundTrip) / 2
	if err := sleep(req.Context(), half); err != nil {
		return nil, err
	}
	resp, err := s.serve(req)
	if errors.Is(err, errHang) {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	if err == nil {
		err = sleep(req.Context(), half)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
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

// visible returns the jobs of a list in the order of creation that exist now.
func (s *Service) visible(jobs []*Job, now time.Time) []*Job {
	n, _ := slices.BinarySearchFunc(jobs, now, func(j *Job, now time.Time) int {
		return cmp.Or(j.Created.Compare(now), -1) // a job created now exists
	})
	if !s.deletes {
		return jobs[:n]
	}
	return slices.DeleteFunc(slices.Clone(jobs[:n]), func(j *Job) bool { return j.deleted(now) })
}

func (j *Job) deleted(now time.Time) bool { return !j.Deleted.IsZero() && !now.Before(j.Deleted) }

// isBroken reports whether j is the job that cannot be read.
func (s *Service) isBroken(j *Job) bool {
	return s.faults.Broken > 0 && s.faults.Broken <= len(s.Own) && s.Own[s.faults.Broken-1] == j
}

// WaitsBegin discards the counts. Waits for jobs that have finished begin to be late
// now.
func (s *Service) WaitsBegin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waited = time.Now()
	s.sent, s.statuses, s.shown = nil, map[int]int{}, 0
}

// Lag returns how late a wait for j that ends at a time is.
func (s *Service) Lag(j *Job, end time.Time) time.Duration {
	if s.waited.After(j.Finished) {
		return end.Sub(s.waited)
	}
	return end.Sub(j.Finished)
}

// Counts holds the number of requests of a client.
type Counts struct {
	// Requests is the number of GET requests.
	Requests int
	// Peak is the largest number of requests sent within a second.
	Peak int
	// Throttled is the number of responses with status 429.
	Throttled int
	// InOutage is the number of requests sent during the outage.
	InOutage int
	// Shown is the number of job states in all responses.
	Shown int
}

// Counts returns the counts since the last call of [Service.WaitsBegin].
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

// RequestsAfter returns the number of requests sent after a time.
func (s *Service) RequestsAfter(t time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.sent {
		if at > t.Sub(s.began) {
			n++
		}
	}
	return n
}
