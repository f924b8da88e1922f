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

// TestWait_ToleratesStaleReads: a job just created is not there yet, and after
// a retry the end of the run before is still read.
func TestWait_ToleratesStaleReads(t *testing.T) {
	for _, lag := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
		t.Run(lag.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithProcessing(time.Minute))
				server.Inject(jobstest.Rule{}, jobstest.Stale(lag))
				job := createMerge(t.Context(), t, client)
				require.ErrorIs(t, job.Update(t.Context()), jobs.ErrNotFound, "a single look tells what it sees")
				require.NoError(t, job.Wait(t.Context()))

				job = createMerge(t.Context(), t, client)
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

// TestWait_EndsIfTheJobStaysNotFound: not found is patience for a young job, and later the
// answer.
func TestWait_EndsIfTheJobStaysNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t)
		job := createMerge(t.Context(), t, client)
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
