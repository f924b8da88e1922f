package jobs_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestResume_RestoresAJobByteForByte(t *testing.T) {
	body := jobJSON(`"status"`, ` "unknown": {"x": 1.50, "html": "<&>"},  "status"`)
	client := stubClient(t, respondWith(200, body))
	job, err := datasetByID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.NoError(t, err)
	saved, err := job.MarshalJSON()
	require.NoError(t, err)
	assert.Equal(t, body, string(saved))
	again := resumeMerge(t, datasetByID(t, client), string(saved))
	assert.Equal(t, job.Snapshot(), again.Snapshot())

	s := again.Snapshot()
	assert.Equal(t, "6f2a", s.ID)
	assert.Equal(t, jobs.TypeSquashAndMerge, s.Type)
	assert.Equal(t, time.Unix(1764000000, 0).UTC(), s.CreatedAt)
	assert.Equal(t, time.Unix(1764000002, 0).UTC(), s.StartedAt)
	assert.True(t, s.FinishedAt.IsZero())
	assert.Empty(t, s.Result)
	assert.Equal(t, "job 6f2a (PROCESSING)", again.String())

	var zero jobs.Snapshot
	saved, err = json.Marshal(zero)
	require.NoError(t, err)
	assert.Equal(t, "null", string(saved))
}

func TestResume_RejectsInvalidJSON(t *testing.T) {
	client := stubClient(t, respondWith(500, ""))
	for body, text := range map[string]string{
		"":            "resume squashAndMerge job: invalid response: the body is empty",
		"null":        "the value is null",
		"{}":          "arguments is missing",
		"[1]":         "cannot unmarshal array",
		"\xff\xfe":    "invalid character",
		`{"a":`:       "unexpected end of JSON input",
		processingJob: "",
		jobJSON(`"title"`, `"jobType":"basicSearch","title"`): `job 6f2a is of type "basicSearch", not "squashAndMerge"`,
	} {
		job, err := datasetByID(t, client).SquashAndMerge().Resume([]byte(body))
		if text == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, text)
		assert.Nil(t, job)
	}
	data := []byte(processingJob)
	job, err := datasetByID(t, client).SquashAndMerge().Resume(data)
	require.NoError(t, err)
	clear(data)
	assert.Equal(t, processingJob, string(job.Snapshot().Raw), "Resume keeps a copy")
}

func TestList_SkipsJobsOfOtherTypes(t *testing.T) {
	other := jobJSON(`"title"`, `"jobType":"unknown","title"`)
	client := stubClient(t, respondWith(200, `{"jobs":[`+other+`,`+processingJob+`],"totalCount":2}`))
	got := collect(t, datasetByID(t, client).SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
	require.Len(t, got, 1)
	assert.Equal(t, "6f2a", got[0].ID())
}

func TestRun_CreatesAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Minute))
		job, err := mergeJobs(t, client).Run(t.Context(), mergeDev)
		require.NoError(t, err)
		assert.Equal(t, jobs.StatusSuccess, job.Status())

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		job, err = mergeJobs(t, client).Run(ctx, mergeDev)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, job.Wait(t.Context()), "the job goes on")

		created := countRequests(server, "createJob")
		job, err = mergeJobs(t, client).Run(t.Context(), mergeDev, jobs.WithProgress(nil))
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		assert.Nil(t, job)
		assert.Equal(t, created, countRequests(server, "createJob"))
	})
}

// A helper of a user can be generic over job types.
func runAll[J jobs.Waiter, A jobs.Arguments](ctx context.Context, all jobs.Jobs[J, A], args ...A) (ended []J, err error) {
	for _, a := range args {
		job, err := all.Run(ctx, a)
		if err != nil {
			return ended, err
		}
		ended = append(ended, job)
	}
	return ended, nil
}

func TestJobs_CanBeUsedByGenericFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		merged, err := runAll(t.Context(), mergeJobs(t, client), mergeDev, mergeDev)
		require.NoError(t, err)
		assert.Len(t, merged, 2)
		found, err := runAll(t.Context(), dataset(t, client, "street-scenes").BasicSearch(), jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
		require.NoError(t, err)
		assert.Equal(t, jobs.StatusSuccess, found[0].Status())
	})
}
