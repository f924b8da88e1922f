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

// A Scenario is what every client is shown.
type Scenario struct {
	Load   sim.Load
	Faults sim.Faults
	// Limit is the pace limit of package jobs, in requests per second; zero is
	// none. The other libraries have no such limit.
	Limit float64
	// Seeds is how many services with other seeds are measured; zero is one.
	Seeds int
	// Until is when whoever still waits is counted as lost; zero is a day.
	Until time.Duration
	// Patience is how long after the end of each job its user gives up.
	Patience time.Duration
	// Deadline is when everybody gives up; zero is never. Only the waits for jobs
	// that ended two round trips before count then.
	Deadline time.Duration
	// Memory asks for the memory and the goroutines that are held while all
	// wait, this long after the beginning; zero does not.
	Memory time.Duration
}

// A Result is what one client did in one scenario.
type Result struct {
	Waits int
	sim.Counts
	Lags     []float64 // seconds from the end of a job to the end of its wait
	Relative []float64 // the same as parts of the job's length
	Lost     int
	LostJobs []int // of the last seed
	LastErr  error // of a lost wait
	// Bytes and Goroutines are held per wait while all wait. Stack is the part of
	// Bytes that lies in the stacks of goroutines.
	Bytes, Stack, Goroutines float64
	CPU                      time.Duration
	Mallocs                  uint64
}

// PerJob is requests per job.
func (r Result) PerJob() float64 { return float64(r.Requests) / float64(r.Waits) }

// Throttled429 is the share of requests answered 429.
func (r Result) Throttled429() float64 { return float64(r.Throttled) / float64(max(r.Requests, 1)) }

// LostShare is the share of waits that did not see the end of their job.
func (r Result) LostShare() float64 { return float64(r.Lost) / float64(r.Waits) }

// CPUPerObservation is the processor time per job state that was shown,
// everything counted: client, library and service.
func (r Result) CPUPerObservation() time.Duration { return r.CPU / time.Duration(max(r.Shown, 1)) }

// MallocsPerObservation is the allocations per job state that was shown.
func (r Result) MallocsPerObservation() float64 { return float64(r.Mallocs) / float64(max(r.Shown, 1)) }

// mean and quantile are NaN of nothing.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(min(int(math.Ceil(q*float64(len(sorted))))-1, len(sorted)-1), 0)]
}

// A Maker makes the wait of a client, given the http client to use. It may
// prepare what a program holds of its jobs before it waits for them.
type Maker func(*http.Client, *sim.Service) Wait

// Measure shows a scenario to a client, in virtual time.
func Measure(t *testing.T, sc Scenario, client Maker) (r Result) {
	t.Helper()
	log.SetOutput(io.Discard) // terraform logs every wait
	for seed := range max(sc.Seeds, 1) {
		load := sc.Load
		load.Seed += uint64(seed)
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			measureOnce(t, sc, load, client, &r)
		})
	}
	return r
}

func measureOnce(t *testing.T, sc Scenario, load sim.Load, client Maker, r *Result) {
	t.Helper()
	s := sim.New(load, sc.Faults)
	s.Patience = sc.Patience
	ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(sc.Deadline, sc.Until, 24*time.Hour))
	defer cancel()
	began := time.Now()
	n := len(s.Own)
	if sc.Patience > 0 && n == 1 {
		ctx, cancel = context.WithDeadline(ctx, s.Own[0].Finished.Add(sc.Patience))
		defer cancel()
	}

	ends := make([]time.Time, n)
	errs := make([]error, n)
	var mu sync.Mutex
	over := func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		ends[i], errs[i] = time.Now(), err
	}
	// What the service keeps is not to count as what a wait takes.
	s.Encode()
	wait := client(&http.Client{Transport: s}, s)

	if sc.Memory > 0 {
		defer fillHoles(n)()
	}
	before := heldNow(sc.Memory > 0)
	cpu, mallocs := spent()
	if sc.Memory > 0 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			wait(ctx, s, over)
		}()
		time.Sleep(sc.Memory)
		synctest.Wait()
		held := heldNow(true)
		r.Bytes = float64(held.bytes-before.bytes) / float64(n)
		r.Stack = float64(held.stack-before.stack) / float64(n)
		r.Goroutines = float64(held.goroutines-before.goroutines-1) / float64(n)
		<-done
	} else {
		wait(ctx, s, over)
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
		if errs[i] != nil || ends[i].IsZero() {
			r.Lost++
			r.LastErr = errs[i]
			r.LostJobs = append(r.LostJobs, i)
			continue
		}
		lag := ends[i].Sub(j.Finished)
		r.Lags = append(r.Lags, lag.Seconds())
		r.Relative = append(r.Relative, lag.Seconds()/j.Length().Seconds())
	}
}

// fillHoles takes what the runtime has left over from goroutines before, so that
// those that come are seen to take what they need: descriptors, which it never
// frees, and places for stacks of 2 and 4 KB. It returns a function that gives the
// places back.
func fillHoles(n int) (empty func()) {
	var held sync.WaitGroup
	full, over := make(chan struct{}), make(chan struct{})
	for _, grow := range []func(){func() {}, func() { growStack([1 << 10]byte{}) }} {
		// There is no hole left when every few goroutines take new memory.
		for grown := 0; grown < 8; {
			before := stacks()
			for range 32 {
				held.Go(func() {
					grow()
					<-full
				})
			}
			synctest.Wait()
			if grown++; stacks() == before {
				grown = 0
			}
		}
	}
	// A descriptor keeps its stack, unless that has grown.
	var descriptors sync.WaitGroup
	for range n {
		descriptors.Go(func() {
			growStack([8 << 10]byte{})
			<-over
		})
	}
	close(over)
	descriptors.Wait()
	return func() {
		close(full)
		held.Wait()
	}
}

func stacks() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.StackInuse
}

// growStack needs as much stack as its argument takes.
//
//go:noinline
func growStack[T any](_ T) {}

// held is what the process holds.
type held struct {
	bytes, stack int64
	goroutines   int
}

func heldNow(wanted bool) held {
	if !wanted {
		return held{}
	}
	for range 4 { // stacks of goroutines that are over go step by step
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{int64(m.HeapAlloc + m.StackInuse), int64(m.StackInuse), runtime.NumGoroutine()}
}

// spent is the processor time and the allocations of the process so far.
func spent() (time.Duration, uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return processorTime(), m.Mallocs
}
