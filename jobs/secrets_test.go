package jobs_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// The secrets: the access key and the query of a signed URL.
const (
	secretKey   = "5ec1e7ca11ab1ef00dfacade7a57e5ee"
	secretQuery = "OSSAccessKeyId=5ec1e7ID&Expires=1764000000&Signature=5ec1e7SIGNATURE"
	signedURL   = "https://data.example/a.bin?" + secretQuery
)

var secrets = []string{secretKey, secretQuery, "5ec1e7ID", "5ec1e7SIGNATURE"}

// exportedTypes returns the names of all exported types, read from the source.
func exportedTypes(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range sourceFiles(t) {
		for _, decl := range file.Decls {
			general, ok := decl.(*ast.GenDecl)
			if !ok || general.Tok != token.TYPE {
				continue
			}
			for _, spec := range general.Specs {
				if name := spec.(*ast.TypeSpec).Name; name.IsExported() {
					names = append(names, name.Name)
				}
			}
		}
	}
	require.NotEmpty(t, names)
	slices.Sort(names)
	return names
}

// valuesWithSecrets returns a value of every exported type, under its name, and
// errors. The values hold the key and a signed URL wherever the type permits.
func valuesWithSecrets(t *testing.T) map[string]any {
	t.Helper()
	ctx := t.Context()
	page := fmt.Sprintf(`{"dataDetails":[{"remotePath":"a.bin","url":%q,"timestamp":1,"label":%s}],"totalCount":1}`, signedURL,
		strings.NewReplacer(`https://data.example/s.png?sig=1`, signedURL, `https://data.example/i.png?sig=2`, signedURL,
			`https://data.example/p.png?sig=3`, signedURL, `"unknown"`, fmt.Sprintf("%q", signedURL)).Replace(allLabels))
	frames := fmt.Sprintf(`{"dataDetails":[{"frameId":"01EM","frame":[{"sensorName":"CAM","remotePath":"a.bin","url":%q}]}],"totalCount":1}`, signedURL)
	fusion := false
	var failed jobs.Attempt
	client, err := jobs.NewClient("Accesskey-"+secretKey, jobs.WithRateLimit(-1), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}),
		jobs.WithObserver(func(_ context.Context, attempt jobs.Attempt) {
			if attempt.Err != nil {
				failed = attempt
			}
		}),
		jobs.WithHTTPClient(&http.Client{Transport: stub(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Host == "data.example":
				return nil, fmt.Errorf("no response to %s %s", r.Method, r.URL)
			case strings.HasSuffix(r.URL.Path, "/details") && fusion:
				return newResponse(200, frames), nil
			case strings.HasSuffix(r.URL.Path, "/details"):
				return newResponse(200, page), nil
			case strings.HasSuffix(r.URL.Path, "/statistics"):
				return newResponse(200, `{"labelStatistics":{"BOX2D":{"quantity":1,"categories":[{"name":"01","quantity":1}],"attributes":[{"name":"a"}]}}}`), nil
			case strings.HasSuffix(r.URL.Path, "/sensors"):
				return newResponse(200, `{"sensors":[{"name":"CAM","type":"CAMERA","extrinsics":{"translation":{"x":1,"y":2,"z":3},"rotation":{"w":1,"x":0,"y":0,"z":0}},"intrinsics":{"cameraMatrix":{"fx":1,"fy":1,"cx":1,"cy":1}}}]}`), nil
			case strings.HasSuffix(r.URL.Path, "/segments"):
				return newResponse(200, `{"segments":[{"name":"train"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/drafts"):
				return newResponse(200, `{"drafts":[{"number":1,"title":"","branchName":"main","status":"OPEN"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/branches"):
				return newResponse(200, `{"branches":[{"name":"main","commitId":"3bd4"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/tags"):
				return newResponse(200, `{"tags":[{"name":"v1","commitId":"3bd4"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/jobs") && r.Method == http.MethodPost:
				return nil, fmt.Errorf("no response to %s %s %v", r.Method, r.URL, r.Header)
			case strings.HasSuffix(r.URL.Path, "/jobs"):
				return newResponse(200, `{"jobs":[],"totalCount":0}`), nil
			case strings.HasSuffix(r.URL.Path, "/datasets"):
				return newResponse(200, `{"datasets":[{"id":"154e","name":"a"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/154e"):
				return newResponse(200, fmt.Sprintf(`{"name":"a","type":%t}`, fusion)), nil
			}
			// The message of the service repeats the secrets.
			return newResponse(401, fmt.Sprintf(`{"code":"Unauthorized","message":"no: %s, %s"}`, r.Header.Get("X-Token"), signedURL)), nil
		})}))
	require.NoError(t, err)
	ds, err := client.DatasetByID("154e", jobs.AtDraft(1))
	require.NoError(t, err)
	info, err := ds.Refresh(ctx)
	require.NoError(t, err)
	contents, err := ds.Contents(ctx, "")
	require.NoError(t, err)
	data := collect(t, contents.Data(ctx, "train"))[0]
	require.Equal(t, signedURL, data.URL())
	_, opened := data.Open(ctx)
	require.Error(t, opened)
	sensors, err := contents.Sensors(ctx, "train")
	require.NoError(t, err)
	statistics, err := contents.LabelStatistics(ctx)
	require.NoError(t, err)

	job := resumeMerge(t, ds, jobJSON(`"PROCESSING"`, `"FAILED","finishedAt":1764000010`))
	search := resumeSearch(t, ds, success(`{"searchResultId":"a","searchResultCommitId":"b"}`))
	result, err := search.Result(ctx)
	require.NoError(t, err)
	fusion = true
	_, err = ds.Refresh(ctx)
	require.NoError(t, err)
	fusionResult, err := search.FusionResult(ctx)
	require.NoError(t, err)
	frame := collect(t, contents.Frames(ctx, "train"))[0]

	var apiError *jobs.Error
	require.ErrorAs(t, job.Update(ctx), &apiError)
	var progress jobs.Progress
	require.Error(t, job.Wait(ctx, jobs.WithProgress(&progress)))
	waited := resumeMerge(t, ds, processingJob).Wait(ctx)
	var waitError *jobs.WaitError
	require.ErrorAs(t, waited, &waitError)
	_, err = ds.SquashAndMerge().Create(ctx, mergeDev)
	var createError *jobs.CreateError
	require.ErrorAs(t, err, &createError)
	var jobError *jobs.JobError
	require.ErrorAs(t, job.Wait(ctx), &jobError)
	label := data.Label
	filter := jobs.CategoryIn(jobs.LabelBox2D, "car")

	return map[string]any{
		"Attributes":              label.Classification.Attributes,
		"AttributeStatistics":     statistics[jobs.LabelBox2D].Attributes[0],
		"BasicSearchArgs":         jobs.BasicSearchArgs{Filters: []jobs.Filter{filter}},
		"BasicSearchJob":          search,
		"Box2D":                   label.Box2D[0].Box2D,
		"Box3D":                   label.Box3D[0].Box3D,
		"Branch":                  collect(t, ds.Branches(ctx, ""))[0],
		"CameraMatrix":            *sensors[0].Intrinsics.CameraMatrix,
		"CategoryStatistics":      statistics[jobs.LabelBox2D].Categories[0],
		"Client":                  client,
		"Commit":                  collect(t, ds.Branches(ctx, ""))[0].Head,
		"Contents":                contents,
		"ContentInfo":             jobs.ContentInfo{},
		"CreateError":             createError,
		"Data":                    data,
		"Dataset":                 ds,
		"DatasetInfo":             info,
		"DatasetItem":             collect(t, client.Datasets(ctx, ""))[0],
		"Draft":                   collect(t, ds.Drafts(ctx, jobs.DraftOptions{}))[0],
		"DraftOptions":            jobs.DraftOptions{},
		"DraftStatus":             jobs.DraftOpen,
		"Error":                   apiError,
		"Arguments":               mergeDev, // a constraint, which has no values of its own
		"Attempt":                 failed,
		"Progress":                &progress,
		"Event":                   jobs.Event{Job: job.Snapshot(), Err: opened},
		"Extrinsics":              *sensors[0].Extrinsics,
		"Filter":                  filter,
		"Frame":                   frame,
		"FusionSearchResult":      fusionResult,
		"Intrinsics":              *sensors[0].Intrinsics,
		"Job":                     job.Job,
		"JobError":                jobError,
		"Jobs":                    ds.BasicSearch(),
		"Keypoint2D":              label.Keypoints2D[0].Keypoints2D[0],
		"Label":                   label,
		"LabelStatistics":         statistics,
		"LabelType":               jobs.LabelBox2D,
		"LabeledBox2D":            label.Box2D[0],
		"LabeledBox3D":            label.Box3D[0],
		"LabeledClassification":   *label.Classification,
		"LabeledKeypoints2D":      label.Keypoints2D[0],
		"LabeledMultiPolygon":     label.MultiPolygon[0],
		"LabeledMultiPolyline2D":  label.MultiPolyline2D[0],
		"LabeledPolygon":          label.Polygon[0],
		"LabeledPolyline2D":       label.Polyline2D[0],
		"LabeledRLE":              label.RLE[0],
		"LabeledSentence":         label.Sentence[0],
		"ListOptions":             jobs.ListOptions{},
		"Mask":                    label.PanopticMask,
		"Conjunction":             jobs.And,
		"DatasetSpec":             jobs.DatasetSpec{Name: "n"},
		"CommitSpec":              jobs.CommitSpec{Title: "t"},
		"Option":                  jobs.WithBaseURL("https://data.example/"),
		"OtherLabel":              label.Other["HOLOGRAM"],
		"PanopticMaskInfo":        label.PanopticMask.Info[0],
		"InstanceMaskInfo":        label.InstanceMask.Info[0],
		"SemanticMaskInfo":        label.SemanticMask.Info[0],
		"RevisionOption":          jobs.AtDraft(1),
		"Point2D":                 label.Polygon[0].Polygon[0],
		"Quaternion":              *sensors[0].Extrinsics.Rotation,
		"RetryPolicy":             jobs.RetryPolicy{},
		"SearchResult":            result,
		"Segment":                 collect(t, contents.Segments(ctx))[0],
		"Sensor":                  sensors[0],
		"SensorType":              jobs.SensorCamera,
		"Signature":               jobs.Signature{Name: "me"},
		"Snapshot":                job.Snapshot(),
		"RawArgs":                 jobs.RawArgs{Title: "count", Arguments: map[string]any{}},
		"SquashAndMergeArgs":      mergeDev,
		"SquashAndMergeJob":       job,
		"Status":                  jobs.StatusFailed,
		"Strategy":                jobs.StrategySkip,
		"Tag":                     collect(t, ds.Tags(ctx, ""))[0],
		"Type":                    jobs.TypeBasicSearch,
		"TypeStatistics":          statistics[jobs.LabelBox2D],
		"Unit":                    jobs.UnitFile,
		"Waiter":                  job, // a constraint, which has no values of its own
		"Vector3D":                *sensors[0].Extrinsics.Translation,
		"WaitError":               waitError,
		"Word":                    label.Sentence[0].Sentence[0],
		"WaitOption":              jobs.WithMaxOutage(time.Hour),
		"error of Data.Open":      opened,
		"error of Job.Wait":       waited,
		"error of errors.Unwrap":  errors.Unwrap(opened),
		"error of a mask":         errorOf(label.PanopticMask.Open(ctx)),
		"error in another":        fmt.Errorf("create: %w", err),
		"errors joined":           errors.Join(opened, waited, err),
		"error of NewClient":      errorOf(jobs.NewClient("accesskey-" + secretKey)),
		"error of a bad URL":      errorOf(jobs.NewClient("Accesskey-"+secretKey, jobs.WithBaseURL("https://u:"+secretKey+"@x/?"+secretQuery))),
		"error of a broken URL":   errorOf(jobs.NewClient("Accesskey-"+secretKey, jobs.WithBaseURL("https://[::1/?"+secretQuery))),
		"error of a bad argument": errorOf(jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs]{}.Create(ctx, jobs.SquashAndMergeArgs{})),
	}
}

func TestSecrets_AreNotShownByAnyExportedType(t *testing.T) {
	values := valuesWithSecrets(t)
	for _, name := range exportedTypes(t) {
		v, ok := values[name]
		require.True(t, ok, "type %s is new: add a value with a secret to valuesWithSecrets", name)
		typ := strings.TrimPrefix(reflect.TypeOf(v).String(), "*")
		if name != "Attributes" && name != "Arguments" && name != "Waiter" { // an alias, interfaces
			assert.True(t, strings.HasPrefix(typ, "jobs."+name), "%s is a %s", name, typ)
		}
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			for form, text := range renderings(t, v) {
				assertNoSecret(t, text, "%s as %s", name, form)
			}
		})
	}
}

// renderings returns the texts that can be made from a value, under their form.
func renderings(t *testing.T, v any) map[string]string {
	t.Helper()
	texts := map[string]string{"panic": fmt.Sprint(panicked(v))}
	// A copy does not have the methods of the pointer.
	copied := v
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		copied = reflect.Indirect(p).Interface()
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		texts[verb] = fmt.Sprintf(verb, v)
		texts[verb+" of a copy"] = fmt.Sprintf(verb, copied)
		texts[verb+" in a field"] = fmt.Sprintf(verb, struct{ V, hidden any }{v, copied})
		texts[verb+" in a slice"] = fmt.Sprintf(verb, []any{v, &v, map[string]any{"v": copied}})
	}
	encoded, err := json.Marshal(v)
	if err == nil {
		texts["json"] = string(encoded)
	}
	if encoded, err := xml.Marshal(v); err == nil {
		texts["xml"] = string(encoded)
	}
	for form, handler := range map[string]func(io.Writer, *slog.HandlerOptions) slog.Handler{
		"slog text": func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, o) },
		"slog json": func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(w, o) },
	} {
		var log bytes.Buffer
		slog.New(handler(&log, nil)).With("a", v).Info("m", "b", v, slog.Group("g", "c", v))
		texts[form] = log.String()
	}
	var log bytes.Buffer
	recorder := &recordingTB{TB: t, log: &log}
	assert.Equal(recorder, v, "something else")
	assert.Equal(recorder, reflect.Zero(reflect.TypeOf(copied)).Interface(), copied)
	assert.Equal(recorder, reflect.New(reflect.TypeOf(v)).Elem().Interface(), v) // prints a difference of fields
	texts["a failing test"] = log.String()
	return texts
}

func panicked(v any) (got any) {
	defer func() { got = recover() }()
	panic(fmt.Sprintf("%v", v))
}

// recordingTB keeps the output of a failing test.
type recordingTB struct {
	testing.TB
	log *bytes.Buffer
}

func (r *recordingTB) Errorf(format string, args ...any) { fmt.Fprintf(r.log, format, args...) }

func assertNoSecret(t *testing.T, text, format string, args ...any) {
	t.Helper()
	if containsPartOfKey(text) {
		t.Errorf("%s shows part of the key", fmt.Sprintf(format, args...))
		return
	}
	for _, s := range secrets {
		for _, form := range []string{
			s, strings.ReplaceAll(s, "&", `\u0026`), strings.ReplaceAll(s, "&", "&amp;"), hex.EncodeToString([]byte(s)),
			strings.Trim(fmt.Sprintf("%d", []byte(s)), "[]"), strings.Trim(fmt.Sprintf("%#v", []byte(s)), "[]byte{}"),
		} {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%s shows %q: ...%.200s", fmt.Sprintf(format, args...), form, text[max(0, i-100):])
				return
			}
		}
	}
}

// containsPartOfKey reports whether text holds eight characters of the key in a
// row. The lines of a hex dump break the key.
func containsPartOfKey(text string) bool {
	for i := range len(secretKey) - 8 {
		if strings.Contains(text, secretKey[i:i+8]) {
			return true
		}
	}
	return false
}

// The buffers of a connection still hold the last request. A failing test dumps
// all values that reflection reaches.
func TestSecrets_AreNotReachableByReflection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Accesskey-"+secretKey, r.Header.Get("X-Token"))
		io.WriteString(w, processingJob)
	}))
	defer server.Close()
	client, err := jobs.NewClient("Accesskey-"+secretKey, jobs.WithBaseURL(server.URL), jobs.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	job, err := datasetByID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.NoError(t, err)
	for name, v := range map[string]any{"client": client, "job": job, "dataset": job.Dataset()} {
		for _, kind := range []reflect.Type{reflect.TypeFor[http.Client](), reflect.TypeFor[http.Transport](), reflect.TypeFor[http.Request]()} {
			assert.False(t, reaches(reflect.ValueOf(v), kind, map[uintptr]bool{}), "a dump of a %s reaches the %s", name, kind)
		}
		for form, text := range renderings(t, v) {
			assertNoSecret(t, text, "%s as %s", name, form)
		}
	}
}

// reaches reports whether reflection reaches a value of a type from v.
func reaches(v reflect.Value, kind reflect.Type, seen map[uintptr]bool) bool {
	if !v.IsValid() {
		return false
	}
	if v.Type() == kind {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return false
		}
		seen[v.Pointer()] = true
		return reaches(v.Elem(), kind, seen)
	case reflect.Interface:
		return reaches(v.Elem(), kind, seen)
	case reflect.Struct:
		for i := range v.NumField() {
			if reaches(v.Field(i), kind, seen) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if reaches(v.Index(i), kind, seen) {
				return true
			}
		}
	case reflect.Map:
		for at := v.MapRange(); at.Next(); {
			if reaches(at.Key(), kind, seen) || reaches(at.Value(), kind, seen) {
				return true
			}
		}
	}
	return false
}

func TestSecrets_AreRedactedFromServiceMessages(t *testing.T) {
	for message, want := range map[string]string{
		"token Accesskey-" + secretKey + " is not valid":      "token Accesskey-... is not valid",
		"see https://a.example/x?" + secretQuery + ", please": "see https://a.example/x?... please",
		"what? no":              "what? no",
		"https://a.example/x ?": "https://a.example/x ?",
	} {
		client := stubClient(t, respondWith(403, fmt.Sprintf(`{"code":"AccessDenied","message":%q}`, message)))
		_, err := datasetByID(t, client).Refresh(t.Context())
		require.ErrorContains(t, err, ": 403 AccessDenied: "+want)
	}
}

func TestSecrets_AreRedactedFromTransportErrors(t *testing.T) {
	cause := &os.PathError{Op: "send", Path: signedURL, Err: os.ErrPermission}
	for name, s := range map[string]stub{
		"no response": failWith(cause),
		"body": func(*http.Request) (*http.Response, error) {
			resp := newResponse(200, "")
			resp.Body = io.NopCloser(iotest.ErrReader(cause))
			return resp, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := errorOf(datasetByID(t, stubClient(t, s)).Refresh(t.Context()))
			require.ErrorContains(t, err, "send https://data.example/a.bin?...")
			require.ErrorIs(t, err, os.ErrPermission)
			var path *os.PathError
			require.ErrorAs(t, err, &path)
			assertNoSecret(t, fmt.Sprintf("%+v", errors.Unwrap(err)), "unwrapped")
		})
	}
}

// The service may write a key or a signed URL into an error message. The wire form
// of the job keeps it, but texts and logs do not.
func TestSecrets_AreRedactedFromJobTexts(t *testing.T) {
	failed := fmt.Sprintf(`"FAILED","finishedAt":1764000010,"errorMessage":"cannot read %s with Accesskey-%s"`, signedURL, secretKey)
	job := stubMerge(t, respondWith(500, ""), jobJSON(`"PROCESSING"`, failed, `"errorMessage":"",`, ""))
	err := job.Wait(t.Context())
	require.EqualError(t, err, "job 6f2a failed: cannot read https://data.example/a.bin?... with Accesskey-...")
	for name, v := range map[string]any{
		"job": job, "snapshot": job.Snapshot(), "error": err, "event": jobs.Event{Job: job.Snapshot()},
		"wait error": &jobs.WaitError{Job: job.Snapshot(), Reason: err, Last: err},
	} {
		texts := renderings(t, v)
		for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%v in a slice", "panic", "slog text", "slog json"} {
			if form == "%v in a slice" && name == "job" {
				continue // it copies the job, which is not allowed
			}
			assertNoSecret(t, texts[form], "%s as %s", name, form)
		}
	}
}

func TestSecrets_AreNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		server := jobstest.New(t)
		client := clientOf(t, server, jobs.WithLogger(logger))
		job := createMerge(t.Context(), t, client)
		require.NoError(t, job.Wait(t.Context()))
		logger.Info("all", "client", client, "job", job, "error", &jobs.Error{Operation: "get job"})
		assert.Contains(t, log.String(), "operation=createJob method=POST path=/datasets/")
		assert.Contains(t, log.String(), "operation=getJob")
		assert.Contains(t, log.String(), "status=200")
		assert.NotContains(t, log.String(), server.AccessKey())
		assert.NotContains(t, log.String(), server.AccessKey()[10:])

		log.Reset()
		client = stubClient(t, respondWith(503, ""), jobs.WithLogger(logger), jobs.WithRetry(jobs.RetryPolicy{Attempts: 2, Backoff: 1}))
		_, err := datasetByID(t, client).Refresh(t.Context())
		require.Error(t, err)
		assert.Contains(t, log.String(), "level=WARN msg=\"tensorbay request will be sent again\"")
		assert.NotContains(t, log.String(), testKey)
	})
}

func TestSecrets_AreNotPrinted(t *testing.T) {
	server, client := connect(t)
	data := collect(t, contentsOf(t.Context(), t, client, "squash-and-merge").Data(t.Context(), "Segment1"))[0]
	signed, err := url.Parse(data.URL())
	require.NoError(t, err)
	require.NotEmpty(t, signed.RawQuery)
	for _, v := range []any{client, data, *data, data.Label} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			text := fmt.Sprintf(verb, v)
			assert.NotContains(t, text, server.AccessKey())
			assert.NotContains(t, text, signed.RawQuery)
		}
	}
}
