package jobs_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// The files in testdata/conformance are shared with the clients in interop/. A fixture of an
// unknown kind fails each suite.

type object = map[string]any

func readConformance(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile("../testdata/conformance/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, v))
}

func TestConformance_ReadsResponses(t *testing.T) {
	var file struct {
		Readings []struct {
			Name, Of, Text string
			Status         int
			Body, Want     json.RawMessage
			Invalid        bool
		}
	}
	readConformance(t, "readings.json", &file)
	require.NotEmpty(t, file.Readings)
	for _, r := range file.Readings {
		t.Run(r.Of+"/"+r.Name, func(t *testing.T) {
			read := readings[r.Of]
			require.NotNil(t, read, "an unknown kind of reading")
			status := max(r.Status, 200)
			body := r.Text
			if r.Body != nil {
				body = string(r.Body)
			}
			ds := datasetByID(t, stubClient(t, respondWith(status, body)), jobs.AtDraft(1))
			got, err := read(t.Context(), ds)
			if r.Invalid {
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				return
			}
			require.NoError(t, err)
			assertContains(t, r.Want, got)
		})
	}
}

// assertContains compares the fields that want has.
func assertContains(t *testing.T, want json.RawMessage, got any) {
	t.Helper()
	encoded, err := json.Marshal(got)
	require.NoError(t, err)
	var w, g any
	require.NoError(t, json.Unmarshal(want, &w))
	require.NoError(t, json.Unmarshal(encoded, &g))
	compareFields(t, "", w, g)
}

func compareFields(t *testing.T, path string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case object:
		if g, ok := got.(object); assert.True(t, ok, "%s: %v", path, got) {
			for name := range w {
				if assert.Contains(t, g, name, path) {
					compareFields(t, path+"/"+name, w[name], g[name])
				}
			}
		}
	case []any:
		if g, ok := got.([]any); assert.True(t, ok, "%s: %v", path, got) && assert.Len(t, g, len(w), path) {
			for i := range w {
				compareFields(t, path, w[i], g[i])
			}
		}
	default:
		assert.Equal(t, want, got, path)
	}
}

var readings = map[string]func(context.Context, *jobs.Dataset) (any, error){
	"job": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		job, err := ds.SquashAndMerge().Get(ctx, "6f2a")
		if err != nil {
			return nil, err
		}
		return wireOf(job.Job), nil
	},
	"jobs": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		return listOf(ds.SquashAndMerge().List(ctx, jobs.ListOptions{}), func(j *jobs.SquashAndMergeJob) any { return j.ID() })
	},
	"dataset": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		info, err := ds.Refresh(ctx)
		return object{"name": info.Name, "fusion": info.Fusion}, err
	},
	"drafts": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		return listOf(ds.Drafts(ctx, jobs.DraftOptions{Status: jobs.DraftAll}), func(d *jobs.Draft) any {
			return object{"number": d.Number, "status": d.Status, "branch": d.Branch, "updatedAt": seconds(d.UpdatedAt)}
		})
	},
	"data": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		return dataOf(ctx, ds, func(d *jobs.Data) any {
			labels, unknown := []string{}, object{}
			for _, labelType := range d.Label.Types() {
				labels = append(labels, string(labelType))
			}
			for labelType, l := range d.Label.Other {
				unknown[string(labelType)] = l.JSON()
			}
			slices.Sort(labels)
			return object{"remotePath": d.RemotePath, "timestamp": d.Timestamp, "labels": labels, "unknown": unknown}
		})
	},
	"attributes": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		data, err := dataOf(ctx, ds, func(d *jobs.Data) any { return d.Label.Classification.Attributes })
		if err != nil {
			return nil, err
		}
		return data[0], nil
	},
	"frames": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		contents, err := ds.Contents(ctx, "")
		if err != nil {
			return nil, err
		}
		return listOf(contents.Frames(ctx, "train"), func(f *jobs.Frame) any {
			sensors := []string{}
			for _, d := range f.Data {
				sensors = append(sensors, d.Sensor)
			}
			return object{"id": f.ID, "sensors": sensors}
		})
	},
	"deletion": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		return done, ds.SquashAndMerge().Delete(ctx, "6f2a")
	},
	"error": func(ctx context.Context, ds *jobs.Dataset) (any, error) {
		_, err := ds.Refresh(ctx)
		var e *jobs.Error
		if !errors.As(err, &e) {
			return nil, err
		}
		for kind, sentinel := range map[string]error{
			"invalidArgument": jobs.ErrInvalidArgument, "unauthorized": jobs.ErrUnauthorized, "forbidden": jobs.ErrForbidden,
			"notFound": jobs.ErrNotFound, "conflict": jobs.ErrConflict, "rateLimited": jobs.ErrRateLimited, "server": jobs.ErrServer,
		} {
			if errors.Is(err, sentinel) {
				return object{"kind": kind, "code": e.Code, "message": e.Message}, nil
			}
		}
		return nil, err
	},
}

var done = object{"done": true}

func wireOf(job *jobs.Job) object {
	s := job.Snapshot()
	return object{
		"id": s.ID, "type": s.Type, "title": s.Title, "description": s.Description, "status": s.Status, "errorMessage": s.ErrorMessage,
		"finished": s.Status.Finished(), "succeeded": s.Status == jobs.StatusSuccess, "arguments": s.Arguments, "result": s.Result,
		"createdAt": seconds(s.CreatedAt), "startedAt": seconds(s.StartedAt), "finishedAt": seconds(s.FinishedAt),
	}
}

func seconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return float64(t.UnixNano()) / 1e9
}

func listOf[T any](items func(func(T, error) bool), f func(T) any) ([]any, error) {
	all := []any{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, f(item))
	}
	return all, nil
}

func dataOf(ctx context.Context, ds *jobs.Dataset, f func(*jobs.Data) any) ([]any, error) {
	contents, err := ds.Contents(ctx, "")
	if err != nil {
		return nil, err
	}
	return listOf(contents.Data(ctx, "train"), f)
}

// A conformanceCall makes a call with the arguments of a fixture.
type conformanceCall func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error)

type callArguments struct {
	DraftTitle, DraftDescription, Source, Target, Strategy, Title, Description string
	Commit, Conjunction, Unit, ID, Status, Name, Alias                         string
	Filters                                                                    []struct {
		Key, Operator, Title string
		Value                json.RawMessage
		ExtraInfo            struct{ LabelType jobs.LabelType }
	}
	Public bool
	Number int64
}

var conformanceCalls = map[string]conformanceCall{
	"createMerge": func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error) {
		job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
			DraftTitle: a.DraftTitle, DraftDescription: a.DraftDescription, Source: a.Source, Target: a.Target,
			Strategy: jobs.Strategy(a.Strategy), Title: a.Title, Description: a.Description,
		})
		if err != nil {
			return nil, err
		}
		return wireOf(job.Job), nil
	},
	"createSearch": func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error) {
		args := jobs.BasicSearchArgs{Revision: a.Commit, Conjunction: jobs.Conjunction(a.Conjunction), Unit: jobs.Unit(a.Unit)}
		for _, f := range a.Filters {
			args.Filters = append(args.Filters, jobs.RawFilter(f.Key, f.Title, f.Operator, f.ExtraInfo.LabelType, f.Value))
		}
		job, err := ds.BasicSearch().Create(ctx, args)
		if err != nil {
			return nil, err
		}
		return wireOf(job.Job), nil
	},
	"getJob": func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error) {
		job, err := ds.SquashAndMerge().Get(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		return wireOf(job.Job), nil
	},
	"listJobs": func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error) {
		jobsOfType := ds.SquashAndMerge().List(ctx, jobs.ListOptions{Status: jobs.Status(a.Status)})
		return listOf(jobsOfType, func(j *jobs.SquashAndMergeJob) any { return j.ID() })
	},
	"deleteJob": func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error) {
		return done, ds.SquashAndMerge().Delete(ctx, a.ID)
	},
	"abortJob": func(ctx context.Context, ds *jobs.Dataset, _ callArguments) (any, error) {
		job, err := ds.SquashAndMerge().Resume(savedJob(ds, jobs.TypeSquashAndMerge, processingJob))
		return done, cmp.Or(err, job.Abort(ctx))
	},
	"retryJob": func(ctx context.Context, ds *jobs.Dataset, _ callArguments) (any, error) {
		job, err := ds.SquashAndMerge().Resume(savedJob(ds, jobs.TypeSquashAndMerge, processingJob))
		return done, cmp.Or(err, job.Retry(ctx))
	},
	"createDataset": func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error) {
		job, err := ds.BasicSearch().Resume(savedJob(ds, jobs.TypeBasicSearch, `{"jobId":"`+a.ID+`","status":"SUCCESS","result":{}}`))
		return done, cmp.Or(err, job.CreateDataset(ctx, jobs.DatasetSpec{Name: a.Name, Alias: a.Alias, Public: a.Public}))
	},
	"closeDraft": func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error) {
		for draft, err := range ds.Drafts(ctx, jobs.DraftOptions{}) {
			if err != nil || draft.Number == a.Number {
				return done, errors.Join(err, draft.Close(ctx))
			}
		}
		return nil, errors.New("no draft")
	},
	"listSegments": func(ctx context.Context, ds *jobs.Dataset, a callArguments) (any, error) {
		contents, err := ds.Contents(ctx, a.Commit)
		if err != nil {
			return nil, err
		}
		return listOf(contents.Segments(ctx), func(s jobs.Segment) any { return s.Name })
	},
}

func TestConformance_SendsRequests(t *testing.T) {
	type request struct {
		Method, Path string
		Query        map[string]string
		Body         json.RawMessage
	}
	var file struct {
		Exchanges []struct {
			Name, Call string
			Arguments  callArguments
			Request    request
			Response   struct {
				Status int
				Body   json.RawMessage
			}
			Want json.RawMessage
		}
	}
	readConformance(t, "exchanges.json", &file)
	require.NotEmpty(t, file.Exchanges)
	for _, e := range file.Exchanges {
		t.Run(e.Name, func(t *testing.T) {
			call := conformanceCalls[e.Call]
			require.NotNil(t, call, "an unknown call")
			sent := false
			client := stubClient(t, func(r *http.Request) (*http.Response, error) {
				path := strings.TrimPrefix(r.URL.Path, "/gatewayv2/tensorbay-open-api/v1")
				if r.Method != e.Request.Method || path != e.Request.Path {
					return newResponse(200, `{"name":"d","type":1,"commits":[{"commitId":"`+e.Arguments.Commit+`"}],`+
						`"drafts":[{"number":3,"title":"","branchName":"main","status":"OPEN"}],"totalCount":1}`), nil
				}
				sent = true
				var query map[string]string
				for name, values := range r.URL.Query() {
					if query == nil {
						query = map[string]string{}
					}
					query[name] = strings.Join(values, " ")
				}
				assert.Equal(t, e.Request.Query, query)
				if e.Request.Body == nil {
					assert.Nil(t, r.Body)
				} else {
					body, err := io.ReadAll(r.Body)
					require.NoError(t, err)
					assert.JSONEq(t, string(e.Request.Body), string(body))
				}
				return newResponse(e.Response.Status, string(e.Response.Body)), nil
			})
			ds, err := client.DatasetByID("d0")
			require.NoError(t, err)
			got, err := call(t.Context(), ds, e.Arguments)
			require.NoError(t, err)
			assert.True(t, sent, "the request was not sent")
			assertContains(t, e.Want, got)
		})
	}
}
