// Command searching finds cars at night, prints some of them and makes a dataset of all.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

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
	dataset, err := client.Dataset(ctx, "street-scenes")
	if err != nil {
		return err
	}
	job, err := dataset.BasicSearch().Run(ctx, jobs.BasicSearchArgs{
		Filters: []jobs.Filter{
			jobs.SegmentIn("val-night"),
			jobs.CategoryIn(jobs.LabelBox2D, "car"),
		},
	})
	if errors.Is(err, jobs.ErrInvalidArgument) { // for example a filter that the dataset cannot have
		return fmt.Errorf("correct the search: %w", err)
	}
	if err != nil { // the job failed, or the wait ended before the job; errors.md lists all cases
		return err
	}
	result, err := job.Result(ctx)
	if err != nil {
		return err
	}
	files := 0
	for data, err := range result.All(ctx) {
		if err != nil {
			return err
		}
		if files++; files <= 3 {
			fmt.Printf("%s: %d boxes\n", data.RemotePath, len(data.Label.Box2D))
		}
	}
	fmt.Println(files, "files")
	return job.CreateDataset(ctx, jobs.DatasetSpec{Name: "cars-at-night"})
}
