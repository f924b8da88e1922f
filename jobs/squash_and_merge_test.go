package jobs_test

import (
	"context"
	"net/http"
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
	requests := 0
	job := stubMerge(t, func(*http.Request) (*http.Response, error) {
		requests++
		return newResponse(200, success), nil
	}, success)
	require.NoError(t, job.Wait(t.Context()))
	_, err := job.Result(t.Context())
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "job 6f2a is SUCCESS without a result")
	assert.Equal(t, 1, requests, "Result reads the job again once")

	result := jobJSON(`"status"`, `"result":{"draftNumber":1},"status"`)
	_, err = stubMerge(t, respondWith(200, success), result).Result(t.Context())
	require.ErrorIs(t, err, jobs.ErrNotFinished, "the job has no success yet")

	for _, invalid := range []string{`{}`, `{"draftNumber":"x"}`, `[]`} {
		body := jobJSON(`"PROCESSING"`, `"SUCCESS","result":`+invalid)
		_, err = stubMerge(t, respondWith(200, success), body).Result(t.Context())
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

// The service may reject a retry that comes straight after an abort.
func TestRetry_IsNotAmbiguousIfRejected(t *testing.T) {
	for status, want := range map[int]error{400: jobs.ErrInvalidArgument, 403: jobs.ErrForbidden} {
		synctest.Test(t, func(t *testing.T) {
			server, client := connect(t, jobstest.WithProcessing(time.Minute))
			server.Inject(jobstest.Rule{}, jobstest.EarlyRetry(status, 3*time.Second))
			job := createMerge(t.Context(), t, client)
			require.NoError(t, job.Abort(t.Context()))
			require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
			err := job.Retry(t.Context())
			require.ErrorIs(t, err, want)
			require.NotErrorIs(t, err, jobs.ErrAmbiguous)
			require.Equal(t, jobs.StatusAborted, job.Status())
			_, err = job.Result(t.Context())
			require.ErrorIs(t, err, jobs.ErrJobAborted, "no new run has started")
			<-time.After(3 * time.Second)
			require.NoError(t, job.Retry(t.Context()))
			require.NoError(t, job.Wait(t.Context()))
		})
	}
}

func TestArguments_RejectsAnUnknownForm(t *testing.T) {
	_, err := stubMerge(t, respondWith(500, ""), jobJSON(`"targetBranchName"`, `"plan"`)).Arguments()
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "arguments of job 6f2a: invalid response: targetBranchName is missing")
	_, err = stubSearch(t, respondWith(500, ""), processingJob).Arguments()
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
}

func TestRetry_ReportsAmbiguity(t *testing.T) {
	for name, tc := range map[string]struct {
		fault jobstest.Fault
		want  error
	}{
		"request executed": {jobstest.Reset().Executed(), nil},
		"request lost":     {jobstest.Reset(), jobs.ErrJobAborted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithProcessing(time.Minute))
				job := createMerge(t.Context(), t, client)
				require.NoError(t, job.Abort(t.Context()))
				require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
				server.Inject(jobstest.Rule{Operation: "retryJob"}, tc.fault)
				require.ErrorIs(t, job.Retry(t.Context()), jobs.ErrAmbiguous)
				assert.Equal(t, 1, countRequests(server, "retryJob"), "it is not sent again")
				require.NoError(t, job.Update(t.Context()))
				assert.Equal(t, tc.want == nil, !job.Status().Finished(), "Update shows the state")
				assert.ErrorIs(t, job.Wait(t.Context()), tc.want, "Wait returns the outcome")
			})
		})
	}
}

func TestRetry_AcceptsARunNotSeenFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Minute))
		job := createMerge(t.Context(), t, client)
		<-time.After(10 * time.Second)
		require.NoError(t, job.Update(t.Context()))
		require.NoError(t, job.Abort(t.Context()))
		require.NoError(t, job.Retry(t.Context()), "Retry works without a poll after the abort")
		server.Inject(jobstest.Rule{Operation: "getJob"}, jobstest.Stale(3*time.Second))
		require.NoError(t, job.Wait(t.Context()))
	})
}

// categories returns the paths of the data, as segment/path, and the category of each.
func categories(ctx context.Context, t *testing.T, c *jobs.Contents) (paths []string, byPath map[string]string) {
	t.Helper()
	byPath = map[string]string{}
	for segment, err := range c.Segments(ctx) {
		require.NoError(t, err)
		for d, err := range c.Data(ctx, segment.Name) {
			require.NoError(t, err)
			paths = append(paths, segment.Name+"/"+d.RemotePath)
			require.NotNil(t, d.Label.Classification, d.RemotePath)
			byPath[segment.Name+"/"+d.RemotePath] = d.Label.Classification.Category
		}
	}
	return paths, byPath
}

// The results are those of the hosted service, see the table of squashAndMerge in
// docs/design.md.
func TestSquashAndMerge_MatchesTheHostedService(t *testing.T) {
	for strategy, want := range map[jobs.Strategy][]string{
		jobs.StrategyAbort:    {"01", "01", "01", "01"},
		jobs.StrategyOverride: {"02", "02", "02", "02", "02", "02", "02", "02", "02", "02"},
		jobs.StrategySkip:     {"01", "01", "01", "01", "02", "02", "02", "02", "02", "02"},
	} {
		t.Run(string(strategy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := connect(t)
				ctx := t.Context()
				ds := dataset(t, client, "squash-and-merge")
				job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
					DraftTitle: "merge dev", Source: "dev", Target: "main", Strategy: strategy,
				})
				require.NoError(t, err)
				assert.Equal(t, jobs.StatusQueuing, job.Status())
				assert.Equal(t, "dev->main("+string(strategy)+")", job.Snapshot().Title)
				require.NoError(t, job.Wait(ctx))
				assert.Equal(t, jobs.StatusSuccess, job.Status())
				draft, err := job.Result(ctx)
				require.NoError(t, err)
				assert.Equal(t, jobs.DraftOpen, draft.Status)
				assert.Equal(t, "main", draft.Branch)
				assert.Equal(t, "merge dev", draft.Title)
				paths, byPath := categories(ctx, t, draft.Contents())
				got := make([]string, len(paths))
				for i, path := range paths {
					got[i] = byPath[path]
				}
				assert.Equal(t, want, got, "%v", paths)
			})
		})
	}
}

func TestResult_NeedsNoArguments(t *testing.T) {
	for name, edits := range map[string][]string{
		"null strategy": {`"strategy":"skip"`, `"strategy":null`}, // is abort
		"no arguments":  {`"arguments"`, `"a"`},
	} {
		t.Run(name, func(t *testing.T) {
			edits = append(edits, `"status":"PROCESSING"`, `"status":"SUCCESS","finishedAt":1764000003,"result":{"draftNumber":7}`)
			ds := datasetByID(t, stubClient(t, respondWith(200, `{"drafts":[{"number":7,"title":"merge dev","branchName":"main","status":"OPEN"}],"totalCount":1}`)))
			job := resumeMerge(t, ds, jobJSON(edits...))
			draft, err := job.Result(t.Context())
			require.NoError(t, err)
			assert.Equal(t, int64(7), draft.Number)
			if args, err := job.Arguments(); name == "null strategy" {
				require.NoError(t, err)
				assert.Equal(t, jobs.StrategyAbort, args.Strategy)
			}
		})
	}
}
