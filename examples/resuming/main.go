// Command resuming saves a job in a file and waits for it as another process would.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func main() {
	ctx := context.Background()
	client, err := jobs.NewClient(os.Getenv("TENSORBAY_ACCESS_KEY"), jobs.WithBaseURL(os.Getenv("TENSORBAY_URL")))
	if err != nil {
		log.Fatal(err)
	}
	if err := create(ctx, client, "job.json"); err != nil {
		log.Fatal(err)
	}
	if err := resume(ctx, client, "job.json"); err != nil { // also in another process
		log.Fatal(err)
	}
}

func create(ctx context.Context, client *jobs.Client, file string) error {
	dataset, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		return err
	}
	job, err := dataset.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if err != nil {
		return err
	}
	saved, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return os.WriteFile(file, saved, 0o600)
}

func resume(ctx context.Context, client *jobs.Client, file string) error {
	saved, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	job, err := client.Resume(saved)
	if err != nil {
		return err
	}
	if err := job.Wait(ctx); err != nil {
		return err
	}
	fmt.Println(job.Snapshot().Title, job.Status())
	return nil
}
