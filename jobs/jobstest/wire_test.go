package jobstest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// TestServer_SendsWhatOtherClientsNeed has a subtest for each field that the public Python SDK
// needs.
func TestServer_SendsWhatOtherClientsNeed(t *testing.T) {
	c := start(t, onSockets(), jobstest.WithQueuing(time.Hour), jobstest.WithProcessing(time.Hour))
	plain, fusion := c.newDataset("plain", 0), c.newDataset("fusion", 1)
	plain.write("POST", "segments", object{"name": "s"})
	plain.put("s", "b.txt", "b", nil)
	plain.put("s", "a.txt", "a", nil)
	fusion.write("POST", "segments", object{"name": "s"})
	fusion.write("POST", "sensors", object{"name": "CAM", "type": "CAMERA", "segmentName": "s"})
	for i, frame := range []string{"01EMA1VJ6SR5K0ZQ4T8V2W9X3Z", "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y"} {
		datum := fusion.upload("s", fmt.Sprint(i), frame)
		datum["frameId"], datum["sensorName"] = frame, "CAM"
		fusion.write("PUT", "multi/callback", object{"segmentName": "s", "objects": []object{datum}})
	}
	details := func(w *writer) []any {
		return w.get(w.query("data/details?segmentName=s"))["dataDetails"].([]any)
	}
	hello := c.id("squash-and-merge")
	arguments := mergeArguments("abort")
	first := c.create(hello, "squashAndMerge", arguments)
	second := c.create(hello, "squashAndMerge", arguments)
	list := func() []any {
		return c.get("datasets/" + hello + "/jobs?jobType=squashAndMerge")["jobs"].([]any)
	}

	t.Run("jobType", func(t *testing.T) {
		assert.Equal(t, "squashAndMerge", first.state()["jobType"])
		assert.Equal(t, []any{"squashAndMerge", "squashAndMerge"}, titles(list(), "jobType"))
	})
	t.Run("label of a datum without labels", func(t *testing.T) {
		assert.Equal(t, object{}, details(plain)[0].(object)["label"])
		assert.Equal(t, object{}, details(fusion)[0].(object)["frame"].([]any)[0].(object)["label"])
		one := plain.get(plain.query("data/details?segmentName=s&remotePath=a.txt"))["dataDetails"].([]any)
		assert.Equal(t, object{}, one[0].(object)["label"])
	})
	t.Run("description of a segment, branch head, commit, draft, job", func(t *testing.T) {
		assert.Equal(t, []any{""}, titles(plain.get(plain.query("segments"))["segments"], "description"))
		assert.Equal(t, []any{""}, titles(plain.get(plain.path("drafts"))["drafts"], "description"))
		assert.Equal(t, []any{""}, titles(plain.get(plain.path("branches"))["branches"], "description"))
		plain.commit("no description")
		plain.do("POST", plain.path("tags"), object{"name": "t", "commit": "main"})
		for _, name := range []string{"branches", "tags", "commits"} {
			assert.Equal(t, []any{""}, titles(plain.get(plain.path(name))[name], "description"), name)
		}
		j := c.do("POST", "datasets/"+hello+"/jobs", object{"title": "x", "jobType": "squashAndMerge", "arguments": arguments})
		bare := job{c, hello, j["jobId"].(string), "squashAndMerge"}
		assert.Equal(t, "", bare.state()["description"])
		c.do("POST", bare.path("/abort"), nil)
		c.do("DELETE", bare.path(""), nil)
	})
	t.Run("status right after a retry", func(t *testing.T) {
		c.do("POST", first.path("/abort"), nil)
		c.do("POST", first.path("/retry"), nil)
		assert.Equal(t, "PROCESSING", first.state()["status"])
	})
	t.Run("order", func(t *testing.T) {
		plain.newDraft("main")
		plain.newDraft("main")
		assert.Equal(t, []any{1.0, 2.0, 3.0}, titles(plain.get(plain.path("drafts?status=ALL"))["drafts"], "number"))
		assert.Equal(t, []any{"a.txt", "b.txt"}, titles(details(plain), "remotePath"))
		assert.Equal(t, []any{"01EMA1VJ6SR5K0ZQ4T8V2W9X3Y", "01EMA1VJ6SR5K0ZQ4T8V2W9X3Z"}, titles(details(fusion), "frameId"))
		for _, name := range []string{"z", "b"} {
			c.do("POST", plain.path("branches"), object{"name": name, "commit": "main"})
			c.do("POST", plain.path("tags"), object{"name": name + "-tag", "commit": "main"})
		}
		assert.Equal(t, []any{"b", "main", "z"}, titles(plain.get(plain.path("branches"))["branches"], "name"))
		assert.Equal(t, []any{"b-tag", "t", "z-tag"}, titles(plain.get(plain.path("tags"))["tags"], "name"))
		assert.Equal(t, []any{second.jobID, first.jobID}, titles(list(), "jobId"))
	})
	t.Run("commitId of a dataset without commits", func(t *testing.T) {
		assert.Equal(t, zeros, c.head(fusion.id))
		assert.Equal(t, []any{object{
			"name": "main", "commitId": zeros, "parentCommitId": zeros, "title": "", "description": "", "committer": object{"name": "", "date": 0.0},
		}}, c.get(fusion.path("branches"))["branches"])
		for read, list := range map[string]string{"segments": "segments", "commits": "commits"} {
			assert.Empty(t, c.get(fusion.path(read + "?commit=" + zeros))[list], read)
		}
		assert.Equal(t, object{"catalog": object{}}, c.get(fusion.path("labels/catalogs?commit="+zeros)))
		assert.Equal(t, object{"totalSize": 0.0}, c.get(fusion.path("total-size?commit="+zeros)))
	})
	t.Run("PATCH drafts/{n}", func(t *testing.T) {
		path := plain.path(fmt.Sprint("drafts/", plain.draft))
		c.do("PATCH", path, object{"title": "T", "description": "D"})
		draft := c.get(plain.path("drafts?offset=1"))["drafts"].([]any)[0].(object)
		assert.Equal(t, []any{"T", "D", "OPEN"}, []any{draft["title"], draft["description"], draft["status"]})
		c.do("PATCH", path, object{"status": "CLOSED"})
		assert.Equal(t, []any{"T"}, titles(c.get(plain.path("drafts?status=CLOSED"))["drafts"], "title"))
		c.doError(400, "InvalidParamsValue", "PATCH", path, object{"title": "again"})
	})
	t.Run("dataset", func(t *testing.T) {
		alone := c.get("datasets/" + plain.id)
		listed := c.get("datasets?name=plain")["datasets"].([]any)[0].(object)
		for _, ds := range []object{alone, listed} {
			assert.InDelta(t, float64(time.Now().Unix()), ds["updateTime"], 60)
			assert.Equal(t, "seed-author", ds["owner"])
			assert.Equal(t, "main", ds["defaultBranch"])
		}
	})
	t.Run("strategy: null in the arguments of a merge", func(t *testing.T) {
		now := start(t, onSockets(), jobstest.WithQueuing(0), jobstest.WithProcessing(0))
		id := now.id("squash-and-merge")
		j := now.create(id, "squashAndMerge", with(mergeArguments(""), "strategy", nil))
		number := j.state()["result"].(object)["draftNumber"]
		page := now.get(fmt.Sprintf("datasets/%s/data/details?segmentName=Segment1&draftNumber=%v", id, number))
		assert.Equal(t, 4.0, page["totalCount"], "as with abort")
	})
}
