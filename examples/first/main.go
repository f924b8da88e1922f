package main

import (
	"context"
	"log"
	"os"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func main() {
	ctx := context.Background()
	client := must(jobs.NewClient(os.Getenv("TENSORBAY_ACCESS_KEY"), jobs.WithBaseURL(os.Getenv("TENSORBAY_URL"))))
	dataset := must(client.Dataset(ctx, "squash-and-merge"))
	job := must(dataset.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"}))
	must(job, job.Wait(ctx))
	log.Printf("branch dev is merged into draft %d", must(job.Result(ctx)).Number)
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
