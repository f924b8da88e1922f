package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// responses are the calls that decode a response. valid is a response, and
// required are the paths of the fields in it that openapi.yaml requires.
var responses = map[string]struct {
	valid    string
	required []string
	call     func(ctx context.Context, client *jobs.Client, ds *jobs.Dataset) error
}{
	"job": {
		processingJob,
		[]string{"jobId", "status"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			job, err := ds.SquashAndMerge().Get(ctx, "6f2a")
			return errorIfNil(job == nil, err)
		},
	},
	"created job": {
		`{"jobId":"6f2a","createdAt":1764000000}`,
		[]string{"jobId", "createdAt"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "t", Source: "dev", Target: "main"})
			return errorIfNil(job == nil, err)
		},
	},
	"jobs": {
		`{"jobs":[` + processingJob + `],"totalCount":1}`,
		[]string{"jobs", "totalCount", "jobs.0.jobId", "jobs.0.status"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			return firstItem(ds.SquashAndMerge().List(ctx, jobs.ListOptions{}))
		},
	},
	"datasets": {
		`{"datasets":[{"id":"154e","name":"a"}],"totalCount":1}`,
		[]string{"datasets", "totalCount", "datasets.0.id", "datasets.0.name"},
		func(ctx context.Context, client *jobs.Client, _ *jobs.Dataset) error {
			return firstItem(client.Datasets(ctx, ""))
		},
	},
	"dataset": {
		`{"name":"a","type":true}`,
		[]string{"name", "type"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error { return errorOf(ds.Refresh(ctx)) },
	},
	"commits": {
		`{"commits":[{"commitId":"3bd4"}],"totalCount":1}`,
		[]string{"commits", "totalCount", "commits.0.commitId"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			return errorOf(ds.Resolve(ctx, "main"))
		},
	},
	"branches": {
		`{"branches":[{"name":"main","commitId":"3bd4"}],"totalCount":1}`,
		[]string{"branches", "totalCount", "branches.0.commitId", "branches.0.name"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			return firstItem(ds.Branches(ctx, ""))
		},
	},
	"tags": {
		`{"tags":[{"name":"v1","commitId":"3bd4"}],"totalCount":1}`,
		[]string{"tags", "totalCount", "tags.0.commitId", "tags.0.name"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error { return firstItem(ds.Tags(ctx, "")) },
	},
	"drafts": {
		`{"drafts":[{"number":1,"title":"","branchName":"main","status":"OPEN"}],"totalCount":1}`,
		[]string{"drafts", "totalCount", "drafts.0.number", "drafts.0.title", "drafts.0.branchName", "drafts.0.status"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			return firstItem(ds.Drafts(ctx, jobs.DraftOptions{}))
		},
	},
	"segments": {
		`{"segments":[{"name":"train"}],"totalCount":1}`,
		[]string{"segments", "totalCount", "segments.0.name"},
		ofContents(func(ctx context.Context, c *jobs.Contents) error { return firstItem(c.Segments(ctx)) }),
	},
	"sensors": {
		`{"sensors":[{"name":"CAM","type":"CAMERA","extrinsics":{"translation":{"x":1,"y":2,"z":3}}}]}`,
		[]string{"sensors", "sensors.0.name", "sensors.0.type", "sensors.0.extrinsics.translation.y"},
		ofContents(func(ctx context.Context, c *jobs.Contents) error { return errorOf(c.Sensors(ctx, "train")) }),
	},
	"data": {
		`{"dataDetails":[{"remotePath":"a","url":"https://d.example/a","label":{"BOX2D":[{"box2d":{"xmin":1,"ymin":2,"xmax":3,"ymax":4}}],"SEMANTIC_MASK":{"remotePath":"m","url":"https://d.example/m","info":[{"categoryId":1}]}}}],"totalCount":1}`,
		[]string{"dataDetails", "totalCount", "dataDetails.0.remotePath", "dataDetails.0.url", "dataDetails.0.label.BOX2D.0.box2d",
			"dataDetails.0.label.BOX2D.0.box2d.ymax", "dataDetails.0.label.SEMANTIC_MASK.url", "dataDetails.0.label.SEMANTIC_MASK.info.0.categoryId"},
		ofContents(func(ctx context.Context, c *jobs.Contents) error { return firstItem(c.Data(ctx, "train")) }),
	},
	"frames": {
		`{"dataDetails":[{"frameId":"01EM","frame":[{"sensorName":"CAM","remotePath":"a","url":"https://d.example/a"}]}],"totalCount":1}`,
		[]string{"dataDetails", "totalCount", "dataDetails.0.frameId", "dataDetails.0.frame", "dataDetails.0.frame.0.sensorName"},
		ofContents(func(ctx context.Context, c *jobs.Contents) error { return firstItem(c.Frames(ctx, "train")) }),
	},
	"statistics": {
		`{"labelStatistics":{"BOX2D":{"quantity":1,"categories":[{"name":"01","quantity":1}]}}}`,
		[]string{"labelStatistics", "labelStatistics.BOX2D.quantity", "labelStatistics.BOX2D.categories.0.name"},
		ofContents(func(ctx context.Context, c *jobs.Contents) error { return errorOf(c.LabelStatistics(ctx)) }),
	},
}

// ofContents returns a call of the contents of the dataset.
func ofContents(call func(context.Context, *jobs.Contents) error) func(context.Context, *jobs.Client, *jobs.Dataset) error {
	return func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
		contents, err := ds.Contents(ctx, "")
		if err != nil {
			return err
		}
		return call(ctx, contents)
	}
}

// callWithResponse makes the call of a row of responses with another response.
func callWithResponse(t *testing.T, call func(context.Context, *jobs.Client, *jobs.Dataset) error, status int, body string) error {
	t.Helper()
	client := stubClient(t, respondWith(status, body))
	return call(t.Context(), client, datasetByID(t, client, jobs.AtDraft(1)))
}

// errorIfNil returns an error if both the result and err are nil.
func errorIfNil(isNil bool, err error) error {
	if isNil && err == nil {
		return errors.New("nil result and nil error")
	}
	return err
}

func TestResponse_AcceptsValidBodies(t *testing.T) {
	for name, tc := range responses {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, callWithResponse(t, tc.call, 200, tc.valid))
			extended := strings.Replace(tc.valid, "{", `{"unknownField":{"a":[1,{}]},`, 1)
			require.NoError(t, callWithResponse(t, tc.call, 201, " \r\n\t"+extended+"\n"))
		})
	}
}

func TestResponse_RejectsMalformedBodies(t *testing.T) {
	for name, tc := range responses {
		for fault, malformed := range map[string]struct{ body, text string }{
			"html":      {"<html>hello</html>", "the body is a page of html or xml"},
			"empty":     {"", "the body is empty"},
			"blank":     {" \n", "the body is empty"},
			"null":      {"null", "the value is null"},
			"array":     {"[]", "cannot unmarshal array"},
			"truncated": {tc.valid[:len(tc.valid)/2], "unexpected end of JSON input"},
			"trailing":  {tc.valid + "}", "invalid character '}' after top-level value"},
		} {
			t.Run(name+"/"+fault, func(t *testing.T) {
				err := callWithResponse(t, tc.call, 200, malformed.body)
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				assert.ErrorContains(t, err, malformed.text)
				var e *jobs.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, 200, e.StatusCode)
			})
		}
	}
}

func TestResponse_RejectsMissingRequiredFields(t *testing.T) {
	for name, tc := range responses {
		for _, path := range tc.required {
			for fault, change := range map[string]func(m map[string]any, key string){
				"missing": func(m map[string]any, key string) { delete(m, key) },
				"null":    func(m map[string]any, key string) { m[key] = nil },
			} {
				t.Run(name+"/"+path+"/"+fault, func(t *testing.T) {
					err := callWithResponse(t, tc.call, 200, changeField(t, tc.valid, path, change))
					require.ErrorIs(t, err, jobs.ErrInvalidResponse)
					key := path[strings.LastIndex(path, ".")+1:]
					assert.ErrorContains(t, err, key+" is missing")
				})
			}
		}
	}
}

// changeField calls change with the object that holds the field at path, such as
// jobs.0.jobId, and returns the changed body.
func changeField(t *testing.T, body, path string, change func(map[string]any, string)) string {
	t.Helper()
	var root any
	require.NoError(t, json.Unmarshal([]byte(body), &root))
	value, keys := root, strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		if list, ok := value.([]any); ok {
			require.Equal(t, "0", key)
			value = list[0]
			continue
		}
		value = value.(map[string]any)[key]
	}
	change(value.(map[string]any), keys[len(keys)-1])
	changed, err := json.Marshal(root)
	require.NoError(t, err)
	return string(changed)
}

func TestResponse_RejectsDuplicateKeysAndWrongTypes(t *testing.T) {
	for body, text := range map[string]string{
		jobJSON(`"status"`, `"status":"SUCCESS","status"`):     "status appears twice",
		jobJSON(`"jobId":"6f2a"`, `"jobId":17`):                "cannot unmarshal number",
		jobJSON(`"jobId":"6f2a"`, `"jobId":"../secrets"`):      `"../secrets" is malformed`,
		jobJSON(`"status":"PROCESSING"`, `"status":""`):        "status of job 6f2a is empty",
		jobJSON(`"jobId":"6f2a"`, `"jobId":"7777"`):            "it describes job 7777",
		jobJSON(`"title"`, `"jobType":"basicSearch","title"`):  `is of type "basicSearch", not "squashAndMerge"`,
		jobJSON(`"title"`, `"\u0073tatus":"SUCCESS","title"`):  "status appears twice",
		jobJSON(`"title"`, `"STATUS":"SUCCESS","title"`):       "status appears in another spelling",
		jobJSON(`"title"`, `"jobſd":"1","ſtatus":"S","title"`): "status appears in another spelling",
	} {
		client := stubClient(t, respondWith(200, body))
		_, err := datasetByID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, body)
		assert.ErrorContains(t, err, text)
	}
	client := stubClient(t, respondWith(200, `{"jobs":[null],"totalCount":1}`))
	require.ErrorContains(t, firstItem(datasetByID(t, client).SquashAndMerge().List(t.Context(), jobs.ListOptions{})), "the value is null")
	client = stubClient(t, respondWith(200, `{"commits":[{"commitId":"a"},null],"totalCount":2}`))
	_, err := datasetByID(t, client).Resolve(t.Context(), "main")
	require.ErrorContains(t, err, "commits[1] is null")
}

// sideFields are faults in the fields of a job that do not tell whether it has finished, and
// the field that is zero then.
var sideFields = map[string]struct{ old, fault, field string }{
	"no title":               {`"title":"dev->main(skip)",`, ``, "Title"},
	"title is a number":      {`"title":"dev->main(skip)"`, `"title":7`, "Title"},
	"time is a text":         {`"createdAt":1764000000`, `"createdAt":"now"`, "CreatedAt"},
	"time is null":           {`"startedAt":1764000002`, `"startedAt":null`, "StartedAt"},
	"time is huge":           {`"createdAt":1764000000`, `"createdAt":1e300`, "CreatedAt"},
	"time is beyond a float": {`"createdAt":1764000000`, `"createdAt":1e999`, "CreatedAt"},
	"message is an object":   {`"errorMessage":""`, `"errorMessage":{"text":"no room"}`, "ErrorMessage"},
	"description is a list":  {`"description":""`, `"description":[]`, "Description"},
	"field appears twice":    {`"description":""`, `"description":"","description":""`, "Description"},
	"other spelling":         {`"description"`, `"Description"`, "Description"},
	"type is a number":       {`"title"`, `"jobType":7,"title"`, "Result"},
	"result before its time": {`"title"`, `"result":7,"title"`, "Description"},
	"arguments are a text":   {`"arguments":{`, `"arguments":"none","a":{`, "Result"},
	"no arguments":           {`"arguments"`, `"a"`, "Arguments"},
}

// Fields other than id and status may be missing or malformed.
func TestJob_ToleratesAMalformedSideField(t *testing.T) {
	for name, tc := range sideFields {
		t.Run(name, func(t *testing.T) {
			body := jobJSON(tc.old, tc.fault)
			client := stubClient(t, func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/jobs") {
					return newResponse(200, `{"jobs":[`+body+`],"totalCount":1}`), nil
				}
				return newResponse(200, body), nil
			})
			ds := datasetByID(t, client)
			got, err := ds.SquashAndMerge().Get(t.Context(), "6f2a")
			require.NoError(t, err)
			listed := collect(t, ds.SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
			require.Len(t, listed, 1)
			for _, s := range []jobs.Snapshot{got.Snapshot(), listed[0].Snapshot(), resumeMerge(t, ds, body).Snapshot()} {
				assert.Equal(t, "6f2a", s.ID)
				assert.Equal(t, jobs.StatusProcessing, s.Status)
				assert.Equal(t, jobs.TypeSquashAndMerge, s.Type)
				assert.Zero(t, reflect.ValueOf(s).FieldByName(tc.field).Interface())
				assert.Equal(t, body, string(s.Raw))
			}
		})
	}
	s := resumeMerge(t, datasetByID(t, stubClient(t, respondWith(500, ""))), jobJSON("1764000000", "1764000000.5", "1764000002", "1.764000002e9")).Snapshot()
	assert.Equal(t, time.Unix(1764000000, 5e8).UTC(), s.CreatedAt, "a time may have a fraction")
	assert.Equal(t, time.Unix(1764000002, 0).UTC(), s.StartedAt)
}

func TestDataset_BlamesTheResponseForAMalformedID(t *testing.T) {
	client := stubClient(t, respondWith(200, `{"datasets":[{"id":"../users","name":"a"}],"totalCount":1}`))
	_, err := client.Dataset(t.Context(), "a")
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.NotErrorIs(t, err, jobs.ErrInvalidArgument)
}

func TestResponse_AcceptsWholeNumbersAsFloats(t *testing.T) {
	info, err := datasetByID(t, stubClient(t, respondWith(200, `{"name":"a","type":1.0}`))).Info(t.Context())
	require.NoError(t, err)
	assert.True(t, info.Fusion)
	drafts := collect(t, datasetByID(t, stubClient(t, respondWith(200, `{"drafts":[{"number":7.0,"title":"1.0","branchName":"main","status":"OPEN"}],"totalCount":1.0}`))).
		Drafts(t.Context(), jobs.DraftOptions{}))
	assert.Equal(t, int64(7), drafts[0].Number)
	assert.Equal(t, "1.0", drafts[0].Title, "a text is not changed")
	data := collect(t, stubContents(t, respondWith(200, `{"dataDetails":[{"remotePath":"a","url":"https://data.example/a","label":`+
		`{"KEYPOINTS2D":[{"keypoints2d":[{"x":1.50,"y":2,"v":2.00}]}]}}],"totalCount":1}`)).Data(t.Context(), "train"))
	assert.Equal(t, 2, *data[0].Label.Keypoints2D[0].Keypoints2D[0].V)
	assert.InDelta(t, 1.5, data[0].Label.Keypoints2D[0].Keypoints2D[0].X, 0)
}

func TestResponse_IgnoresTheFormOfUnusedFields(t *testing.T) {
	unused := `"updateTime":"2026-11-27T00:00:00Z","owner":{"name":"me"}`
	info, err := datasetByID(t, stubClient(t, respondWith(200, `{"name":"a","type":1,`+unused+`}`))).Info(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "a", info.Name)
	client := stubClient(t, respondWith(200, `{"datasets":[{"id":"1","name":"a",`+unused+`}],"offset":"0","recordSize":{},"totalCount":1}`))
	assert.Len(t, collect(t, client.Datasets(t.Context(), "")), 1)
}
