package jobs_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// What must never be shown: the access key, and the query of a signed URL.
const (
	secretKey   = "5ec1e7ca11ab1ef00dfacade7a57e5ee"
	secretQuery = "OSSAccessKeyId=5ec1e7ID&Expires=1764000000&Signature=5ec1e7SIGNATURE"
	signedURL   = "https://data.example/a.bin?" + secretQuery
)

var secrets = []string{secretKey, secretQuery, "5ec1e7ID", "5ec1e7SIGNATURE"}

// exportedTypes are the names of all types that the package exports, read from
// its source, so that none can be forgotten.
func exportedTypes(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range sources(t) {
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

// sources are the files of the package, without tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files := map[string]*ast.File{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		files[path] = file
	}
	return files
}

// holders gives a value of every exported type, with the key and a signed URL
// as deep inside as they can be.
func holders(t *testing.T) map[string]any {
	t.Helper()
	ctx := t.Context()
	page := fmt.Sprintf(`{"dataDetails":[{"remotePath":"a.bin","url":%q,"timestamp":1,"label":%s}],"totalCount":1}`, signedURL,
		strings.NewReplacer(`https://data.example/s.png?sig=1`, signedURL, `https://data.example/i.png?sig=2`, signedURL,
			`https://data.example/p.png?sig=3`, signedURL, `"tomorrow"`, fmt.Sprintf("%q", signedURL)).Replace(allLabels))
	frames := fmt.Sprintf(`{"dataDetails":[{"frameId":"01EM","frame":[{"sensorName":"CAM","remotePath":"a.bin","url":%q}]}],"totalCount":1}`, signedURL)
	fusion := false
	client, err := jobs.NewClient("Accesskey-"+secretKey, jobs.WithRateLimit(-1), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}),
		jobs.WithHTTPClient(&http.Client{Transport: stub(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Host == "data.example":
				return nil, fmt.Errorf("gave up %s %s", r.Method, r.URL)
			case strings.HasSuffix(r.URL.Path, "/details") && fusion:
				return reply(200, frames), nil
			case strings.HasSuffix(r.URL.Path, "/details"):
				return reply(200, page), nil
			case strings.HasSuffix(r.URL.Path, "/statistics"):
				return reply(200, `{"labelStatistics":{"BOX2D":{"quantity":1,"categories":[{"name":"01","quantity":1}],"attributes":[{"name":"a"}]}}}`), nil
			case strings.HasSuffix(r.URL.Path, "/sensors"):
				return reply(200, `{"sensors":[{"name":"CAM","type":"CAMERA","extrinsics":{"translation":{"x":1,"y":2,"z":3},"rotation":{"w":1,"x":0,"y":0,"z":0}},"intrinsics":{"cameraMatrix":{"fx":1,"fy":1,"cx":1,"cy":1}}}]}`), nil
			case strings.HasSuffix(r.URL.Path, "/segments"):
				return reply(200, `{"segments":[{"name":"train"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/drafts"):
				return reply(200, `{"drafts":[{"number":1,"title":"","branchName":"main","status":"OPEN"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/branches"):
				return reply(200, `{"branches":[{"name":"main","commitId":"3bd4"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/tags"):
				return reply(200, `{"tags":[{"name":"v1","commitId":"3bd4"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/jobs") && r.Method == http.MethodPost:
				return nil, fmt.Errorf("gave up %s %s %v", r.Method, r.URL, r.Header)
			case strings.HasSuffix(r.URL.Path, "/jobs"):
				return reply(200, `{"jobs":[],"totalCount":0}`), nil
			case strings.HasSuffix(r.URL.Path, "/datasets"):
				return reply(200, `{"datasets":[{"id":"154e","name":"a"}],"totalCount":1}`), nil
			case strings.HasSuffix(r.URL.Path, "/154e"):
				return reply(200, fmt.Sprintf(`{"name":"a","type":%t}`, fusion)), nil
			}
			// A service that repeats what it refuses.
			return reply(401, fmt.Sprintf(`{"code":"Unauthorized","message":"no: %s, %s"}`, r.Header.Get("X-Token"), signedURL)), nil
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

	job := load(t, ds, strings.Replace(processing, `"PROCESSING"`, `"FAILED","finishedAt":1764000010`, 1))
	search, err := ds.BasicSearch().Resume([]byte(strings.Replace(processing, `"status":"PROCESSING"`, `"status":"SUCCESS","result":{"searchResultId":"a","searchResultCommitId":"b"}`, 1)))
	require.NoError(t, err)
	result, err := search.Result(ctx)
	require.NoError(t, err)
	fusion = true
	_, err = ds.Refresh(ctx)
	require.NoError(t, err)
	fusionResult, err := search.FusionResult(ctx)
	require.NoError(t, err)
	frame := collect(t, contents.Frames(ctx, "train"))[0]

	var refused *jobs.Error
	require.ErrorAs(t, job.Update(ctx), &refused)
	waited := load(t, ds, processing).Wait(ctx)
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
		"AttributeStatistics":     statistics[jobs.LabelBox2D].Attributes[0],
		"BasicSearchArgs":         jobs.BasicSearchArgs{Filters: []jobs.Filter{filter}},
		"BasicSearchJob":          search,
		"Branch":                  collect(t, ds.Branches(ctx, ""))[0],
		"CameraMatrix":            *sensors[0].Intrinsics.CameraMatrix,
		"CategoryStatistics":      statistics[jobs.LabelBox2D].Categories[0],
		"Client":                  client,
		"Commit":                  collect(t, ds.Branches(ctx, ""))[0].Head,
		"Contents":                contents,
		"CreateError":             createError,
		"Data":                    data,
		"Dataset":                 ds,
		"DatasetInfo":             info,
		"DatasetItem":             collect(t, client.Datasets(ctx, ""))[0],
		"Draft":                   collect(t, ds.Drafts(ctx, jobs.DraftOptions{}))[0],
		"DraftOptions":            jobs.DraftOptions{},
		"DraftStatus":             jobs.DraftOpen,
		"Error":                   refused,
		"Event":                   jobs.Event{Job: job.Snapshot(), Err: opened},
		"Extrinsics":              *sensors[0].Extrinsics,
		"Filter":                  filter,
		"Frame":                   frame,
		"FusionSearchResult":      fusionResult,
		"Intrinsics":              *sensors[0].Intrinsics,
		"Job":                     job.Job,
		"JobError":                jobError,
		"Jobs":                    ds.BasicSearch(),
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
		"Option":                  jobs.WithBaseURL("https://data.example/"),
		"OtherLabel":              label.Other["HOLOGRAM"],
		"PanopticMaskInfo":        label.PanopticMask.Info[0],
		"InstanceMaskInfo":        label.InstanceMask.Info[0],
		"SemanticMaskInfo":        label.SemanticMask.Info[0],
		"RevisionOption":          jobs.AtDraft(1),
		"Quaternion":              *sensors[0].Extrinsics.Rotation,
		"RetryPolicy":             jobs.RetryPolicy{},
		"SearchResult":            result,
		"Segment":                 collect(t, contents.Segments(ctx))[0],
		"Sensor":                  sensors[0],
		"SensorType":              jobs.SensorCamera,
		"Signature":               jobs.Signature{Name: "me"},
		"Snapshot":                job.Snapshot(),
		"SquashAndMergeArgs":      mergeDev,
		"SquashAndMergeJob":       job,
		"Status":                  jobs.StatusFailed,
		"Strategy":                jobs.StrategySkip,
		"Tag":                     collect(t, ds.Tags(ctx, ""))[0],
		"Type":                    jobs.TypeBasicSearch,
		"TypeStatistics":          statistics[jobs.LabelBox2D],
		"Unit":                    jobs.UnitFile,
		"Waiter":                  job, // a constraint: it has no values but these
		"Vector3D":                *sensors[0].Extrinsics.Translation,
		"WaitError":               waitError,
		"WaitOption":              jobs.WithMaxOutage(time.Hour),
		"error of Data.Open":      opened,
		"error of Job.Wait":       waited,
		"error of errors.Unwrap":  errors.Unwrap(opened),
		"error of a mask":         second(label.PanopticMask.Open(ctx)),
		"error in another":        fmt.Errorf("create: %w", err),
		"errors joined":           errors.Join(opened, waited, err),
		"error of NewClient":      second(jobs.NewClient("accesskey-" + secretKey)),
		"error of a bad URL":      second(jobs.NewClient("Accesskey-"+secretKey, jobs.WithBaseURL("https://u:"+secretKey+"@x/?"+secretQuery))),
		"error of a broken URL":   second(jobs.NewClient("Accesskey-"+secretKey, jobs.WithBaseURL("https://[::1/?"+secretQuery))),
		"error of a bad argument": second(jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs]{}.Create(ctx, jobs.SquashAndMergeArgs{})),
	}
}

func TestNoTypeShowsASecret(t *testing.T) {
	values := holders(t)
	for _, name := range exportedTypes(t) {
		v, ok := values[name]
		require.True(t, ok, "type %s is new: give holders a value of it, with a secret inside", name)
		typ := strings.TrimPrefix(reflect.TypeOf(v).String(), "*")
		if !strings.HasPrefix(typ, "gen.") && name != "Waiter" { // an alias, an interface
			assert.True(t, strings.HasPrefix(typ, "jobs."+name), "%s is a %s", name, typ)
		}
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			for how, text := range shown(t, v) {
				assertNoSecret(t, text, "%s as %s", name, how)
			}
		})
	}
}

// shown is what can be seen of a value, by how.
func shown(t *testing.T, v any) map[string]string {
	t.Helper()
	texts := map[string]string{"panic": fmt.Sprint(panicked(v))}
	// A copy is without the methods of the pointer.
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
	for how, handler := range map[string]func(io.Writer, *slog.HandlerOptions) slog.Handler{
		"slog text": func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, o) },
		"slog json": func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(w, o) },
	} {
		var log bytes.Buffer
		slog.New(handler(&log, nil)).With("a", v).Info("m", "b", v, slog.Group("g", "c", v))
		texts[how] = log.String()
	}
	var log bytes.Buffer
	recorder := &recording{TB: t, log: &log}
	assert.Equal(recorder, v, "something else")
	assert.Equal(recorder, reflect.Zero(reflect.TypeOf(copied)).Interface(), copied)
	assert.Equal(recorder, reflect.New(reflect.TypeOf(v)).Elem().Interface(), v) // with the difference, field by field
	texts["a failing test"] = log.String()
	return texts
}

func panicked(v any) (got any) {
	defer func() { got = recover() }()
	panic(fmt.Sprintf("%v", v))
}

// recording takes what a failing test would print.
type recording struct {
	testing.TB
	log *bytes.Buffer
}

func (r *recording) Errorf(format string, args ...any) { fmt.Fprintf(r.log, format, args...) }

func assertNoSecret(t *testing.T, text, format string, args ...any) {
	t.Helper()
	if showsPartOfKey(text) {
		t.Errorf("%s shows a part of the key", fmt.Sprintf(format, args...))
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

// showsPartOfKey finds the key in a dump of bytes, which breaks its lines.
func showsPartOfKey(text string) bool {
	for i := range len(secretKey) - 8 {
		if strings.Contains(text, secretKey[i:i+8]) {
			return true
		}
	}
	return false
}

// TestDumpOfAUsedClient looks where the last request can still lie: in the
// buffers of a connection, which a dump of a failing test reaches.
func TestDumpOfAUsedClient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Accesskey-"+secretKey, r.Header.Get("X-Token"))
		io.WriteString(w, processing)
	}))
	defer server.Close()
	client, err := jobs.NewClient("Accesskey-"+secretKey, jobs.WithBaseURL(server.URL), jobs.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	job, err := byID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.NoError(t, err)
	for name, v := range map[string]any{"client": client, "job": job, "dataset": job.Dataset()} {
		for _, kind := range []reflect.Type{reflect.TypeFor[http.Client](), reflect.TypeFor[http.Transport](), reflect.TypeFor[http.Request]()} {
			assert.False(t, reaches(reflect.ValueOf(v), kind, map[uintptr]bool{}), "a dump of a %s reaches the %s", name, kind)
		}
		for how, text := range shown(t, v) {
			assertNoSecret(t, text, "%s as %s", name, how)
		}
	}
}

// reaches follows everything that reflection can, as a dump does.
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

func TestTextsOfTheServiceAreDiscreet(t *testing.T) {
	for message, want := range map[string]string{
		"token Accesskey-" + secretKey + " is not valid":      "token Accesskey-... is not valid",
		"see https://a.example/x?" + secretQuery + ", please": "see https://a.example/x?... please",
		"what? no":              "what? no",
		"https://a.example/x ?": "https://a.example/x ?",
	} {
		client := stubbed(t, always(403, fmt.Sprintf(`{"code":"AccessDenied","message":%q}`, message)))
		_, err := byID(t, client).Refresh(t.Context())
		require.ErrorContains(t, err, ": 403 AccessDenied: "+want)
	}
}

func TestErrorOfATransportIsDiscreetAndStaysWhatItWas(t *testing.T) {
	inner := &os.PathError{Op: "send", Path: signedURL, Err: os.ErrPermission}
	client := stubbed(t, func(*http.Request) (*http.Response, error) { return nil, inner })
	_, err := byID(t, client).Refresh(t.Context())
	require.ErrorContains(t, err, "send https://data.example/a.bin?...")
	require.ErrorIs(t, err, os.ErrPermission)
	var path *os.PathError
	require.ErrorAs(t, err, &path)
	assertNoSecret(t, fmt.Sprintf("%+v", errors.Unwrap(err)), "unwrapped")
}

// TestJobThatNamesASecret is about a service that writes a key or a signed URL
// where none belongs. The wire form keeps it, since it is what the service said;
// texts and logs do not.
func TestJobThatNamesASecret(t *testing.T) {
	client := stubbed(t, always(500, ""))
	failed := fmt.Sprintf(`"FAILED","finishedAt":1764000010,"errorMessage":"cannot read %s with Accesskey-%s"`, signedURL, secretKey)
	job := load(t, byID(t, client), strings.Replace(strings.Replace(processing, `"PROCESSING"`, failed, 1), `"errorMessage":"",`, "", 1))
	err := job.Wait(t.Context())
	require.EqualError(t, err, "job 6f2a failed: cannot read https://data.example/a.bin?... with Accesskey-...")
	for name, v := range map[string]any{
		"job": job, "snapshot": job.Snapshot(), "error": err, "event": jobs.Event{Job: job.Snapshot()},
		"wait error": &jobs.WaitError{Job: job.Snapshot(), Reason: err, Last: err},
	} {
		texts := shown(t, v)
		for _, how := range []string{"%v", "%+v", "%#v", "%s", "%q", "%v in a slice", "panic", "slog text", "slog json"} {
			if how == "%v in a slice" && name == "job" {
				continue // it copies the job, which nobody may
			}
			assertNoSecret(t, texts[how], "%s as %s", name, how)
		}
	}
}
