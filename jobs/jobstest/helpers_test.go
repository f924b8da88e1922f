package jobstest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

type object = map[string]any

// A caller sends requests with net/http. It shares no code with package jobs.
type caller struct {
	t *testing.T
	*jobstest.Server
}

func start(t *testing.T, options ...jobstest.Option) caller {
	return caller{t, jobstest.New(t, options...)}
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
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.URL()+"gatewayv2/tensorbay-open-api/v1/"+path, reader)
	require.NoError(c.t, err)
	request.Header.Set("X-Token", c.AccessKey())
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, payload := c.exchange(request)
	require.Equal(c.t, "application/json", response.Header.Get("Content-Type"))
	return response.StatusCode, payload
}

// exchange sends a request and returns the response and its body.
func (c caller) exchange(r *http.Request) (*http.Response, []byte) {
	c.t.Helper()
	response, err := c.Client().Do(r)
	require.NoError(c.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response, body
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

// create creates a job.
func (c caller) create(datasetID, jobType string, arguments object) job {
	c.t.Helper()
	created := c.do(http.MethodPost, "datasets/"+datasetID+"/jobs", object{
		"title": "a job", "jobType": jobType, "arguments": arguments, "description": "a test",
	})
	return job{c, datasetID, created["jobId"].(string), jobType}
}

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

// hello returns the dataset of a merge whose result on the service is known. The
// branch main holds hello0..3 labeled 01, and dev hello0..9 labeled 02.
func hello() jobstest.Seed {
	data := func(n int, category string) []jobstest.SeedSegment {
		segment := jobstest.SeedSegment{Name: "Segment1"}
		for i := range n {
			segment.Data = append(segment.Data, jobstest.SeedData{
				RemotePath: fmt.Sprintf("hello%d.txt", i),
				Size:       10,
				Label:      json.RawMessage(fmt.Sprintf(`{"CLASSIFICATION": {"category": %q}}`, category)),
			})
		}
		return []jobstest.SeedSegment{segment}
	}
	return jobstest.Seed{Owner: "tester", Datasets: []jobstest.SeedDataset{{
		Name: "hello",
		Commits: []jobstest.SeedCommit{
			{Name: "c1", Title: "first", Date: 1700000000, Segments: data(4, "01")},
			{Name: "c2", Parent: "c1", Title: "second", Description: "more", Date: 1700000100, Segments: data(10, "02")},
		},
		Branches: []jobstest.SeedRef{{Name: "main", Commit: "c1"}, {Name: "dev", Commit: "c2"}},
		Tags:     []jobstest.SeedRef{{Name: "v1", Commit: "c1"}},
	}}}
}
