package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// connectExample returns a client of a TensorBay in this process. A program only
// calls jobs.NewClient(accessKey).
func connectExample(options ...jobstest.Option) *jobs.Client {
	server, err := jobstest.NewServer(options...)
	if err != nil {
		log.Fatal(err)
	}
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()))
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// Merge a branch and read the draft.
func Example() {
	client := connectExample()
	ctx := context.Background()

	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
		DraftTitle: "merge dev", Source: "dev", Target: "main", Strategy: jobs.StrategySkip,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := job.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	draft, err := job.Result(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("draft %d on %s, %s\n", draft.Number, draft.Branch, draft.Status)
	for data, err := range draft.Contents().Data(ctx, "Segment1") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(data.RemotePath, data.Label.Classification.Category)
	}
	// Output:
	// draft 1 on main, OPEN
	// hello0.txt 01
	// hello1.txt 01
	// hello2.txt 01
	// hello3.txt 01
	// hello4.txt 02
	// hello5.txt 02
	// hello6.txt 02
	// hello7.txt 02
	// hello8.txt 02
	// hello9.txt 02
}

// Search a commit, read the result and create a dataset from it.
func ExampleBasicSearchJob() {
	client := connectExample()
	ctx := context.Background()

	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.BasicSearch().Create(ctx, jobs.BasicSearchArgs{
		Revision: "dev",
		Filters: []jobs.Filter{
			jobs.CategoryIn(jobs.LabelClassification, "02"),
			jobs.RemotePathLike("hello7"),
		},
	})
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
	for data, err := range result.Data(ctx, "Segment1") {
		if err != nil {
			log.Fatal(err)
		}
		content, err := data.Open(ctx)
		if err != nil {
			log.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			log.Fatal(err)
		}
		_ = content.Close()
		fmt.Printf("%s: %s", data.RemotePath, text)
	}
	if err := job.CreateDataset(ctx, jobs.DatasetSpec{Name: "seventh"}); err != nil {
		log.Fatal(err)
	}
	seventh, err := client.Dataset(ctx, "seventh")
	fmt.Println(seventh != nil, err)
	// Output:
	// hello7.txt: hello 7
	// true <nil>
}

// Read a fusion dataset. A frame holds the data of several sensors.
func ExampleBasicSearchJob_FusionResult() {
	client := connectExample()
	ctx := context.Background()

	ds, err := client.Dataset(ctx, "basic-search")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.BasicSearch().Create(ctx, jobs.BasicSearchArgs{
		Unit:    jobs.UnitFrame, // all data of a matching frame
		Filters: []jobs.Filter{jobs.SegmentIn("test"), jobs.SensorIn("CAM_BACK_LEFT")},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := job.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	result, err := job.FusionResult(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for frame, err := range result.Frames(ctx, "test") {
		if err != nil {
			log.Fatal(err)
		}
		for _, data := range frame.Data {
			fmt.Println(data.Sensor, data.Label.Box2D[0].Category, data.Label.Box2D[0].Attributes["attribute_1"])
		}
	}
	statistics, err := result.LabelStatistics(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, category := range statistics[jobs.LabelBox2D].Categories {
		fmt.Println("category", category.Name, "times", category.Quantity)
	}
	// Output:
	// CAM_BACK_LEFT 02 false
	// CAM_BACK_RIGHT 01 true
	// category 01 times 1
	// category 02 times 1
}

// A WaitError holds the last state of the job. The job continues, and another
// wait can follow.
func ExampleJob_Wait() {
	client := connectExample(jobstest.WithQueuing(0), jobstest.WithProcessing(time.Hour))
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if err != nil {
		log.Fatal(err)
	}

	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	err = job.Wait(short)
	var (
		failed *jobs.JobError
		ended  *jobs.WaitError
	)
	switch {
	case err == nil:
		fmt.Println("success")
	case errors.As(err, &failed):
		fmt.Println("the job has ended:", failed.Job.Status)
	case errors.As(err, &ended):
		fmt.Println("the job continues:", ended.Job.Status, ended.Reason)
	}
	// Output: the job continues: PROCESSING context deadline exceeded
}

// Print each status of a job.
func ExampleJob_Watch() {
	client := connectExample(jobstest.WithQueuing(0), jobstest.WithProcessing(time.Second))
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if err != nil {
		log.Fatal(err)
	}
	var last jobs.Status
	for event, err := range job.Watch(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Err != nil {
			continue // a transient error
		}
		if event.Job.Status != last {
			last = event.Job.Status
			fmt.Println(last)
		}
	}
	// Output:
	// PROCESSING
	// SUCCESS
}

// Save a job in one process and resume it in another.
func ExampleClient_Resume() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if err != nil {
		log.Fatal(err)
	}
	saved, err := json.Marshal(job)
	if err != nil {
		log.Fatal(err)
	}

	resumed, err := client.Resume(saved)
	if err != nil {
		log.Fatal(err)
	}
	switch again := resumed.(type) {
	case *jobs.SquashAndMergeJob:
		fmt.Println(again.ID() == job.ID(), again.Wait(ctx))
	case *jobs.BasicSearchJob:
		fmt.Println("a search")
	}
	// Output: true <nil>
}

// Distinguish errors.
func ExampleError() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	_, err = ds.SquashAndMerge().Get(ctx, "6f2a4d0c9b1e4a77b6a1d5f0c3e2b1a0")
	fmt.Println(errors.Is(err, jobs.ErrNotFound))
	var e *jobs.Error
	if errors.As(err, &e) {
		fmt.Println(e.Operation, e.StatusCode, e.Code, e.Attempts)
	}
	// Output:
	// true
	// get job 404 ResourceNotExist 1
}

func ExampleJobError() {
	client := connectExample(jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
		return jobstest.Run{Fail: "the source branch vanished"}
	}))
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if err != nil {
		log.Fatal(err)
	}
	err = job.Wait(ctx)
	var failed *jobs.JobError
	if errors.As(err, &failed) {
		fmt.Println(failed.Job.Status, failed.Job.ErrorMessage)
	}
	// Output: FAILED the source branch vanished
}

// Run a failed merge again.
func ExampleSquashAndMergeJob_Retry() {
	client := connectExample(jobstest.WithRuns(func(r jobstest.RunRequest) jobstest.Run {
		if r.Attempt == 1 {
			return jobstest.Run{Fail: "out of memory"}
		}
		return r.Standard
	}))
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Run(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if errors.Is(err, jobs.ErrJobFailed) {
		if err := job.Retry(ctx); err != nil {
			log.Fatal(err)
		}
		err = job.Wait(ctx)
	}
	fmt.Println(job.Status(), err)
	// Output: SUCCESS <nil>
}

// Merge a branch and commit the draft.
func ExampleDraft_Commit() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Run(ctx, jobs.SquashAndMergeArgs{
		DraftTitle: "merge dev", Source: "dev", Strategy: jobs.StrategyOverride,
	})
	if err != nil {
		log.Fatal(err)
	}
	draft, err := job.Result(ctx)
	if err != nil {
		log.Fatal(err)
	}
	commit, err := draft.Commit(ctx, jobs.CommitSpec{Tag: "v1"})
	if err != nil {
		log.Fatal(err)
	}
	tagged, err := ds.Resolve(ctx, "v1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tagged.Title, tagged.ID == commit)
	// Output: merge dev true
}

// The response to a create is lost. Find the job in the list.
func ExampleCreateError() {
	server, err := jobstest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	server.Inject(jobstest.Rule{Operation: "createJob", Times: 1}, jobstest.Reset().Executed())
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	_, err = ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	var uncertain *jobs.CreateError
	if errors.As(err, &uncertain) {
		for job, err := range ds.SquashAndMerge().List(ctx, jobs.ListOptions{}) {
			if err != nil {
				log.Fatal(err)
			}
			if uncertain.Matches(job.Snapshot()) {
				fmt.Println("found", job.Snapshot().Title)
			}
		}
	}
	// Output: found dev->main(abort)
}

func ExampleNewClient() {
	_, err := jobs.NewClient("not an access key")
	fmt.Println(errors.Is(err, jobs.ErrInvalidArgument))

	client, err := jobs.NewClient("Accesskey-0123456789abcdef",
		jobs.WithRateLimit(5),                   // requests a second
		jobs.WithAttemptTimeout(10*time.Second), // each
		jobs.WithRetry(jobs.RetryPolicy{Attempts: 3}),
	)
	fmt.Println(client, err)
	// Output:
	// true
	// tensorbay client of https://gas.graviti.cn/gatewayv2/tensorbay-open-api/v1/ <nil>
}

func ExampleClient_Datasets() {
	client := connectExample()
	for ds, err := range client.Datasets(context.Background(), "") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ds.Name, ds.Fusion)
	}
	// Unordered output:
	// squash-and-merge false
	// basic-search true
	// street-scenes false
	// drive-log true
}

func ExampleJobs_List() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	for _, strategy := range []jobs.Strategy{jobs.StrategyOverride, jobs.StrategySkip} {
		_, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Strategy: strategy})
		if err != nil {
			log.Fatal(err)
		}
	}
	for job, err := range ds.SquashAndMerge().List(ctx, jobs.ListOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.Snapshot().Title)
	}
	// Output:
	// dev->main(skip)
	// dev->main(override)
}

// Create many searches at the same time. A commit id in place of a branch saves a request for
// each of them.
func ExampleJobs_Create_many() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "street-scenes")
	if err != nil {
		log.Fatal(err)
	}
	head, err := ds.Resolve(ctx, "main")
	if err != nil {
		log.Fatal(err)
	}
	categories := []string{"car", "bus", "pedestrian"}
	created := make([]*jobs.BasicSearchJob, len(categories))
	errs := make([]error, len(categories))
	var creates sync.WaitGroup
	for i, category := range categories {
		creates.Go(func() {
			created[i], errs[i] = ds.BasicSearch().Create(ctx, jobs.BasicSearchArgs{
				Revision: head.ID,
				Filters:  []jobs.Filter{jobs.CategoryIn(jobs.LabelBox2D, category)},
			})
		})
	}
	creates.Wait()
	for i, err := range errs {
		switch {
		case errors.Is(err, jobs.ErrAmbiguous):
			log.Print(err) // look for the job before you create it again
		case err != nil:
			log.Fatal(err)
		default:
			args, err := created[i].Arguments()
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(args.Filters[0])
		}
	}
	// Output:
	// category in ["car"] on BOX2D
	// category in ["bus"] on BOX2D
	// category in ["pedestrian"] on BOX2D
}

// Save a file. The content is resumed if the connection breaks.
func ExampleData_Save() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "street-scenes")
	if err != nil {
		log.Fatal(err)
	}
	contents, err := ds.Contents(ctx, "main")
	if err != nil {
		log.Fatal(err)
	}
	for data, err := range contents.AllData(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		n, err := data.Save(ctx, io.Discard) // such as an *os.File
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(data.Segment, data.RemotePath, n)
		break
	}
	// Output: train-day day/0000.jpg 338
}

func ExampleDataset_Drafts() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "street-scenes")
	if err != nil {
		log.Fatal(err)
	}
	for draft, err := range ds.Drafts(ctx, jobs.DraftOptions{Status: jobs.DraftAll}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(draft.Status)
	}
	// Unordered output:
	// OPEN
	// COMMITTED
	// CLOSED
}

func ExampleFilter() {
	fmt.Println(jobs.CategoryIn(jobs.LabelBox2D, "car", "bus"))
	fmt.Println(jobs.SizeGreaterThan(1 << 20))
	fmt.Println(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"occluded": {false}}))
	fmt.Println(jobs.RawFilter("weather", "Weather", "in", "", []string{"rain"}))
	// Output:
	// category in ["car","bus"] on BOX2D
	// size > 1048576
	// attribute in {"occluded":[false]} on BOX2D
	// weather in ["rain"]
}

func ExampleContents() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "basic-search", jobs.AtBranch("main"))
	if err != nil {
		log.Fatal(err)
	}
	contents, err := ds.Contents(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	for segment, err := range contents.Segments(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		sensors, err := contents.Sensors(ctx, segment.Name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(segment.Name, len(sensors), "sensors")
	}
	// Unordered output:
	// test 2 sensors
	// train 2 sensors
}

func ExampleWithSchedule() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if err != nil {
		log.Fatal(err)
	}
	// Poll often because this job is short.
	fmt.Println(job.Wait(ctx, jobs.WithSchedule(polling.Schedule{Min: 20 * time.Millisecond})))
	// Output: <nil>
}

// Wait for many jobs in one loop. The waits share requests.
func ExampleWaitAll() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	var merges []*jobs.SquashAndMergeJob
	for _, strategy := range []jobs.Strategy{jobs.StrategyAbort, jobs.StrategyOverride, jobs.StrategySkip} {
		job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Strategy: strategy})
		if err != nil {
			log.Fatal(err)
		}
		merges = append(merges, job)
	}
	for job, err := range jobs.WaitAll(ctx, merges) {
		fmt.Println(job.Snapshot().Title, err)
	}
	// Unordered output:
	// dev->main(abort) <nil>
	// dev->main(override) <nil>
	// dev->main(skip) <nil>
}

// Stop waiting for many jobs, save the unfinished ones as JSON and resume them in
// another process.
func ExampleWaitAll_resume() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	var merges []*jobs.SquashAndMergeJob
	for range 5 {
		job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
		if err != nil {
			log.Fatal(err)
		}
		merges = append(merges, job)
	}

	// The first process stops after two jobs.
	reported := map[string]bool{}
	for job, err := range jobs.WaitAll(ctx, merges) {
		if err != nil {
			log.Fatal(err)
		}
		if reported[job.ID()] = true; len(reported) == 2 {
			break
		}
	}
	left := slices.DeleteFunc(merges, func(j *jobs.SquashAndMergeJob) bool { return reported[j.ID()] })
	saved, err := json.Marshal(left)
	if err != nil {
		log.Fatal(err)
	}

	// The second process waits for the other jobs.
	var bodies []json.RawMessage
	if err := json.Unmarshal(saved, &bodies); err != nil {
		log.Fatal(err)
	}
	var again []*jobs.SquashAndMergeJob
	for _, body := range bodies {
		job, err := ds.SquashAndMerge().Resume(body)
		if err != nil {
			log.Fatal(err)
		}
		again = append(again, job)
	}
	for job, err := range jobs.WaitAll(ctx, again) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.Status(), reported[job.ID()])
	}
	// Output:
	// SUCCESS false
	// SUCCESS false
	// SUCCESS false
}

// Create a job and wait for it in one call.
func ExampleJobs_Run() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	job, err := ds.SquashAndMerge().Run(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status())
	// Output: SUCCESS
}

// Wait for jobs while they are still being created, and show the progress.
func ExampleWaitSeq() {
	client := connectExample()
	ctx := context.Background()
	ds, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		log.Fatal(err)
	}
	create := func(yield func(*jobs.SquashAndMergeJob, error) bool) {
		for range 3 {
			if !yield(ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})) {
				return
			}
		}
	}
	var progress jobs.Progress // another goroutine may read it at any time
	for job, err := range jobs.WaitSeq(ctx, create, jobs.WithProgress(&progress)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.Status())
	}
	fmt.Println(len(progress.Events()), "jobs")
	// Output:
	// SUCCESS
	// SUCCESS
	// SUCCESS
	// 3 jobs
}

// Count the requests by operation and status.
func ExampleWithObserver() {
	server, err := jobstest.NewServer()
	if err != nil {
		log.Fatal(err)
	}
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()),
		jobs.WithObserver(func(_ context.Context, a jobs.Attempt) {
			fmt.Println(a.Operation, a.Route, a.StatusCode)
		}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Dataset(context.Background(), "squash-and-merge"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// listDatasets /datasets 200
	// getDataset /datasets/{datasetId} 200
}
