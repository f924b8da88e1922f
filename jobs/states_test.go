package jobs_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// The states that surprise are listed in docs/errors.md, each with its test.

func TestFinishedWithoutATime(t *testing.T) {
	for _, status := range []jobs.Status{jobs.StatusSuccess, jobs.StatusFailed, jobs.StatusAborted} {
		for _, finishedAt := range []string{"", `"finishedAt":null,`, `"finishedAt":0,`} {
			body := strings.Replace(processing, `"status":"PROCESSING"`, finishedAt+`"result":{"draftNumber":1},"status":"`+string(status)+`"`, 1)
			job := load(t, byID(t, stubbed(t, always(200, body))), processing)
			err := job.Wait(t.Context())
			assert.Equal(t, status == jobs.StatusSuccess, err == nil, "%v", err)
			s := job.Snapshot()
			assert.True(t, s.Status.Finished())
			assert.True(t, s.FinishedAt.IsZero())
		}
	}
}

func TestMergeThatRunsAgainIsUnfinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		failed := strings.Replace(processing, `"PROCESSING"`, `"FAILED","finishedAt":1764000010`, 1)
		again := always(200, processing) // somebody else retried it
		client := stubbed(t, again)
		job := load(t, byID(t, client), failed)
		require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobFailed, "as far as is known")
		require.NoError(t, job.Update(t.Context()))
		assert.Equal(t, jobs.StatusProcessing, job.Status())
		_, err := job.Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrNotFinished)
		assert.Zero(t, time.Since(start))
	})
}

func TestNotFoundJustAfterCreateIsToldByUpdate(t *testing.T) {
	client := stubbed(t, always(404, `{"code":"ResourceNotExist","message":"no such job"}`))
	require.ErrorIs(t, load(t, byID(t, client), processing).Update(t.Context()), jobs.ErrNotFound)
}

func TestResultWithoutSuccess(t *testing.T) {
	for status, want := range map[jobs.Status]error{
		jobs.StatusProcessing: jobs.ErrNotFinished, jobs.StatusFailed: jobs.ErrJobFailed, jobs.StatusAborted: jobs.ErrJobAborted, "ARCHIVED": jobs.ErrNotFinished,
	} {
		body := strings.Replace(processing, `"status":"PROCESSING"`, `"result":{"draftNumber":1},"status":"`+string(status)+`"`, 1)
		_, err := load(t, byID(t, stubbed(t, always(200, body))), body).Result(t.Context())
		require.ErrorIs(t, err, want)
	}
}
