package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// TestManyGoroutinesOnOneJob has 64 of them do everything at once, with faults
// in between. It is for the race detector, and holds that nothing panics, that
// what is read is whole, and that no error is of an unexpected kind.
func TestManyGoroutinesOnOneJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, lasting(20*time.Second), jobstest.WithLatency(5*time.Millisecond))
		client := clientOf(t, server, jobs.WithCreateRecovery(), jobs.WithLogger(slog.New(slog.NewJSONHandler(struct{ io.Writer }{io.Discard}, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		job := merge(t.Context(), t, client)
		js := job.Dataset().SquashAndMerge()
		server.Inject(jobstest.Rule{Probability: 0.05, Seed: 4}, jobstest.Status(503))
		server.Inject(jobstest.Rule{Probability: 0.02, Seed: 5}, jobstest.Reset())

		do := []func(context.Context) error{
			job.Update,
			job.Abort,
			job.Retry,
			func(ctx context.Context) error { return job.Wait(ctx) },
			func(ctx context.Context) error { return second(job.Result(ctx)) },
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
						err = errors.New("torn")
					}
				}
				return err
			},
			func(context.Context) error {
				s := job.Snapshot()
				slog.New(slog.DiscardHandler).Info("", "job", job)
				if fmt.Sprint(job, s, job.Status()) == "" || s.Status.Finished() == s.FinishedAt.IsZero() {
					return fmt.Errorf("torn: %v finished at %v", s.Status, s.FinishedAt)
				}
				return second(job.Arguments())
			},
			func(ctx context.Context) error { return first(js.List(ctx, jobs.ListOptions{})) },
			func(ctx context.Context) error { return second(js.Get(ctx, job.ID())) },
			func(ctx context.Context) error { return second(job.Dataset().Refresh(ctx)) },
			func(ctx context.Context) error { return second(js.Create(ctx, mergeDev)) },
		}
		var group sync.WaitGroup
		var done atomic.Int64
		for g := range 64 {
			group.Go(func() {
				for i := range 24 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(g+i)%5)*time.Second)
					err := do[(g+i)%len(do)](ctx)
					cancel()
					var e *jobs.Error
					var ended *jobs.WaitError
					var failed *jobs.JobError
					if err != nil && !errors.As(err, &e) && !errors.As(err, &ended) && !errors.As(err, &failed) &&
						!errors.Is(err, jobs.ErrNotFinished) && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%d: %v", (g+i)%len(do), err)
					}
					done.Add(1)
				}
			})
		}
		group.Wait()
		assert.Equal(t, int64(64*24), done.Load())
		server.Clear()
		require.NoError(t, job.Update(t.Context()))
		if job.Status().Finished() && job.Status() != jobs.StatusSuccess {
			require.NoError(t, job.Retry(t.Context()))
		}
		require.NoError(t, job.Wait(t.Context()))
	})
}
