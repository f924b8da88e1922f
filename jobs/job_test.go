package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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

func TestAbort_AcceptsAnEmptyBody(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		valid  bool
	}{
		"empty object": {200, "{}", true},
		"empty":        {200, "", true},
		"created":      {201, "{}", true},
		"array":        {200, `["ok"]`, true},
		"no content":   {204, "", true},
		"html":         {200, "<html>log in</html>", false},
		"redirect":     {301, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := stubMerge(t, respondWith(tc.status, tc.body), processingJob).Abort(t.Context())
			if tc.valid {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		})
	}
	err := stubMerge(t, respondWith(204, ""), processingJob).Update(t.Context())
	require.ErrorIs(t, err, jobs.ErrInvalidResponse, "Update needs a body")
}

func TestStatus_StaysOnOneLine(t *testing.T) {
	job := stubMerge(t, respondWith(500, ""), jobJSON(`"PROCESSING"`, `"A\nlevel=ERROR `+strings.Repeat("x", 1000)+`"`))
	_, err := job.Result(t.Context())
	require.ErrorIs(t, err, jobs.ErrNotFinished)
	for _, text := range []string{err.Error(), job.String(), job.Status().String(), fmt.Sprint(job.Snapshot())} {
		assert.NotContains(t, text, "\n")
		assert.Less(t, len(text), 200)
	}
	assert.Len(t, string(job.Status()), 1014, "the value itself is complete")
}

func TestJob_FinishesWithoutFinishedAt(t *testing.T) {
	for _, status := range []jobs.Status{jobs.StatusSuccess, jobs.StatusFailed, jobs.StatusAborted} {
		for _, finishedAt := range []string{"", `"finishedAt":null,`, `"finishedAt":0,`} {
			body := jobJSON(`"status":"PROCESSING"`, finishedAt+`"result":{"draftNumber":1},"status":"`+string(status)+`"`)
			job := stubMerge(t, respondWith(200, body), processingJob)
			err := job.Wait(t.Context())
			assert.Equal(t, status == jobs.StatusSuccess, err == nil, "%v", err)
			s := job.Snapshot()
			assert.True(t, s.Status.Finished())
			assert.True(t, s.FinishedAt.IsZero())
		}
	}
}

func TestUpdate_ShowsARunThatAnotherClientStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		failed := jobJSON(`"PROCESSING"`, `"FAILED","finishedAt":1764000010`)
		job := stubMerge(t, respondWith(200, processingJob), failed)
		require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobFailed, "Wait sends no request for a finished job")
		require.NoError(t, job.Update(t.Context()))
		assert.Equal(t, jobs.StatusProcessing, job.Status())
		_, err := job.Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrNotFinished)
		assert.Zero(t, time.Since(start))
	})
}

func TestUpdate_ReportsNotFoundForANewJob(t *testing.T) {
	job := stubMerge(t, respondWith(404, `{"code":"ResourceNotExist","message":"no such job"}`), processingJob)
	require.ErrorIs(t, job.Update(t.Context()), jobs.ErrNotFound)
}

func TestUpdate_IgnoresAStaleReadOfAFinishedSearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Minute))
		job := runSearch(t.Context(), t, client, jobs.SegmentIn("train-day"))
		server.Inject(jobstest.Rule{Operation: "getJob"}, jobstest.Stale(20*time.Second))
		require.NoError(t, job.Update(t.Context()))
		assert.Equal(t, jobs.StatusSuccess, job.Status(), "a search cannot run again")
		_, err := job.Result(t.Context())
		require.NoError(t, err)
	})
}

// TestJob_IsSafeForConcurrentUse calls all methods of one job from 64 goroutines,
// with faults. It runs for the race detector. It also checks that snapshots are
// consistent and that only documented errors occur.
func TestJob_IsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithProcessing(20*time.Second), jobstest.WithLatency(5*time.Millisecond))
		client := clientOf(t, server, jobs.WithCreateRecovery(), jobs.WithLogger(slog.New(slog.NewJSONHandler(struct{ io.Writer }{io.Discard}, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		job := createMerge(t.Context(), t, client)
		js := job.Dataset().SquashAndMerge()
		server.Inject(jobstest.Rule{Probability: 0.05, Seed: 4}, jobstest.Status(503))
		server.Inject(jobstest.Rule{Probability: 0.02, Seed: 5}, jobstest.Reset())

		calls := []func(context.Context) error{
			job.Update,
			job.Abort,
			job.Retry,
			func(ctx context.Context) error { return job.Wait(ctx) },
			func(ctx context.Context) error { return errorOf(job.Result(ctx)) },
			func(ctx context.Context) error {
				for _, err := range job.Watch(ctx) {
					return err
				}
				return nil
			},
			func(context.Context) error {
				data, err := json.Marshal(job)
				if err == nil {
					var again *jobs.SquashAndMergeJob
					if again, err = js.Resume(data); err == nil && again.ID() != job.ID() {
						err = errors.New("the saved job is another one")
					}
				}
				return err
			},
			func(context.Context) error {
				s := job.Snapshot()
				slog.New(slog.DiscardHandler).Info("", "job", job)
				if fmt.Sprint(job, s, job.Status()) == "" || s.Status.Finished() == s.FinishedAt.IsZero() {
					return fmt.Errorf("inconsistent: %v finished at %v", s.Status, s.FinishedAt)
				}
				return errorOf(job.Arguments())
			},
			func(ctx context.Context) error { return firstItem(js.List(ctx, jobs.ListOptions{})) },
			func(ctx context.Context) error { return errorOf(js.Get(ctx, job.ID())) },
			func(ctx context.Context) error { return errorOf(job.Dataset().Refresh(ctx)) },
			func(ctx context.Context) error { return errorOf(js.Create(ctx, mergeDev)) },
		}
		rounds := fullSize(3, 24)
		var group sync.WaitGroup
		var done atomic.Int64
		for g := range 64 {
			group.Go(func() {
				for i := range rounds {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(g+i)%5)*time.Second)
					err := calls[(g+i)%len(calls)](ctx)
					cancel()
					var e *jobs.Error
					var ended *jobs.WaitError
					var failed *jobs.JobError
					if err != nil && !errors.As(err, &e) && !errors.As(err, &ended) && !errors.As(err, &failed) &&
						!errors.Is(err, jobs.ErrNotFinished) && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%d: %v", (g+i)%len(calls), err)
					}
					done.Add(1)
				}
			})
		}
		group.Wait()
		assert.Equal(t, int64(64*rounds), done.Load())
		server.Clear()
		err := job.Wait(t.Context())
		if errors.Is(err, jobs.ErrJobAborted) { // the last retry came before the last abort, or was lost
			require.NoError(t, job.Retry(t.Context()))
			err = job.Wait(t.Context())
		}
		require.NoError(t, err)
	})
}

// A response to a request before a retry shows nothing of the run that follows.
func TestUpdate_IgnoresALateResponseAfterASecondRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := func(started, finished string) string {
			return jobJSON("1764000002", started, `"PROCESSING"`, `"FAILED","finishedAt":`+finished)
		}
		var state atomic.Value
		var slow atomic.Bool
		state.Store(run("1764000002", "1764000012"))
		job := stubMerge(t, func(*http.Request) (*http.Response, error) {
			body := state.Load().(string)
			if slow.Load() {
				<-time.After(8 * time.Second)
			}
			return newResponse(200, body), nil
		}, run("1764000002", "1764000012"))
		var late sync.WaitGroup
		slow.Store(true)
		late.Go(func() { assert.NoError(t, job.Update(t.Context())) })
		<-time.After(time.Millisecond)
		slow.Store(false)
		require.NoError(t, job.Retry(t.Context()))
		state.Store(run("1764000102", "1764000104"))
		<-time.After(time.Second)
		require.NoError(t, job.Update(t.Context()))
		require.NoError(t, job.Retry(t.Context()))
		late.Wait()
		_, err := job.Result(t.Context())
		assert.ErrorIs(t, err, jobs.ErrNotFinished, "no response has shown the third run")
	})
}

func TestUpdate_KeepsTheEndDespiteALateResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := jobJSON(`"PROCESSING"`, `"FAILED","finishedAt":1764000010`)
		var requests atomic.Int32
		job := stubMerge(t, func(*http.Request) (*http.Response, error) {
			if requests.Add(1) == 1 {
				<-time.After(10 * time.Second)
				return newResponse(200, processingJob), nil
			}
			return newResponse(200, failed), nil
		}, processingJob)
		var late sync.WaitGroup
		late.Go(func() { assert.NoError(t, job.Update(t.Context())) })
		<-time.After(time.Second)
		require.NoError(t, job.Update(t.Context()))
		late.Wait()
		assert.Equal(t, jobs.StatusFailed, job.Status())
	})
}

func TestUpdate_ShowsANewRunWhileUpdatesOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := jobJSON(`"PROCESSING"`, `"FAILED","finishedAt":1764000012`)
		var state atomic.Value
		state.Store(failed)
		job := stubMerge(t, func(*http.Request) (*http.Response, error) {
			body := state.Load().(string)
			<-time.After(100 * time.Millisecond)
			return newResponse(200, body), nil
		}, failed)
		ctx, stop := context.WithCancel(t.Context())
		var updates sync.WaitGroup
		for i := range 2 {
			updates.Go(func() {
				<-time.After(time.Duration(i) * 50 * time.Millisecond)
				for ctx.Err() == nil {
					_ = job.Update(ctx)
				}
			})
		}
		<-time.After(time.Second)
		state.Store(jobJSON("1764000002", "1764000102")) // another client has sent a retry
		<-time.After(time.Second)
		assert.Equal(t, jobs.StatusProcessing, job.Status())
		stop()
		updates.Wait()
	})
}

func TestJob_RefusesToBeUnmarshaled(t *testing.T) {
	for _, v := range []any{&jobs.Job{}, &jobs.SquashAndMergeJob{}, &jobs.BasicSearchJob{}, &struct{ Job *jobs.SquashAndMergeJob }{}} {
		text := processingJob
		if _, ok := v.(*struct{ Job *jobs.SquashAndMergeJob }); ok {
			text = `{"Job":` + processingJob + `}`
		}
		err := json.Unmarshal([]byte(text), v)
		require.ErrorIs(t, err, jobs.ErrInvalidArgument, "%T", v)
		assert.ErrorContains(t, err, "Resume")
	}
}
