package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// loss loses creates: what becomes of the n-th, which counts from 1.
type loss func(n int) fate

type fate int

const (
	answered fate = iota
	lostAfter
	lostBefore
)

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}

// lossy is a client of the server whose creates are lost.
func lossy(t *testing.T, server *jobstest.Server, lost loss, options ...jobs.Option) *jobs.Client {
	t.Helper()
	var mu sync.Mutex
	n := 0
	inner := server.Client().Transport
	return clientOf(t, server, append([]jobs.Option{jobs.WithHTTPClient(&http.Client{
		Transport: stub(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/jobs") {
				return inner.RoundTrip(r)
			}
			mu.Lock()
			n++
			f := lost(n)
			mu.Unlock()
			if f == lostBefore {
				return nil, errReset
			}
			resp, err := inner.RoundTrip(r)
			if err == nil && f == lostAfter {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				return nil, errReset
			}
			return resp, err
		}),
	})}, options...)...)
}

func all(f fate) loss { return func(int) fate { return f } }

var mergeDev = jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Target: "main", Strategy: jobs.StrategySkip}

func mergesOf(t *testing.T, client *jobs.Client) jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs] {
	t.Helper()
	return dataset(t, client, "squash-and-merge").SquashAndMerge()
}

func TestLostCreateIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		js := mergesOf(t, lossy(t, server, all(lostAfter), jobs.WithCreateRecovery()))
		job, err := js.Create(t.Context(), mergeDev)
		require.NoError(t, err)
		assert.Equal(t, "dev->main(skip)", job.Snapshot().Title)
		require.NoError(t, job.Wait(t.Context()))
		assert.Len(t, collect(t, js.List(t.Context(), jobs.ListOptions{})), 1)
		assert.Equal(t, 1, count(server, "createJob"))

		args := mergeDev
		args.Title = "another"
		other, err := js.Create(t.Context(), args)
		require.NoError(t, err)
		assert.NotEqual(t, job.ID(), other.ID())

		again, err := js.Create(t.Context(), mergeDev)
		require.NoError(t, err)
		assert.NotEqual(t, job.ID(), again.ID(), "a job that was returned is not this one")
		assert.Equal(t, 3, count(server, "createJob"))
	})
}

func TestLostSearchIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := lossy(t, jobstest.New(t), all(lostAfter), jobs.WithCreateRecovery())
		job, err := dataset(t, client, "street-scenes").BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{
			jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"occluded": {true, nil, 1.0}, "lanes": {2}}), jobs.SizeAtLeast(1 << 60),
		}})
		require.NoError(t, err)
		require.NoError(t, job.Wait(t.Context()))
	})
}

func TestCreateThatShowsLateIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Stale(3*time.Second))
		js := mergesOf(t, lossy(t, server, all(lostAfter), jobs.WithCreateRecovery()))
		start := time.Now()
		job, err := js.Create(t.Context(), mergeDev)
		require.NoError(t, err)
		assert.Equal(t, 3500*time.Millisecond, time.Since(start))
		require.NoError(t, job.Wait(t.Context()))
		assert.Equal(t, 1, count(server, "createJob"))
	})
}

func TestLostCreateWithoutTheOption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		js := mergesOf(t, lossy(t, server, all(lostAfter)))
		began := time.Now()
		job, err := js.Create(t.Context(), mergeDev)
		assert.Nil(t, job)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		require.ErrorIs(t, err, jobs.ErrUnreachable)
		var unsure *jobs.CreateError
		require.ErrorAs(t, err, &unsure)
		assert.Equal(t, jobs.TypeSquashAndMerge, unsure.Type)
		assert.Equal(t, "dev->main(skip)", unsure.Title)
		assert.JSONEq(t, `{"title":"merge dev","sourceBranchName":"dev","targetBranchName":"main","strategy":"skip"}`, string(unsure.Arguments))
		assert.Equal(t, began, unsure.Since)
		assert.Zero(t, unsure.Lookups)
		assert.Zero(t, count(server, "listJobs"))
		found := 0
		for job, err := range js.List(t.Context(), jobs.ListOptions{}) {
			require.NoError(t, err)
			if unsure.Matches(job.Snapshot()) {
				found++
			}
		}
		assert.Equal(t, 1, found)
	})
}

func TestCreateThatDidNotArriveIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		js := mergesOf(t, lossy(t, server, all(lostBefore), jobs.WithCreateRecovery()))
		start := time.Now()
		_, err := js.Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		var unsure *jobs.CreateError
		require.ErrorAs(t, err, &unsure)
		assert.Equal(t, 5, unsure.Lookups)
		assert.Equal(t, 7500*time.Millisecond, time.Since(start))
		assert.ErrorContains(t, err, "; it was not found in 5 looks, and may still show")
		assert.Zero(t, count(server, "createJob"))
	})
}

func TestCreateIsNotSettledOnAnotherJob(t *testing.T) {
	for name, change := range map[string]func(*jobs.SquashAndMergeArgs){
		"title":     func(a *jobs.SquashAndMergeArgs) { a.Title = "other" },
		"arguments": func(a *jobs.SquashAndMergeArgs) { a.DraftTitle = "other" },
		"age":       func(*jobs.SquashAndMergeArgs) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t)
				args := mergeDev
				change(&args)
				_, err := mergesOf(t, clientOf(t, server)).Create(t.Context(), args)
				require.NoError(t, err)
				if name == "age" {
					<-time.After(7 * time.Second)
				}
				_, err = mergesOf(t, lossy(t, server, all(lostBefore), jobs.WithCreateRecovery())).Create(t.Context(), mergeDev)
				require.ErrorIs(t, err, jobs.ErrAmbiguous)
			})
		})
	}
}

func TestSeveralJobsThatFitAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		foreign, err := mergesOf(t, clientOf(t, server)).Create(t.Context(), mergeDev)
		require.NoError(t, err)
		_, err = mergesOf(t, lossy(t, server, all(lostAfter), jobs.WithCreateRecovery())).Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		var unsure *jobs.CreateError
		require.ErrorAs(t, err, &unsure)
		assert.Len(t, unsure.Found, 2)
		assert.Contains(t, unsure.Found, foreign.ID())
		assert.ErrorContains(t, err, "; 2 jobs fit, look which is yours: "+strings.Join(unsure.Found, ", "))
	})
}

func TestIdenticalCreatesAtOnceAreNotSettledOnOneJob(t *testing.T) {
	for name, lost := range map[string]loss{
		"every answer is lost":       all(lostAfter),
		"every third is lost":        func(n int) fate { return fate(n % 3) },
		"one did not arrive":         func(n int) fate { return map[bool]fate{true: lostBefore}[n == 5] },
		"the first answer comes":     func(n int) fate { return map[bool]fate{true: lostBefore}[n > 1] },
		"the first does not arrive":  func(n int) fate { return map[bool]fate{true: lostBefore, false: lostAfter}[n == 1] },
		"the last answer comes only": func(n int) fate { return map[bool]fate{true: answered, false: lostAfter}[n == 10] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond))
				js := mergesOf(t, lossy(t, server, lost, jobs.WithCreateRecovery()))
				var mu sync.Mutex
				ids, failed := map[string]int{}, 0
				var group sync.WaitGroup
				for range 10 {
					group.Go(func() {
						job, err := js.Create(t.Context(), mergeDev)
						mu.Lock()
						defer mu.Unlock()
						if err != nil {
							assert.ErrorIs(t, err, jobs.ErrAmbiguous)
							failed++
							return
						}
						ids[job.ID()]++
					})
				}
				group.Wait()
				for id, n := range ids {
					assert.Equal(t, 1, n, "job %s", id)
				}
				there := collect(t, js.List(t.Context(), jobs.ListOptions{}))
				assert.Len(t, there, len(ids), "every job that was made was returned")
				assert.Equal(t, 10, len(ids)+failed)
			})
		})
	}
}

func TestCreateWaitsForAnotherOfTheSameJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		server.Inject(jobstest.Rule{Operation: "createJob"}, jobstest.Hang())
		js := mergesOf(t, clientOf(t, server, jobs.WithCreateRecovery()))
		go js.Create(t.Context(), mergeDev)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := js.Create(ctx, mergeDev)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, jobs.ErrAmbiguous)
		assert.ErrorContains(t, err, "another create of the same job is under way, so this one was not sent")
		<-time.After(time.Minute)
	})
}

func TestSettlingGoesThroughErrorsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		server.Inject(jobstest.Rule{Operation: "listJobs", Times: 3}, jobstest.Status(500))
		js := mergesOf(t, lossy(t, server, all(lostAfter), jobs.WithCreateRecovery(), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1})))
		_, err := js.Create(t.Context(), mergeDev)
		require.NoError(t, err)

		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Hang())
		start := time.Now()
		_, err = js.Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "nobody's deadline has passed")
		assert.Equal(t, 30*time.Second, time.Since(start))
		assert.ErrorContains(t, err, "; the last of 1 looks for it failed: list jobs: ")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = js.Create(ctx, mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		assert.Equal(t, time.Second, time.Since(start), "it ends when the caller's context does")
		assert.Equal(t, 3, count(server, "createJob"))
	})
}

func TestSettlingLooksAtTheNewestJobsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return reply(500, ""), nil
			}
			looks++
			items := make([]string, 128)
			for i := range items { // a list that does not end
				raw, _ := json.Marshal(map[string]any{"jobId": numbered("j", 1)[0] + "-" + strings.Repeat("a", looks) + string(rune('a'+i%26)) + strings.Repeat("b", i/26),
					"title": "x", "arguments": map[string]any{}, "createdAt": time.Now().Unix(), "status": "SUCCESS"})
				items[i] = string(raw)
			}
			return reply(200, `{"jobs":[`+strings.Join(items, ",")+`],"totalCount":1000000}`), nil
		}, jobs.WithCreateRecovery())
		_, err := byID(t, client).SquashAndMerge().Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		assert.Equal(t, 5*5, looks)
	})
}

func TestMatches(t *testing.T) {
	since := time.Date(2026, 11, 25, 12, 0, 0, 900e6, time.UTC)
	unsure := &jobs.CreateError{Type: jobs.TypeBasicSearch, Title: "t", Arguments: json.RawMessage(`{"a":[1,true,null,"x"],"b":{"c":9007199254740993}}`), Since: since}
	same := jobs.Snapshot{Type: jobs.TypeBasicSearch, Title: "t", Arguments: unsure.Arguments, CreatedAt: since.Truncate(time.Second)}
	assert.True(t, unsure.Matches(same))
	for arguments, want := range map[string]bool{
		`{"b":{"c":9007199254740993},"a":[1,true,null,"x"]}`:              true,
		`{"b" : {"c":9007199254740993}, "a":[1.0, true, null, "\u0078"]}`: true,
		`{"b":{"c":9007199254740993},"a":[10e-1,true,null,"x"]}`:          true,
		`{"b":{"c":9007199254740992},"a":[1,true,null,"x"]}`:              false,
		`{"b":{"c":9007199254740993},"a":[true,1,null,"x"]}`:              false,
		`{"b":{"c":9007199254740993},"a":["1",true,null,"x"]}`:            false,
		`{"b":{"c":9007199254740993},"a":[1,true,"x"]}`:                   false,
		`{"a":[1,true,null,"x"]}`:                                         false,
		``:                                                                false,
		`{"a":1e999999999}`:                                               false,
	} {
		job := same
		job.Arguments = json.RawMessage(arguments)
		assert.Equal(t, want, unsure.Matches(job), arguments)
	}
	for at, want := range map[time.Duration]bool{0: true, -5 * time.Second: true, -7 * time.Second: false, time.Hour: true} {
		job := same
		job.CreatedAt = since.Add(at).Truncate(time.Second)
		assert.Equal(t, want, unsure.Matches(job), at)
	}
	for _, job := range []jobs.Snapshot{
		{Type: jobs.TypeSquashAndMerge, Title: "t", Arguments: unsure.Arguments, CreatedAt: since},
		{Type: jobs.TypeBasicSearch, Title: "T", Arguments: unsure.Arguments, CreatedAt: since},
		{},
	} {
		assert.False(t, unsure.Matches(job))
	}
}

func TestAmbiguousRetryIsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		fault jobstest.Fault
		want  error
	}{
		"took effect": {jobstest.Reset().Executed(), nil},
		"did not":     {jobstest.Reset(), jobs.ErrJobAborted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, lasting(time.Minute))
				job := merge(t.Context(), t, client)
				require.NoError(t, job.Abort(t.Context()))
				require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
				server.Inject(jobstest.Rule{Operation: "retryJob"}, tc.fault)
				require.ErrorIs(t, job.Retry(t.Context()), jobs.ErrAmbiguous)
				assert.Equal(t, 1, count(server, "retryJob"), "it is not sent again")
				require.NoError(t, job.Update(t.Context()))
				assert.Equal(t, tc.want == nil, !job.Status().Finished(), "Update tells")
				assert.ErrorIs(t, job.Wait(t.Context()), tc.want, "and so does Wait")
			})
		})
	}
}

func TestRetryOfARunWhoseEndWasNotSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, lasting(time.Minute))
		job := merge(t.Context(), t, client)
		<-time.After(10 * time.Second)
		require.NoError(t, job.Update(t.Context()))
		require.NoError(t, job.Abort(t.Context()))
		require.NoError(t, job.Retry(t.Context()), "straight after, without a look")
		server.Inject(jobstest.Rule{Operation: "getJob"}, jobstest.Stale(3*time.Second))
		require.NoError(t, job.Wait(t.Context()))
	})
}
