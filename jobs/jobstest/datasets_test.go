package jobstest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var zeros = strings.Repeat("0", 32)

func TestDatasets(t *testing.T) {
	seed := hello()
	seed.Datasets = append(seed.Datasets, cameras().Datasets...)
	seed.Datasets = append(seed.Datasets, jobstest.SeedDataset{ID: "0123", Name: "empty", Alias: "Empty", Public: true, DefaultBranch: "trunk"})
	c := start(t, jobstest.WithSeed(seed))
	var names []any
	for _, ds := range c.get("datasets")["datasets"].([]any) {
		names = append(names, ds.(object)["name"])
	}
	assert.Equal(t, []any{"hello", "cameras", "empty"}, names)
	assert.Equal(t, object{"datasets": []any{}, "offset": 0.0, "recordSize": 0.0, "totalCount": 0.0}, c.get("datasets?name=hell"))

	id := c.id("hello")
	assert.Regexp(t, "^[0-9a-f]{32}$", id)
	assert.Equal(t, object{
		"id": id, "name": "hello", "alias": "", "type": 0.0, "isPublic": false, "defaultBranch": "main",
		"commitId": c.get("datasets/" + id + "/branches?name=main")["branches"].([]any)[0].(object)["commitId"],
	}, c.get("datasets/"+id))
	assert.Equal(t, 1.0, c.get("datasets/" + c.id("cameras"))["type"])
	assert.Equal(t, object{"id": "0123", "name": "empty", "alias": "Empty", "type": 0.0, "isPublic": true, "defaultBranch": "trunk"}, c.get("datasets/0123"))
	assert.Empty(t, c.get("datasets/0123/branches")["branches"])
	assert.Empty(t, c.get("datasets/0123/segments")["segments"])
	c.refuse(404, "ResourceNotExist", http.MethodGet, "datasets/0123/commits", nil)
}

func TestBranchesTagsAndCommits(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	base := "datasets/" + c.id("hello")
	branches := c.get(base + "/branches")["branches"].([]any)
	require.Len(t, branches, 2)
	first, second := branches[0].(object)["commitId"], branches[1].(object)["commitId"]
	assert.Equal(t, object{
		"name": "dev", "commitId": second, "parentCommitId": first, "title": "second", "description": "more",
		"committer": object{"name": "tester", "date": 1700000100.0},
	}, branches[1])
	assert.Equal(t, branches[1:], c.get(base + "/branches?name=dev")["branches"])
	assert.Empty(t, c.get(base + "/branches?name=de")["branches"])
	assert.Equal(t, []any{object{
		"name": "v1", "commitId": first, "parentCommitId": zeros, "title": "first", "description": "",
		"committer": object{"name": "tester", "date": 1700000000.0},
	}}, c.get(base + "/tags?name=v1")["tags"])

	for revision, want := range map[string][]any{
		"":                               {first},
		"?commit=main":                   {first},
		"?commit=v1":                     {first},
		"?commit=dev":                    {second, first},
		"?commit=" + second.(string):     {second, first},
		"?commit=dev&limit=1":            {second},
		"?commit=dev&offset=1&limit=128": {first},
	} {
		var ids []any
		for _, commit := range c.get(base + "/commits" + revision)["commits"].([]any) {
			ids = append(ids, commit.(object)["commitId"])
		}
		assert.Equal(t, want, ids, revision)
	}
	// The four content reads take names as well.
	for revision, want := range map[string]float64{"": 4, "&commit=dev": 10, "&commit=v1": 4, "&commit=" + second.(string): 10} {
		assert.Equal(t, want, c.get(base + "/data/urls?segmentName=Segment1" + revision)["totalCount"], revision)
	}
}

func TestSeedCommitsChangeTheirParent(t *testing.T) {
	seed := hello()
	ds := &seed.Datasets[0]
	ds.Commits = append(ds.Commits, jobstest.SeedCommit{Name: "c3", Parent: "c2", Segments: []jobstest.SeedSegment{
		{Name: "Segment1", Remove: []string{"hello0.txt", "hello9.txt"}, Data: []jobstest.SeedData{
			datum("hello3.txt", "new", "03"), datum("hello0.txt", "back", "03"),
		}},
	}})
	ds.Branches = append(ds.Branches, jobstest.SeedRef{Name: "next", Commit: "c3"})
	c := start(t, jobstest.WithSeed(seed))
	lines := c.contents("datasets/"+c.id("hello"), "commit=next")
	require.Len(t, lines, 10)
	assert.Equal(t, "- hello3.txt new 03", lines[3])
	assert.Equal(t, "- hello0.txt back 03", lines[9])
}

func TestDrafts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := hello()
		ds := &seed.Datasets[0]
		extra := []jobstest.SeedSegment{{Name: "extra", Data: []jobstest.SeedData{datum("x", "x", "x")}}}
		ds.Drafts = []jobstest.SeedDraft{
			{Title: "one", Branch: "main", Description: "d", Segments: extra},
			{Title: "two", Branch: "dev", Status: "OPEN"},
			{Title: "three", Branch: "main", Status: "CLOSED"},
			{Title: "four", Branch: "main", Status: "COMMITTED"},
		}
		c := start(t, jobstest.WithSeed(seed))
		id := c.id("hello")
		list := func(query string) string {
			var titles []string
			for _, d := range c.get("datasets/" + id + "/drafts" + query)["drafts"].([]any) {
				titles = append(titles, fmt.Sprintf("%v:%s", d.(object)["number"], d.(object)["status"]))
			}
			return strings.Join(titles, " ")
		}
		assert.Equal(t, "2:OPEN 1:OPEN", list(""))
		assert.Equal(t, "4:COMMITTED 3:CLOSED 2:OPEN 1:OPEN", list("?status=ALL"))
		assert.Equal(t, "4:COMMITTED 3:CLOSED 1:OPEN", list("?status=ALL&branchName=main"))
		assert.Equal(t, "3:CLOSED", list("?status=ALL&branchName=main&offset=1&limit=1"))
		assert.Equal(t, "4:COMMITTED", list("?status=COMMITTED"))
		main := c.head(id)
		assert.Equal(t, object{
			"number": 1.0, "title": "one", "description": "d", "branchName": "main", "status": "OPEN", "parentCommitId": main,
			"author": object{"name": "tester", "date": 1700000000.0}, "updatedAt": 1700000000.0,
		}, c.get("datasets/" + id + "/drafts?offset=1")["drafts"].([]any)[0])
		for number := 1; number <= 4; number++ {
			c.get(fmt.Sprintf("datasets/%s/segments?draftNumber=%d", id, number))
		}

		patch := func(number int) string { return fmt.Sprintf("datasets/%s/drafts/%d", id, number) }
		assert.Empty(t, c.ask(http.MethodPatch, patch(2), object{"status": "CLOSED"}))
		c.refuse(400, "InvalidParamsValue", http.MethodPatch, patch(2), object{"status": "CLOSED"})
		c.refuse(400, "InvalidParamsValue", http.MethodPatch, patch(1), object{"status": "OPEN"})
		assert.Equal(t, "3:CLOSED 2:CLOSED", list("?status=CLOSED"))

		<-time.After(time.Second)
		require.NoError(t, c.CommitDraft(id, 1))
		require.Error(t, c.CommitDraft(id, 1))
		require.Error(t, c.CommitDraft("hello", 9))
		require.Error(t, c.CommitDraft("nothing", 1))
		commits := c.get("datasets/" + id + "/commits")["commits"].([]any)
		require.Len(t, commits, 2)
		assert.Equal(t, object{
			"commitId": c.head(id), "parentCommitId": main, "title": "one", "description": "d",
			"committer": object{"name": "tester", "date": float64(time.Now().Unix())},
		}, commits[0])
		assert.Equal(t, 2.0, c.get("datasets/" + id + "/segments")["totalCount"])

		require.EqualError(t, c.CloseDraft("hello", 1), "jobstest: The draft 1 is COMMITTED, not OPEN.")
		require.NoError(t, c.DeleteDraft("hello", 4))
		require.EqualError(t, c.DeleteDraft("hello", 4), "jobstest: The dataset hello has no draft 4.")
		assert.Equal(t, "3:CLOSED 2:CLOSED 1:COMMITTED", list("?status=ALL"))
		assert.Equal(t, object{"draftNumber": 5.0}, c.create(id, "squashAndMerge", mergeArguments("abort")).finish(), "numbers are not used again")
		require.NoError(t, c.CloseDraft("hello", 5))
	})
}
