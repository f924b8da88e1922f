package jobs_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

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
