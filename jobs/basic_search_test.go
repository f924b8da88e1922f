package jobs_test

import (
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestResult_RejectsTheOtherKindOfDataset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		ctx := t.Context()
		plain := runSearch(ctx, t, client, jobs.HasLabel(true))
		_, err := plain.FusionResult(ctx)
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		assert.ErrorContains(t, err, "is a plain dataset: use Result")
		fusion, err := dataset(t, client, "basic-search").BasicSearch().Create(ctx, jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
		require.NoError(t, err)
		require.NoError(t, fusion.Wait(ctx))
		_, err = fusion.Result(ctx)
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		assert.ErrorContains(t, err, "is a fusion dataset: use FusionResult")
	})
}

func TestResume_RestoresTheArgumentsOfASearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t)
		ctx := t.Context()
		job := runSearch(ctx, t, client, jobs.CategoryIn(jobs.LabelBox2D, "car"), jobs.SizeGreaterThan(10))
		saved, err := json.Marshal(job)
		require.NoError(t, err)
		again, err := job.Dataset().BasicSearch().Resume(saved)
		require.NoError(t, err)
		args, err := again.Arguments()
		require.NoError(t, err)
		assert.Len(t, args.Revision, 32)
		assert.Equal(t, jobs.And, args.Conjunction)
		assert.Equal(t, jobs.UnitFile, args.Unit)
		assert.Equal(t, `search(`+args.Revision[:7]+`): category in ["car"] on BOX2D`, args.Title)
		require.Len(t, args.Filters, 2)
		assert.Equal(t, `category in ["car"] on BOX2D`, args.Filters[0].String())
		assert.Equal(t, jobs.LabelBox2D, args.Filters[0].LabelType())
		assert.Equal(t, "size", args.Filters[1].Key())
		assert.Equal(t, ">", args.Filters[1].Operator())
		assert.JSONEq(t, "10", string(args.Filters[1].Value()))
		assert.Empty(t, args.Filters[1].LabelType())

		repeated, err := job.Dataset().BasicSearch().Create(ctx, args)
		require.NoError(t, err, "a search can be created from the arguments of another one")
		repeatedArgs, err := repeated.Arguments()
		require.NoError(t, err)
		assert.Equal(t, args, repeatedArgs)
	})
}

// The result and its statistics are those of the hosted service.
func TestBasicSearch_MatchesTheHostedService(t *testing.T) {
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

func TestCreate_OfASearchIsOneRequestIfTheRevisionIsACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
		id := dataset(t, client, "street-scenes").ID()
		commit, err := dataset(t, client, "street-scenes").Resolve(t.Context(), "")
		require.NoError(t, err)
		client = clientOf(t, server, jobs.WithRateLimit(0)) // the default
		at, err := client.DatasetByID(id, jobs.AtCommit(commit.ID))
		require.NoError(t, err)
		ds, err := client.DatasetByID(id)
		require.NoError(t, err)
		filters := []jobs.Filter{jobs.CategoryIn(jobs.LabelBox2D, "car")}
		before := len(server.Requests())
		start := time.Now()
		var creates sync.WaitGroup
		for worker := range 50 {
			creates.Go(func() {
				for i := range 6 {
					var err error
					if (worker+i)%2 == 0 {
						_, err = at.BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: filters})
					} else {
						_, err = ds.BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Revision: commit.ID, Filters: filters})
					}
					assert.NoError(t, err)
				}
			})
		}
		creates.Wait()
		assert.Equal(t, 300, len(server.Requests())-before)
		assert.Less(t, time.Since(start), time.Second)
		contents, err := ds.Contents(t.Context(), commit.ID)
		require.NoError(t, err)
		assert.Equal(t, 300, len(server.Requests())-before, "Contents sends no request")
		assert.NotEmpty(t, collect(t, contents.Segments(t.Context())))
	})
}
