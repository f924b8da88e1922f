package emulator_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
)

func TestGetJob_ShowsTheStatusAtTheCurrentTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, withSeed(hello()), withTimes(2*time.Second, 3*time.Second))
		created := time.Now().Unix()
		j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("skip"))

		want := object{
			"title": "a job", "jobId": j.jobID, "jobType": "squashAndMerge", "arguments": mergeArguments("skip"), "createdAt": float64(created),
			"status": "QUEUING", "errorMessage": "", "description": "a test",
		}
		require.Equal(t, want, j.state())
		<-time.After(2*time.Second - 1)
		require.Equal(t, want, j.state())
		<-time.After(time.Nanosecond)
		want["status"], want["startedAt"] = "PROCESSING", float64(created+2)
		require.Equal(t, want, j.state())
		// The job ends without a request at that time.
		<-time.After(time.Hour)
		want["status"], want["finishedAt"], want["result"] = "SUCCESS", float64(created+5), object{"draftNumber": 1.0}
		require.Equal(t, want, j.state())
		drafts := c.get("datasets/" + j.datasetID + "/drafts")["drafts"].([]any)
		require.Equal(t, object{
			"number": 1.0, "title": "merge dev", "description": "all of it", "branchName": "main", "status": "OPEN",
			"parentCommitId": c.head(j.datasetID), "author": object{"name": "tester", "date": float64(created + 5)},
			"updatedAt": float64(created + 5),
		}, drafts[0])

		j.doError(400, "InvalidParamsValue", http.MethodPost, j.path("/abort"), nil)
		j.doError(400, "InvalidParamsValue", http.MethodPost, j.path("/retry"), nil)
		require.Empty(t, j.do(http.MethodDelete, j.path(""), nil))
		j.doError(404, "ResourceNotExist", http.MethodGet, j.path(""), nil)
	})
}

func TestRetryJob_StartsANewRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests []emulator.RunRequest
		c := start(t, withSeed(hello()), withRuns(func(r emulator.RunRequest) emulator.Run {
			requests = append(requests, r)
			run := emulator.Run{Queuing: time.Second, Processing: time.Minute}
			if r.Attempt == 2 {
				run.Fail = "the disk is full"
			}
			return run
		}))
		j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("abort"))
		<-time.After(time.Second)
		j.doError(400, "InvalidParamsValue", http.MethodDelete, j.path(""), nil)
		require.Empty(t, j.do(http.MethodPost, j.path("/abort"), nil))
		state := j.state()
		assert.Equal(t, "ABORTED", state["status"])
		assert.EqualValues(t, time.Now().Unix(), state["finishedAt"])
		assert.NotContains(t, state, "result")

		require.Empty(t, j.do(http.MethodPost, j.path("/retry"), nil))
		state = j.state()
		assert.Equal(t, "PROCESSING", state["status"])
		assert.EqualValues(t, time.Now().Unix(), state["startedAt"])
		assert.NotContains(t, state, "finishedAt")
		<-time.After(time.Hour)
		state = j.state()
		assert.Equal(t, "FAILED", state["status"])
		assert.Equal(t, "the disk is full", state["errorMessage"])
		assert.NotContains(t, state, "result")
		assert.Empty(t, c.get("datasets/" + j.datasetID + "/drafts?status=ALL")["drafts"])

		require.Empty(t, j.do(http.MethodPost, j.path("/retry"), nil))
		assert.Equal(t, "", j.state()["errorMessage"])
		assert.Equal(t, object{"draftNumber": 1.0}, j.finish())

		require.Len(t, requests, 3)
		for i, request := range requests {
			assert.Equal(t, emulator.RunRequest{
				DatasetID: j.datasetID, DatasetName: "hello", JobID: j.jobID, JobType: "squashAndMerge", JobTitle: "a job",
				Attempt: i + 1,
			}, request)
		}
	})
}

func TestRetryJob_RefusesASearch(t *testing.T) {
	c := start(t, withSeed(hello()))
	id := c.id("hello")
	j := c.create(id, "basicSearch", searchArguments(c.head(id), "and", "file", filterOf("size", ">", 0)))
	j.do(http.MethodPost, j.path("/abort"), nil)
	j.doError(400, "InvalidParamsValue", http.MethodPost, j.path("/retry"), nil)
}

func TestGetJob_RefusesAnotherJobType(t *testing.T) {
	c := start(t, withSeed(hello()))
	j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("abort"))
	j.jobType = "basicSearch"
	j.doError(404, "ResourceNotExist", http.MethodGet, j.path(""), nil)
	j.doError(404, "ResourceNotExist", http.MethodPost, j.path("/abort"), nil)
	j.doError(404, "ResourceNotExist", http.MethodPost, j.path("/retry"), nil)
	j.doError(404, "ResourceNotExist", http.MethodDelete, j.path(""), nil)
}

func TestListJobs_PagesNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, withSeed(hello()), withTimes(0, time.Hour))
		id := c.id("hello")
		var ids []string
		for i := range 300 {
			if i == 200 { // the first 200 jobs end
				<-time.After(time.Hour)
			}
			ids = append(ids, c.create(id, "squashAndMerge", mergeArguments("abort")).jobID)
		}
		c.create(id, "basicSearch", searchArguments(c.head(id), "and", "file", filterOf("size", ">", 0)))

		list := func(query string) ([]string, object) {
			page := c.get("datasets/" + id + "/jobs?jobType=squashAndMerge" + query)
			var listed []string
			for _, item := range page["jobs"].([]any) {
				assert.Equal(t, "squashAndMerge", item.(object)["jobType"])
				listed = append(listed, item.(object)["jobId"].(string))
			}
			delete(page, "jobs")
			return listed, page
		}
		newestFirst := func(from, to int) []string {
			var want []string
			for i := to - 1; i >= from; i-- {
				want = append(want, ids[i])
			}
			return want
		}
		counts := func(offset, size, total int) object {
			return object{"offset": float64(offset), "recordSize": float64(size), "totalCount": float64(total)}
		}
		listed, page := list("")
		assert.Equal(t, newestFirst(172, 300), listed)
		assert.Equal(t, counts(0, 128, 300), page)
		listed, page = list("&offset=290&limit=20")
		assert.Equal(t, newestFirst(0, 10), listed)
		assert.Equal(t, counts(290, 10, 300), page)
		listed, page = list("&status=SUCCESS&limit=3")
		assert.Equal(t, newestFirst(197, 200), listed)
		assert.Equal(t, counts(0, 3, 200), page)
		listed, page = list("&status=PROCESSING&offset=99")
		assert.Equal(t, ids[200:201], listed)
		assert.Equal(t, counts(99, 1, 100), page)
		listed, page = list("&offset=1000")
		assert.Empty(t, listed)
		assert.Equal(t, counts(300, 0, 300), page)

		c.do(http.MethodDelete, fmt.Sprintf("datasets/%s/jobs/%s?jobType=squashAndMerge", id, ids[150]), nil)
		listed, _ = list("&offset=149&limit=1")
		assert.Equal(t, ids[149:150], listed)
	})
}

func TestRun_NegativeDurationCountsAsZero(t *testing.T) {
	c := start(t, withSeed(hello()), withRuns(func(emulator.RunRequest) emulator.Run {
		return emulator.Run{Queuing: -time.Hour, Processing: -time.Hour}
	}))
	state := c.create(c.id("hello"), "squashAndMerge", mergeArguments("skip")).state()
	require.Equal(t, "SUCCESS", state["status"])
	require.Equal(t, state["createdAt"], state["finishedAt"])
}

func TestRun_MaySendRequests(t *testing.T) {
	var c caller
	c = start(t, withSeed(hello()), withRuns(func(r emulator.RunRequest) emulator.Run {
		c.get("datasets/" + r.DatasetID)
		return emulator.Run{}
	}))
	c.create(c.id("hello"), "squashAndMerge", mergeArguments("skip")).finish()
}

func TestCreateJob_FailsIfItsDatasetIsDeletedMeanwhile(t *testing.T) {
	var c caller
	c = start(t, withSeed(hello()), withRuns(func(r emulator.RunRequest) emulator.Run {
		c.do(http.MethodDelete, "datasets/"+r.DatasetID, nil)
		return emulator.Run{}
	}))
	c.doError(404, "ResourceNotExist", http.MethodPost, "datasets/"+c.id("hello")+"/jobs",
		object{"title": "t", "jobType": "squashAndMerge", "arguments": mergeArguments("abort")})
}

func TestCreateDatasetFromSearch_CopiesTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, withSeed(cameras()))
		id := c.id("cameras")
		j := c.create(id, "basicSearch", searchArguments(c.head(id), "and", "file", filterOf("category", "in", []string{"02"}, "BOX2D")))
		path := "searchResults/" + j.jobID + "/datasets"
		body := object{"datasetName": "lefts", "alias": "Left cameras", "isPublic": true}
		c.doError(400, "InvalidParamsValue", http.MethodPost, path, body) // the job has not ended
		result := j.finish()["searchResultId"].(string)
		require.Empty(t, c.do(http.MethodPost, path, body))
		c.doError(409, "NameConflict", http.MethodPost, path, body)

		made := c.id("lefts")
		head := c.head(made)
		assert.Equal(t, object{
			"id": made, "name": "lefts", "alias": "Left cameras", "type": 1.0, "isPublic": true, "defaultBranch": "main", "commitId": head,
			"updateTime": float64(time.Now().Unix()), "owner": "tester",
		}, c.get("datasets/"+made))
		require.Len(t, c.get("datasets/" + made + "/commits")["commits"], 1)
		for _, read := range []string{"/segments", "/sensors?segmentName=test", "/labels/statistics", "/data/details?segmentName=test"} {
			assert.Equal(t, c.get("datasets/"+result+read), c.get("datasets/"+made+read), read)
		}
		again := c.create(made, "basicSearch", searchArguments(head, "and", "file", filterOf("segment", "in", []string{"train"}))).finish()
		assert.Equal(t, 1.0, c.get("datasets/" + again["searchResultId"].(string) + "/segments")["totalCount"])

		merged := c.create(made, "squashAndMerge", object{"title": "t", "sourceBranchName": "main", "targetBranchName": "main", "strategy": "abort"})
		merged.finish()
		c.doError(404, "ResourceNotExist", http.MethodPost, "searchResults/"+merged.jobID+"/datasets", body)
	})
}
