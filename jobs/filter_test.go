package jobs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func TestFilter_StringShowsValuesAsGiven(t *testing.T) {
	for want, f := range map[string]jobs.Filter{
		`keyword = "R&D <new>.png"`:           jobs.RemotePathIs("R&D <new>.png"),
		`category in ["a<b","c"] on BOX2D`:    jobs.CategoryIn(jobs.LabelBox2D, "a<b", "c"),
		`attribute in {"a":["&",1]} on BOX3D`: jobs.AttributeIn(jobs.LabelBox3D, map[string][]any{"a": {"&", 1}}),
		`size > 10`:                           jobs.SizeGreaterThan(10),
		`withLabel = true`:                    jobs.HasLabel(true),
	} {
		assert.Equal(t, want, f.String())
	}
}

// Many names must neither fill a log nor the title of a job.
func TestFilter_StringHasABoundedLength(t *testing.T) {
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf("segment-%d", i)
	}
	f := jobs.SegmentIn(names...)
	assert.Less(t, len(f.String()), 1000)
	_, client := connect(t)
	job, err := dataset(t, client, "street-scenes").BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{f}})
	require.NoError(t, err)
	assert.Less(t, len(job.Snapshot().Title), 1000)
	assert.True(t, strings.HasPrefix(job.Snapshot().Title, "search("), job.Snapshot().Title)
	args, err := job.Arguments()
	require.NoError(t, err)
	assert.Contains(t, string(args.Filters[0].Value()), "segment-19999", "the filter itself is complete")
}

// A category in place of the label type compiles, so it must not pass.
func TestCategoryIn_RejectsSwappedArguments(t *testing.T) {
	_, client := connect(t)
	ds := dataset(t, client, "street-scenes")
	for _, f := range []jobs.Filter{
		jobs.CategoryIn("car", "BOX2D"),
		jobs.CategoryIn("traffic light", "BOX2D"),
		jobs.AttributeIn("weather", map[string][]any{"BOX2D": {"rain"}}),
		jobs.RawFilter("category", "Category", "in", "car", []string{"BOX2D"}),
	} {
		_, err := ds.BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{f}})
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		require.ErrorContains(t, err, "use one such as LabelBox2D, as the first argument")
	}
	assert.Equal(t, jobs.LabelType("KEYPOINTS4D"), jobs.CategoryIn("KEYPOINTS4D", "car").LabelType(), "the service may add types")
}

func TestFilter_StringIsOnOneLine(t *testing.T) {
	ds := datasetByID(t, stubClient(t, respondWith(500, "")))
	job, err := ds.BasicSearch().Resume(savedJob(ds, jobs.TypeBasicSearch, `{"jobId":"6f2a","status":"QUEUING","arguments":{"commit":"c","conjunction":"and","unit":"file",`+
		`"filters":[{"key":"category","title":"Category","operator":"in","value":["a"],"extraInfo":{"labelType":"BOX\n\u001b[2J"}}]}}`))
	require.NoError(t, err)
	args, err := job.Arguments()
	require.NoError(t, err)
	assert.Equal(t, `category in ["a"] on BOX  [2J`, args.Filters[0].String())
}
