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

func TestSearchResult_IsNotFoundAfterFiveNewerSearches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		ctx := t.Context()
		oldest := runSearch(ctx, t, client, jobs.HasLabel(false))
		for range 5 {
			runSearch(ctx, t, client, jobs.HasLabel(true))
		}
		result, err := oldest.Result(ctx)
		require.NoError(t, err)
		require.ErrorIs(t, firstItem(result.Segments(ctx)), jobs.ErrNotFound)
		require.ErrorIs(t, oldest.CreateDataset(ctx, jobs.DatasetSpec{Name: "late"}), jobs.ErrNotFound)
	})
}

// The commit id of a search result is sent in queries only, so that every text is
// valid.
func TestSearchResult_EscapesTheCommitID(t *testing.T) {
	const commit = "a&limit=1/../b#c"
	search := stubSearch(t, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/segments") {
			assert.True(t, strings.HasSuffix(r.URL.Path, "/datasets/a/segments"))
			assert.Equal(t, commit, r.URL.Query().Get("commit"))
			assert.Equal(t, []string{"128"}, r.URL.Query()["limit"])
			return newResponse(200, `{"segments":[],"totalCount":0}`), nil
		}
		return newResponse(200, `{"name":"a","type":0}`), nil
	}, jobJSON(`"PROCESSING"`, `"SUCCESS","result":{"searchResultId":"a","searchResultCommitId":"`+commit+`"}`))
	result, err := search.Result(t.Context())
	require.NoError(t, err)
	assert.Empty(t, collect(t, result.Segments(t.Context())))
}
