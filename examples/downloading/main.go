// Command downloading saves the files of a search, and their boxes as CSV.
package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"log"
	"os"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/download"
)

func main() {
	if err := run(context.Background(), "night"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, directory string) error {
	client, err := jobs.NewClient(os.Getenv("TENSORBAY_ACCESS_KEY"), jobs.WithBaseURL(os.Getenv("TENSORBAY_URL")))
	if err != nil {
		return err
	}
	dataset, err := client.Dataset(ctx, "street-scenes")
	if err != nil {
		return err
	}
	job, err := dataset.BasicSearch().Run(ctx, jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.SegmentIn("val-night")}})
	if err != nil {
		return err
	}
	result, err := job.Result(ctx)
	if err != nil {
		return err
	}

	statistics, err := result.LabelStatistics(ctx)
	if err != nil {
		return err
	}
	fmt.Println(statistics[jobs.LabelBox2D].Quantity, "boxes in all files")

	// Files that are complete are not fetched again, so the program can be repeated.
	saved := 0
	for file, err := range download.Files(ctx, directory, result.All(ctx), download.Options{}) {
		if err != nil {
			return fmt.Errorf("%s: %w", file.Path, err)
		}
		saved++
	}
	fmt.Println(saved, "files in", directory)

	table := csv.NewWriter(os.Stdout)
	defer table.Flush()
	for data, err := range result.All(ctx) {
		if err != nil {
			return err
		}
		for _, box := range data.Label.Box2D[:min(1, len(data.Label.Box2D))] { // the first one
			row := []string{data.RemotePath, box.Category, fmt.Sprint(box.Box2D.Xmin), fmt.Sprint(box.Box2D.Ymin)}
			if err := table.Write(row); err != nil {
				return err
			}
		}
	}
	return nil
}
