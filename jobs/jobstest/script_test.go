package jobstest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// merge merges dev onto main and returns the draft of the result.
func (w *writer) merge(strategy string) {
	w.t.Helper()
	state := w.create(w.id, "squashAndMerge", mergeArguments(strategy)).state()
	require.Equal(w.t, "SUCCESS", state["status"])
	w.draft = int(state["result"].(object)["draftNumber"].(float64))
}

// labels counts the categories in the draft.
func (w *writer) labels(segment string) map[string]int {
	w.t.Helper()
	counts := make(map[string]int)
	page := w.get(w.query("data/details?segmentName=" + segment))
	for _, d := range page["dataDetails"].([]any) {
		counts[d.(object)["label"].(object)["CLASSIFICATION"].(object)["category"].(string)]++
	}
	return counts
}

// TestServer_APlainDatasetFromTheFirstUploadToTheEnd reads like a shell script.
func TestServer_APlainDatasetFromTheFirstUploadToTheEnd(t *testing.T) {
	c := start(t, onSockets(), jobstest.WithQueuing(0), jobstest.WithProcessing(0), jobstest.WithBadRequests())

	// Make a dataset and upload 60 files with labels in two callbacks.
	w := c.newDataset("birds", 0)
	w.write("POST", "segments", object{"name": "train"})
	w.write("PUT", "labels/catalogs", object{"catalog": object{"CLASSIFICATION": object{"categories": []any{object{"name": "owl"}, object{"name": "tit"}}}}})
	var files []object
	for i := range 60 {
		content := fmt.Sprint("bird ", i)
		files = append(files, with(w.upload("train", fmt.Sprintf("%02d.jpg", i), content), "label", class("owl")))
	}
	w.refuse(400, "InvalidParamsValue", "PUT", "multi/callback", object{"segmentName": "train", "objects": files})
	w.write("PUT", "multi/callback", object{"segmentName": "train", "objects": files[:50]})
	w.write("PUT", "multi/callback", object{"segmentName": "train", "objects": files[50:]})
	assert.Equal(t, map[string]int{"owl": 60}, w.labels("train"))

	// A merge of a branch without a commit is possible.
	state := w.create(w.id, "squashAndMerge", with(mergeArguments("skip"), "sourceBranchName", "main")).state()
	assert.Equal(t, "SUCCESS", state["status"])
	first := w.commit("60 owls")

	// Branch, change ten labels, remove a file and add another one, commit.
	c.do("POST", w.path("branches"), object{"name": "dev", "commit": first})
	w.newDraft("dev")
	var labels []object
	for i := range 10 {
		labels = append(labels, object{"remotePath": fmt.Sprintf("%02d.jpg", i), "label": class("tit")})
	}
	w.write("PUT", "multi/data/labels", object{"segmentName": "train", "objects": labels})
	w.write("DELETE", "data", object{"segmentName": "train", "remotePath": "59.jpg"})
	w.put("train", "60.jpg", "another bird", class("tit"))
	second := w.commit("11 tits")
	assert.Equal(t, 1.0, c.get(w.path("branches?name=dev"))["totalCount"])

	// Squash and merge with each strategy.
	for strategy, want := range map[string]map[string]int{
		"abort":    {"owl": 60},
		"skip":     {"owl": 60, "tit": 1},
		"override": {"owl": 50, "tit": 11},
	} {
		w.merge(strategy)
		assert.Equal(t, want, w.labels("train"), strategy)
	}
	w.merge("override")
	merged := w.commit("merge dev")
	statistics := c.get(w.path("labels/statistics?commit=" + merged))["labelStatistics"].(object)["CLASSIFICATION"].(object)
	assert.Equal(t, []any{50.0, 11.0}, titles(statistics["categories"], "quantity"))

	// Search the tits, and make a dataset of the result.
	search := c.create(w.id, "basicSearch", object{
		"commit": merged, "conjunction": "and", "unit": "file", "filters": []any{
			object{"key": "category", "operator": "in", "value": []any{"tit"}, "title": "Category", "extraInfo": object{"labelType": "CLASSIFICATION"}},
		},
	})
	result := search.state()["result"].(object)
	found := fmt.Sprintf("datasets/%s/data/details?segmentName=train&commit=%s", result["searchResultId"], result["searchResultCommitId"])
	assert.Equal(t, 11.0, c.get(found)["totalCount"])
	c.do("POST", "searchResults/"+search.jobID+"/datasets", object{"datasetName": "tits", "alias": "", "isPublic": false})
	assert.Equal(t, 11.0, c.get("datasets/" + c.id("tits") + "/data?segmentName=train")["totalCount"])

	// Tag, copy a segment, delete.
	c.do("POST", w.path("tags"), object{"name": "v1", "commit": second})
	w.newDraft("main")
	w.write("POST", "segments?copy", object{"strategy": "abort", "source": object{"segmentName": "train", "commit": first}, "segmentName": "owls"})
	assert.Equal(t, map[string]int{"owl": 60}, w.labels("owls"))
	w.write("DELETE", "segments", object{"segmentName": "train"})
	w.commit("only owls")
	assert.Equal(t, []any{"owls"}, titles(c.get(w.path("segments"))["segments"], "name"))
	assert.Equal(t, 60.0, c.get(w.path("data?segmentName=train&commit=v1"))["totalCount"])
	c.do("DELETE", "datasets/"+w.id, nil)
	assert.Equal(t, 11.0, c.get("datasets/" + c.id("tits") + "/data?segmentName=train")["totalCount"], "the other dataset remains")
}

// TestServer_AFusionDatasetFromTheFirstUploadToTheEnd reads like a shell script.
func TestServer_AFusionDatasetFromTheFirstUploadToTheEnd(t *testing.T) {
	c := start(t, onSockets(), jobstest.WithQueuing(0), jobstest.WithProcessing(0))
	w := c.newDataset("drives", 1)
	w.write("POST", "segments", object{"name": "monday"})
	for _, sensor := range []string{"LEFT", "RIGHT"} {
		w.write("POST", "sensors", object{"name": sensor, "type": "CAMERA", "segmentName": "monday"})
	}
	frame := func(i int) string { return fmt.Sprintf("01EMA1VJ6SR5K0ZQ4T8V2W9X%02d", i) }
	put := func(i int, category string) {
		var objects []object
		for _, sensor := range []string{"LEFT", "RIGHT"} {
			datum := w.upload("monday", fmt.Sprintf("%s/%02d.png", sensor, i), fmt.Sprint(sensor, i))
			datum["frameId"], datum["sensorName"] = frame(i), sensor
			if sensor == "LEFT" {
				datum["label"] = box(category)
			}
			objects = append(objects, datum)
		}
		w.write("PUT", "multi/callback", object{"segmentName": "monday", "objects": objects})
	}
	for i := range 10 {
		put(i, "car")
	}
	first := w.commit("ten frames")

	c.do("POST", w.path("branches"), object{"name": "dev", "commit": first})
	w.newDraft("dev")
	put(3, "bus")
	put(10, "bus")
	w.commit("buses")

	w.merge("override")
	merged := w.commit("merge dev")
	search := c.create(w.id, "basicSearch", object{
		"commit": merged, "conjunction": "and", "unit": "frame", "filters": []any{
			object{"key": "category", "operator": "in", "value": []any{"bus"}, "title": "Category", "extraInfo": object{"labelType": "BOX2D"}},
		},
	})
	result := search.state()["result"].(object)
	frames := c.get(fmt.Sprintf("datasets/%s/data/details?segmentName=monday", result["searchResultId"]))["dataDetails"].([]any)
	assert.Equal(t, []any{frame(3), frame(10)}, titles(frames, "frameId"))
	assert.Equal(t, []any{"LEFT", "RIGHT"}, titles(frames[0].(object)["frame"], "sensorName"), "whole frames")

	w.newDraft("main")
	w.write("DELETE", "frames", object{"segmentName": "monday", "frameId": frame(0)})
	w.write("DELETE", "sensors", object{"segmentName": "monday", "sensorName": "RIGHT"})
	w.write("POST", "segments?move", object{"strategy": "abort", "source": object{"segmentName": "monday"}, "segmentName": "tuesday"})
	w.commit("only left")
	frames = c.get(w.path("data/details?segmentName=tuesday"))["dataDetails"].([]any)
	assert.Len(t, frames, 10)
	assert.Equal(t, []any{"LEFT"}, titles(frames[0].(object)["frame"], "sensorName"))
	assert.Equal(t, []any{"LEFT"}, titles(c.get(w.path("sensors?segmentName=tuesday"))["sensors"], "name"))
	assert.Equal(t, "LEFT1", c.content(frames[0].(object)["frame"].([]any)[0].(object)["url"]))
}
