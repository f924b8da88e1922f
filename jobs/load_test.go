package jobs_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func TestJobRoundTripsByteForByte(t *testing.T) {
	body := strings.Replace(processing, `"status"`, ` "later": {"x": 1.50, "html": "<&>"},  "status"`, 1)
	client := stubbed(t, always(200, body))
	job, err := byID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.NoError(t, err)
	saved, err := job.MarshalJSON()
	require.NoError(t, err)
	assert.Equal(t, body, string(saved))
	again := load(t, byID(t, client), string(saved))
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

func TestSearchRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		ctx := t.Context()
		job := search(ctx, t, client, jobs.CategoryIn(jobs.LabelBox2D, "car"), jobs.SizeGreaterThan(10))
		saved, err := json.Marshal(job)
		require.NoError(t, err)
		again, err := job.Dataset().BasicSearch().Resume(saved)
		require.NoError(t, err)
		args, err := again.Arguments()
		require.NoError(t, err)
		assert.Len(t, args.Revision, 32)
		assert.Equal(t, jobs.And, args.Conjunction)
		assert.Equal(t, jobs.UnitFile, args.Unit)
		assert.Equal(t, `search(`+args.Revision[:7]+`): category in ["car"]`, args.Title)
		require.Len(t, args.Filters, 2)
		assert.Equal(t, `category in ["car"]`, args.Filters[0].String())
		assert.Equal(t, jobs.LabelBox2D, args.Filters[0].LabelType())
		assert.Equal(t, "size", args.Filters[1].Key())
		assert.Equal(t, ">", args.Filters[1].Operator())
		assert.JSONEq(t, "10", string(args.Filters[1].Value()))
		assert.Empty(t, args.Filters[1].LabelType())

		repeated, err := job.Dataset().BasicSearch().Create(ctx, args)
		require.NoError(t, err, "the arguments of one job create another")
		repeatedArgs, err := repeated.Arguments()
		require.NoError(t, err)
		assert.Equal(t, args, repeatedArgs)
	})
}

func TestLoadRefuses(t *testing.T) {
	client := stubbed(t, always(500, ""))
	for body, text := range map[string]string{
		"":         "resume squashAndMerge job: invalid response: unexpected end of JSON input",
		"null":     "the value is null",
		"{}":       "arguments is missing",
		"[1]":      "cannot unmarshal array",
		"\xff\xfe": "invalid character",
		`{"a":`:    "unexpected end of JSON input",
		processing: "",
		strings.Replace(processing, `"title"`, `"jobType":"basicSearch","title"`, 1): `job 6f2a is of type "basicSearch", not "squashAndMerge"`,
	} {
		job, err := byID(t, client).SquashAndMerge().Resume([]byte(body))
		if text == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, text)
		assert.Nil(t, job)
	}
	data := []byte(processing)
	job, err := byID(t, client).SquashAndMerge().Resume(data)
	require.NoError(t, err)
	clear(data)
	assert.Equal(t, processing, string(job.Snapshot().Raw), "the caller may use the bytes again")
}

func TestArgumentsThatCannotBeRead(t *testing.T) {
	client := stubbed(t, always(500, ""))
	job := load(t, byID(t, client), strings.Replace(processing, `"strategy":"skip"`, `"plan":"b"`, 1))
	_, err := job.Arguments()
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "arguments of job 6f2a: invalid response: strategy is missing")
	search, err := byID(t, client).BasicSearch().Resume([]byte(processing))
	require.NoError(t, err)
	_, err = search.Arguments()
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
}
