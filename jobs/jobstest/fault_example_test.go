package jobstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// startMerge is the code under test of the examples.
func startMerge(ctx context.Context, dataset *jobs.Dataset) (*jobs.SquashAndMergeJob, error) {
	return dataset.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Target: "main"})
}

func connect(options ...jobstest.Option) (*jobstest.Server, *jobs.Dataset) {
	server, err := jobstest.NewServer(options...)
	if err != nil {
		panic(err)
	}
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()),
		jobs.WithRetry(jobs.RetryPolicy{Backoff: time.Millisecond}), jobs.WithRateLimit(-1))
	if err != nil {
		panic(err)
	}
	dataset, err := client.Dataset(context.Background(), "squash-and-merge")
	if err != nil {
		panic(err)
	}
	return server, dataset
}

// The connection breaks after the creation of a job, so the client does not know
// whether the job exists.
func ExampleServer_Inject() {
	server, dataset := connect()
	defer server.Close()
	server.Inject(jobstest.Rule{Operation: "createJob", Times: 1}, jobstest.Reset().Executed())

	_, err := startMerge(context.Background(), dataset)
	fmt.Println("may have taken effect:", errors.Is(err, jobs.ErrAmbiguous))
	for job, err := range dataset.SquashAndMerge().List(context.Background(), jobs.ListOptions{}) {
		fmt.Println("found:", job.Snapshot().Title, err)
	}
	for _, request := range server.Faulted() {
		fmt.Println("fault:", request.Operation, request.Fault)
	}
	// Output:
	// may have taken effect: true
	// found: dev->main(abort) <nil>
	// fault: createJob reset, executed
}

// An overloaded gateway rejects the third and the fourth read of a job with
// Retry-After. The wait continues.
func ExampleFault_RetryAfter() {
	server, dataset := connect()
	defer server.Close()
	server.Inject(
		jobstest.Rule{Operation: "getJob", From: 3, Times: 2},
		jobstest.HTML(http.StatusServiceUnavailable).RetryAfter(10*time.Millisecond),
	)

	job, err := startMerge(context.Background(), dataset)
	if err != nil {
		fmt.Println(err)
		return
	}
	schedule := polling.Schedule{Min: 10 * time.Millisecond}
	fmt.Println(job.Wait(context.Background(), jobs.WithSchedule(schedule)))
	fmt.Println(job.Status(), "after", len(server.Faulted()), "rejected requests")
	// Output:
	// <nil>
	// SUCCESS after 2 rejected requests
}

// One request of three is lost. The seed makes the test reproducible.
func ExampleRule() {
	server, dataset := connect()
	defer server.Close()
	server.Inject(jobstest.Rule{Probability: 1.0 / 3, Seed: 42}, jobstest.Reset())

	for range 10 {
		if _, err := dataset.Refresh(context.Background()); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(len(server.Faulted()), "requests were lost, no call failed")
	// Output:
	// 9 requests were lost, no call failed
}

// A lagging replica does not find a new job.
func ExampleStale() {
	server, dataset := connect()
	defer server.Close()
	server.Inject(jobstest.Rule{}, jobstest.Stale(time.Minute))

	job, err := startMerge(context.Background(), dataset)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(errors.Is(job.Update(context.Background()), jobs.ErrNotFound))
	server.Clear()
	fmt.Println(job.Update(context.Background()))
	// Output:
	// true
	// <nil>
}

// The service refuses a retry directly after an abort.
func ExampleEarlyRetry() {
	server, dataset := connect()
	defer server.Close()
	server.Inject(jobstest.Rule{}, jobstest.EarlyRetry(http.StatusForbidden, 50*time.Millisecond))

	job, err := startMerge(context.Background(), dataset)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.Abort(context.Background()))
	fmt.Println(errors.Is(job.Retry(context.Background()), jobs.ErrForbidden))
	<-time.After(50 * time.Millisecond)
	fmt.Println(job.Retry(context.Background()))
	// Output:
	// <nil>
	// true
	// <nil>
}
