package jobs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// FuzzErrorResponse decodes error responses.
func FuzzErrorResponse(f *testing.F) {
	for _, body := range []string{
		`{"code":"ResourceNotExist","message":"no such job"}`, `{"code":"Unauthorized","message":"Accesskey-0123 https://a/?b"}`,
		"<html>", "", "null", `{"code":1}`, `{"message":"a\nb\u2028\ud800"}`, "{\"code\":\"\xff\"}", `[[[[`, `{"CODE":"Forbidden"}`,
	} {
		f.Add(404, body, "7")
	}
	f.Add(503, "", "Wed, 25 Nov 2026 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, status int, body, retryAfter string) {
		if status < 400 || status > 999 {
			t.Skip()
		}
		client := stubClient(t, func(*http.Request) (*http.Response, error) {
			resp := newResponse(status, body)
			resp.Header["Retry-After"] = []string{retryAfter}
			return resp, nil
		})
		_, err := datasetByID(t, client).Refresh(t.Context())
		var e *jobs.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, status, e.StatusCode)
		text := err.Error()
		assertOneLine(t, text)
		assert.LessOrEqual(t, len(text), redact.MaxMessage+1024)
		assert.GreaterOrEqual(t, e.RetryAfter, time.Duration(0))
		assert.LessOrEqual(t, e.RetryAfter, 24*time.Hour)
		matches := 0
		for _, sentinel := range sentinels {
			if errors.Is(err, sentinel) {
				matches++
			}
		}
		assert.LessOrEqual(t, matches, 1)
	})
}

// FuzzJob decodes a job in a response and in Resume.
func FuzzJob(f *testing.F) {
	for _, body := range []string{
		processingJob, jobJSON("PROCESSING", "SUCCESS"), `{}`, `null`, `[]`, "", "{\"title\":",
		jobJSON(`"status"`, `"result":{"draftNumber":1},"status"`),
		jobJSON(`"createdAt":1764000000`, `"createdAt":-9223372036854775808`),
		jobJSON(`"status"`, `"status":"x","\u0073tatus"`),
		jobJSON(`"PROCESSING"`, `"\u0000\u2028"`),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text := string(body)
		client := stubClient(t, respondWith(200, text))
		ds := datasetByID(t, client)
		got, getErr := ds.SquashAndMerge().Get(t.Context(), "6f2a")
		if !json.Valid(body) {
			require.ErrorIs(t, getErr, jobs.ErrInvalidResponse)
			return
		}
		job, err := ds.SquashAndMerge().Resume(savedJob(ds, jobs.TypeSquashAndMerge, text))
		if err != nil {
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
			require.ErrorIs(t, getErr, jobs.ErrInvalidResponse)
			assert.Nil(t, job)
			assertOneLine(t, err.Error())
			return
		}
		s := job.Snapshot()
		require.Equal(t, strings.TrimSpace(text), string(s.Raw))
		require.True(t, s.Arguments == nil || json.Valid(s.Arguments))
		if s.ID == "6f2a" {
			require.NoError(t, getErr)
			requireEqualSnapshots(t, s, got.Snapshot())
		}
		for _, text := range []string{job.String(), fmt.Sprintf("%v %+v %#v", s, s, s)} {
			assertOneLine(t, text)
		}
		saved, err := job.MarshalJSON()
		require.NoError(t, err)
		again, err := ds.SquashAndMerge().Resume(saved)
		require.NoError(t, err)
		requireEqualSnapshots(t, s, again.Snapshot())
		_, _ = job.Arguments()
		if _, err := job.Result(t.Context()); err != nil {
			assertOneLine(t, err.Error())
		}
	})
}

// requireEqualSnapshots compares snapshots. MarshalJSON may change white space and escapes of
// the wire form.
func requireEqualSnapshots(t *testing.T, a, b jobs.Snapshot) {
	t.Helper()
	require.JSONEq(t, string(a.Raw), string(b.Raw))
	a.Raw, a.Arguments, a.Result, b.Raw, b.Arguments, b.Result = nil, nil, nil, nil, nil, nil
	require.Equal(t, a, b)
}

// FuzzResume resumes a search and decodes its arguments.
func FuzzResume(f *testing.F) {
	const search = `{"title":"t","jobId":"6f2a","arguments":{"commit":"3bd4","conjunction":"and","unit":"file","filters":[%s]},"createdAt":1,"status":"SUCCESS","result":{"searchResultId":"a","searchResultCommitId":"b"}}`
	for _, filter := range []string{
		`{"key":"size","title":"Size","operator":">","value":1}`, `{"key":"category","title":"","operator":"in","value":["a"],"extraInfo":{"labelType":"BOX2D"}}`,
		`{"key":"attribute","title":"","operator":"in","value":{"a":[true,null,1.50]},"extraInfo":{}}`, `null`, `{}`, `{"key":null}`,
	} {
		f.Add([]byte(fmt.Sprintf(search, filter)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		client := stubClient(t, respondWith(500, ""))
		ds := datasetByID(t, client)
		job, err := ds.BasicSearch().Resume(savedJob(ds, jobs.TypeBasicSearch, string(data)))
		if err != nil {
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
			return
		}
		args, err := job.Arguments()
		if err != nil {
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
			assertOneLine(t, err.Error())
			return
		}
		for _, filter := range args.Filters {
			require.True(t, json.Valid(filter.Value()))
			_ = filter.String() + filter.Key() + filter.Operator() + string(filter.LabelType())
		}
	})
}

// FuzzLabels decodes a datum with arbitrary labels.
func FuzzLabels(f *testing.F) {
	f.Add([]byte(allLabels))
	for _, label := range []string{
		`{}`, `null`, `[]`, `{"BOX2D":null}`, `{"BOX2D":[null]}`, `{"BOX2D":[{"box2d":{"xmin":1e999}}]}`, `{"SEMANTIC_MASK":{}}`,
		`{"":{}}`, `{"HOLOGRAM":[[[[]]]]}`, `{"CLASSIFICATION":{"attributes":{"a":{"b":1}}}}`, `{"RLE":[{"rle":[1.5]}]}`,
	} {
		f.Add([]byte(label))
	}
	f.Fuzz(func(t *testing.T, label []byte) {
		contents := stubContents(t, respondWith(200, fmt.Sprintf(`{"dataDetails":[{"remotePath":"a","url":"https://data.example/a?sig=5ec1e7","label":%s}],"totalCount":1}`, label)))
		for d, err := range contents.Data(t.Context(), "train") {
			if err != nil {
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				assertOneLine(t, err.Error())
				return
			}
			l := d.Label
			require.Equal(t, len(l.Types()) == 0, l.IsZero())
			for labelType, other := range l.Other {
				require.True(t, json.Valid(other.JSON()), "%s", labelType)
			}
			if l.PanopticMask != nil {
				_ = l.PanopticMask.URL()
			}
		}
	})
}

// FuzzFilters creates searches with every filter. Each filter is rejected, or sent
// as JSON that decodes to the same value.
func FuzzFilters(f *testing.F) {
	f.Add("car", "BOX2D", int64(1), true, 1.5)
	f.Add("", "", int64(-1), false, 0.0)
	f.Add("a\xff\u2028<&>\"", "\x00", int64(1)<<62, true, 1e300)
	f.Fuzz(func(t *testing.T, text, labelText string, size int64, yes bool, number float64) {
		label := jobs.LabelType(labelText)
		all := []jobs.Filter{
			jobs.SegmentIn(text), jobs.SensorIn(text, "a"), jobs.CategoryIn(label, text),
			jobs.AttributeIn(label, map[string][]any{text: {yes, number, nil, text}}), jobs.HasLabel(yes),
			jobs.SizeEquals(size), jobs.SizeGreaterThan(size), jobs.SizeLessThan(size), jobs.SizeAtLeast(size), jobs.SizeAtMost(size),
			jobs.FrameIs(text), jobs.FrameLike(text), jobs.RemotePathIs(text), jobs.RemotePathLike(text),
			jobs.RawFilter(text, text, labelText, label, []any{number, text}),
		}
		for _, filter := range all {
			sent := ""
			client := stubClient(t, func(r *http.Request) (*http.Response, error) {
				switch {
				case r.Method == http.MethodPost:
					var body struct{ Arguments json.RawMessage }
					require.NoError(t, json.NewDecoder(r.Body).Decode(&body))
					sent = string(body.Arguments)
					return newResponse(200, `{"jobId":"6f2a","createdAt":1}`), nil
				case strings.HasSuffix(r.URL.Path, "/commits"):
					return newResponse(200, `{"commits":[{"commitId":"3bd4"}],"totalCount":1}`), nil
				}
				return newResponse(200, `{"name":"a","type":1}`), nil
			})
			job, err := datasetByID(t, client, jobs.AtBranch("main")).BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{filter}})
			if err != nil {
				require.ErrorIs(t, err, jobs.ErrInvalidArgument)
				require.Empty(t, sent)
				assertOneLine(t, err.Error())
				continue
			}
			args, err := job.Arguments()
			require.NoError(t, err)
			require.Len(t, args.Filters, 1)
			require.JSONEq(t, string(filter.Value()), string(args.Filters[0].Value()))
			require.True(t, wire.Equal([]byte(sent), job.Snapshot().Arguments))
		}
	})
}
