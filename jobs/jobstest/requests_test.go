package jobstest_test

import (
	"fmt"
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
