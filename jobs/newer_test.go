package jobs_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestNewerService_RunsTheKnownJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithNewerService(), jobstest.WithProcessing(10*time.Second))
		job := createMerge(t.Context(), t, client)
		var seen []jobs.Status
		for event, err := range job.Watch(t.Context()) {
			require.NoError(t, err)
			require.NoError(t, event.Err)
			seen = append(seen, event.Job.Status)
		}
		assert.Contains(t, seen, jobs.Status("PREPARING"), "neither an end nor an error")
		assert.Contains(t, string(job.Snapshot().Raw), "addedLater")
		draft, err := job.Result(t.Context())
		require.NoError(t, err)
		assert.Equal(t, int64(1), draft.Number)

		search := runSearch(t.Context(), t, client, jobs.CategoryIn(jobs.LabelBox2D, "car"))
		result, err := search.Result(t.Context())
		require.NoError(t, err)
		segments := collect(t, result.Segments(t.Context()))
		data := collect(t, result.Data(t.Context(), segments[0].Name))
		assert.NotEmpty(t, data[0].Label.Box2D)
		assert.Contains(t, string(data[0].Label.Other["CUBOID4D"].JSON()), "cuboid4d")

		_, err = mergeJobs(t, client).Get(t.Context(), "0123")
		require.ErrorIs(t, err, jobs.ErrNotFound, "the status decides, not the code")
		var e *jobs.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "ResourceNotVisible", e.Code)
	})
}

func TestJobs_RunAJobOfAnUnknownType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithNewerService())
		ds := dataset(t, client, "squash-and-merge")
		commit, err := ds.Resolve(t.Context(), "main")
		require.NoError(t, err)
		counts := ds.Jobs("countFiles")
		job, err := counts.Create(t.Context(), jobs.RawArgs{Title: "count", Arguments: map[string]string{"commit": commit.ID}})
		require.NoError(t, err)
		_, err = job.RawResult(t.Context())
		require.ErrorIs(t, err, jobs.ErrNotFinished)
		require.NoError(t, job.Wait(t.Context()))
		var result struct{ Count int }
		raw, err := job.RawResult(t.Context())
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &result))
		assert.Equal(t, 4, result.Count)
		assert.JSONEq(t, `{"commit":"`+commit.ID+`","addedLater":{"since":"tomorrow"}}`, string(job.Snapshot().Arguments))

		again, err := counts.Get(t.Context(), job.ID())
		require.NoError(t, err)
		assert.Equal(t, jobs.Type("countFiles"), again.Snapshot().Type)
		assert.Len(t, collect(t, counts.List(t.Context(), jobs.ListOptions{Status: jobs.StatusSuccess})), 1)
		saved, err := again.MarshalJSON()
		require.NoError(t, err)
		resumed, err := client.Resume(saved)
		require.NoError(t, err)
		assert.IsType(t, job, resumed)
		require.NoError(t, counts.Delete(t.Context(), job.ID()))
	})
}

func TestJobs_OfAKnownTypeAreUntypedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		job, err := dataset(t, client, "squash-and-merge").Jobs(jobs.TypeSquashAndMerge).Create(t.Context(), jobs.RawArgs{
			Title:     "merge",
			Arguments: map[string]string{"title": "draft", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": "skip"},
		})
		require.NoError(t, err)
		require.NoError(t, job.Wait(t.Context()))
		raw, err := job.RawResult(t.Context())
		require.NoError(t, err)
		assert.JSONEq(t, `{"draftNumber":1}`, string(raw))
	})
}

func TestJobs_RejectAnEmptyType(t *testing.T) {
	ds := datasetByID(t, stubClient(t, respondWith(500, "")))
	for _, err := range []error{
		errorOf(ds.Jobs("").Get(t.Context(), "6f2a")),
		ds.Jobs("").Delete(t.Context(), "6f2a"),
		firstItem(ds.Jobs("").List(t.Context(), jobs.ListOptions{})),
	} {
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		assert.ErrorContains(t, err, "the job type is empty")
	}
}
