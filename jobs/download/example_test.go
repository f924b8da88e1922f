package download_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/download"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// connectExample returns a client of a TensorBay in this process. A program only
// calls jobs.NewClient(accessKey).
func connectExample() *jobs.Client {
	server, err := jobstest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()))
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// Search a dataset and download the files found.
func ExampleFiles() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "street-scenes")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.BasicSearch().Create(ctx, jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.RemotePathLike("day/000")}})
	if err != nil {
		log.Fatal(err)
	}
	if err := job.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	result, err := job.Result(ctx)
	if err != nil {
		log.Fatal(err)
	}

	dir, err := os.MkdirTemp("", "street-scenes")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files, skipped := 0, 0
	for range 2 { // the second time, nothing is fetched again
		for file, err := range download.Files(ctx, dir, result.All(ctx), download.Options{}) {
			if err != nil {
				log.Print(err) // the others continue
				continue
			}
			files++
			if file.Skipped {
				skipped++
			}
		}
	}
	fmt.Println(files, skipped)
	// Output: 40 20
}

// Download the frames of a fusion dataset.
func ExampleOfFrames() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "drive-log")
	if err != nil {
		log.Fatal(err)
	}
	contents, err := ds.Contents(ctx, "main")
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "drive-log")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files := 0
	for _, err := range download.Files(ctx, dir, download.OfFrames(contents.AllFrames(ctx)), download.Options{}) {
		if err != nil {
			log.Print(err)
			continue
		}
		files++
	}
	fmt.Println(files, "files")
	// Output: 40 files
}
