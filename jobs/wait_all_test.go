package jobs_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

func TestWaitAll_WaitsForJobsOfSeveralTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Minute))
		merging := createMerge(t.Context(), t, client)
		searching, err := dataset(t, client, "street-scenes").BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
		require.NoError(t, err)
		failed := resumeMerge(t, merging.Dataset(), jobJSON("PROCESSING", "FAILED"))
		errs := map[string]error{}
		for job, err := range jobs.WaitAll(t.Context(), []*jobs.Job{merging.Job, searching.Job, failed.Job}) {
			errs[job.ID()] = err
		}
		require.Len(t, errs, 3)
		require.NoError(t, errs[merging.ID()])
		require.NoError(t, errs[searching.ID()])
		require.ErrorIs(t, errs["6f2a"], jobs.ErrJobFailed)
		assert.Positive(t, countPolls(server))
	})
}

func TestWaitAll_YieldsEachElementOnce(t *testing.T) {
	type named struct {
		*jobs.SquashAndMergeJob
		name string
	}
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Minute))
		one, two := createMerge(t.Context(), t, client), createMerge(t.Context(), t, client)
		duplicate := resumeAll(t, two.Dataset(), two)[0]
		all := []named{{one, "a"}, {one, "b"}, {two, "c"}, {two, "c"}, {duplicate, "d"}, {&jobs.SquashAndMergeJob{Job: two.Job}, "e"}}
		for _, when := range []string{"unfinished", "finished"} {
			var names []string
			for j, err := range jobs.WaitAll(t.Context(), all) {
				require.NoError(t, err)
				assert.Equal(t, jobs.StatusSuccess, j.Status())
				names = append(names, j.name)
			}
			assert.ElementsMatch(t, []string{"a", "b", "c", "c", "d", "e"}, names, when)
		}
	})
}

func TestWaitAll_ToleratesChangesOfTheSlice(t *testing.T) {
	for name, finished := range map[string]int{"all unfinished": 0, "some finished": 5} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := connect(t, jobstest.WithProcessing(time.Minute))
				ds := dataset(t, client, "squash-and-merge")
				all := createMerges(t.Context(), t, ds, finished+1)[:finished]
				requireNoErrors(t, waitEach(t.Context(), all))
				all = append(all, createMerges(t.Context(), t, ds, 5)...)
				yielded := map[string]bool{}
				for job, err := range jobs.WaitAll(t.Context(), all) {
					require.NoError(t, err)
					yielded[job.ID()] = true
					<-time.After(time.Second)
					for i := range all {
						all[i] = all[0]
					}
				}
				assert.Len(t, yielded, len(all))
			})
		})
	}
}

// The errors are those of Wait: they hold the number of polls and the last error.
func TestWaitAll_ReturnsTheErrorsOfWait(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   jobstest.Fault // zero for none
		timeout time.Duration
		reason  error
		last    error
	}{
		"deadline":                {jobstest.Fault{}, 30 * time.Second, context.DeadlineExceeded, nil},
		"deadline in an outage":   {jobstest.HTML(503), 30 * time.Second, context.DeadlineExceeded, jobs.ErrServer},
		"outage":                  {jobstest.HTML(503), time.Hour, polling.ErrOutage, jobs.ErrServer},
		"outage, no connection":   {jobstest.Refuse(), time.Hour, polling.ErrOutage, jobs.ErrUnreachable},
		"unauthorized":            {jobstest.Status(401), time.Hour, jobs.ErrUnauthorized, jobs.ErrUnauthorized},
		"outage, page of gateway": {jobstest.HTML(401), time.Hour, polling.ErrOutage, jobs.ErrUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithProcessing(24*time.Hour))
				all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 10)
				server.Inject(jobstest.Rule{Match: isPoll, After: 10 * time.Second}, tc.fault)
				ctx, cancel := context.WithTimeout(t.Context(), tc.timeout)
				defer cancel()
				errs := make(chan []error)
				go func() { errs <- waitEach(ctx, all[:5], jobs.WithMaxOutage(5*time.Minute)) }()
				var ofWaitAll []error
				for _, err := range jobs.WaitAll(ctx, all[5:], jobs.WithMaxOutage(5*time.Minute)) {
					ofWaitAll = append(ofWaitAll, err)
				}
				require.Len(t, ofWaitAll, 5)
				for _, err := range append(<-errs, ofWaitAll...) {
					require.ErrorIs(t, err, tc.reason)
					var ended *jobs.WaitError
					require.ErrorAs(t, err, &ended)
					assert.Positive(t, ended.Polls)
					assert.Positive(t, ended.Elapsed)
					assert.Equal(t, jobs.StatusProcessing, ended.Job.Status)
					require.ErrorIs(t, ended.Last, tc.last)
				}
			})
		})
	}
}

func TestWaitAll_SharesPollsUnderASchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithQueuing(0), jobstest.WithProcessing(50*time.Second))
		all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 20)
		start, before := time.Now(), countPolls(server)
		schedule := jobs.WithSchedule(polling.Schedule{Min: 20 * time.Second, Max: 20 * time.Second, Jitter: -1})
		for _, err := range jobs.WaitAll(t.Context(), all, schedule) {
			require.NoError(t, err)
		}
		assert.InDelta(t, 60, time.Since(start).Seconds(), 3)
		assert.LessOrEqual(t, countPolls(server)-before, 6)
	})
}

func TestWaitAll_StopsPollingWhenTheLoopEnds(t *testing.T) {
	leave := map[string]func(*testing.T, []*jobs.SquashAndMergeJob) map[string]bool{
		"break": func(t *testing.T, all []*jobs.SquashAndMergeJob) map[string]bool {
			done := map[string]bool{}
			for job, err := range jobs.WaitAll(t.Context(), all) {
				require.NoError(t, err)
				if done[job.ID()] = true; len(done) == len(all)/3 {
					break
				}
			}
			return done
		},
		"panic": func(t *testing.T, all []*jobs.SquashAndMergeJob) map[string]bool {
			done := map[string]bool{}
			assert.Panics(t, func() {
				for job := range jobs.WaitAll(t.Context(), all) {
					done[job.ID()] = true
					panic("a bug of the caller")
				}
			})
			return done
		},
	}
	for name, leave := range leave {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, withRunsOfAMinute(4))
				all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 20)
				all = append(all, createMerges(t.Context(), t, dataset(t, client, "street-scenes"), 10)...)
				done := leave(t, all)
				synctest.Wait()
				before := countPolls(server)
				<-time.After(time.Hour)
				assert.Equal(t, before, countPolls(server))
				left := 0
				for job, err := range jobs.WaitAll(t.Context(), all) {
					require.NoError(t, err)
					if !done[job.ID()] {
						left++
					}
				}
				assert.Equal(t, len(all)-len(done), left)
			})
		})
	}
}

func TestWaitAll_IsolatesAJobThatAlwaysFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, withRunsOfAMinute(3), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
		all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 50)
		failing := all[7]
		// Reading it fails, and no list has it with a valid id.
		server.Inject(jobstest.Rule{Operation: "getJob", Match: func(r jobstest.Request) bool { return strings.Contains(r.Path, failing.ID()) }}, jobstest.Status(500))
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Change(func(body []byte) []byte {
			return []byte(strings.Replace(string(body), `"jobId":"`+failing.ID()+`"`, `"jobId":7`, 1))
		}))
		n, start := 0, time.Now()
		for job, err := range jobs.WaitAll(t.Context(), all, jobs.WithMaxOutage(10*time.Minute)) {
			n++
			if job == failing {
				require.ErrorIs(t, err, polling.ErrOutage)
				var ended *jobs.WaitError
				require.ErrorAs(t, err, &ended)
				require.ErrorIs(t, ended.Last, jobs.ErrServer)
				continue
			}
			require.NoError(t, err)
			assert.Less(t, time.Since(start), 8*time.Minute)
		}
		assert.Equal(t, 50, n)
	})
}

// A process ends while it waits for many jobs. Another process continues with the
// jobs that it saved.
func TestWaitAll_ContinuesInAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := fullSize(150, 1000)
		server := jobstest.New(t, withRunsOfAMinute(5), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
		all := createMerges(t.Context(), t, dataset(t, clientOf(t, server), "squash-and-merge"), n)
		yielded := map[string]int{}
		for job, err := range jobs.WaitAll(t.Context(), all) {
			require.NoError(t, err)
			if yielded[job.ID()]++; len(yielded) == n/3 {
				break
			}
		}
		var left []*jobs.SquashAndMergeJob
		for _, job := range all {
			if yielded[job.ID()] == 0 {
				left = append(left, job)
			}
		}
		other := dataset(t, clientOf(t, server, jobs.WithRateLimit(10)), "squash-and-merge")
		left = resumeAll(t, other, left...)
		<-time.After(20 * time.Second) // until the other process starts
		for job, err := range jobs.WaitAll(t.Context(), left) {
			require.NoError(t, err)
			yielded[job.ID()]++
		}
		require.Len(t, yielded, n)
		for id, times := range yielded {
			assert.Equal(t, 1, times, id)
		}
	})
}

// creating creates n merges, one every interval, as the sequence advances. It counts the
// creates in created.
func creating(ctx context.Context, all jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs], n int, interval time.Duration,
	created *atomic.Int64,
) iter.Seq2[*jobs.SquashAndMergeJob, error] {
	return func(yield func(*jobs.SquashAndMergeJob, error) bool) {
		for range n {
			job, err := all.Create(ctx, mergeDev)
			created.Add(1)
			if !yield(job, err) {
				return
			}
			<-time.After(interval)
		}
	}
}

func TestWaitSeq_YieldsJobsWhileOthersAreCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Minute))
		var created atomic.Int64
		var first int64
		yielded := map[string]bool{}
		for job, err := range jobs.WaitSeq(t.Context(), creating(t.Context(), mergeJobs(t, client), 10, time.Minute, &created)) {
			require.NoError(t, err)
			assert.Equal(t, jobs.StatusSuccess, job.Status())
			if first == 0 {
				first = created.Load()
			}
			yielded[job.ID()] = true
		}
		assert.Len(t, yielded, 10)
		assert.Less(t, first, int64(4), "jobs created before the first was yielded")
	})
}

func TestWaitSeq_YieldsErrorsOfTheSequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		job, broken := createMerge(t.Context(), t, client), errors.New("broken")
		var ended int
		var errs []error
		for j, err := range jobs.WaitSeq(t.Context(), func(yield func(*jobs.SquashAndMergeJob, error) bool) {
			_ = yield(nil, broken) && yield(job, nil)
		}) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			assert.Same(t, job, j)
			ended++
		}
		assert.Equal(t, []error{broken}, errs)
		assert.Equal(t, 1, ended)
	})
}

func TestWaitSeq_StopsTheSequenceAfterBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Minute))
		var created atomic.Int64
		for _, err := range jobs.WaitSeq(t.Context(), creating(t.Context(), mergeJobs(t, client), 100, time.Minute, &created)) {
			require.NoError(t, err)
			break
		}
		assert.Less(t, created.Load(), int64(5))
	})
}

func TestWaitSeq_YieldsRemainingJobsWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var created atomic.Int64
		ended := 0
		for _, err := range jobs.WaitSeq(ctx, creating(t.Context(), mergeJobs(t, client), 5, time.Second, &created)) {
			var wait *jobs.WaitError
			require.ErrorAs(t, err, &wait)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			ended++
		}
		assert.Equal(t, 5, ended)
	})
}

func TestWaitSeq_PassesAPanicOfTheSequenceToTheLoop(t *testing.T) {
	sequences := map[string]iter.Seq2[*jobs.Job, error]{
		"panic":   func(func(*jobs.Job, error) bool) { panic("a bug of the caller") },
		"nil job": func(yield func(*jobs.Job, error) bool) { yield(nil, nil) },
	}
	for name, sequence := range sequences {
		assert.Panics(t, func() {
			for _, err := range jobs.WaitSeq(t.Context(), sequence) {
				require.NoError(t, err)
			}
		}, name)
	}
}
