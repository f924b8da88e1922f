package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

type object = map[string]any

// size returns the size of a large test. It is full if the environment variable
// TENSORBAY_TEST_FULL is 1, and a tenth of it otherwise.
func size(full int) int {
	if os.Getenv("TENSORBAY_TEST_FULL") == "1" {
		return full
	}
	return full / 10
}

// A caller sends requests to an emulator.
type caller struct {
	t *testing.T
	*emulator.Emulator
	accessKey string
}

// An option changes the configuration of an emulator and its seed.
type option func(*emulator.Config, *seed.Seed)

func withSeed(s seed.Seed) option { return func(_ *emulator.Config, to *seed.Seed) { *to = s } }

func withRuns(run func(emulator.RunRequest) emulator.Run) option {
	return func(c *emulator.Config, _ *seed.Seed) { c.Run = run }
}

// withTimes sets the durations of all runs.
func withTimes(queuing, processing time.Duration) option {
	return withRuns(func(emulator.RunRequest) emulator.Run {
		return emulator.Run{Queuing: queuing, Processing: processing}
	})
}

func withURLTTL(d time.Duration) option {
	return func(c *emulator.Config, _ *seed.Seed) { c.URLTTL = d }
}

func withReport(report func(string, ...any)) option {
	return func(c *emulator.Config, _ *seed.Seed) { c.Report = report }
}

// withBadRequests does not report requests that violate the contract.
func withBadRequests() option {
	return func(c *emulator.Config, _ *seed.Seed) { c.AllowBadRequests = true }
}

// withoutContractCheck makes a test with many requests fast.
func withoutContractCheck() option {
	return func(c *emulator.Config, _ *seed.Seed) { c.SkipContract = true }
}

// start returns a caller of a new emulator. All requests and responses are
// checked against the contract.
func start(t *testing.T, options ...option) caller {
	t.Helper()
	config := emulator.Config{
		AccessKey: "Accesskey-0123",
		DataURL:   "https://data.tensorbay.test/",
		URLTTL:    10 * time.Minute,
		Report:    t.Errorf,
	}
	var s seed.Seed
	withTimes(50*time.Millisecond, 100*time.Millisecond)(&config, nil)
	for _, option := range options {
		option(&config, &s)
	}
	state, err := emulator.NewState(&s)
	require.NoError(t, err)
	e, err := emulator.New(state, config)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return caller{t, e, config.AccessKey}
}

func (c caller) client() *http.Client { return &http.Client{Transport: c} }

// RoundTrip serves a request on the goroutine of the caller.
func (c caller) RoundTrip(r *http.Request) (*http.Response, error) {
	router := c.RouteAPI
	if r.URL.Host == "data.tensorbay.test" {
		router = c.RouteData
	}
	recorder := httptest.NewRecorder()
	router(r).Serve(recorder, r)
	return recorder.Result(), nil
}

// send sends a request with the access key and returns the status and the body.
func (c caller) send(method, path string, body any) (int, []byte) {
	c.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		require.NoError(c.t, err)
		reader = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, "https://tensorbay.test/"+"gatewayv2/tensorbay-open-api/v1/"+path, reader)
	require.NoError(c.t, err)
	request.Header.Set("X-Token", c.accessKey)
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.client().Do(request)
	require.NoError(c.t, err)
	defer response.Body.Close()
	require.Equal(c.t, "application/json", response.Header.Get("Content-Type"))
	payload, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response.StatusCode, payload
}

// do sends a request that must succeed and returns the decoded body.
func (c caller) do(method, path string, body any) object {
	c.t.Helper()
	status, payload := c.send(method, path, body)
	require.Equal(c.t, http.StatusOK, status, "%s %s: %s", method, path, payload)
	var decoded object
	require.NoError(c.t, json.Unmarshal(payload, &decoded))
	return decoded
}

func (c caller) get(path string) object {
	c.t.Helper()
	return c.do(http.MethodGet, path, nil)
}

// doError sends a request that must fail with a status and a code. It returns
// the message.
func (c caller) doError(status int, code, method, path string, body any) string {
	c.t.Helper()
	got, payload := c.send(method, path, body)
	require.Equal(c.t, status, got, "%s %s: %s", method, path, payload)
	var decoded struct{ Code, Message string }
	require.NoError(c.t, json.Unmarshal(payload, &decoded))
	require.Equal(c.t, code, decoded.Code)
	require.NotEmpty(c.t, decoded.Message)
	return decoded.Message
}

// id returns the id of a dataset.
func (c caller) id(name string) string {
	c.t.Helper()
	datasets := c.get("datasets?name=" + url.QueryEscape(name))["datasets"].([]any)
	require.Len(c.t, datasets, 1)
	return datasets[0].(object)["id"].(string)
}

func (c caller) head(datasetID string) string {
	c.t.Helper()
	return c.get("datasets/" + datasetID)["commitId"].(string)
}

func mergeArguments(strategy string) object {
	return object{"title": "merge dev", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": strategy, "description": "all of it"}
}

func searchArguments(commit, conjunction, unit string, filters ...object) object {
	return object{"commit": commit, "conjunction": conjunction, "unit": unit, "filters": filters}
}

func filterOf(key, operator string, value any, labelType ...string) object {
	f := object{"key": key, "operator": operator, "value": value, "title": key}
	if len(labelType) > 0 {
		f["extraInfo"] = object{"labelType": labelType[0]}
	}
	return f
}

// create creates a job.
func (c caller) create(datasetID, jobType string, arguments object) job {
	c.t.Helper()
	created := c.do(http.MethodPost, "datasets/"+datasetID+"/jobs", object{
		"title": "a job", "jobType": jobType, "arguments": arguments, "description": "a test",
	})
	return job{c, datasetID, created["jobId"].(string), jobType}
}

// A job is a job of a dataset.
type job struct {
	caller
	datasetID, jobID, jobType string
}

func (j job) path(action string) string {
	return fmt.Sprintf("datasets/%s/jobs/%s%s?jobType=%s", j.datasetID, j.jobID, action, j.jobType)
}

func (j job) state() object {
	j.t.Helper()
	return j.get(j.path(""))
}

// finish waits for success and returns the result. It needs virtual time, or a
// job without duration.
func (j job) finish() object {
	j.t.Helper()
	for {
		state := j.state()
		switch state["status"] {
		case "QUEUING", "PROCESSING":
			<-time.After(time.Second)
		default:
			require.Equal(j.t, "SUCCESS", state["status"], state["errorMessage"])
			return state["result"].(object)
		}
	}
}

// download reads the content at a data URL.
func (c caller) download(address string, header http.Header) (*http.Response, []byte) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address, nil)
	require.NoError(c.t, err)
	maps.Copy(request.Header, header)
	response, err := c.client().Do(request)
	require.NoError(c.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response, body
}

// contents lists a content in order. It returns a line for each segment and for
// each datum, with its frame, sensor, path, bytes and category.
func (c caller) contents(base, query string) []string {
	c.t.Helper()
	var lines []string
	for _, s := range c.get(base + "/segments?" + query)["segments"].([]any) {
		name := s.(object)["name"].(string)
		lines = append(lines, name)
		for _, detail := range c.get(base + "/data/details?segmentName=" + name + "&" + query)["dataDetails"].([]any) {
			detail := detail.(object)
			data, isFrame := detail["frame"].([]any)
			if !isFrame {
				data = []any{detail}
			}
			for _, d := range data {
				d := d.(object)
				place := ""
				if isFrame {
					place = fmt.Sprintf("%s %s ", detail["frameId"], d["sensorName"])
				}
				category := ""
				if label, ok := d["label"].(object); ok {
					category = label["CLASSIFICATION"].(object)["category"].(string)
				}
				_, content := c.download(d["url"].(string), nil)
				lines = append(lines, fmt.Sprintf("- %s%s %s %s", place, d["remotePath"], content, category))
			}
		}
	}
	return lines
}

func boxes(category string, attributes string) seed.JSON {
	return seed.JSON(fmt.Sprintf(
		`{"BOX2D": [{"box2d": {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}, "category": %q, "attributes": %s}]}`,
		category, attributes))
}

// hello returns the dataset of a merge whose result on the service is known. The
// branch main holds hello0..3 labeled 01, and dev hello0..9 labeled 02.
func hello() seed.Seed {
	data := func(n int, category string) []seed.Segment {
		segment := seed.Segment{Name: "Segment1"}
		for i := range n {
			segment.Data = append(segment.Data, seed.Data{
				RemotePath: fmt.Sprintf("hello%d.txt", i),
				Size:       10,
				Label:      seed.JSON(fmt.Sprintf(`{"CLASSIFICATION": {"category": %q}}`, category)),
			})
		}
		return []seed.Segment{segment}
	}
	return seed.Seed{Owner: "tester", Datasets: []seed.Dataset{{
		Name: "hello",
		Commits: []seed.Commit{
			{Name: "c1", Title: "first", Date: 1700000000, Segments: data(4, "01")},
			{Name: "c2", Parent: "c1", Title: "second", Description: "more", Date: 1700000100, Segments: data(10, "02")},
		},
		Branches: []seed.Ref{{Name: "main", Commit: "c1"}, {Name: "dev", Commit: "c2"}},
		Tags:     []seed.Ref{{Name: "v1", Commit: "c1"}},
	}}}
}

// cameras returns the fusion dataset of a search whose result on the service is
// known.
func cameras() seed.Seed {
	sensors := []seed.JSON{
		seed.JSON(`{"name": "CAM_BACK_RIGHT", "type": "CAMERA", "extrinsics": {"translation": {"x": 1, "y": 2, "z": 3}, "rotation": {"w": 1, "x": 0, "y": 0, "z": 0}}}`),
		seed.JSON(`{"name": "CAM_BACK_LEFT", "type": "CAMERA"}`),
	}
	segment := func(name, frameID string) seed.Segment {
		return seed.Segment{Name: name, Sensors: sensors, Frames: []seed.Frame{{ID: frameID, Data: []seed.Data{
			{Sensor: "CAM_BACK_RIGHT", RemotePath: "right/" + name + ".png", Size: 5, Label: boxes("01", `{"attribute_1": true, "attribute_2": 3}`)},
			{Sensor: "CAM_BACK_LEFT", RemotePath: "left/" + name + ".png", Size: 6, Label: boxes("02", `{"attribute_1": false, "attribute_2": 1}`)},
		}}}}
	}
	return seed.Seed{Owner: "tester", Datasets: []seed.Dataset{{
		Name:    "cameras",
		Fusion:  true,
		Catalog: seed.JSON(`{"BOX2D": {"categories": [{"name": "01"}, {"name": "02"}], "attributes": [{"name": "attribute_1", "type": "boolean"}, {"name": "attribute_2", "type": "number"}]}}`),
		Commits: []seed.Commit{{Name: "c1", Title: "first", Date: 1700000000, Segments: []seed.Segment{
			segment("test", "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y"),
			segment("train", "01EMA1VJ6SR5K0ZQ4T8V2W9X3Z"),
		}}},
		Branches: []seed.Ref{{Name: "main", Commit: "c1"}},
	}}}
}
