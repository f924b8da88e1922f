package emulator_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// files are the categories of the files of a version by path. Each file has its path and its
// category as content.
type files map[string]string

// A client works on a branch of its own and reads those of others.
type client struct {
	caller
	*rand.Rand
	base, branch string
	others       []string
	files        files // of its branch
	head         string
	searching    *sync.Mutex // of the dataset, as only the latest five results are kept
}

// TestEmulator_ConcurrentClients runs 32 clients that write, merge and search at once. Each of
// them knows what its branch must hold, and evaluates merges and searches independently.
func TestEmulator_ConcurrentClients(t *testing.T) {
	const datasets, clientsOfOne = 8, 4
	var s seed.Seed
	for i := range datasets {
		s.Datasets = append(s.Datasets, seed.Dataset{
			Name:     fmt.Sprint("ds", i),
			Commits:  []seed.Commit{{Name: "c", Title: "0", Date: 1700000000, Segments: []seed.Segment{{Name: "s"}}}},
			Branches: []seed.Ref{{Name: "main", Commit: "c"}},
		})
	}
	shared := start(t, withSeed(s), withTimes(0, 0), withoutContractCheck())
	var branches []string
	for i := range clientsOfOne {
		branches = append(branches, fmt.Sprint("b", i))
	}
	end := time.Now().Add(time.Duration(size(10_000)/4) * time.Millisecond)
	var clients sync.WaitGroup
	var searching [datasets]sync.Mutex
	for i := range datasets * clientsOfOne {
		base := "datasets/" + shared.id(fmt.Sprint("ds", i/clientsOfOne))
		c := &client{shared, rand.New(rand.NewPCG(uint64(i), 1)), base, branches[i%clientsOfOne], branches, files{}, "", &searching[i/clientsOfOne]}
		c.do(http.MethodPost, base+"/branches", object{"name": c.branch, "commit": "main"})
		c.head = c.headOf(c.branch)
		clients.Go(func() { c.run(end) })
	}
	clients.Wait()
}

// run works until end, at least one round. A failure ends the goroutine and fails the test.
func (c *client) run(end time.Time) {
	for {
		c.write()
		c.merge()
		c.search()
		if time.Now().After(end) {
			return
		}
	}
}

// headOf returns the commit of a branch, "" if there is no branch yet.
func (c *client) headOf(branch string) string {
	c.t.Helper()
	for _, b := range c.get(c.base + "/branches?name=" + branch)["branches"].([]any) {
		return b.(object)["commitId"].(string)
	}
	return ""
}

// read returns the files of a version. It reads pages, as the version never changes.
func (c *client) read(base, version string) files {
	c.t.Helper()
	read := files{}
	for offset := 0; ; offset += 128 {
		page := c.get(fmt.Sprintf("%s/data/details?segmentName=s&offset=%d&%s", base, offset, version))
		for _, d := range page["dataDetails"].([]any) {
			d := d.(object)
			path := d["remotePath"].(string)
			category := d["label"].(object)["CLASSIFICATION"].(object)["category"].(string)
			read[path] = category
			if c.IntN(20) == 0 {
				_, content := c.download(d["url"].(string), nil)
				require.Equal(c.t, path+category, string(content))
			}
		}
		if float64(offset+128) >= page["totalCount"].(float64) {
			return read
		}
	}
}

// write changes some files of the own branch and commits. The title of a commit is the number
// of its files.
func (c *client) write() {
	c.t.Helper()
	number := c.do(http.MethodPost, c.base+"/drafts", object{"branchName": c.branch, "title": "d"})["draftNumber"]
	policy := c.get(fmt.Sprintf("%s/policies?segmentName=s&draftNumber=%v", c.base, number))
	for range 3 {
		var objects []any
		for range 1 + c.IntN(4) {
			path, category := fmt.Sprint(c.IntN(60)), fmt.Sprint("c", c.IntN(3))
			f := form{host: policy["extra"].(object)["host"].(string), file: path + category, fields: map[string]string{
				"key": policy["extra"].(object)["objectPrefix"].(string) + checksumOf(path+category),
			}}
			for _, name := range []string{"policy", "signature"} {
				f.fields[name] = policy["result"].(object)[name].(string)
			}
			status, body := c.post(f)
			require.Equal(c.t, 200, status, "%s", body)
			objects = append(objects, object{
				"checksum": checksumOf(f.file), "fileSize": len(f.file), "remotePath": path, "label": object{"CLASSIFICATION": object{"category": category}},
			})
			c.files[path] = category
		}
		c.do(http.MethodPut, c.base+"/multi/callback", object{"segmentName": "s", "draftNumber": number, "objects": objects})
	}
	if path := slices.Sorted(maps.Keys(c.files))[0]; c.IntN(2) == 0 {
		c.do(http.MethodDelete, c.base+"/data", object{"segmentName": "s", "draftNumber": number, "remotePath": path})
		delete(c.files, path)
	}
	require.Equal(c.t, c.head, c.headOf(c.branch), "a draft does not move the branch")
	c.commit(number, c.files)
}

// commit commits a draft of the own branch.
func (c *client) commit(number any, want files) {
	c.t.Helper()
	commit := object{"title": fmt.Sprint(len(want)), "draftNumber": number}
	c.head = c.do(http.MethodPost, c.base+"/commits", commit)["commitId"].(string)
	require.Equal(c.t, c.head, c.headOf(c.branch))
	require.Equal(c.t, want, c.read(c.base, "commit="+c.head), "no write is lost")
}

// merge merges the own branch onto another one, and another one onto the own branch.
func (c *client) merge() {
	c.t.Helper()
	other := c.others[c.IntN(len(c.others))]
	if c.headOf(other) == "" || other == c.branch {
		return
	}
	strategy := []string{"abort", "skip", "override"}[c.IntN(3)]
	d := c.mergeDraft(c.branch, other, strategy)
	target := c.read(c.base, "commit="+d["parentCommitId"].(string))
	merged := c.read(c.base, fmt.Sprintf("draftNumber=%v", d["number"]))
	require.Equal(c.t, mergeFiles(target, c.files, strategy), merged, strategy)

	// The source moves meanwhile: the result is that of one of its commits.
	d = c.mergeDraft(other, c.branch, "override")
	merged = c.read(c.base, fmt.Sprintf("draftNumber=%v", d["number"]))
	require.Equal(c.t, c.head, d["parentCommitId"])
	for _, commit := range c.get(c.base + "/commits?commit=" + other)["commits"].([]any) {
		id := commit.(object)["commitId"].(string)
		source := c.read(c.base, "commit="+id)
		require.Equal(c.t, commit.(object)["title"], fmt.Sprint(len(source)), "no commit is half")
		if maps.Equal(merged, mergeFiles(c.files, source, "override")) {
			c.files = merged
			c.commit(d["number"], merged)
			return
		}
	}
	require.Fail(c.t, "the merge equals that of no commit of the source")
}

// mergeDraft runs a merge and returns its draft.
func (c *client) mergeDraft(source, target, strategy string) object {
	c.t.Helper()
	arguments := object{"title": "m", "sourceBranchName": source, "targetBranchName": target, "strategy": strategy}
	number := c.create(c.base[len("datasets/"):], "squashAndMerge", arguments).finish()["draftNumber"]
	for offset := 0; ; offset += 128 {
		page := c.get(fmt.Sprintf("%s/drafts?branchName=%s&offset=%d", c.base, target, offset))
		require.NotEmpty(c.t, page["drafts"])
		for _, d := range page["drafts"].([]any) {
			if d := d.(object); d["number"] == number {
				return d
			}
		}
	}
}

func mergeFiles(target, source files, strategy string) files {
	merged, conflict := maps.Clone(target), false
	for path, category := range source {
		if known, ok := target[path]; !ok || known == category {
			merged[path] = category
		} else if conflict = true; strategy == "override" {
			merged[path] = category
		}
	}
	if conflict && strategy == "abort" {
		return target
	}
	return merged
}

// search searches a commit of another client for a category.
func (c *client) search() {
	c.t.Helper()
	commit := c.headOf(c.others[c.IntN(len(c.others))])
	if commit == "" {
		return
	}
	category := fmt.Sprint("c", c.IntN(3))
	c.searching.Lock()
	defer c.searching.Unlock()
	result := c.create(c.base[len("datasets/"):], "basicSearch",
		searchArguments(commit, "and", "file", filterOf("category", "in", []any{category}, "CLASSIFICATION"))).finish()
	want := c.read(c.base, "commit="+commit)
	maps.DeleteFunc(want, func(_, other string) bool { return other != category })
	if len(want) == 0 {
		return // a segment without a match is not in the result
	}
	require.Equal(c.t, want, c.read("datasets/"+result["searchResultId"].(string), "commit="+result["searchResultCommitId"].(string)))
}
