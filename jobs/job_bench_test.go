package jobs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// BenchmarkUpdate compares Update with its lower bound: the same request with
// net/http, and json.Unmarshal of the response.
func BenchmarkUpdate(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, processingJob)
	}))
	defer server.Close()
	b.Run("net/http", func(b *testing.B) {
		client := &http.Client{}
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+"/gatewayv2/tensorbay-open-api/v1/datasets/154e/jobs/6f2a?jobType=squashAndMerge", nil)
			require.NoError(b, err)
			req.Header.Set("X-Token", testKey)
			resp, err := client.Do(req)
			require.NoError(b, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(b, err)
			_ = resp.Body.Close()
			var job gen.Job
			require.NoError(b, json.Unmarshal(body, &job))
		}
	})
	b.Run("Update", func(b *testing.B) {
		client, err := jobs.NewClient(testKey, jobs.WithBaseURL(server.URL), jobs.WithRateLimit(-1))
		require.NoError(b, err)
		ds, err := client.DatasetByID("154e")
		require.NoError(b, err)
		job, err := ds.SquashAndMerge().Resume(savedJob(ds, jobs.TypeSquashAndMerge, processingJob))
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			require.NoError(b, job.Update(b.Context()))
		}
	})
}
