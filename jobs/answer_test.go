package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// reads are calls that decode an answer, each with an answer that is sound and
// the places of the fields that openapi.yaml requires of it.
var reads = map[string]struct {
	sound    string
	required []string
	call     func(ctx context.Context, client *jobs.Client, ds *jobs.Dataset) error
}{
	"job": {
		processing,
		[]string{"title", "jobId", "arguments", "createdAt", "status"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			job, err := ds.SquashAndMerge().Get(ctx, "6f2a")
			return nilness(job == nil, err)
		},
	},
	"created job": {
		`{"jobId":"6f2a","createdAt":1764000000}`,
		[]string{"jobId", "createdAt"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "t", Source: "dev", Target: "main"})
			return nilness(job == nil, err)
		},
	},
	"jobs": {
		`{"jobs":[` + processing + `],"totalCount":1}`,
		[]string{"jobs", "totalCount", "jobs.0.jobId", "jobs.0.status"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			return first(ds.SquashAndMerge().List(ctx, jobs.ListOptions{}))
		},
	},
	"datasets": {
		`{"datasets":[{"id":"154e","name":"a"}],"totalCount":1}`,
		[]string{"datasets", "totalCount", "datasets.0.id", "datasets.0.name"},
		func(ctx context.Context, client *jobs.Client, _ *jobs.Dataset) error {
			return first(client.Datasets(ctx, ""))
		},
	},
	"dataset": {
		`{"name":"a","type":true}`,
		[]string{"name", "type"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error { return second(ds.Refresh(ctx)) },
	},
	"commits": {
		`{"commits":[{"commitId":"3bd4"}],"totalCount":1}`,
		[]string{"commits", "totalCount", "commits.0.commitId"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			return second(ds.Resolve(ctx, "main"))
		},
	},
	"branches": {
		`{"branches":[{"name":"main","commitId":"3bd4"}],"totalCount":1}`,
		[]string{"branches", "totalCount", "branches.0.commitId", "branches.0.name"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error { return first(ds.Branches(ctx, "")) },
	},
	"tags": {
		`{"tags":[{"name":"v1","commitId":"3bd4"}],"totalCount":1}`,
		[]string{"tags", "totalCount", "tags.0.commitId", "tags.0.name"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error { return first(ds.Tags(ctx, "")) },
	},
	"drafts": {
		`{"drafts":[{"number":1,"title":"","branchName":"main","status":"OPEN"}],"totalCount":1}`,
		[]string{"drafts", "totalCount", "drafts.0.number", "drafts.0.title", "drafts.0.branchName", "drafts.0.status"},
		func(ctx context.Context, _ *jobs.Client, ds *jobs.Dataset) error {
			return first(ds.Drafts(ctx, jobs.DraftOptions{}))
		},
	},
	"segments": {
		`{"segments":[{"name":"train"}],"totalCount":1}`,
		[]string{"segments", "totalCount", "segments.0.name"},
		onContents(func(ctx context.Context, c *jobs.Contents) error { return first(c.Segments(ctx)) }),
	},
	"sensors": {
		`{"sensors":[{"name":"CAM","type":"CAMERA","extrinsics":{"translation":{"x":1,"y":2,"z":3}}}]}`,
		[]string{"sensors", "sensors.0.name", "sensors.0.type", "sensors.0.extrinsics.translation.y"},
		onContents(func(ctx context.Context, c *jobs.Contents) error { return second(c.Sensors(ctx, "train")) }),
	},
	"data": {
		`{"dataDetails":[{"remotePath":"a","url":"https://d.example/a","label":{"BOX2D":[{"box2d":{"xmin":1,"ymin":2,"xmax":3,"ymax":4}}],"SEMANTIC_MASK":{"remotePath":"m","url":"https://d.example/m","info":[{"categoryId":1}]}}}],"totalCount":1}`,
		[]string{"dataDetails", "totalCount", "dataDetails.0.remotePath", "dataDetails.0.url", "dataDetails.0.label.BOX2D.0.box2d",
			"dataDetails.0.label.BOX2D.0.box2d.ymax", "dataDetails.0.label.SEMANTIC_MASK.url", "dataDetails.0.label.SEMANTIC_MASK.info.0.categoryId"},
		onContents(func(ctx context.Context, c *jobs.Contents) error { return first(c.Data(ctx, "train")) }),
	},
	"frames": {
		`{"dataDetails":[{"frameId":"01EM","frame":[{"sensorName":"CAM","remotePath":"a","url":"https://d.example/a"}]}],"totalCount":1}`,
		[]string{"dataDetails", "totalCount", "dataDetails.0.frameId", "dataDetails.0.frame", "dataDetails.0.frame.0.sensorName"},
		onContents(func(ctx context.Context, c *jobs.Contents) error { return first(c.Frames(ctx, "train")) }),
	},
	"statistics": {
		`{"labelStatistics":{"BOX2D":{"quantity":1,"categories":[{"name":"01","quantity":1}]}}}`,
		[]string{"labelStatistics", "labelStatistics.BOX2D.quantity", "labelStatistics.BOX2D.categories.0.name"},
		onContents(func(ctx context.Context, c *jobs.Contents) error { return second(c.LabelStatistics(ctx)) }),
	},
}

func onContents(f func(context.Context, *jobs.Contents) error) func(context.Context, *jobs.Client, *jobs.Dataset) error {
	return func(ctx context.Context, client *jobs.Client, ds *jobs.Dataset) error {
		onDraft, err := client.DatasetByID(ds.ID(), jobs.AtDraft(1))
		if err != nil {
			return err
		}
		contents, err := onDraft.Contents(ctx, "")
		if err != nil {
			return err
		}
		return f(ctx, contents)
	}
}

func second[T any](_ T, err error) error { return err }

// nilness turns a nil result without an error into one.
func nilness(isNil bool, err error) error {
	if isNil && err == nil {
		return errors.New("nil result and nil error")
	}
	return err
}

func TestSoundAnswers(t *testing.T) {
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			client := stubbed(t, always(200, read.sound))
			require.NoError(t, read.call(t.Context(), client, byID(t, client)))
			// What is added tomorrow must not break a client of today.
			more := strings.Replace(read.sound, "{", `{"addedTomorrow":{"a":[1,{}]},`, 1)
			client = stubbed(t, always(201, " \r\n\t"+more+"\n"))
			require.NoError(t, read.call(t.Context(), client, byID(t, client)))
		})
	}
}

func TestBrokenAnswers(t *testing.T) {
	for name, read := range reads {
		for fault, tc := range map[string]struct{ body, text string }{
			"html":      {"<html>hello</html>", "invalid character '<'"},
			"empty":     {"", "the body is empty"},
			"blank":     {" \n", "the body is empty"},
			"null":      {"null", "the value is null"},
			"array":     {"[]", "cannot unmarshal array"},
			"cut short": {read.sound[:len(read.sound)/2], "unexpected end of JSON input"},
			"trailing":  {read.sound + "}", "invalid character '}' after top-level value"},
		} {
			t.Run(name+"/"+fault, func(t *testing.T) {
				client := stubbed(t, always(200, tc.body))
				err := read.call(t.Context(), client, byID(t, client))
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				assert.ErrorContains(t, err, tc.text)
				var e *jobs.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, 200, e.StatusCode)
			})
		}
	}
}

func TestAnswersWithoutARequiredField(t *testing.T) {
	for name, read := range reads {
		for _, place := range read.required {
			for fault, change := range map[string]func(m map[string]any, key string){
				"missing": func(m map[string]any, key string) { delete(m, key) },
				"null":    func(m map[string]any, key string) { m[key] = nil },
			} {
				t.Run(name+"/"+place+"/"+fault, func(t *testing.T) {
					client := stubbed(t, always(200, without(t, read.sound, place, change)))
					err := read.call(t.Context(), client, byID(t, client))
					require.ErrorIs(t, err, jobs.ErrInvalidResponse)
					key := place[strings.LastIndex(place, ".")+1:]
					assert.ErrorContains(t, err, key+" is missing")
				})
			}
		}
	}
}

// without changes the object that holds the place, such as jobs.0.jobId.
func without(t *testing.T, body, place string, change func(map[string]any, string)) string {
	t.Helper()
	var root any
	require.NoError(t, json.Unmarshal([]byte(body), &root))
	at, keys := root, strings.Split(place, ".")
	for _, key := range keys[:len(keys)-1] {
		if list, ok := at.([]any); ok {
			require.Equal(t, "0", key)
			at = list[0]
			continue
		}
		at = at.(map[string]any)[key]
	}
	change(at.(map[string]any), keys[len(keys)-1])
	changed, err := json.Marshal(root)
	require.NoError(t, err)
	return string(changed)
}

func TestAnswersThatSayAThingTwiceOrOfTheWrongType(t *testing.T) {
	for body, text := range map[string]string{
		strings.Replace(processing, `"status"`, `"status":"SUCCESS","status"`, 1):       "status is there twice",
		strings.Replace(processing, `"jobId":"6f2a"`, `"jobId":17`, 1):                  "cannot unmarshal number",
		strings.Replace(processing, `"createdAt":1764000000`, `"createdAt":"now"`, 1):   "cannot unmarshal string",
		strings.Replace(processing, `"jobId":"6f2a"`, `"jobId":"../secrets"`, 1):        "which no id does",
		strings.Replace(processing, `"status":"PROCESSING"`, `"status":""`, 1):          "status of job 6f2a is empty",
		strings.Replace(processing, `"jobId":"6f2a"`, `"jobId":"7777"`, 1):              "the answer is about job 7777",
		strings.Replace(processing, `"title"`, `"jobType":"basicSearch","title"`, 1):    `is of type "basicSearch", not "squashAndMerge"`,
		strings.Replace(processing, `"title"`, `"\u0073tatus":"SUCCESS","title"`, 1):    "status is there twice",
		strings.Replace(processing, `"title"`, `"STATUS":"SUCCESS","title"`, 1):         "status is there in another spelling",
		strings.Replace(processing, `"title"`, `"jobſd":"1","ſtatus":"S","title"`, 1):   "status is there in another spelling",
		`{"title":"t","jobId":"6f2a","arguments":null,"createdAt":1,"status":"FAILED"}`: "arguments is missing",
	} {
		client := stubbed(t, always(200, body))
		_, err := byID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, body)
		assert.ErrorContains(t, err, text)
	}
	for body, text := range map[string]string{
		`{"jobs":[null],"totalCount":1}`: "the value is null",
	} {
		client := stubbed(t, always(200, body))
		require.ErrorContains(t, first(byID(t, client).SquashAndMerge().List(t.Context(), jobs.ListOptions{})), text)
	}
	client := stubbed(t, always(200, `{"commits":[{"commitId":"a"},null],"totalCount":2}`))
	_, err := byID(t, client).Resolve(t.Context(), "main")
	require.ErrorContains(t, err, "commits[1] is null")
}

func TestAnswerOverTheLimit(t *testing.T) {
	client := stubbed(t, func(*http.Request) (*http.Response, error) {
		resp := reply(200, "")
		resp.ContentLength = -1
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"title":"`), &endless{}))
		return resp, nil
	}, jobs.WithMaxBody(1<<20))
	_, err := byID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "the body is larger than 1048576 bytes, see WithMaxBody")
}

type endless struct{}

func (*endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestNoBodyIsPromisedForSomeOperations(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		fine   bool
	}{
		"empty object": {200, "{}", true},
		"nothing":      {200, "", true},
		"created":      {201, "{}", true},
		"any json":     {200, `["ok"]`, true},
		"no content":   {204, "", true},
		"html":         {200, "<html>log in</html>", false},
		"redirect":     {301, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			client := stubbed(t, always(tc.status, tc.body))
			err := load(t, byID(t, client), processing).Abort(t.Context())
			if tc.fine {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		})
	}
	client := stubbed(t, always(204, ""))
	_, err := byID(t, client).Refresh(t.Context())
	require.ErrorIs(t, err, jobs.ErrInvalidResponse, "where a body is promised, 204 is none")
}

func TestSuccessWithoutResult(t *testing.T) {
	success := strings.Replace(processing, "PROCESSING", "SUCCESS", 1)
	asked := 0
	client := stubbed(t, func(*http.Request) (*http.Response, error) {
		asked++
		return reply(200, success), nil
	})
	job := load(t, byID(t, client), success)
	require.NoError(t, job.Wait(t.Context()))
	_, err := job.Result(t.Context())
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "job 6f2a is SUCCESS without a result")
	assert.Equal(t, 1, asked, "it looks once more")

	result := strings.Replace(processing, `"status"`, `"result":{"draftNumber":1},"status"`, 1)
	_, err = load(t, byID(t, client), result).Result(t.Context())
	require.ErrorIs(t, err, jobs.ErrNotFinished, "a result without success is none")

	for _, broken := range []string{`{}`, `{"draftNumber":"x"}`, `[]`} {
		body := strings.Replace(success, `"status"`, `"result":`+broken+`,"status"`, 1)
		_, err = load(t, byID(t, client), body).Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, "result of job 6f2a: ")
	}
}

func TestDraftThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t)
		job := merge(t.Context(), t, client)
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

func TestOnlyTheLatestFiveResultsCanBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		ctx := t.Context()
		oldest := search(ctx, t, client, jobs.HasLabel(false))
		for range 5 {
			search(ctx, t, client, jobs.HasLabel(true))
		}
		result, err := oldest.Result(ctx)
		require.NoError(t, err)
		require.ErrorIs(t, first(result.Segments(ctx)), jobs.ErrNotFound)
		require.ErrorIs(t, oldest.CreateDataset(ctx, jobs.DatasetSpec{Name: "late"}), jobs.ErrNotFound)
	})
}

func TestResultOfTheOtherKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		ctx := t.Context()
		plain := search(ctx, t, client, jobs.HasLabel(true))
		_, err := plain.FusionResult(ctx)
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		assert.ErrorContains(t, err, "is a plain dataset: use Result")
		fusion, err := dataset(t, client, "basic-search").BasicSearch().Create(ctx, jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
		require.NoError(t, err)
		require.NoError(t, fusion.Wait(ctx))
		_, err = fusion.Result(ctx)
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		assert.ErrorContains(t, err, "is a fusion dataset: use FusionResult")
	})
}
