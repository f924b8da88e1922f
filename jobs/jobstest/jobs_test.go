package jobstest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLifeOfAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithQueuing(2*time.Second), jobstest.WithProcessing(3*time.Second))
		created := time.Now().Unix()
		j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("skip"))

		want := object{
			"title": "a job", "jobId": j.jobID, "arguments": mergeArguments("skip"), "createdAt": float64(created),
			"status": "QUEUING", "errorMessage": "", "description": "a test",
		}
		require.Equal(t, want, j.look())
		<-time.After(2*time.Second - 1)
		require.Equal(t, want, j.look())
		<-time.After(time.Nanosecond)
		want["status"], want["startedAt"] = "PROCESSING", float64(created+2)
		require.Equal(t, want, j.look())
		// Nobody looks when it ends; it has ended then all the same.
		<-time.After(time.Hour)
		want["status"], want["finishedAt"], want["result"] = "SUCCESS", float64(created+5), object{"draftNumber": 1.0}
		require.Equal(t, want, j.look())
		drafts := c.get("datasets/" + j.datasetID + "/drafts")["drafts"].([]any)
		require.Equal(t, object{
			"number": 1.0, "title": "merge dev", "description": "all of it", "branchName": "main", "status": "OPEN",
			"parentCommitId": c.head(j.datasetID), "author": object{"name": "tester", "date": float64(created + 5)},
			"updatedAt": float64(created + 5),
		}, drafts[0])

		j.refuse(400, "InvalidParamsValue", http.MethodPost, j.path("/abort"), nil)
		j.refuse(400, "InvalidParamsValue", http.MethodPost, j.path("/retry"), nil)
		require.Empty(t, j.ask(http.MethodDelete, j.path(""), nil))
		j.refuse(404, "ResourceNotExist", http.MethodGet, j.path(""), nil)
	})
}

func TestAbortAndRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []jobstest.RunRequest
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithRuns(func(r jobstest.RunRequest) jobstest.Run {
			asked = append(asked, r)
			run := r.Standard
			run.Queuing, run.Processing = time.Second, time.Minute
			if r.Attempt == 2 {
				run.Fail = "the disk is full"
			}
			return run
		}))
		j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("abort"))
		<-time.After(time.Second)
		j.refuse(400, "InvalidParamsValue", http.MethodDelete, j.path(""), nil)
		require.Empty(t, j.ask(http.MethodPost, j.path("/abort"), nil))
		state := j.look()
		assert.Equal(t, "ABORTED", state["status"])
		assert.EqualValues(t, time.Now().Unix(), state["finishedAt"])
		assert.NotContains(t, state, "result")

		require.Empty(t, j.ask(http.MethodPost, j.path("/retry"), nil))
		state = j.look()
		assert.Equal(t, "QUEUING", state["status"])
		assert.NotContains(t, state, "startedAt")
		assert.NotContains(t, state, "finishedAt")
		<-time.After(time.Hour)
		state = j.look()
		assert.Equal(t, "FAILED", state["status"])
		assert.Equal(t, "the disk is full", state["errorMessage"])
		assert.NotContains(t, state, "result")
		assert.Empty(t, c.get("datasets/" + j.datasetID + "/drafts?status=ALL")["drafts"])

		require.Empty(t, j.ask(http.MethodPost, j.path("/retry"), nil))
		assert.Equal(t, "", j.look()["errorMessage"])
		assert.Equal(t, object{"draftNumber": 1.0}, j.finish())

		require.Len(t, asked, 3)
		for i, request := range asked {
			assert.Equal(t, jobstest.RunRequest{
				DatasetID: j.datasetID, DatasetName: "hello", JobID: j.jobID, JobType: "squashAndMerge", JobTitle: "a job",
				Attempt:  i + 1,
				Standard: jobstest.Run{Queuing: jobstest.DefaultQueuing, Processing: jobstest.DefaultProcessing},
			}, request)
		}
	})
}

func TestRetryIsForMergesOnly(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	id := c.id("hello")
	j := c.create(id, "basicSearch", searchArguments(c.head(id), "and", "file", filterOf("size", ">", 0)))
	j.ask(http.MethodPost, j.path("/abort"), nil)
	j.refuse(400, "InvalidParamsValue", http.MethodPost, j.path("/retry"), nil)
}

func TestJobTypeMustBeThatOfTheJob(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("abort"))
	j.jobType = "basicSearch"
	j.refuse(404, "ResourceNotExist", http.MethodGet, j.path(""), nil)
	j.refuse(404, "ResourceNotExist", http.MethodPost, j.path("/abort"), nil)
	j.refuse(404, "ResourceNotExist", http.MethodPost, j.path("/retry"), nil)
	j.refuse(404, "ResourceNotExist", http.MethodDelete, j.path(""), nil)
}

func TestListJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithQueuing(0), jobstest.WithProcessing(time.Hour))
		id := c.id("hello")
		var ids []string
		for i := range 300 {
			if i == 200 { // the first 200 end, the others do not
				<-time.After(time.Hour)
			}
			ids = append(ids, c.create(id, "squashAndMerge", mergeArguments("abort")).jobID)
		}
		c.create(id, "basicSearch", searchArguments(c.head(id), "and", "file", filterOf("size", ">", 0)))

		list := func(query string) ([]string, object) {
			answer := c.get("datasets/" + id + "/jobs?jobType=squashAndMerge" + query)
			var listed []string
			for _, item := range answer["jobs"].([]any) {
				assert.NotContains(t, item, "jobType")
				listed = append(listed, item.(object)["jobId"].(string))
			}
			delete(answer, "jobs")
			return listed, answer
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

		c.ask(http.MethodDelete, fmt.Sprintf("datasets/%s/jobs/%s?jobType=squashAndMerge", id, ids[150]), nil)
		listed, _ = list("&offset=149&limit=1")
		assert.Equal(t, ids[149:150], listed)
	})
}

// Ten thousand jobs end in the order in which they are due, also when nobody
// looks before the last one has ended.
func TestManyJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const jobs = 10_000
		n := 0
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithoutContractCheck(), jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
			n++
			return jobstest.Run{Processing: time.Duration((n*7919)%jobs) * time.Second}
		}))
		id := c.id("hello")
		for range jobs {
			c.create(id, "squashAndMerge", mergeArguments("skip"))
		}
		begin := time.Now().Unix()
		<-time.After(jobs * time.Second)
		for offset := 0; offset < jobs; offset += 128 {
			for _, item := range c.get(fmt.Sprintf("datasets/%s/jobs?jobType=squashAndMerge&offset=%d", id, offset))["jobs"].([]any) {
				item := item.(object)
				require.Equal(t, "SUCCESS", item["status"])
				// Each took another number of seconds, from 0 on.
				require.EqualValues(t, item["finishedAt"].(float64)-float64(begin)+1, item["result"].(object)["draftNumber"])
			}
		}
	})
}

func TestNegativeRunCountsAsNone(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()), jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
		return jobstest.Run{Queuing: -time.Hour, Processing: -time.Hour}
	}))
	state := c.create(c.id("hello"), "squashAndMerge", mergeArguments("skip")).look()
	require.Equal(t, "SUCCESS", state["status"])
	require.Equal(t, state["createdAt"], state["finishedAt"])
}

func TestScriptMayUseTheServer(t *testing.T) {
	var c caller
	c = start(t, jobstest.WithSeed(hello()), jobstest.WithRuns(func(r jobstest.RunRequest) jobstest.Run {
		c.get("datasets/" + r.DatasetID)
		return jobstest.Run{}
	}))
	c.create(c.id("hello"), "squashAndMerge", mergeArguments("skip")).finish()
}

func TestMergeArguments(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()), jobstest.WithBadRequests())
	jobs := "datasets/" + c.id("hello") + "/jobs"
	for name, test := range map[string]struct {
		status int
		code   string
		change func(object)
	}{
		"no title":       {400, "RequestParamsMissing", func(a object) { delete(a, "title") }},
		"no source":      {400, "RequestParamsMissing", func(a object) { delete(a, "sourceBranchName") }},
		"null target":    {400, "RequestParamsMissing", func(a object) { a["targetBranchName"] = nil }},
		"no strategy":    {400, "RequestParamsMissing", func(a object) { delete(a, "strategy") }},
		"other strategy": {400, "InvalidParamsValue", func(a object) { a["strategy"] = "ours" }},
		"number":         {400, "InvalidParamsValue", func(a object) { a["title"] = 1 }},
		"unknown source": {404, "ResourceNotExist", func(a object) { a["sourceBranchName"] = "nothing" }},
		"unknown target": {404, "ResourceNotExist", func(a object) { a["targetBranchName"] = "nothing" }},
	} {
		t.Run(name, func(t *testing.T) {
			arguments := mergeArguments("abort")
			test.change(arguments)
			caller{t, c.Server}.refuse(test.status, test.code, http.MethodPost, jobs,
				object{"title": "t", "jobType": "squashAndMerge", "arguments": arguments})
		})
	}
}
