package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

const job = `{"title":"a ]}\" b","jobId":"6f2a","jobType":"squashAndMerge","arguments":{"jobId":"x","createdAt":[1]},"createdAt":1764000000,"status":"PROCESSING"}`

func TestScanJobPage_LocatesTheJobs(t *testing.T) {
	page, err := wire.ScanJobPage([]byte(" {\n\"\\u006aobs\" : [ " + job + " , {} ], \"other\":[{\"jobs\":1}],\"totalCount\" : 7 }\n"))
	require.NoError(t, err)
	assert.Equal(t, 7, page.Total)
	require.Len(t, page.Jobs, 2)
	assert.Equal(t, job, string(page.Jobs[0].Raw))
	assert.Equal(t, "6f2a", string(page.Jobs[0].ID))
	assert.Equal(t, wire.JobItem{Raw: []byte("{}")}, page.Jobs[1])
}

func TestScanJobPage_ReadsIdsInAnyNotation(t *testing.T) {
	for raw, want := range map[string]wire.JobItem{
		`{"jobId":"6f\u0032a","status":"SUCCESS"}`: {ID: []byte("6f2a"), Status: []byte("SUCCESS")},
		`{"status":null,"jobId":""}`:               {ID: []byte("")},
		`{"jobId":17,"status":1}`:                  {},
		`{"jobId":["a"]}`:                          {},
		`null`:                                     {}, `"a"`: {}, `[{"jobId":"a"}]`: {},
	} {
		page, err := wire.ScanJobPage([]byte(`{"jobs":[` + raw + `],"totalCount":1}`))
		require.NoError(t, err)
		require.Len(t, page.Jobs, 1)
		want.Raw = []byte(raw)
		assert.Equal(t, want, page.Jobs[0], raw)
	}
}

func TestScanJobPage_AcceptsAWholeNumberAsFloat(t *testing.T) {
	page, err := wire.ScanJobPage([]byte(`{"jobs":[],"totalCount":128.0}`))
	require.NoError(t, err)
	assert.Equal(t, 128, page.Total)
}

func TestScanJobPage_NamesTheFirstDifference(t *testing.T) {
	for body, want := range map[string]string{
		"":                                     "the body is empty",
		"<html>":                               "the body is a page of html or xml, perhaps a login or the error of a gateway",
		"[]":                                   "the value is not an object",
		"null":                                 "the value is not an object",
		`{"totalCount":1}`:                     "jobs is missing",
		`{"jobs":null,"totalCount":1}`:         "jobs is missing",
		`{"jobs":{},"totalCount":1}`:           "jobs is missing",
		`{"jobs":[]}`:                          "totalCount is missing",
		`{"jobs":[],"totalCount":-1}`:          "totalCount is missing",
		`{"jobs":[],"totalCount":"1"}`:         "totalCount is not a number",
		`{"jobs":[],"totalCount":null}`:        "totalCount is not a number",
		`{"jobs":[],"totalCount":1.5}`:         "totalCount is not a number",
		`{"jobs":[],"jobs":[],"totalCount":1}`: "jobs appears twice",
		`{"jobs":[` + strings.Repeat("0,", wire.MaxPageItems) + `0],"totalCount":1}`: "jobs[1280] is one too many: 128 were requested",
	} {
		_, err := wire.ScanJobPage([]byte(body))
		var e *wire.Error
		require.ErrorAs(t, err, &e, body)
		assert.Equal(t, want, err.Error())
	}
	_, err := wire.ScanJobPage([]byte(`{"jobs":[` + strings.Repeat("0,", wire.MaxPageItems-1) + `0],"totalCount":1}`))
	require.NoError(t, err)
}

func TestScanJobPage_DoesNotAllocateForEachJob(t *testing.T) {
	body := []byte(`{"jobs":[` + strings.Repeat(job+",", 127) + job + `],"totalCount":128}`)
	assert.Less(t, testing.AllocsPerRun(10, func() { _, _ = wire.ScanJobPage(body) }), 20.0)
}

// FuzzJobPage compares ScanJobPage with Decode.
func FuzzJobPage(f *testing.F) {
	for _, body := range []string{
		`{"jobs":[` + job + `],"totalCount":1}`, `{"jobs":[],"totalCount":0}`, `{"totalCount":3,"jobs":[{"jobId":"a","createdAt":1e3},null,1,"]",[{}]]}`,
		`{"jobs":null,"totalCount":1}`, `{"jobs":[],"jobs":[],"totalCount":1}`, `{"jobs":[],"totalCount":-1}`, `{"jobs":{},"totalCount":1}`, `[]`, `null`, ``,
		"{ \"\\u006aobs\" : [ { } , { } ]\n, \"totalCount\" : 2 }",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := wire.ScanJobPage(body)
		if err != nil {
			var e *wire.Error
			require.ErrorAs(t, err, &e)
			assertOneLine(t, err.Error())
		}
		var decoded gen.JobList
		if wire.Decode(body, &decoded) != nil || decoded.TotalCount < 0 || !utf8.Valid(body) { // no id is invalid UTF-8
			return
		}
		require.NoError(t, err)
		require.Equal(t, decoded.TotalCount, page.Total)
		require.Len(t, page.Jobs, len(decoded.Jobs))
		for i, item := range page.Jobs {
			require.True(t, wire.Equal(decoded.Jobs[i], item.Raw)) // Decode rewrites 1.0 if the total has that form
			var fields map[string]any
			if json.Unmarshal(item.Raw, &fields) != nil {
				continue
			}
			if id, ok := fields["jobId"].(string); ok {
				require.Equal(t, id, string(item.ID))
			}
		}
	})
}
