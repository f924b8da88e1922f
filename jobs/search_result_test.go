package jobs_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func TestOnlyTheLatestFiveResultsCanBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		ctx := t.Context()
		oldest := search(ctx, t, client, jobs.HasLabel(false))
		for range 5 {
			search(ctx, t, client, jobs.HasLabel(true))
		}
		result, err := oldest.Result(ctx)
		require.NoError(t, err)
		require.ErrorIs(t, first(result.Segments(ctx)), jobs.ErrNotFound)
		require.ErrorIs(t, oldest.CreateDataset(ctx, jobs.DatasetSpec{Name: "late"}), jobs.ErrNotFound)
	})
}

// A search result's commit id stands in queries only, where every text is safe.
func TestCommitIDOfASearchResultIsEscaped(t *testing.T) {
	const commit = "a&limit=1/../b#c"
	client := stubbed(t, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/segments") {
			assert.True(t, strings.HasSuffix(r.URL.Path, "/datasets/a/segments"))
			assert.Equal(t, commit, r.URL.Query().Get("commit"))
			assert.Equal(t, []string{"128"}, r.URL.Query()["limit"])
			return reply(200, `{"segments":[],"totalCount":0}`), nil
		}
		return reply(200, `{"name":"a","type":0}`), nil
	})
	found := strings.Replace(strings.Replace(processing, "PROCESSING", "SUCCESS", 1), `"status"`, `"result":{"searchResultId":"a","searchResultCommitId":"`+commit+`"},"status"`, 1)
	search, err := byID(t, client).BasicSearch().Resume([]byte(found))
	require.NoError(t, err)
	result, err := search.Result(t.Context())
	require.NoError(t, err)
	assert.Empty(t, collect(t, result.Segments(t.Context())))
}
