// Command waiting creates 30 merges and waits for all of them, from the first one on.
package main

import (
	"context"
	"fmt"
	"iter"
	"log"
	"os"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	client, err := jobs.NewClient(os.Getenv("TENSORBAY_ACCESS_KEY"), jobs.WithBaseURL(os.Getenv("TENSORBAY_URL")))
	if err != nil {
		return err
	}
	dataset, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()

	var progress jobs.Progress
	go show(ctx, &progress)
	var succeeded []*jobs.SquashAndMergeJob
	for job, err := range jobs.WaitSeq(ctx, create(ctx, dataset, 30), jobs.WithProgress(&progress)) {
		if err != nil { // of one create or one job; the others go on
			log.Print(err)
			continue
		}
		succeeded = append(succeeded, job) // job.Result returns its draft
	}
	fmt.Println(len(succeeded), "merges succeeded")
	return nil
}

// create creates n merges while the loop of WaitSeq waits for those that exist.
func create(ctx context.Context, dataset *jobs.Dataset, n int) iter.Seq2[*jobs.SquashAndMergeJob, error] {
	return func(yield func(*jobs.SquashAndMergeJob, error) bool) {
		for i := range n {
			args := jobs.SquashAndMergeArgs{DraftTitle: fmt.Sprintf("merge %d", i), Source: "dev"}
			if !yield(dataset.SquashAndMerge().Create(ctx, args)) {
				return
			}
		}
	}
}

// show logs the number of jobs by status every second.
func show(ctx context.Context, progress *jobs.Progress) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		counts := map[jobs.Status]int{}
		for _, event := range progress.Events() {
			counts[event.Job.Status]++
		}
		log.Print(counts)
	}
}
