package jobstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// A program starts a server and sends a request with net/http.
func ExampleNewServer() {
	server, err := jobstest.NewServer()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	request, err := http.NewRequest(http.MethodGet, server.URL()+"gatewayv2/tensorbay-open-api/v1/datasets?limit=1", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("X-Token", server.AccessKey())
	response, err := server.Client().Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	var page struct {
		Datasets []struct{ Name string }
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Datasets[0].Name)
	for _, request := range server.Requests() {
		fmt.Println(request.Operation, request.Status)
	}
	// Output:
	// squash-and-merge
	// listDatasets 200
}

// The first run of a job fails and the second one succeeds.
func ExampleWithRuns() {
	server, err := jobstest.NewServer(jobstest.WithRuns(func(r jobstest.RunRequest) jobstest.Run {
		run := jobstest.Run{} // without duration
		if r.Attempt == 1 {
			run.Fail = "out of memory"
		}
		return run
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	send := func(method, path, body string) (payload map[string]any) {
		request, err := http.NewRequest(method, server.URL()+"gatewayv2/tensorbay-open-api/v1/"+path, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		request.Header.Set("X-Token", server.AccessKey())
		response, err := server.Client().Do(request)
		if err != nil {
			panic(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&payload); err != nil {
			panic(err)
		}
		return payload
	}
	dataset := send("GET", "datasets?name=squash-and-merge", "")["datasets"].([]any)[0].(map[string]any)
	jobs := fmt.Sprintf("datasets/%s/jobs", dataset["id"])
	created := send("POST", jobs, `{"title": "dev->main(skip)", "jobType": "squashAndMerge", "arguments":
		{"title": "merge dev", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": "skip"}}`)
	job := fmt.Sprintf("%s/%s", jobs, created["jobId"])
	const query = "?jobType=squashAndMerge"

	state := send("GET", job+query, "")
	fmt.Println(state["status"], state["errorMessage"])
	send("POST", job+"/retry"+query, "")
	state = send("GET", job+query, "")
	fmt.Println(state["status"], state["result"])
	// Output:
	// FAILED out of memory
	// SUCCESS map[draftNumber:1]
}

// A test makes a dataset through the API, and keeps it as a seed.
func ExampleServer_Upload() {
	server, err := jobstest.NewServer(jobstest.WithSeed(jobstest.Seed{Owner: "me"})) // without datasets
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	_, err = server.Upload(context.Background(), jobstest.SeedDataset{
		Name:     "birds",
		Branches: []jobstest.SeedRef{{Name: "main", Commit: "first"}},
		Commits: []jobstest.SeedCommit{{Name: "first", Title: "First birds", Segments: []jobstest.SeedSegment{{Name: "train", Data: []jobstest.SeedData{
			{RemotePath: "owl.jpg", Content: []byte("an owl"), Label: []byte(`{"CLASSIFICATION": {"category": "owl"}}`)},
			{RemotePath: "tit.jpg", Size: 1000},
		}}}}},
	})
	fmt.Println(err)
	for _, request := range server.Requests() {
		fmt.Println(request.Operation, request.Status)
	}
	seed, err := server.Dump()
	fmt.Println(strings.Contains(string(seed), "owl.jpg"), err)
	// Output:
	// <nil>
	// createDataset 200
	// createDraft 200
	// createSegment 200
	// getPolicy 200
	// upload 200
	// upload 200
	// addData 200
	// createCommit 200
	// true <nil>
}
