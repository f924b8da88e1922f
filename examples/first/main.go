// Command first merges branch dev of a dataset and prints the number of the draft.
package main

import (
	"context"
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
	dataset, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := dataset.SquashAndMerge().Run(ctx, jobs.SquashAndMergeArgs{
		DraftTitle: "Merge dev", Source: "dev", Strategy: jobs.StrategySkip,
	})
	if err != nil {
		log.Fatal(err)
	}
	draft, err := job.Result(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("branch dev is merged into draft %d\n", draft.Number)
}
