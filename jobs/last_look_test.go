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
				ds := dataset(t, clientOf(t, server, jobs.WithPace(10)), "squash-and-merge")
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
