package jobs_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A job that ends two round trips before the deadline of its wait is caught, whatever
// else there is to look at, unless more deadlines come within a second than the limit
// allows requests. Here they do not.
func TestLastLooksOfManyWaits(t *testing.T) {
	const trip = 20 * time.Millisecond
	for name, tc := range map[string]struct {
		n     int
		limit time.Duration // of all; zero is a deadline for each, two trips after its end
	}{
		"a deadline for each":        {200, 0},
		"a common deadline":          {200, time.Minute},
		"an early one":               {200, 20 * time.Second},
		"a late one of a large crew": {1000, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 0))
				var ends []time.Time
				common := time.Now().Add(tc.limit)
				server := jobstest.New(t, jobstest.WithLatency(trip), jobstest.WithoutContractCheck(),
					jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
						length := aboutAMinute(rng)
						if tc.limit > 0 && len(ends)%40 == 0 {
							length = time.Until(common) - 2*trip
						}
						ends = append(ends, time.Now().Add(length))
						return jobstest.Run{Processing: length}
					}))
				all := many(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), tc.n)
				ds := dataset(t, clientOf(t, server, jobs.WithRateLimit(10)), "squash-and-merge")
				var mu sync.Mutex
				var caught, late int
				var wg sync.WaitGroup
				for i, job := range all {
					job := takenUp(t, ds, job)
					wg.Go(func() {
						at := common
						if tc.limit == 0 {
							at = ends[i].Add(2 * trip)
						}
						ctx, cancel := context.WithDeadline(t.Context(), at)
						defer cancel()
						err := job.Wait(ctx)
						mu.Lock()
						defer mu.Unlock()
						if ends[i].After(at.Add(-2 * trip)) {
							late++
							return
						}
						caught++
						assert.NoError(t, err, "%v before the deadline", at.Sub(ends[i]))
					})
				}
				wg.Wait()
				t.Logf("%d caught, %d ended too late, %d requests", caught, late, polls(server))
				var polled []time.Time
				for _, r := range server.Requests() {
					if isPoll(r) {
						polled = append(polled, r.Time)
					}
				}
				for i := 10; i < len(polled); i++ {
					assert.GreaterOrEqual(t, polled[i].Sub(polled[i-10]), time.Second, "the limit is kept")
				}
			})
		})
	}
}

// While the list grows, a job moves from one page to the next.
func TestLastLooksInAListThatGrows(t *testing.T) {
	for name, tc := range map[string]struct {
		jobs  int
		every time.Duration
		pace  float64
	}{
		"a few jobs":            {2, 5 * time.Second, 10},
		"more than a page":      {300, 1700 * time.Millisecond, 0},
		"under a limit":         {200, 2 * time.Second, 10},
		"pages up to a limit":   {850, 1700 * time.Millisecond, 10},
		"much more than a page": {20, 50 * time.Millisecond, 10},
		"nobody makes another":  {850, time.Hour, 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const trip = 20 * time.Millisecond
				deadline := time.Now().Add(5 * time.Minute)
				server := jobstest.New(t, jobstest.WithLatency(trip), jobstest.WithoutContractCheck(), jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
					return jobstest.Run{Processing: time.Until(deadline) - 2*trip}
				}))
				creator := dataset(t, clientOf(t, server), "squash-and-merge")
				all := many(t.Context(), t, creator, tc.jobs)
				ds := dataset(t, clientOf(t, server, jobs.WithRateLimit(tc.pace)), "squash-and-merge")
				for i, job := range all {
					all[i] = takenUp(t, ds, job)
				}
				stop := make(chan struct{})
				var others sync.WaitGroup
				others.Go(func() {
					tick := time.NewTicker(tc.every)
					defer tick.Stop()
					for {
						select {
						case <-tick.C:
							if time.Until(deadline) > time.Second {
								many(t.Context(), t, creator, 1)
							}
						case <-stop:
							return
						}
					}
				})
				ctx, cancel := context.WithDeadline(t.Context(), deadline)
				defer cancel()
				lost := 0
				for _, err := range jobs.WaitAll(ctx, all) {
					if err != nil {
						lost++
					}
				}
				assert.Zero(t, lost)
				close(stop)
				others.Wait()
			})
		})
	}
}

// Where the service does not let us list, the last looks at many jobs are made at the
// same time.
func TestLastLooksWithoutTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const trip = 20 * time.Millisecond
		deadline := time.Now().Add(time.Minute)
		server := jobstest.New(t, jobstest.WithLatency(trip), jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
			return jobstest.Run{Processing: time.Until(deadline) - 2*trip}
		}))
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(403))
		all := many(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), 20)
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		for job, err := range jobs.WaitAll(ctx, all) {
			assert.NoError(t, err, job.ID())
		}
	})
}

// A deadline that is near when nothing is known yet: neither how long a request takes,
// nor where in the list the jobs are.
func TestLastLooksAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		jobs, waits int
		lasting     time.Duration
		requests    int
	}{
		"many that have ended":  {300, 300, 3 * time.Second, 8},
		"many waits, few jobs":  {2, 40, time.Hour, 6},
		"one that goes on":      {1, 1, time.Hour, 4},
		"a few that have ended": {5, 5, 3 * time.Second, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond), lasting(tc.lasting), jobstest.WithoutContractCheck())
				all := many(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), tc.jobs)
				<-time.After(10 * time.Second)
				before := polls(server)
				ctx, cancel := context.WithTimeout(t.Context(), 140*time.Millisecond)
				defer cancel()
				var wg sync.WaitGroup
				for i := range tc.waits {
					wg.Go(func() {
						<-time.After(time.Duration(i+1) * time.Microsecond)
						err := all[i%tc.jobs].Wait(ctx)
						if tc.lasting < 10*time.Second {
							assert.NoError(t, err)
						} else {
							assert.ErrorIs(t, err, context.DeadlineExceeded)
						}
					})
				}
				wg.Wait()
				synctest.Wait()
				assert.LessOrEqual(t, polls(server)-before, tc.requests)
			})
		})
	}
}

// Jobs that no look has shown yet are read by pages where the list is known to have fewer.
func TestLastLooksAtJobsNotSeenYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond), lasting(time.Hour), jobstest.WithoutContractCheck())
		all := many(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), 500)
		ds := dataset(t, clientOf(t, server), "squash-and-merge")
		for i, job := range all {
			all[i] = takenUp(t, ds, job)
		}
		known, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, err := range jobs.WaitAll(known, all[:2]) {
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}
		before, read := polls(server), countRequests(server, "getJob")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		for _, err := range jobs.WaitAll(ctx, all[100:]) {
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}
		assert.LessOrEqual(t, polls(server)-before, 12, "pages, and not 400 jobs")
		assert.Equal(t, read, countRequests(server, "getJob"), "none by itself")
	})
}

// Last looks that must not be made, since the service asks to be left alone, hold no
// other request of the client back.
func TestLastLooksThatMustWaitHoldNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond), lasting(time.Hour), jobstest.WithoutContractCheck())
		all := many(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), 20)
		client := clientOf(t, server, jobs.WithRateLimit(10))
		ds := dataset(t, client, "squash-and-merge")
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(403))
		server.Inject(jobstest.Rule{Operation: "getJob", Match: isPoll, After: 55 * time.Second, For: 20 * time.Second},
			jobstest.HTML(503).RetryAfter(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		forever, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i, job := range all {
			all[i] = takenUp(t, ds, job)
			wg.Go(func() { _ = all[i].Wait(ctx) })
			wg.Go(func() { _ = all[i].Wait(forever) })
		}
		<-time.After(62 * time.Second)
		start := time.Now()
		for range 20 {
			_, err := client.Dataset(t.Context(), "squash-and-merge")
			assert.NoError(t, err)
		}
		assert.Less(t, time.Since(start), 5*time.Second)
		stop()
		wg.Wait()
	})
}

// A wait with a schedule of its own has its places too, however busy the client is.
func TestLastLookOfAScheduleOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const trip, limit, n = 20 * time.Millisecond, time.Minute, 15
		server := jobstest.New(t, jobstest.WithLatency(trip), lasting(limit-2*trip), jobstest.WithoutContractCheck())
		creator := dataset(t, clientOf(t, server), "squash-and-merge")
		client := clientOf(t, server, jobs.WithRateLimit(5))
		ds := dataset(t, client, "squash-and-merge")
		ctx, stop := context.WithCancel(t.Context())
		var waits, busy sync.WaitGroup
		for range 3 {
			busy.Go(func() {
				for ctx.Err() == nil {
					_, _ = client.Dataset(ctx, "squash-and-merge")
				}
			})
		}
		for range n {
			deadline := time.Now().Add(limit)
			job := takenUp(t, ds, many(t.Context(), t, creator, 1)[0])
			waits.Go(func() {
				ctx, cancel := context.WithDeadline(t.Context(), deadline)
				defer cancel()
				every := polling.Schedule{Min: 7 * time.Second, Max: 7 * time.Second}
				assert.NoError(t, job.Wait(ctx, jobs.WithSchedule(every)))
			})
			time.Sleep(1700 * time.Millisecond)
		}
		waits.Wait()
		stop()
		busy.Wait()
	})
}

// The caller's slice is his own, also while it is waited for.
func TestWaitAllKeepsItsOwnList(t *testing.T) {
	for name, before := range map[string]time.Duration{"they go on": 0, "some have ended": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond), lasting(time.Minute), jobstest.WithoutContractCheck())
				ds := dataset(t, clientOf(t, server), "squash-and-merge")
				all := many(t.Context(), t, ds, 5)
				if before > 0 {
					for _, err := range jobs.WaitAll(t.Context(), all) {
						assert.NoError(t, err)
					}
					all = append(all, many(t.Context(), t, ds, 5)...)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 70*time.Second)
				defer cancel()
				seen := map[string]bool{}
				for job, err := range jobs.WaitAll(ctx, all) {
					assert.NoError(t, err)
					seen[job.ID()] = true
					time.Sleep(time.Second)
					for i := range all {
						all[i] = all[0]
					}
				}
				assert.Len(t, seen, len(all))
			})
		})
	}
}

// Last looks end where the service asks to be left alone.
func TestLastLooksObeyRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 5 * time.Minute
		server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond), lasting(time.Hour), jobstest.WithoutContractCheck())
		all := many(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), 200)
		ds := dataset(t, clientOf(t, server, jobs.WithRateLimit(10)), "squash-and-merge")
		for i, job := range all {
			all[i] = takenUp(t, ds, job)
		}
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(403))
		server.Inject(jobstest.Rule{Operation: "getJob", Match: isPoll, After: limit - time.Second}, jobstest.Status(429).RetryAfter(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		forever, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, job := range all {
			wg.Go(func() { _ = job.Wait(ctx) })
			wg.Go(func() { _ = job.Wait(forever) })
		}
		<-time.After(limit - time.Second)
		before := polls(server)
		<-time.After(30 * time.Second)
		synctest.Wait()
		assert.LessOrEqual(t, polls(server)-before, 20, "those that were sent by then, of 200")
		stop()
		wg.Wait()
	})
}

// The loop of WaitAll may be left by a panic, whatever it waits for.
func TestWaitAllIsLeftByAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond), lasting(time.Minute), jobstest.WithoutContractCheck())
		client := clientOf(t, server)
		all := append(many(t.Context(), t, dataset(t, client, "squash-and-merge"), 2), many(t.Context(), t, dataset(t, client, "street-scenes"), 2)...)
		assert.Panics(t, func() {
			for range jobs.WaitAll(t.Context(), all) {
				panic("of the caller")
			}
		})
		synctest.Wait()
		before := polls(server)
		<-time.After(10 * time.Minute)
		assert.Equal(t, before, polls(server))
	})
}
