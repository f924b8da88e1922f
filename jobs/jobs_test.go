package jobs_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestResume_RestoresTheNewestState(t *testing.T) {
	body := jobJSON(`"status"`, `"unknown":{"x":1.50},"status"`)
	client := stubClient(t, respondWith(200, body))
	job, err := datasetByID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.NoError(t, err)
	saved, err := json.Marshal(job)
	require.NoError(t, err)
	again, err := datasetByID(t, client).SquashAndMerge().Resume(saved)
	require.NoError(t, err)
	s := again.Snapshot()
	assert.JSONEq(t, body, string(s.Raw))
	assert.Equal(t, job.Status(), s.Status)
	assert.Equal(t, "6f2a", s.ID)
	assert.Equal(t, jobs.TypeSquashAndMerge, s.Type)
	assert.Equal(t, time.Unix(1764000000, 0).UTC(), s.CreatedAt)
	assert.Equal(t, time.Unix(1764000002, 0).UTC(), s.StartedAt)
	assert.True(t, s.FinishedAt.IsZero())
	assert.Empty(t, s.Result)
	assert.Equal(t, "job 6f2a (PROCESSING)", again.String())
	clear(saved)
	assert.Equal(t, s, again.Snapshot(), "Resume keeps a copy")

	saved, err = json.Marshal(s)
	require.NoError(t, err)
	assert.JSONEq(t, body, string(saved))
	saved, err = json.Marshal(jobs.Snapshot{})
	require.NoError(t, err)
	assert.Equal(t, "null", string(saved))
}

// A job is restored with its type and its dataset, without a request.
func TestClientResume_FindsTypeAndDataset(t *testing.T) {
	client := stubClient(t, func(*http.Request) (*http.Response, error) { panic("no request is expected") })
	ds := datasetByID(t, client)
	unknown, err := client.Resume(savedJob(ds, "reindex", processingJob))
	require.NoError(t, err)
	require.IsType(t, &jobs.Job{}, unknown)
	for _, job := range []jobs.Waiter{
		resumeMerge(t, ds, processingJob),
		resumeSearch(t, ds, processingJob),
		unknown,
	} {
		saved, err := json.Marshal(job)
		require.NoError(t, err)
		again, err := client.Resume(saved)
		require.NoError(t, err)
		require.IsType(t, job, again)
		savedAgain, err := json.Marshal(again)
		require.NoError(t, err)
		assert.JSONEq(t, string(saved), string(savedAgain))
	}
}

func TestResume_RejectsInvalidJSON(t *testing.T) {
	client := stubClient(t, respondWith(500, ""))
	ds := datasetByID(t, client)
	other, err := client.DatasetByID("d0f2")
	require.NoError(t, err)
	for data, text := range map[string]string{
		"":            "resume job: invalid response: the body is empty",
		"null":        "the value is null",
		"{}":          "datasetId is missing",
		"[1]":         "cannot unmarshal array",
		"\xff\xfe":    "invalid character",
		`{"a":`:       "unexpected end of JSON input",
		processingJob: "datasetId is missing",
		`{"datasetId":"","jobType":"squashAndMerge","job":{}}`:                                               "dataset id is empty",
		`{"datasetId":"../a","jobType":"squashAndMerge","job":{}}`:                                           `dataset id "../a" is malformed`,
		`{"datasetId":"a","jobType":"","job":{}}`:                                                            "job type is empty",
		string(savedJob(ds, jobs.TypeSquashAndMerge, "{}")):                                                  "jobId is missing",
		string(savedJob(ds, jobs.TypeSquashAndMerge, "null")):                                                "job is missing",
		string(savedJob(ds, jobs.TypeSquashAndMerge, jobJSON(`"title"`, `"jobType":"basicSearch","title"`))): `job 6f2a is of type "basicSearch", not "squashAndMerge"`,
		string(savedJob(ds, jobs.TypeSquashAndMerge, jobJSON(`"status":"PROCESSING"`, `"status":7`))):        "cannot unmarshal number",
	} {
		job, err := ds.SquashAndMerge().Resume([]byte(data))
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, data)
		require.ErrorContains(t, err, text)
		assert.Nil(t, job)
		again, err := client.Resume([]byte(data))
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, data)
		assert.Nil(t, again)
	}
	for _, data := range [][]byte{
		savedJob(other, jobs.TypeSquashAndMerge, processingJob),
		savedJob(ds, jobs.TypeBasicSearch, processingJob),
	} {
		require.ErrorIs(t, errorOf(ds.SquashAndMerge().Resume(data)), jobs.ErrInvalidArgument)
	}
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

// A repeated delete finds its own effect. If no attempt can have taken effect, the id never
// was.
func TestDelete_ReportsNotFoundIfNoAttemptTookEffect(t *testing.T) {
	for name, tc := range map[string]struct {
		first jobstest.Fault
		want  error
	}{
		"rate limited":       {jobstest.Status(429), jobs.ErrNotFound},
		"too early":          {jobstest.Status(425), jobs.ErrNotFound},
		"connection refused": {jobstest.Refuse(), jobs.ErrNotFound},
		"server error":       {jobstest.Status(500), nil},
		"timeout":            {jobstest.Status(408), nil},
		"connection reset":   {jobstest.Reset(), nil},
		"no response":        {jobstest.Hang(), nil},
		"refusal cut":        {jobstest.ResetInBody(), jobs.ErrNotFound}, // its status is 404
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t)
				js := dataset(t, client, "squash-and-merge").SquashAndMerge()
				server.Inject(jobstest.Rule{Operation: "deleteJob", Times: 1}, tc.first)
				require.ErrorIs(t, js.Delete(t.Context(), "6f2a"), tc.want)
			})
		})
	}
}

func TestJobs_RejectAMalformedType(t *testing.T) {
	ds := datasetByID(t, stubClient(t, func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return newResponse(200, `{"jobId":"6f2a","createdAt":1}`), nil
	}))
	for _, jobType := range []jobs.Type{"", "count files", "../count", "count\xff"} {
		_, err := ds.Jobs(jobType).Create(t.Context(), jobs.RawArgs{Title: "count", Arguments: struct{}{}})
		require.ErrorIs(t, err, jobs.ErrInvalidArgument, "Resume would reject such a job")
		listErr := firstItem(ds.Jobs(jobType).List(t.Context(), jobs.ListOptions{}))
		require.EqualError(t, listErr, err.Error())
	}
}
