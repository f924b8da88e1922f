package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// Tests of waits that share polls.

// lagsOf waits for jobs and returns how late each end was seen, in ascending order.
// The end has a precision of one second.
func lagsOf(t *testing.T, all []*jobs.SquashAndMergeJob, waitAll bool) []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var lags []time.Duration
	seen := func(job *jobs.SquashAndMergeJob, err error) {
		mu.Lock()
		defer mu.Unlock()
		if assert.NoError(t, err) {
			lags = append(lags, time.Since(job.Snapshot().FinishedAt))
		}
	}
	var group sync.WaitGroup
	if waitAll {
		for job, err := range jobs.WaitAll(t.Context(), all) {
			seen(job, err)
		}
	} else {
		for _, job := range all {
			group.Go(func() { seen(job, job.Wait(t.Context())) })
		}
	}
	group.Wait()
	require.Len(t, lags, len(all))
	slices.Sort(lags)
	return lags
}

func mean(all []time.Duration) time.Duration {
	var sum time.Duration
	for _, d := range all {
		sum += d
	}
	return sum / time.Duration(len(all))
}

func TestWait_SharesPolls(t *testing.T) {
	for name, waitAll := range map[string]bool{"WaitAll": true, "goroutines": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := fullSize(100, 300)
				server := jobstest.New(t, withRunsOfAMinute(1), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
				all := createMerges(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), n)
				all = resumeAll(t, dataset(t, clientOf(t, server, jobs.WithRateLimit(10)), "squash-and-merge"), all...)
				lag := mean(lagsOf(t, all, waitAll))
				perJob := float64(countPolls(server)) / float64(n)
				t.Logf("%.2f requests per job (%d lists, %d reads), mean lag %v", perJob, countRequests(server, "listJobs"), countRequests(server, "getJob"), lag)
				assert.LessOrEqual(t, perJob, 2.0)
				assert.LessOrEqual(t, lag, 2*time.Second)
			})
		})
	}
}

func TestWait_SharesPollsOfTheSameJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Minute))
		job := createMerge(t.Context(), t, client)
		var waits sync.WaitGroup
		for i := range 20 {
			waits.Go(func() {
				duplicate := resumeAll(t, job.Dataset(), job)[0]
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%3 == 0 {
					time.AfterFunc(time.Duration(i)*time.Second, cancel)
					assert.ErrorIs(t, duplicate.Wait(ctx), context.Canceled)
					return
				}
				assert.NoError(t, duplicate.Wait(ctx))
				assert.Equal(t, jobs.StatusSuccess, duplicate.Status())
			})
		}
		<-time.After(time.Second)
		require.NoError(t, job.Wait(t.Context()))
		waits.Wait()
		assert.Less(t, countPolls(server), 100)
	})
}

// fourAtATime makes a server run four jobs at a time. The others are QUEUING.
func fourAtATime() jobstest.Option {
	rng := rand.New(rand.NewPCG(1, 0))
	var mu sync.Mutex
	var free [4]time.Time
	return jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
		mu.Lock()
		defer mu.Unlock()
		first := &free[0]
		for i := range free {
			if free[i].Before(*first) {
				first = &free[i]
			}
		}
		now := time.Now()
		start := now
		if first.After(start) {
			start = *first
		}
		length := time.Duration(8 * math.Exp(0.5*rng.NormFloat64()) * float64(time.Second))
		*first = start.Add(length)
		return jobstest.Run{Queuing: start.Sub(now), Processing: length}
	})
}

func TestWait_RarelyPollsQueuingJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := fullSize(60, 600)
		server := jobstest.New(t, fourAtATime(), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
		all := createMerges(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), n)
		all = resumeAll(t, dataset(t, clientOf(t, server, jobs.WithRateLimit(10)), "squash-and-merge"), all...)
		lags := lagsOf(t, all, true)
		perJob := float64(countPolls(server)) / float64(n)
		t.Logf("%.2f requests per job (%d lists, %d reads), mean lag %v, p99 %v", perJob, countRequests(server, "listJobs"), countRequests(server, "getJob"), mean(lags), lags[n*99/100])
		assert.LessOrEqual(t, perJob, 2.5)
		assert.LessOrEqual(t, lags[n*99/100], 4*time.Second, "three seconds, and the precision of the end")
	})
}

func TestWait_SurvivesOutagesAndFaults(t *testing.T) {
	n := fullSize(25, 200)
	minute := jobstest.Rule{Match: isPoll, After: 30 * time.Second, For: time.Minute}
	inject := func(rule jobstest.Rule, fault jobstest.Fault) func(*jobstest.Server) {
		return func(s *jobstest.Server) { s.Inject(rule, fault) }
	}
	for name, tc := range map[string]struct {
		inject func(*jobstest.Server)
		most   int // affected requests
	}{
		"outage of a minute, refused":           {inject(minute, jobstest.Refuse()), 20},
		"outage of a minute, 503":               {inject(minute, jobstest.HTML(503)), 20},
		"outage of a minute, 503 + Retry-After": {inject(minute, jobstest.HTML(503).RetryAfter(time.Second)), 20},
		"outage of a minute, no response":       {inject(minute, jobstest.Hang()), 20},
		"outage of a minute, 404 of a gateway":  {inject(minute, jobstest.HTML(404)), 20},
		"lists fail":                            {inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(500)), n},
		"reads fail":                            {inject(jobstest.Rule{Operation: "getJob"}, jobstest.Status(500)), 2 * n},
		"stale reads":                           {inject(jobstest.Rule{}, jobstest.Stale(5*time.Second)), math.MaxInt},
		"one of a hundred requests fails":       {inject(jobstest.Rule{Match: isPoll, Probability: 0.01, Seed: 1}, jobstest.HTML(502)), n},
		"one of ten requests has no response":   {inject(jobstest.Rule{Match: isPoll, Probability: 0.1, Seed: 1}, jobstest.Hang()), n},
		"three of ten requests fail, in all ways": {func(s *jobstest.Server) {
			s.Inject(jobstest.Rule{Match: isPoll, Probability: 0.1, Seed: 1}, jobstest.HTML(502))
			s.Inject(jobstest.Rule{Match: isPoll, Probability: 0.1, Seed: 2}, jobstest.Reset())
			s.Inject(jobstest.Rule{Match: isPoll, Probability: 0.1, Seed: 3}, jobstest.Truncate())
		}, 4 * n},
		"limit of one request a second": {func(s *jobstest.Server) {
			var mu sync.Mutex
			var recent []time.Time
			s.Inject(jobstest.Rule{Match: func(r jobstest.Request) bool {
				if !isPoll(r) {
					return false
				}
				mu.Lock()
				defer mu.Unlock()
				for len(recent) > 0 && r.Time.Sub(recent[0]) >= time.Second {
					recent = recent[1:]
				}
				if len(recent) >= 1 {
					return true
				}
				recent = append(recent, r.Time)
				return false
			}}, jobstest.Empty(429))
		}, n},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, withRunsOfAMinute(2), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
				all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), n)
				tc.inject(server)
				requireNoErrors(t, waitEach(t.Context(), all))
				faulted := len(server.Faulted())
				server.Clear()
				t.Logf("%d of %d requests met the fault", faulted, countPolls(server))
				assert.Positive(t, faulted)
				assert.LessOrEqual(t, faulted, tc.most)
				drafts := map[int64]bool{}
				for d, err := range all[0].Dataset().Drafts(t.Context(), jobs.DraftOptions{Branch: "main"}) {
					require.NoError(t, err)
					drafts[d.Number] = true
				}
				for _, job := range all {
					assert.Equal(t, jobs.StatusSuccess, job.Status())
					var result struct{ DraftNumber int64 }
					require.NoError(t, json.Unmarshal(job.Snapshot().Result, &result))
					assert.True(t, drafts[result.DraftNumber], "each job has its own draft")
					delete(drafts, result.DraftNumber)
				}
				assert.Empty(t, drafts)
			})
		})
	}
}

// Only a response in the form of the service can end a wait.
func TestWait_ToleratesPagesOfAGateway(t *testing.T) {
	faults := map[string]func(int) jobstest.Fault{
		"page":    jobstest.HTML,
		"nothing": jobstest.Empty,
		"message": func(status int) jobstest.Fault {
			return jobstest.Response(status, "application/json", `{"message":"no Route matched with those values"}`)
		},
	}
	for _, status := range []int{404, 400, 401, 403}[:fullSize(1, 4)] {
		for body, fault := range faults {
			for _, n := range []int{1, 2, 10} {
				for name, rule := range map[string]jobstest.Rule{
					"five seconds": {Match: isPoll, After: 20 * time.Second, For: 5 * time.Second},
					"first list":   {Operation: "listJobs", Times: 1},
					"later list":   {Operation: "listJobs", From: 5, Times: 1},
				} {
					if n == 1 && rule.Operation != "" {
						continue // a job alone needs no list
					}
					t.Run(fmt.Sprintf("%d %s, %d jobs, %s", status, body, n, name), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							server := jobstest.New(t, jobstest.WithProcessing(time.Minute), jobstest.WithoutContractCheck())
							client := clientOf(t, server, jobs.WithRateLimit(50))
							all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), n)
							server.Inject(rule, fault(status))
							start := time.Now()
							requireNoErrors(t, waitEach(t.Context(), all))
							assert.NotEmpty(t, server.Faulted())
							assert.Less(t, time.Since(start), 70*time.Second)
						})
					})
				}
			}
		}
	}
}

func TestWait_PollsRarelyWhileListsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithProcessing(5*time.Minute), jobstest.WithoutContractCheck())
		client := clientOf(t, server, jobs.WithRateLimit(50))
		all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 10)
		server.Inject(jobstest.Rule{Operation: "listJobs", After: 20 * time.Second}, jobstest.HTML(502))
		requireNoErrors(t, waitEach(t.Context(), all))
		assert.LessOrEqual(t, countPolls(server), 500, "as many as without lists")
	})
}

func TestWait_ReadsEachJobIfListsAreForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(5*time.Minute))
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(403))
		start := time.Now()
		requireNoErrors(t, waitEach(t.Context(), createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 20)))
		assert.Less(t, time.Since(start), 5*time.Minute*14/13)
		lists := countRequests(server, "listJobs")
		assert.Greater(t, lists, 1, "the permission may come back")
		assert.LessOrEqual(t, lists, 16)
	})
}

// A job that finishes two round trips before the deadline of its wait is seen, unless
// the slots of the rate limit in that second are used up.
func TestWait_PollsManyJobsBeforeTheirDeadlines(t *testing.T) {
	const rtt = 20 * time.Millisecond
	for name, tc := range map[string]struct {
		n     int
		limit time.Duration // of all waits; zero means two round trips after the end of each job
	}{
		"a deadline for each":                  {fullSize(40, 200), 0},
		"a common deadline":                    {fullSize(40, 200), time.Minute},
		"a common deadline before most ends":   {fullSize(40, 200), 20 * time.Second},
		"a common deadline of more than pages": {fullSize(150, 1000), 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 0))
				var ends []time.Time
				common := time.Now().Add(tc.limit)
				server := jobstest.New(t, jobstest.WithLatency(rtt), jobstest.WithoutContractCheck(),
					jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
						length := aMinute(rng)
						if tc.limit > 0 && len(ends)%40 == 0 {
							length = time.Until(common) - 2*rtt
						}
						ends = append(ends, time.Now().Add(length))
						return jobstest.Run{Processing: length}
					}))
				all := createMerges(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), tc.n)
				all = resumeAll(t, dataset(t, clientOf(t, server, jobs.WithRateLimit(10)), "squash-and-merge"), all...)
				var seen, late atomic.Int32
				var waits sync.WaitGroup
				for i, job := range all {
					waits.Go(func() {
						deadline := common
						if tc.limit == 0 {
							deadline = ends[i].Add(2 * rtt)
						}
						ctx, cancel := context.WithDeadline(t.Context(), deadline)
						defer cancel()
						err := job.Wait(ctx)
						if ends[i].After(deadline.Add(-2 * rtt)) {
							late.Add(1)
							return
						}
						seen.Add(1)
						assert.NoError(t, err, "finished %v before the deadline", deadline.Sub(ends[i]))
					})
				}
				waits.Wait()
				t.Logf("%d finished in time, %d did not, %d requests", seen.Load(), late.Load(), countPolls(server))
				assert.Positive(t, seen.Load())
				requireRateLimit(t, server, 10)
			})
		})
	}
}

// requireRateLimit checks that no second has more than n polls.
func requireRateLimit(t *testing.T, server *jobstest.Server, n int) {
	t.Helper()
	var at []time.Time
	for _, r := range server.Requests() {
		if isPoll(r) {
			at = append(at, r.Time)
		}
	}
	for i := n; i < len(at); i++ {
		require.GreaterOrEqual(t, at[i].Sub(at[i-n]), time.Second, "more than %d polls in a second", n)
	}
}

// A new job moves older ones to the next page of the list.
func TestWait_PollsBeforeTheDeadlineInAGrowingList(t *testing.T) {
	for name, tc := range map[string]struct {
		n         int
		every     time.Duration // the interval of new jobs
		rateLimit float64
	}{
		"a few jobs":                    {2, 5 * time.Second, 10},
		"more than a page, no limit":    {fullSize(140, 300), 1700 * time.Millisecond, -1},
		"more than a page":              {fullSize(140, 200), 2 * time.Second, 10},
		"many pages":                    {fullSize(200, 850), 1700 * time.Millisecond, 10},
		"many pages, no new jobs":       {fullSize(200, 850), time.Hour, 10},
		"new jobs within each interval": {20, 50 * time.Millisecond, 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const rtt = 20 * time.Millisecond
				deadline := time.Now().Add(time.Duration(fullSize(30, 300)) * time.Second)
				server := jobstest.New(t, jobstest.WithLatency(rtt), jobstest.WithoutContractCheck(), jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
					return jobstest.Run{Processing: time.Until(deadline) - 2*rtt}
				}))
				creator := dataset(t, clientOf(t, server), "squash-and-merge")
				all := createMerges(t.Context(), t, creator, tc.n)
				all = resumeAll(t, dataset(t, clientOf(t, server, jobs.WithRateLimit(tc.rateLimit)), "squash-and-merge"), all...)
				var creates sync.WaitGroup
				creates.Go(func() {
					for time.Until(deadline) > tc.every+time.Second {
						<-time.After(tc.every)
						_, err := creator.SquashAndMerge().Create(t.Context(), mergeDev)
						assert.NoError(t, err)
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
				creates.Wait()
			})
		})
	}
}

func TestWait_PollsBeforeTheDeadlineWithoutLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rtt = 20 * time.Millisecond
		deadline := time.Now().Add(time.Minute)
		server, client := connect(t, jobstest.WithLatency(rtt), jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
			return jobstest.Run{Processing: time.Until(deadline) - 2*rtt}
		}))
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(403))
		all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 20)
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		requireNoErrors(t, waitEach(ctx, all))
	})
}

// Neither the round trip nor the place of a job in the list is known when the final
// poll is due.
func TestWait_PollsBeforeANearDeadline(t *testing.T) {
	for name, tc := range map[string]struct {
		jobs, waits int
		length      time.Duration
		most        int // requests
	}{
		"many finished jobs":   {300, 300, 3 * time.Second, 8},
		"many waits, two jobs": {2, 40, time.Hour, 6},
		"one unfinished job":   {1, 1, time.Hour, 4},
		"a few finished jobs":  {5, 5, 3 * time.Second, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithLatency(20*time.Millisecond), jobstest.WithProcessing(tc.length), jobstest.WithoutContractCheck())
				all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), tc.jobs)
				<-time.After(10 * time.Second)
				before := countPolls(server)
				ctx, cancel := context.WithTimeout(t.Context(), 140*time.Millisecond)
				defer cancel()
				var waits sync.WaitGroup
				for i := range tc.waits {
					waits.Go(func() {
						<-time.After(time.Duration(i+1) * time.Microsecond)
						err := all[i%tc.jobs].Wait(ctx)
						if tc.length < 10*time.Second {
							assert.NoError(t, err)
						} else {
							assert.ErrorIs(t, err, context.DeadlineExceeded)
						}
					})
				}
				waits.Wait()
				synctest.Wait()
				assert.LessOrEqual(t, countPolls(server)-before, tc.most)
			})
		})
	}
}

func TestWait_PollsUnseenJobsByPageBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond), jobstest.WithProcessing(time.Hour), jobstest.WithoutContractCheck())
		all := createMerges(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), 500)
		all = resumeAll(t, dataset(t, clientOf(t, server), "squash-and-merge"), all...)
		first, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, err := range jobs.WaitAll(first, all[:2]) {
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}
		before := countPolls(server)
		second, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		for _, err := range jobs.WaitAll(second, all[100:]) {
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}
		assert.LessOrEqual(t, countPolls(server)-before, 12, "400 jobs")
	})
}

// Final polls wait for Retry-After, and then delay no other request. Status 429 holds back the
// other requests, too.
func TestWait_ObeysRetryAfterBeforeTheDeadline(t *testing.T) {
	const limit = 5 * time.Minute
	for name, fault := range map[string]jobstest.Fault{"429": jobstest.Status(429), "503 with a page": jobstest.HTML(503)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond), jobstest.WithProcessing(time.Hour), jobstest.WithoutContractCheck())
				all := createMerges(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), fullSize(40, 200))
				client := clientOf(t, server, jobs.WithRateLimit(10))
				all = resumeAll(t, dataset(t, client, "squash-and-merge"), all...)
				server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(403))
				server.Inject(jobstest.Rule{Operation: "getJob", After: limit - time.Second, For: time.Minute}, fault.RetryAfter(time.Minute))
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				unlimited, stop := context.WithCancel(t.Context())
				var waits sync.WaitGroup
				waits.Go(func() { waitEach(ctx, all) })
				waits.Go(func() { waitEach(unlimited, all) })
				<-time.After(limit - time.Second)
				before := countPolls(server)
				<-time.After(3 * time.Second)
				start := time.Now()
				for range 20 {
					_, err := client.Dataset(t.Context(), "squash-and-merge")
					require.NoError(t, err)
				}
				if took := time.Since(start); name == "429" {
					assert.Greater(t, took, 50*time.Second)
					assert.Less(t, took, 80*time.Second)
				} else {
					assert.Less(t, took, 10*time.Second)
					<-time.After(20 * time.Second)
					assert.LessOrEqual(t, countPolls(server)-before, 20)
				}
				stop()
				waits.Wait()
			})
		})
	}
}

// Final polls have reserved slots of the rate limit.
func TestWait_PollsBeforeTheDeadlineOfABusyClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rtt, limit, n = 20 * time.Millisecond, time.Minute, 15
		server := jobstest.New(t, jobstest.WithLatency(rtt), jobstest.WithQueuing(0), jobstest.WithProcessing(limit-2*rtt), jobstest.WithoutContractCheck())
		creator := dataset(t, clientOf(t, server), "squash-and-merge")
		client := clientOf(t, server, jobs.WithRateLimit(5))
		ds := dataset(t, client, "squash-and-merge")
		ctx, stop := context.WithCancel(t.Context())
		var waits, others sync.WaitGroup
		for range 3 {
			others.Go(func() {
				for ctx.Err() == nil {
					_, _ = client.Dataset(ctx, "squash-and-merge")
				}
			})
		}
		for range n {
			deadline := time.Now().Add(limit + rtt) // a create takes one round trip
			job := resumeAll(t, ds, createMerges(t.Context(), t, creator, 1)...)[0]
			waits.Go(func() {
				ctx, cancel := context.WithDeadline(t.Context(), deadline)
				defer cancel()
				assert.NoError(t, job.Wait(ctx))
			})
			<-time.After(700 * time.Millisecond)
		}
		waits.Wait()
		stop()
		others.Wait()
	})
}

func TestWait_LogsAnOutageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithQueuing(0), jobstest.WithProcessing(5*time.Minute))
		var log strings.Builder
		handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})
		client := clientOf(t, server, jobs.WithLogger(slog.New(handler)))
		job := createMerge(t.Context(), t, client)
		server.Inject(jobstest.Rule{After: time.Minute, For: 30 * time.Second}, jobstest.HTML(503))
		require.NoError(t, job.Wait(t.Context()))
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		require.Len(t, lines, 2, log.String())
		assert.Contains(t, lines[0], `level=WARN msg="tensorbay fails the polls of waits, which go on" dataset=`+job.Dataset().ID()+` type=squashAndMerge error="`)
		assert.Contains(t, lines[0], "503")
		assert.Contains(t, lines[1], `level=INFO msg="tensorbay responds again to the polls of waits" dataset=`+job.Dataset().ID())
	})
}
