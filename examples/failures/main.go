// Command failures merges a branch and handles each kind of failure.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func main() {
	err := merge(context.Background())

	var failed *jobs.JobError
	var waited *jobs.WaitError
	var created *jobs.CreateError
	switch {
	case err == nil:
		fmt.Println("merged")
	case errors.As(err, &failed): // the job ended without success
		log.Fatalf("%s: %s", failed.Job.Title, failed.Job.ErrorMessage)
	case errors.As(err, &waited): // the job goes on
		log.Fatalf("wait for job %s again", waited.Job.ID)
	case errors.As(err, &created): // ErrAmbiguous: the job may exist
		log.Fatalf("look for a job with the title %q before you create it again", created.Title)
	case errors.Is(err, jobs.ErrUnauthorized), errors.Is(err, jobs.ErrForbidden):
		log.Fatalf("check the access key: %v", err)
	case errors.Is(err, jobs.ErrNotFound):
		log.Fatalf("check the name of the dataset and of the branch: %v", err)
	default: // the text says what to do
		log.Fatal(err)
	}
}

func merge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	client, err := jobs.NewClient(os.Getenv("TENSORBAY_ACCESS_KEY"), jobs.WithBaseURL(os.Getenv("TENSORBAY_URL")))
	if err != nil {
		return err
	}
	dataset, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		return err
	}
	job, err := dataset.SquashAndMerge().Run(ctx, jobs.SquashAndMergeArgs{
		DraftTitle: "merge dev", Source: "dev", Strategy: jobs.StrategySkip, Title: "fails at first",
	})
	if errors.Is(err, jobs.ErrJobFailed) { // a merge can run again; it keeps its id
		fmt.Println(err)
		if err := job.Retry(ctx); err != nil {
			return err
		}
		err = job.Wait(ctx)
	}
	return err
}
