package jobs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// labeledPage is a page of 128 data with two boxes each.
func labeledPage() string {
	items := make([]string, 128)
	for i := range items {
		items[i] = fmt.Sprintf(`{"remotePath":"images/camera-front/%06d.jpg","timestamp":%d.5,"url":"https://data.example/data/%040x/images/camera-front/%06d.jpg?expires=1764000000&signature=%064x","label":{"BOX2D":[{"box2d":{"xmin":10.5,"ymin":20.25,"xmax":110.75,"ymax":220},"category":"car","attributes":{"occluded":false,"lanes":2},"instance":"i%d"},{"box2d":{"xmin":310.5,"ymin":120.25,"xmax":410.75,"ymax":320},"category":"person","attributes":{"occluded":true}}]}}`, i, i, i, i, i, i)
	}
	return `{"dataDetails":[` + strings.Join(items, ",") + `],"offset":0,"recordSize":128,"totalCount":128}`
}

// BenchmarkData compares reading a page of data with its lower bound, json.Unmarshal of the
// page into the same structs.
func BenchmarkData(b *testing.B) {
	page := labeledPage()
	b.Run("json.Unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var list struct {
				DataDetails []struct {
					RemotePath string     `json:"remotePath"`
					Timestamp  *float64   `json:"timestamp"`
					URL        string     `json:"url"`
					Label      jobs.Label `json:"label"`
				} `json:"dataDetails"`
				TotalCount int `json:"totalCount"`
			}
			require.NoError(b, json.Unmarshal([]byte(page), &list))
			require.Len(b, list.DataDetails, 128)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/128, "ns/datum")
	})
	b.Run("Contents.Data", func(b *testing.B) {
		client, err := jobs.NewClient(testKey, jobs.WithHTTPClient(&http.Client{Transport: respondWith(200, page)}), jobs.WithRateLimit(-1))
		require.NoError(b, err)
		ds, err := client.DatasetByID("154e", jobs.AtDraft(1))
		require.NoError(b, err)
		contents, err := ds.Contents(b.Context(), "")
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			n, err := drain(contents.Data(b.Context(), "train"))
			require.NoError(b, err)
			require.Equal(b, 128, n)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/128, "ns/datum")
	})
}
