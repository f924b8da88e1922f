package jobstest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestServer_LogsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithBadRequests())
		id := c.id("hello")
		c.send(http.MethodGet, "datasets/"+id+"/jobs?limit=0", nil)
		c.send(http.MethodGet, "nothing", nil)
		requests := c.Requests()
		require.Len(t, requests, 3)
		assert.Equal(t, "listDatasets", requests[0].Operation)
		assert.Equal(t, http.MethodGet, requests[0].Method)
		assert.Equal(t, "/gatewayv2/tensorbay-open-api/v1/datasets", requests[0].Path)
		assert.Equal(t, "name=hello", requests[0].RawQuery)
		assert.Equal(t, http.StatusOK, requests[0].Status)
		assert.Equal(t, time.Now(), requests[0].Time)
		assert.Equal(t, "listJobs", requests[1].Operation, "the request is invalid")
		assert.Equal(t, http.StatusBadRequest, requests[1].Status)
		assert.Equal(t, "", requests[2].Operation)
		for _, request := range requests {
			assert.NotContains(t, fmt.Sprintf("%#v", request), c.AccessKey())
		}
	})
}

// dataURL returns a data URL of the dataset hello.
func (c caller) dataURL() string {
	c.t.Helper()
	urls := c.get("datasets/" + c.id("hello") + "/data/urls?segmentName=Segment1")["urls"].([]any)
	return urls[0].(object)["url"].(string)
}

func TestServer_LogsRequestsToDataURLs(t *testing.T) {
	transports(t, func(t *testing.T, options ...jobstest.Option) {
		c := start(t, append(options, jobstest.WithSeed(hello()))...)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.dataURL(), nil)
		require.NoError(t, err)
		request.Header.Set("Range", "bytes=2-4")
		response, err := c.Client().Do(request)
		require.NoError(t, err)
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Len(t, content, 3)
		requests := c.Requests()
		assert.Equal(t, "content", requests[len(requests)-1].Operation)
		assert.Equal(t, http.StatusPartialContent, requests[len(requests)-1].Status)

		response, err = c.Client().Head(c.dataURL())
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.EqualValues(t, 10, response.ContentLength)
	})
}
