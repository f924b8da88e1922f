package jobs_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
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
