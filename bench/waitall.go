package bench

import (
	"context"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// waitAll waits for all jobs in one call.
func waitAll(ctx context.Context, waiting []*jobs.SquashAndMergeJob, over func(job *jobs.SquashAndMergeJob, err error)) {
	for job, err := range jobs.WaitAll(ctx, waiting) {
		over(job, err)
	}
}
