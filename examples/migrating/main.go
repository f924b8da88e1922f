// Command migrating is the counterpart of the Python program in docs/from-python.md.
package main

import (
	"context"
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
	job, err := dataset.BasicSearch().Run(ctx, jobs.BasicSearchArgs{Filters: []jobs.Filter{
		jobs.CategoryIn(jobs.LabelBox2D, "car", "bus"), jobs.SizeGreaterThan(33_400),
	}})
	if err != nil {
		return err
	}
	result, err := job.Result(ctx)
	if err != nil {
		return err
	}
	for data, err := range result.All(ctx) {
		if err != nil {
			return err
		}
		fmt.Println(data.RemotePath)
	}
	return nil
}
