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

// With stale reads a new job is not found at first, and the previous run is read
// after a retry.
func TestWait_ToleratesStaleReads(t *testing.T) {
	for _, lag := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
		t.Run(lag.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithProcessing(time.Minute))
				server.Inject(jobstest.Rule{}, jobstest.Stale(lag))
				job := createMerge(t.Context(), t, client)
				require.ErrorIs(t, job.Update(t.Context()), jobs.ErrNotFound, "Update does not tolerate stale reads")
				require.NoError(t, job.Wait(t.Context()))

				job = createMerge(t.Context(), t, client)
				<-time.After(30 * time.Second)
				require.NoError(t, job.Abort(t.Context()))
				require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
				require.NoError(t, job.Retry(t.Context()))
				require.NoError(t, job.Wait(t.Context()), "Wait ignores the end of the previous run")
				_, err := job.Result(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

// Wait tolerates not found for half a minute after the create.
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
