package jobs_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestProgress_ShowsEachJobOfWaitAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithQueuing(0), jobstest.WithProcessing(time.Minute))
		ds := dataset(t, client, "squash-and-merge")
		all := createMerges(t.Context(), t, ds, 3)
		finished := createMerge(t.Context(), t, client)
		require.NoError(t, finished.Wait(t.Context()))
		all = append(createMerges(t.Context(), t, ds, 2), all[0], finished)

		var progress jobs.Progress
		assert.Empty(t, progress.Events())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, err := range jobs.WaitAll(t.Context(), all, jobs.WithProgress(&progress)) {
				assert.NoError(t, err)
			}
		}()
		<-time.After(30 * time.Second)
		events := progress.Events()
		require.Len(t, events, 4)
		for i, e := range events[:2] {
			assert.Equal(t, all[i].ID(), e.Job.ID)
			assert.Equal(t, jobs.StatusProcessing, e.Job.Status)
			assert.InDelta(t, 30, (e.Elapsed + time.Since(e.At)).Seconds(), 0.001)
			assert.Less(t, time.Since(e.At), 5*time.Second)
			assert.NotEmpty(t, e.RequestID)
			assert.Positive(t, e.Poll)
		}
		assert.Equal(t, jobs.StatusSuccess, events[2].Job.Status)
		assert.Zero(t, events[3].Elapsed, "finished before the wait")
		<-done
		<-time.After(time.Hour)
		for _, e := range progress.Events() {
			assert.Equal(t, jobs.StatusSuccess, e.Job.Status)
			assert.Less(t, e.Elapsed, 2*time.Minute)
		}
	})
}

func TestProgress_KeepsWaitsThatEndedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Hour))
		job := createMerge(t.Context(), t, client)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var progress jobs.Progress
		require.ErrorIs(t, job.Wait(ctx, jobs.WithProgress(&progress)), context.DeadlineExceeded)
		<-time.After(time.Hour)
		event := progress.Events()[0]
		assert.Equal(t, jobs.StatusProcessing, event.Job.Status)
		assert.Equal(t, time.Minute, event.Elapsed)
		require.ErrorIs(t, job.Wait(ctx, jobs.WithProgress(nil)), jobs.ErrInvalidArgument)
	})
}

func TestProgress_AlsoFeedsWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Minute))
		var progress jobs.Progress
		for event, err := range createMerge(t.Context(), t, client).Watch(t.Context(), jobs.WithProgress(&progress)) {
			require.NoError(t, err)
			assert.Equal(t, event.Job.Status, progress.Events()[0].Job.Status)
		}
	})
}
