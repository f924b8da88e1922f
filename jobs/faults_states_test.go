package jobs_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// TestWaitBehindALaggingReplica: a job just created is not there yet, and after
// a retry the end of the run before is still read.
func TestWaitBehindALaggingReplica(t *testing.T) {
	for _, lag := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
		t.Run(lag.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithProcessing(time.Minute))
				server.Inject(jobstest.Rule{}, jobstest.Stale(lag))
				job := merge(t.Context(), t, client)
				require.ErrorIs(t, job.Update(t.Context()), jobs.ErrNotFound, "a single look tells what it sees")
				require.NoError(t, job.Wait(t.Context()))

				job = merge(t.Context(), t, client)
				<-time.After(30 * time.Second)
				require.NoError(t, job.Abort(t.Context()))
				require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
				require.NoError(t, job.Retry(t.Context()))
				require.NoError(t, job.Wait(t.Context()), "not the end of the run before")
				_, err := job.Result(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

// TestJobThatStaysUnknown: not found is patience for a young job, and later the
// answer.
func TestJobThatStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t)
		job := merge(t.Context(), t, client)
		server.Inject(jobstest.Rule{}, jobstest.Stale(time.Hour))
		start := time.Now()
		err := job.Wait(t.Context())
		require.ErrorIs(t, err, jobs.ErrNotFound)
		var w *jobs.WaitError
		require.ErrorAs(t, err, &w)
		assert.Equal(t, job.ID(), w.Job.ID)
		assert.Greater(t, time.Since(start), 30*time.Second)
		assert.Less(t, time.Since(start), 90*time.Second)
	})
}

// TestRetryStraightAfterAnAbort: the refusal is an answer, so nothing is
// ambiguous about it, and later the job can be retried.
func TestRetryStraightAfterAnAbort(t *testing.T) {
	for status, kind := range map[int]error{400: jobs.ErrInvalidArgument, 403: jobs.ErrForbidden} {
		synctest.Test(t, func(t *testing.T) {
			server, client := connect(t, jobstest.WithProcessing(time.Minute))
			server.Inject(jobstest.Rule{}, jobstest.EarlyRetry(status, 3*time.Second))
			job := merge(t.Context(), t, client)
			require.NoError(t, job.Abort(t.Context()))
			require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
			err := job.Retry(t.Context())
			require.ErrorIs(t, err, kind)
			require.NotErrorIs(t, err, jobs.ErrAmbiguous)
			require.Equal(t, jobs.StatusAborted, job.Status())
			_, err = job.Result(t.Context())
			require.ErrorIs(t, err, jobs.ErrJobAborted, "the run before is still the last one")
			<-time.After(3 * time.Second)
			require.NoError(t, job.Retry(t.Context()))
			require.NoError(t, job.Wait(t.Context()))
		})
	}
}

// TestFinishedJobThatRunsAgain: an old answer that comes late does not undo a
// wait that has ended.
func TestFinishedJobThatRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Minute))
		job := search(t.Context(), t, client, jobs.SegmentIn("train-day"))
		server.Inject(jobstest.Rule{Operation: "getJob"}, jobstest.Stale(20*time.Second))
		require.NoError(t, job.Update(t.Context()))
		assert.Equal(t, jobs.StatusSuccess, job.Status(), "a search cannot run again")
		_, err := job.Result(t.Context())
		require.NoError(t, err)
	})
}
