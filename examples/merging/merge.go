// Package merging shows a function that uses TensorBay. Its test runs on an
// embedded TensorBay.
package merging

import (
	"context"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// MergeDev merges branch dev into the default branch of a dataset and returns the
// title of the resulting draft.
func MergeDev(ctx context.Context, client *jobs.Client, dataset string) (string, error) {
	ds, err := client.Dataset(ctx, dataset)
	if err != nil {
		return "", err
	}
	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
		DraftTitle: "merge dev",
		Source:     "dev",
		Strategy:   jobs.StrategySkip,
	})
	if err != nil {
		return "", err
	}
	if err := job.Wait(ctx); err != nil {
		return "", err
	}
	draft, err := job.Result(ctx)
	if err != nil {
		return "", err
	}
	return draft.Title, nil
}
