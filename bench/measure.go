package bench

import (
	"cmp"
	"context"
	"io"
	"log"
	"math"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

// Scenario describes jobs, faults and deadlines. They are the same for all clients.
type Scenario struct {
	Load   sim.Load
	Faults sim.Faults
	// Seeds is the number of services that are measured, each with its own seed.
	// Zero means one.
	Seeds int
	// Until is the time after which a wait counts as lost. The default is a day.
	Until time.Duration
	// GiveUp is the time after the end of each job at which the context of its wait
	// ends. Zero means never.
	GiveUp time.Duration
	// Deadline is when the context of all waits ends. Only jobs that finish two
	// round trips before it count. Zero means never.
	Deadline time.Duration
	// Attempt is the timeout of each wait. A wait that times out is repeated. Zero
	// means none.
	Attempt time.Duration
	// Counts reports whether the lag of a job counts. Nil means all.
	Counts func(*sim.Job) bool
	// HeldAt is when the memory and the goroutines of the waits are measured. Zero
	// means never.
	HeldAt time.Duration
}

// Result holds the measurements of one client in one scenario.
type Result struct {
	Waits int
	sim.Counts
	Lags     []float64   // seconds from the end of a job to the end of its wait
	Relative []float64   // the same, as a fraction of the length of the job
	bySeed   [][]float64 // the lags of each seed
	Lost     int
	LostJobs []int // of the last seed
	LastErr  error // of a lost wait
	// Heap and Goroutines are held for each wait while all jobs run. They are
	// negative if they were not measured.
	Heap, Goroutines float64
	CPU              time.Duration
	Mallocs          uint64
}

// PerJob returns the number of requests for each job.
func (r Result) PerJob() float64 { return float64(r.Requests) / float64(r.Waits) }

// ThrottledShare returns the share of responses with status 429.
func (r Result) ThrottledShare() float64 { return float64(r.Throttled) / float64(max(r.Requests, 1)) }

// LostShare returns the share of waits that did not return the end of their job.
func (r Result) LostShare() float64 { return float64(r.Lost) / float64(r.Waits) }

// CPUPerObservation returns the processor time for each job state in a response. It
// includes the library, the http client and the simulated service.
func (r Result) CPUPerObservation() time.Duration { return r.CPU / time.Duration(max(r.Shown, 1)) }

// MallocsPerObservation returns the allocations for each job state in a response.
func (r Result) MallocsPerObservation() float64 { return float64(r.Mallocs) / float64(max(r.Shown, 1)) }

// mean returns NaN for no values.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// quantile returns NaN for no values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(min(int(math.Ceil(q*float64(len(sorted))))-1, len(sorted)-1), 0)]
}

// Measure measures a client in a scenario, in virtual time.
func Measure(t *testing.T, sc Scenario, client Maker) Result {
	t.Helper()
	log.SetOutput(io.Discard) // terraform logs each wait
	r := Result{Heap: -1, Goroutines: -1}
	for seed := range max(sc.Seeds, 1) {
		load := sc.Load
		load.Seed += uint64(seed)
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			before := len(r.Lags)
			measureOnce(t, sc, load, client, &r)
			r.bySeed = append(r.bySeed, r.Lags[before:])
		})
	}
	return r
}

func measureOnce(t *testing.T, sc Scenario, load sim.Load, client Maker, r *Result) {
	t.Helper()
	s := sim.New(load, sc.Faults)
	s.GiveUp, s.Attempt = sc.GiveUp, sc.Attempt
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(sc.Deadline, sc.Until, 24*time.Hour))
	defer cancel()
	n := len(s.Own)
	if sc.GiveUp > 0 && n == 1 { // also for clients that wait for all jobs in one call
		ctx, cancel = context.WithDeadline(ctx, s.Own[0].Finished.Add(sc.GiveUp))
		defer cancel()
	}

	ends := make([]time.Time, n)
	errs := make([]error, n)
	var mu sync.Mutex
	ended := func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		ends[i], errs[i] = time.Now(), err
	}
	s.Encode()
	wait := client(&http.Client{Transport: s}, s)
	before := holds(sc.HeldAt > 0)
	cpu, mallocs := spent()
	if sc.HeldAt > 0 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			wait(ctx, s, ended)
		}()
		time.Sleep(sc.HeldAt)
		synctest.Wait()
		now := holds(true)
		r.Heap = float64(now.heap-before.heap) / float64(n)
		r.Goroutines = float64(now.goroutines-before.goroutines-1) / float64(n)
		<-done
	} else {
		wait(ctx, s, ended)
	}
	cpuAfter, mallocsAfter := spent()
	r.CPU += cpuAfter - cpu
	r.Mallocs += mallocsAfter - mallocs
	cancel()

	c := s.Counts()
	r.Requests += c.Requests
	r.Peak = max(r.Peak, c.Peak)
	r.Throttled += c.Throttled
	r.InOutage += c.InOutage
	r.Shown += c.Shown
	r.LostJobs = nil
	for i, j := range s.Own {
		if sc.Deadline > 0 && j.Finished.After(began.Add(sc.Deadline-2*sim.RoundTrip)) {
			continue
		}
		r.Waits++
		switch {
		case errs[i] != nil || ends[i].IsZero():
			r.Lost++
			r.LastErr = errs[i]
			r.LostJobs = append(r.LostJobs, i)
		case sc.Counts == nil || sc.Counts(j):
			lag := s.Lag(j, ends[i])
			r.Lags = append(r.Lags, lag.Seconds())
			r.Relative = append(r.Relative, lag.Seconds()/j.Length().Seconds())
		}
	}
}

// held is the memory and the goroutines of the process.
type held struct {
	heap       int64
	goroutines int
}

// holds returns the zero value unless it is wanted.
func holds(wanted bool) held {
	if !wanted {
		return held{}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{int64(m.HeapAlloc), runtime.NumGoroutine()}
}

// spent returns the processor time and the allocations of the process.
func spent() (time.Duration, uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return processorTime(), m.Mallocs
}
