package jobstest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// reads returns the responses of all operations that read, by request. URLs are replaced by
// the SHA-1 of the content they lead to. It leaves out drafts that are committed unless all is
// set.
func (c caller) reads(all bool) map[string]string {
	c.t.Helper()
	responses := make(map[string]string)
	get := func(path string) object {
		status, payload := c.send("GET", path, nil)
		require.Equal(c.t, 200, status, "%s: %s", path, payload)
		responses[path] = urls.ReplaceAllStringFunc(string(payload), func(text string) string {
			var address string
			require.NoError(c.t, json.Unmarshal([]byte(strings.TrimPrefix(text, `"url":`)), &address))
			return `"url":` + checksumOf(c.content(address))
		})
		var decoded object
		require.NoError(c.t, json.Unmarshal(payload, &decoded))
		return decoded
	}
	for _, ds := range get("datasets")["datasets"].([]any) {
		base := "datasets/" + ds.(object)["id"].(string)
		versions := make(map[string]bool)
		get(base)
		for _, list := range []string{"branches", "tags"} {
			for _, r := range get(base + "/" + list)[list].([]any) {
				for _, commit := range get(base + "/commits?commit=" + r.(object)["name"].(string))["commits"].([]any) {
					versions["commit="+commit.(object)["commitId"].(string)] = true
				}
			}
		}
		for _, d := range get(base + "/drafts?status=ALL")["drafts"].([]any) {
			if all || d.(object)["status"] != "COMMITTED" {
				versions[fmt.Sprintf("draftNumber=%v", d.(object)["number"])] = true
			}
		}
		for version := range versions {
			for _, read := range []string{"/labels/statistics", "/labels/catalogs", "/notes", "/total-size"} {
				get(base + read + "?" + version)
			}
			for _, s := range get(base + "/segments?" + version)["segments"].([]any) {
				query := "segmentName=" + url.QueryEscape(s.(object)["name"].(string)) + "&" + version
				for _, read := range []string{"/sensors?", "/data?", "/data/details?", "/data/urls?", "/masks/urls?maskType=SEMANTIC_MASK&", "/masks/urls?maskType=PANOPTIC_MASK&"} {
					get(base + read + query)
				}
			}
		}
	}
	return responses
}

var urls = regexp.MustCompile(`"url":"[^"]*"`)

func TestDump_OfAWrittenStateGivesTheSameResponses(t *testing.T) {
	data := make([]jobstest.SeedData, 20)
	for i := range data {
		data[i] = jobstest.SeedData{RemotePath: fmt.Sprint(i), Size: int64(100 * i), Label: []byte(`{"INSTANCE_MASK":{"remotePath":"own.png","info":[]}}`)}
	}
	options := []jobstest.Option{jobstest.WithoutContractCheck(), jobstest.WithSeed(jobstest.Seed{Owner: "me", Datasets: []jobstest.SeedDataset{{
		Name: "noise", Branches: []jobstest.SeedRef{{Name: "main", Commit: "c"}},
		Commits: []jobstest.SeedCommit{{Name: "c", Title: "c", Date: 1700000000, Segments: []jobstest.SeedSegment{{Name: "s", Description: "d", Data: data}}}},
	}}})}
	c := start(t, options...)
	w := c.newDataset("written", 0)
	w.write("PUT", "labels/catalogs", object{"catalog": object{"SEMANTIC_MASK": object{"categories": []any{object{"name": "road", "categoryId": 7}}, "more": []any{1.5, "\x7f\u0085 yes", "2021-01-01", nil}}}})
	w.write("PATCH", "notes", object{"isContinuous": true, "binPointCloudFields": []any{"X"}})
	for _, name := range []string{"b", "a", "c"} {
		w.write("POST", "segments", object{"name": name})
	}
	mask := w.upload("a", "", "not a png \x00")
	delete(mask, "remotePath")
	mask["info"] = []any{object{"categoryId": 7}}
	w.put("a", "1.jpg", "one", object{"SEMANTIC_MASK": mask, "NEW": object{"big": json.Number("18446744073709551615"), "float": json.Number("1.50e3"), "text": "<ü\u2028>"}})
	w.put("a", "2.bin", "\xff\x00binary", nil)
	w.put("b", "3.txt", "line\r\n\ttabs: [x]\n", class("yes"))
	first := w.commit("first")
	w.newDraft("main")
	w.write("DELETE", "segments", object{"segmentName": "b"})
	w.write("POST", "segments", object{"name": "b"}) // now the last one
	w.write("DELETE", "data", object{"segmentName": "a", "remotePath": "1.jpg"})
	w.write("POST", "data?multipleCopy", object{"strategy": "abort", "source": object{"segmentName": "a", "remotePaths": []string{"1.jpg"}, "commit": first}, "segmentName": "c", "remotePaths": []string{"moved/1.jpeg"}})
	c.do("PATCH", w.path("notes"), fmt.Sprintf(`{"draftNumber":%d,"binPointCloudFields":[ "X" ]}`, w.draft)) // as before
	w.commit("second")
	c.do("POST", w.path("branches"), object{"name": "dev", "commit": first})
	w.newDraft("dev")
	w.put("b", "3.txt", "changed", class("no"))
	w.newDraft("main") // it stays open
	w.put("b", "4.txt", "open", nil)
	c.do("POST", w.path("tags"), object{"name": "v1", "commit": first})
	c.do("PATCH", "datasets/"+w.id, object{"alias": "Alias", "isPublic": true, "defaultBranch": "dev"})
	c.newDataset("empty", 1)

	// A seeded dataset changes too: its noise moves to another path.
	seeded := &writer{caller: c, id: c.id("noise")}
	seeded.newDraft("main")
	seeded.write("POST", "data?multipleMove", object{"strategy": "abort", "source": object{"segmentName": "s", "remotePaths": []string{"7"}}, "segmentName": "s", "remotePaths": []string{"moved"}})

	dumped, err := c.Dump()
	require.NoError(t, err)
	seed, err := jobstest.ParseSeed(dumped)
	require.NoError(t, err)
	again := start(t, jobstest.WithoutContractCheck(), jobstest.WithSeed(seed))
	want, got := c.reads(true), again.reads(true)
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(got)))
	for path, response := range want {
		require.Equal(t, response, got[path], path)
	}
	twice, err := again.Dump()
	require.NoError(t, err)
	assert.Equal(t, string(dumped), string(twice))

	status, served := c.page("GET", "dump", c.AccessKey())
	require.Equal(t, 200, status)
	require.Equal(t, string(dumped), served)
	for _, request := range [][2]string{{"GET", "dump"}, {"POST", "reset"}} {
		status, _ = c.page(request[0], request[1], "Accesskey-wrong")
		require.Equal(t, 401, status)
	}
	require.Equal(t, want, c.reads(true))
	status, _ = c.page("POST", "reset", c.AccessKey())
	require.Equal(t, 200, status)
	fresh := start(t, options...)
	assert.Equal(t, fresh.reads(true), c.reads(true), "a reset server has the state of a new one")
}

func TestDump_RefusesWhatParseSeedWouldRefuse(t *testing.T) {
	seed := hello()
	seed.Owner = ""
	_, err := start(t, jobstest.WithSeed(seed)).Dump()
	require.EqualError(t, err, "jobstest: seed: owner: missing or empty")
}

// page requests a page outside of the API.
func (c caller) page(method, path, key string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.URL()+path, nil)
	require.NoError(c.t, err)
	r.Header.Set("X-Token", key)
	response, body := c.exchange(r)
	return response.StatusCode, string(body)
}

// anonymous replaces what differs between a dataset that is seeded and one that is written: ids,
// times and numbers of drafts.
var anonymous = regexp.MustCompile(`\b[0-9a-f]{32}\b|"(date|updatedAt|updateTime|number)":[0-9]+`)

// writable changes a seed to what Upload can write: no descriptions of segments, no committed
// drafts, and masks with the paths of their data.
func writable(seed jobstest.Seed) jobstest.Seed {
	change := func(segments []jobstest.SeedSegment) {
		for i := range segments {
			segments[i].Description = ""
			for j := range segments[i].Data {
				d := &segments[i].Data[j]
				path := strings.TrimSuffix(d.RemotePath, filepath.Ext(d.RemotePath)) + ".png"
				d.Label = maskPaths.ReplaceAll(d.Label, []byte(`"remotePath":"`+path+`"`))
			}
		}
	}
	for i := range seed.Datasets {
		ds := &seed.Datasets[i]
		ds.Drafts = slices.DeleteFunc(ds.Drafts, func(d jobstest.SeedDraft) bool { return d.Status == "COMMITTED" })
		for _, c := range ds.Commits {
			change(c.Segments)
		}
		for _, d := range ds.Drafts {
			change(d.Segments)
		}
	}
	return seed
}

var maskPaths = regexp.MustCompile(`"remotePath":"[^"]*"`)

func TestUpload_GivesTheResponsesOfTheSeed(t *testing.T) {
	text := tensorbayjobs.Seed()
	if os.Getenv("TENSORBAY_TEST_FULL") != "1" {
		text, _, _ = strings.Cut(text, "  - name: street-scenes") // the last two datasets are large
	}
	seed, err := jobstest.ParseSeed([]byte(text))
	require.NoError(t, err)
	seed = writable(seed)
	seeded := start(t, jobstest.WithoutContractCheck(), jobstest.WithSeed(seed))
	written := start(t, jobstest.WithoutContractCheck(), jobstest.WithSeed(jobstest.Seed{Owner: seed.Owner}))
	for _, ds := range seed.Datasets {
		_, err := written.Upload(t.Context(), ds)
		require.NoError(t, err)
	}
	want, got := seeded.comparable(), written.comparable()
	require.Greater(t, len(want), 40)
	for i := range want {
		require.Equal(t, shorten(want[i]), shorten(got[i]))
		require.Equal(t, want[i], got[i])
	}
	require.Len(t, got, len(want))
}

func shorten(text string) string { return text[:min(2000, len(text))] }

// comparable returns the sorted responses of reads without ids, times and numbers.
func (c caller) comparable() []string {
	c.t.Helper()
	var lines []string
	for path, response := range c.reads(false) {
		if strings.Contains(path, "/drafts?") {
			continue // the written dataset has a draft for each commit
		}
		path = regexp.MustCompile(`draftNumber=[0-9]+`).ReplaceAllString(path, "draft")
		lines = append(lines, anonymous.ReplaceAllString(path, "*")+" "+anonymous.ReplaceAllString(response, "*"))
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func TestUpload_RefusesCommitsWhoseParentIsNotBeforeThem(t *testing.T) {
	c := start(t, jobstest.WithSeed(jobstest.Seed{Owner: "me"}))
	for _, parent := range []string{"a", "b", "c"} {
		_, err := c.Upload(t.Context(), jobstest.SeedDataset{
			Name: parent, Branches: []jobstest.SeedRef{{Name: "main", Commit: "a"}},
			Commits: []jobstest.SeedCommit{{Name: "a", Title: "a", Parent: parent}, {Name: "b", Title: "b", Parent: "a"}},
		})
		require.ErrorContains(t, err, "commit \"")
	}
}

func TestUpload_KeepsAnEmptyMask(t *testing.T) {
	c := start(t, jobstest.WithSeed(jobstest.Seed{Owner: "me"}))
	id, err := c.Upload(t.Context(), jobstest.SeedDataset{
		Name: "d", Branches: []jobstest.SeedRef{{Name: "main", Commit: "c"}},
		Commits: []jobstest.SeedCommit{{Name: "c", Title: "c", Segments: []jobstest.SeedSegment{{Name: "s", Data: []jobstest.SeedData{
			{RemotePath: "a", Label: []byte(`{"SEMANTIC_MASK":{"remotePath":"a.png","contentBase64":"","info":[]}}`)},
		}}}}},
	})
	require.NoError(t, err)
	masks := c.get("datasets/" + id + "/masks/urls?segmentName=s&maskType=SEMANTIC_MASK")["urls"].([]any)
	require.Empty(t, c.content(masks[0].(object)["url"]))
}

func TestUpload_WorksWithANewerService(t *testing.T) {
	c := start(t, jobstest.WithNewerService(), jobstest.WithSeed(jobstest.Seed{Owner: "me"}))
	_, err := c.Upload(t.Context(), jobstest.SeedDataset{
		Name: "new", Branches: []jobstest.SeedRef{{Name: "main", Commit: "c"}}, Tags: []jobstest.SeedRef{{Name: "v1", Commit: "c"}},
		Commits: []jobstest.SeedCommit{{Name: "c", Title: "c", Segments: []jobstest.SeedSegment{{Name: "s", Data: []jobstest.SeedData{{RemotePath: "a", Size: 3}}}}}},
	})
	require.NoError(t, err)
	_, err = c.Upload(t.Context(), jobstest.SeedDataset{Name: "new"})
	require.ErrorContains(t, err, `jobstest: upload the dataset "new": POST /gatewayv2/tensorbay-open-api/v1/datasets: 409`)
}
