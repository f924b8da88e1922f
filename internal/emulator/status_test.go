package emulator_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServeStatus_ShowsDatasetsBranchesDraftsAndJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := drafts()
		s.Datasets[0].Name = "<plain>"
		c := start(t, withSeed(s), withTimes(time.Second, time.Hour))
		id := c.id("<plain>")
		for _, strategy := range []string{"abort", "skip", "override"} {
			c.create(id, "squashAndMerge", object{"title": "t", "sourceBranchName": "main", "targetBranchName": "main", "strategy": strategy})
		}
		<-time.After(time.Second)
		response, err := c.client().Get("https://tensorbay.test/")
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
		page := string(body)
		for _, want := range []string{"&lt;plain&gt;", "cameras", "<td>main<td>", `class="OPEN"`, `class="PROCESSING"`, `http-equiv="refresh"`} {
			assert.Contains(t, page, want)
		}
		assert.NotContains(t, page, "<script")
		assert.NotContains(t, page, "<plain>")
		assert.NotContains(t, page, c.accessKey)
	})
}
