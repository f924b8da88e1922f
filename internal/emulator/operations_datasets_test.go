package emulator_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

var zeros = strings.Repeat("0", 32)

func TestGetDataset_ReturnsTheDatasetOfTheSeed(t *testing.T) {
	s := hello()
	s.Datasets = append(s.Datasets, cameras().Datasets...)
	s.Datasets = append(s.Datasets, seed.Dataset{ID: "0123", Name: "empty", Alias: "Empty", Public: true, DefaultBranch: "trunk"})
	c := start(t, withSeed(s))
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
		"commitId":   c.get("datasets/" + id + "/branches?name=main")["branches"].([]any)[0].(object)["commitId"],
		"updateTime": 1700000100.0, "owner": "tester",
	}, c.get("datasets/"+id))
	assert.Equal(t, 1.0, c.get("datasets/" + c.id("cameras"))["type"])
	assert.Equal(t, object{"id": "0123", "name": "empty", "alias": "Empty", "type": 0.0, "isPublic": true, "defaultBranch": "trunk", "commitId": zeros, "updateTime": 0.0, "owner": "tester"}, c.get("datasets/0123"))
	assert.Equal(t, []any{object{
		"name": "trunk", "commitId": zeros, "parentCommitId": zeros, "title": "", "description": "", "committer": object{"name": "", "date": 0.0},
	}}, c.get("datasets/0123/branches")["branches"])
	assert.Empty(t, c.get("datasets/0123/segments")["segments"])
	assert.Empty(t, c.get("datasets/0123/commits")["commits"])
}

func TestListCommits_ResolvesRevisions(t *testing.T) {
	c := start(t, withSeed(hello()))
	base := "datasets/" + c.id("hello")
	branches := c.get(base + "/branches")["branches"].([]any)
	require.Len(t, branches, 2)
	second, first := branches[0].(object)["commitId"], branches[1].(object)["commitId"]
	assert.Equal(t, object{
		"name": "dev", "commitId": second, "parentCommitId": first, "title": "second", "description": "more",
		"committer": object{"name": "tester", "date": 1700000100.0},
	}, branches[0])
	assert.Equal(t, branches[:1], c.get(base + "/branches?name=dev")["branches"])
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
	// The reads of content accept names too.
	for revision, want := range map[string]float64{"": 4, "&commit=dev": 10, "&commit=v1": 4, "&commit=" + second.(string): 10} {
		assert.Equal(t, want, c.get(base + "/data/urls?segmentName=Segment1" + revision)["totalCount"], revision)
	}
}
