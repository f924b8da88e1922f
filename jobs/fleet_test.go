package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// lognormal makes jobs last a minute in the median.
func lognormal(seed uint64) jobstest.Option {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 0))
	return jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
		mu.Lock()
		defer mu.Unlock()
		return jobstest.Run{Processing: aboutAMinute(rng)}
	})
}

func aboutAMinute(rng *rand.Rand) time.Duration {
	return time.Duration(60 * math.Exp(0.5*rng.NormFloat64()) * float64(time.Second))
}

// takenUp loads a job with the client of another dataset value.
func takenUp(t *testing.T, ds *jobs.Dataset, job *jobs.SquashAndMergeJob) *jobs.SquashAndMergeJob {
	t.Helper()
	saved, err := job.MarshalJSON()
	require.NoError(t, err)
	again, err := ds.SquashAndMerge().Resume(saved)
	require.NoError(t, err)
	return again
}

// many creates jobs within a second.
func many(ctx context.Context, t *testing.T, ds *jobs.Dataset, n int) []*jobs.SquashAndMergeJob {
	t.Helper()
	all := make([]*jobs.SquashAndMergeJob, n)
	for i := range all {
		job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: fmt.Sprint(i), Source: "dev", Target: "main"})
		require.NoError(t, err)
		all[i] = job
		<-time.After(time.Second / time.Duration(n))
	}
	return all
}

// polls is what waiting has cost.
func polls(server *jobstest.Server) int {
	return countRequests(server, "getJob") + countRequests(server, "listJobs")
}

// lags is how late the ends of jobs were seen.
type lags struct {
	mu  sync.Mutex
	sum time.Duration
	n   int
}

func (l *lags) add(j *jobs.SquashAndMergeJob) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	l.sum += time.Since(j.Snapshot().FinishedAt)
}

func TestManyWaitsShareTheirLooks(t *testing.T) {
	const n = 300
	for name, wait := range map[string]func(context.Context, *testing.T, []*jobs.SquashAndMergeJob, *lags){
		"WaitAll": func(ctx context.Context, t *testing.T, all []*jobs.SquashAndMergeJob, l *lags) {
			seen := map[string]bool{}
			for job, err := range jobs.WaitAll(ctx, all) {
				require.NoError(t, err)
				require.False(t, seen[job.ID()], "yielded twice")
				seen[job.ID()] = true
				assert.Equal(t, jobs.StatusSuccess, job.Status())
				l.add(job)
			}
			assert.Len(t, seen, n)
		},
		"goroutines": func(ctx context.Context, t *testing.T, all []*jobs.SquashAndMergeJob, l *lags) {
			var wg sync.WaitGroup
			for _, job := range all {
				wg.Go(func() {
					assert.NoError(t, job.Wait(ctx))
					l.add(job)
				})
			}
			wg.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, lognormal(1), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
				client := clientOf(t, server, jobs.WithRateLimit(10))
				ds := dataset(t, client, "squash-and-merge")
				all := many(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), n)
				for i, job := range all { // of the client with the pace
					all[i] = takenUp(t, ds, job)
				}
				var l lags
				wait(t.Context(), t, all, &l)
				perJob := float64(polls(server)) / n
				t.Logf("%.2f requests per job (%d lists, %d reads), mean lag %v", perJob, countRequests(server, "listJobs"), countRequests(server, "getJob"), l.sum/time.Duration(l.n))
				assert.LessOrEqual(t, perJob, 2.0)
				assert.LessOrEqual(t, l.sum/time.Duration(l.n), 2*time.Second, "finishedAt has the precision of a second")
			})
		})
	}
}

// isPoll is a request that waiting makes.
func isPoll(r jobstest.Request) bool { return r.Operation == "getJob" || r.Operation == "listJobs" }

// Nothing that passes costs a wait.
func TestTwoHundredWaitsInBadWeather(t *testing.T) {
	const n = 200
	for name, tc := range map[string]struct {
		inject func(*jobstest.Server)
		most   int // faulted requests
	}{
		"60 s outage, refused": {func(s *jobstest.Server) {
			s.Inject(jobstest.Rule{Match: isPoll, After: 30 * time.Second, For: time.Minute}, jobstest.Refuse())
		}, 20},
		"60 s outage, 503": {func(s *jobstest.Server) {
			s.Inject(jobstest.Rule{Match: isPoll, After: 30 * time.Second, For: time.Minute}, jobstest.HTML(503))
		}, 20},
		"60 s outage, 503 that says when to come back": {func(s *jobstest.Server) {
			s.Inject(jobstest.Rule{Match: isPoll, After: 30 * time.Second, For: time.Minute}, jobstest.HTML(503).RetryAfter(time.Second))
		}, 20},
		"60 s outage, hanging": {func(s *jobstest.Server) {
			s.Inject(jobstest.Rule{Match: isPoll, After: 30 * time.Second, For: time.Minute}, jobstest.Hang())
		}, 20},
		"1 % faults": {func(s *jobstest.Server) {
			s.Inject(jobstest.Rule{Match: isPoll, Probability: 0.01, Seed: 1}, jobstest.HTML(502))
		}, n},
		"30 % faults": {func(s *jobstest.Server) {
			s.Inject(jobstest.Rule{Match: isPoll, Probability: 0.1, Seed: 1}, jobstest.HTML(502))
			s.Inject(jobstest.Rule{Match: isPoll, Probability: 0.1, Seed: 2}, jobstest.Reset())
			s.Inject(jobstest.Rule{Match: isPoll, Probability: 0.1, Seed: 3}, jobstest.Truncate())
		}, 4 * n},
		"limit of 50 requests a second": {func(s *jobstest.Server) {
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
				if len(recent) >= 50 {
					return true
				}
				recent = append(recent, r.Time)
				return false
			}}, jobstest.Status(429))
		}, n},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, lognormal(2), jobstest.WithLatency(20*time.Millisecond))
				client := clientOf(t, server) // without a limit of its own
				all := many(t.Context(), t, dataset(t, client, "squash-and-merge"), n)
				tc.inject(server)
				var wg sync.WaitGroup
				for _, job := range all {
					wg.Go(func() {
						if !assert.NoError(t, job.Wait(t.Context())) {
							return
						}
						assert.Equal(t, jobs.StatusSuccess, job.Status())
					})
				}
				wg.Wait()
				faulted := len(server.Faulted())
				server.Clear()
				t.Logf("%d of %d requests met the fault", faulted, polls(server))
				assert.LessOrEqual(t, faulted, tc.most)
				drafts := map[int64]bool{}
				for d, err := range all[0].Dataset().Drafts(t.Context(), jobs.DraftOptions{Branch: "main"}) {
					require.NoError(t, err)
					drafts[d.Number] = true
				}
				for _, job := range all {
					var result struct{ DraftNumber int64 }
					require.NoError(t, json.Unmarshal(job.Snapshot().Result, &result))
					assert.True(t, drafts[result.DraftNumber], "every result is right")
					delete(drafts, result.DraftNumber)
				}
				assert.Empty(t, drafts, "and none is there twice")
			})
		})
	}
}

func TestOneJobThatAlwaysErrsDisturbsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, lognormal(3), jobstest.WithLatency(20*time.Millisecond))
		client := clientOf(t, server)
		all := many(t.Context(), t, dataset(t, client, "squash-and-merge"), 50)
		bad := all[7]
		// Its read fails, and no list shows it in a form that can be read.
		server.Inject(jobstest.Rule{Operation: "getJob", Match: func(r jobstest.Request) bool { return strings.Contains(r.Path, bad.ID()) }}, jobstest.Status(500))
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Change(func(body []byte) []byte {
			return []byte(strings.Replace(string(body), `"jobId":"`+bad.ID()+`"`, `"jobId":7`, 1))
		}))
		ended := 0
		start := time.Now()
		for job, err := range jobs.WaitAll(t.Context(), all, jobs.WithMaxOutage(10*time.Minute)) {
			ended++
			if job == bad {
				require.ErrorIs(t, err, polling.ErrOutage)
				var e *jobs.WaitError
				require.ErrorAs(t, err, &e)
				require.ErrorIs(t, e.Last, jobs.ErrServer)
				continue
			}
			require.NoError(t, err)
			assert.Less(t, time.Since(start), 8*time.Minute)
		}
		assert.Equal(t, 50, ended)
	})
}

func TestWaitAllOfSeveralKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, lasting(time.Minute))
		merging := createMerge(t.Context(), t, client)
		searching, err := dataset(t, client, "street-scenes").BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
		require.NoError(t, err)
		ended := resumeMerge(t, merging.Dataset(), strings.Replace(processingJob, "PROCESSING", "FAILED", 1))
		seen := map[string]error{}
		for job, err := range jobs.WaitAll(t.Context(), []*jobs.Job{merging.Job, searching.Job, ended.Job}) {
			seen[job.ID()] = err
		}
		require.Len(t, seen, 3)
		require.NoError(t, seen[merging.ID()])
		require.NoError(t, seen[searching.ID()])
		require.ErrorIs(t, seen["6f2a"], jobs.ErrJobFailed)
		assert.Positive(t, polls(server))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		left := 0
		for _, err := range jobs.WaitAll(ctx, []*jobs.SquashAndMergeJob{createMerge(ctx, t, client), createMerge(ctx, t, client)}) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			left++
		}
		assert.Equal(t, 2, left)
		for _, err := range jobs.WaitAll(ctx, []*jobs.Job{merging.Job}, jobs.WithSchedule(polling.Schedule{})) {
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		}
	})
}

// The caller gets back what he gave: also values of a type of his own, and each of
// several for a job.
func TestWaitAllOfTheCallersOwn(t *testing.T) {
	type named struct {
		*jobs.SquashAndMergeJob
		name string
	}
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, lasting(time.Minute))
		one, two := createMerge(t.Context(), t, client), createMerge(t.Context(), t, client)
		var names []string
		for j, err := range jobs.WaitAll(t.Context(), []named{{one, "a"}, {one, "b"}, {two, "c"}}) {
			require.NoError(t, err)
			assert.Equal(t, jobs.StatusSuccess, j.Status())
			names = append(names, j.name)
		}
		assert.ElementsMatch(t, []string{"a", "b", "c"}, names)

		three := createMerge(t.Context(), t, client)
		other := &jobs.SquashAndMergeJob{Job: three.Job}
		got := map[*jobs.SquashAndMergeJob]int{}
		for j, err := range jobs.WaitAll(t.Context(), []*jobs.SquashAndMergeJob{three, other}) {
			require.NoError(t, err)
			got[j]++
		}
		assert.Equal(t, map[*jobs.SquashAndMergeJob]int{three: 1, other: 1}, got)
	})
}

func TestWaitAllIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, lognormal(4))
		client := clientOf(t, server)
		all := many(t.Context(), t, dataset(t, client, "squash-and-merge"), 100)
		done := map[string]bool{}
		for job, err := range jobs.WaitAll(t.Context(), all) {
			require.NoError(t, err)
			if done[job.ID()] = true; len(done) == 30 {
				break
			}
		}
		asked := polls(server)
		<-time.After(time.Hour)
		assert.Equal(t, asked, polls(server), "nobody waits, nobody looks")
		rest := 0
		for job, err := range jobs.WaitAll(t.Context(), all) {
			require.NoError(t, err)
			if !done[job.ID()] {
				rest++
			}
		}
		assert.Equal(t, 70, rest)
	})
}

func TestWaitsForTheSameJobShareIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, lasting(time.Minute))
		job := createMerge(t.Context(), t, client)
		saved, err := job.MarshalJSON()
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				twin, err := job.Dataset().SquashAndMerge().Resume(saved)
				if !assert.NoError(t, err) {
					return
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%3 == 0 {
					time.AfterFunc(time.Duration(i)*time.Second, cancel)
					assert.ErrorIs(t, twin.Wait(ctx), context.Canceled)
					return
				}
				assert.NoError(t, twin.Wait(ctx))
				assert.Equal(t, jobs.StatusSuccess, twin.Status())
			})
		}
		time.Sleep(time.Second)
		require.NoError(t, job.Wait(t.Context()))
		wg.Wait()
		assert.Less(t, polls(server), 250)
	})
}

// A wait that shares no looks sees its own job, although another value of it is waited
// for elsewhere.
func TestWaitWithAScheduleBesideATwin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, lasting(time.Minute))
		job := createMerge(t.Context(), t, client)
		twin := takenUp(t, job.Dataset(), job)
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, twin.Wait(t.Context())) })
		require.NoError(t, job.Wait(t.Context(), jobs.WithSchedule(polling.Schedule{Max: time.Second})))
		assert.Equal(t, jobs.StatusSuccess, job.Status())
		wg.Wait()
	})
}

func TestServiceThatRefusesToListIsReadOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, lasting(time.Minute))
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Status(403))
		client := clientOf(t, server)
		for _, err := range jobs.WaitAll(t.Context(), many(t.Context(), t, dataset(t, client, "squash-and-merge"), 20)) {
			require.NoError(t, err)
		}
		assert.Equal(t, 1, countRequests(server, "listJobs"))
	})
}

// A program that waits for a thousand jobs dies in the middle; another one takes
// up what it saved. No job is lost, and none is reported twice.
func TestThousandWaitsAreTakenUpByAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		server := jobstest.New(t, lognormal(5), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
		all := many(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), n)
		reported := map[string]int{}
		for job, err := range jobs.WaitAll(t.Context(), all) {
			require.NoError(t, err)
			if reported[job.ID()]++; len(reported) == n/3 {
				break
			}
		}
		var left []*jobs.SquashAndMergeJob
		other := dataset(t, clientOf(t, server, jobs.WithRateLimit(10)), "squash-and-merge")
		for _, job := range all {
			if reported[job.ID()] == 0 {
				saved, err := json.Marshal(job)
				require.NoError(t, err)
				again, err := other.SquashAndMerge().Resume(saved)
				require.NoError(t, err)
				left = append(left, again)
			}
		}
		<-time.After(20 * time.Second) // until it is started again
		for job, err := range jobs.WaitAll(t.Context(), left) {
			require.NoError(t, err)
			reported[job.ID()]++
		}
		require.Len(t, reported, n)
		for id, times := range reported {
			assert.Equal(t, 1, times, id)
		}
	})
}
