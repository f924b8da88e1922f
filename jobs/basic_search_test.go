package jobs_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
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
