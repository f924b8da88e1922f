package jobs_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// categories is what a version holds: segment/path to the category of its
// classification.
func categories(ctx context.Context, t *testing.T, c *jobs.Contents) (paths []string, byPath map[string]string) {
	t.Helper()
	byPath = map[string]string{}
	for segment, err := range c.Segments(ctx) {
		require.NoError(t, err)
		for d, err := range c.Data(ctx, segment.Name) {
			require.NoError(t, err)
			paths = append(paths, segment.Name+"/"+d.RemotePath)
			require.NotNil(t, d.Label.Classification, d.RemotePath)
			byPath[segment.Name+"/"+d.RemotePath] = d.Label.Classification.Category
		}
	}
	return paths, byPath
}

// What was seen at the hosted service: see the table of squashAndMerge in
// docs/design.md.
func TestSeenSquashAndMerge(t *testing.T) {
	for strategy, want := range map[jobs.Strategy][]string{
		jobs.StrategyAbort:    {"01", "01", "01", "01"},
		jobs.StrategyOverride: {"02", "02", "02", "02", "02", "02", "02", "02", "02", "02"},
		jobs.StrategySkip:     {"01", "01", "01", "01", "02", "02", "02", "02", "02", "02"},
	} {
		t.Run(string(strategy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := connect(t)
				ctx := t.Context()
				ds := dataset(t, client, "squash-and-merge")
				job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
					DraftTitle: "merge dev", Source: "dev", Target: "main", Strategy: strategy,
				})
				require.NoError(t, err)
				assert.Equal(t, jobs.StatusQueuing, job.Status())
				assert.Equal(t, "dev->main("+string(strategy)+")", job.Snapshot().Title)
				require.NoError(t, job.Wait(ctx))
				assert.Equal(t, jobs.StatusSuccess, job.Status())
				draft, err := job.Result(ctx)
				require.NoError(t, err)
				assert.Equal(t, jobs.DraftOpen, draft.Status)
				assert.Equal(t, "main", draft.Branch)
				assert.Equal(t, "merge dev", draft.Title)
				paths, byPath := categories(ctx, t, draft.Contents())
				got := make([]string, len(paths))
				for i, path := range paths {
					got[i] = byPath[path]
				}
				assert.Equal(t, want, got, "%v", paths)
			})
		})
	}
}

// The fusion search that was seen at the hosted service, statistics to the
// byte.
func TestSeenFusionSearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		ctx := t.Context()
		ds := dataset(t, client, "basic-search")
		job, err := ds.BasicSearch().Create(ctx, jobs.BasicSearchArgs{
			Revision:    "main",
			Conjunction: jobs.And,
			Unit:        jobs.UnitFile,
			Filters: []jobs.Filter{
				jobs.CategoryIn(jobs.LabelBox2D, "01", "02"),
				jobs.SizeGreaterThan(0),
				jobs.HasLabel(true),
				jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"attribute_1": {true, false}, "attribute_2": {3}}),
				jobs.SegmentIn("test"),
				jobs.SensorIn("CAM_BACK_RIGHT"),
			},
		})
		require.NoError(t, err)
		require.NoError(t, job.Wait(ctx))
		result, err := job.FusionResult(ctx)
		require.NoError(t, err)

		segments := collect(t, result.Segments(ctx))
		require.Len(t, segments, 1)
		assert.Equal(t, "test", segments[0].Name)
		frames := collect(t, result.Frames(ctx, "test"))
		require.Len(t, frames, 1)
		require.Len(t, frames[0].Data, 1)
		found := frames[0].Data[0]
		assert.Equal(t, "CAM_BACK_RIGHT", found.Sensor)
		assert.Equal(t, frames[0].ID, found.FrameID)
		require.Len(t, found.Label.Box2D, 1)
		assert.Equal(t, "01", found.Label.Box2D[0].Category)
		assert.Equal(t, map[string]any{"attribute_1": true, "attribute_2": 3.0}, found.Label.Box2D[0].Attributes)

		sensors, err := result.Sensors(ctx, "test")
		require.NoError(t, err)
		names := map[string]bool{}
		for _, s := range sensors {
			names[s.Name] = true
			assert.Equal(t, jobs.SensorCamera, s.Type)
			assert.NotNil(t, s.Extrinsics)
			assert.NotNil(t, s.Intrinsics)
		}
		assert.Equal(t, map[string]bool{"CAM_BACK_RIGHT": true, "CAM_BACK_LEFT": true}, names)

		statistics, err := result.LabelStatistics(ctx)
		require.NoError(t, err)
		assert.Equal(t, jobs.LabelStatistics{jobs.LabelBox2D: {
			Quantity: 1,
			Categories: []jobs.CategoryStatistics{{
				Name: "01", Quantity: 1,
				Attributes: []jobs.AttributeStatistics{{Name: "attribute_1", Enum: []any{true}, Quantities: []int64{1}}},
			}},
			Attributes: []jobs.AttributeStatistics{{Name: "attribute_1", Enum: []any{true}, Quantities: []int64{1}}},
		}}, statistics)
	})
}
