package jobs_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestResult_RequiresAValidResult(t *testing.T) {
	success := jobJSON("PROCESSING", "SUCCESS")
	asked := 0
	client := stubClient(t, func(*http.Request) (*http.Response, error) {
		asked++
		return newResponse(200, success), nil
	})
	job := resumeMerge(t, datasetByID(t, client), success)
	require.NoError(t, job.Wait(t.Context()))
	_, err := job.Result(t.Context())
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "job 6f2a is SUCCESS without a result")
	assert.Equal(t, 1, asked, "it looks once more")

	result := jobJSON(`"status"`, `"result":{"draftNumber":1},"status"`)
	_, err = resumeMerge(t, datasetByID(t, client), result).Result(t.Context())
	require.ErrorIs(t, err, jobs.ErrNotFinished, "a result without success is none")

	for _, broken := range []string{`{}`, `{"draftNumber":"x"}`, `[]`} {
		body := strings.Replace(success, `"status"`, `"result":`+broken+`,"status"`, 1)
		_, err = resumeMerge(t, datasetByID(t, client), body).Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, "result of job 6f2a: ")
	}
}

func TestResult_FindsACommittedButNotADeletedDraft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t)
		job := createMerge(t.Context(), t, client)
		require.NoError(t, job.Wait(t.Context()))
		draft, err := job.Result(t.Context())
		require.NoError(t, err)
		require.NoError(t, server.CommitDraft("squash-and-merge", draft.Number))
		committed, err := job.Result(t.Context())
		require.NoError(t, err)
		assert.Equal(t, jobs.DraftCommitted, committed.Status)
		require.NoError(t, server.DeleteDraft("squash-and-merge", draft.Number))
		_, err = job.Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrNotFound)
		assert.ErrorContains(t, err, "result of job "+job.ID()+": not found: draft 1 on branch \"main\"")
	})
}

func TestResult_RequiresSuccess(t *testing.T) {
	for status, want := range map[jobs.Status]error{
		jobs.StatusProcessing: jobs.ErrNotFinished, jobs.StatusFailed: jobs.ErrJobFailed, jobs.StatusAborted: jobs.ErrJobAborted, "ARCHIVED": jobs.ErrNotFinished,
	} {
		body := jobJSON(`"status":"PROCESSING"`, `"result":{"draftNumber":1},"status":"`+string(status)+`"`)
		_, err := stubMerge(t, respondWith(200, body), body).Result(t.Context())
		require.ErrorIs(t, err, want)
	}
}

// TestRetry_IsNotAmbiguousIfRejected: the refusal is an answer, so nothing is
// ambiguous about it, and later the job can be retried.
func TestRetry_IsNotAmbiguousIfRejected(t *testing.T) {
	for status, kind := range map[int]error{400: jobs.ErrInvalidArgument, 403: jobs.ErrForbidden} {
		synctest.Test(t, func(t *testing.T) {
			server, client := connect(t, jobstest.WithProcessing(time.Minute))
			server.Inject(jobstest.Rule{}, jobstest.EarlyRetry(status, 3*time.Second))
			job := createMerge(t.Context(), t, client)
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

func TestArguments_RejectsAnUnknownForm(t *testing.T) {
	client := stubClient(t, respondWith(500, ""))
	job := resumeMerge(t, datasetByID(t, client), jobJSON(`"strategy":"skip"`, `"plan":"b"`))
	_, err := job.Arguments()
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "arguments of job 6f2a: invalid response: strategy is missing")
	search, err := datasetByID(t, client).BasicSearch().Resume([]byte(processingJob))
	require.NoError(t, err)
	_, err = search.Arguments()
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
}

func TestRetry_ReportsAmbiguity(t *testing.T) {
	for name, tc := range map[string]struct {
		fault jobstest.Fault
		want  error
	}{
		"took effect": {jobstest.Reset().Executed(), nil},
		"did not":     {jobstest.Reset(), jobs.ErrJobAborted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, lasting(time.Minute))
				job := createMerge(t.Context(), t, client)
				require.NoError(t, job.Abort(t.Context()))
				require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
				server.Inject(jobstest.Rule{Operation: "retryJob"}, tc.fault)
				require.ErrorIs(t, job.Retry(t.Context()), jobs.ErrAmbiguous)
				assert.Equal(t, 1, countRequests(server, "retryJob"), "it is not sent again")
				require.NoError(t, job.Update(t.Context()))
				assert.Equal(t, tc.want == nil, !job.Status().Finished(), "Update tells")
				assert.ErrorIs(t, job.Wait(t.Context()), tc.want, "and so does Wait")
			})
		})
	}
}

func TestRetry_AcceptsARunNotSeenFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, lasting(time.Minute))
		job := createMerge(t.Context(), t, client)
		<-time.After(10 * time.Second)
		require.NoError(t, job.Update(t.Context()))
		require.NoError(t, job.Abort(t.Context()))
		require.NoError(t, job.Retry(t.Context()), "straight after, without a look")
		server.Inject(jobstest.Rule{Operation: "getJob"}, jobstest.Stale(3*time.Second))
		require.NoError(t, job.Wait(t.Context()))
	})
}
