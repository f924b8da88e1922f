// Command downloading saves the files of a search, and their boxes as CSV.
package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"log"
	"os"
	"path/filepath"

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

	return writeBoxes(ctx, result, filepath.Join(directory, "boxes.csv"))
}

// writeBoxes writes a row for each box: the file, the category and the corners in pixels.
func writeBoxes(ctx context.Context, result *jobs.SearchResult, path string) error {
	var text bytes.Buffer
	table, rows := csv.NewWriter(&text), 0
	for data, err := range result.All(ctx) {
		if err != nil {
			return err
		}
		for _, label := range data.Label.Box2D {
			box := label.Box2D
			row := []string{data.RemotePath, label.Category,
				fmt.Sprint(box.Xmin), fmt.Sprint(box.Ymin), fmt.Sprint(box.Xmax), fmt.Sprint(box.Ymax)}
			if err := table.Write(row); err != nil {
				return err
			}
			rows++
		}
	}
	table.Flush()
	fmt.Println(rows, "rows in", path)
	return os.WriteFile(path, text.Bytes(), 0o600)
}
