package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSearch_MatchesTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, withSeed(cameras()))
		id := c.id("cameras")
		result := c.create(id, "basicSearch", searchArguments(c.head(id), "and", "file",
			filterOf("category", "in", []string{"01", "02"}, "BOX2D"),
			filterOf("size", ">", 0),
			filterOf("withLabel", "=", true),
			filterOf("attribute", "in", object{"attribute_1": []any{true, false}, "attribute_2": []any{3}}, "BOX2D"),
			filterOf("segment", "in", []string{"test"}),
			filterOf("sensor", "in", []string{"CAM_BACK_RIGHT"}),
		)).finish()
		base := "datasets/" + result["searchResultId"].(string)
		query := "commit=" + result["searchResultCommitId"].(string)
		assert.Equal(t, []any{object{"name": "test", "description": ""}}, c.get(base + "/segments?" + query)["segments"])

		frames := c.get(base + "/data/details?segmentName=test&" + query)["dataDetails"].([]any)
		require.Len(t, frames, 1)
		assert.Equal(t, "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y", frames[0].(object)["frameId"])
		data := frames[0].(object)["frame"].([]any)
		require.Len(t, data, 1)
		assert.Equal(t, "CAM_BACK_RIGHT", data[0].(object)["sensorName"])

		sensors := c.get(base + "/sensors?segmentName=test&" + query)["sensors"].([]any)
		require.Len(t, sensors, 2)
		var described object
		require.NoError(t, json.Unmarshal(cameras().Datasets[0].Commits[0].Segments[0].Sensors[0], &described))
		assert.Equal(t, described, sensors[0])

		_, statistics := c.send(http.MethodGet, base+"/labels/statistics?"+query, nil)
		assert.Equal(t, `{"labelStatistics":{"BOX2D":{"quantity":1,"categories":[{"name":"01","quantity":1,"attributes":[{"name":"attribute_1","enum":[true],"quantities":[1]}]}],"attributes":[{"name":"attribute_1","enum":[true],"quantities":[1]}]}}}`+"\n", string(statistics))
	})
}

func TestSearch_UnitFrameReturnsWholeFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, withSeed(cameras()))
		id := c.id("cameras")
		result := c.create(id, "basicSearch", searchArguments(c.head(id), "and", "frame",
			filterOf("keyword", "like", "left/tr"))).finish()
		base := "datasets/" + result["searchResultId"].(string)
		assert.Equal(t, []any{object{"name": "train", "description": ""}}, c.get(base + "/segments")["segments"])
		frames := c.get(base + "/data/details?segmentName=train")["dataDetails"].([]any)
		assert.Len(t, frames[0].(object)["frame"], 2)
	})
}

func TestCreateJob_RefusesInvalidSearchArguments(t *testing.T) {
	c := start(t, withSeed(hello()), withBadRequests())
	id := c.id("hello")
	good := func() object { return searchArguments(c.head(id), "and", "file", filterOf("size", ">", 0)) }
	filters := func(f ...any) func(object) { return func(a object) { a["filters"] = f } }
	without := func(f object, key string) object {
		delete(f, key)
		return f
	}
	for _, test := range []struct {
		status  int
		code    string
		message string
		change  func(object)
	}{
		{404, "ResourceNotExist", "commit", func(a object) { a["commit"] = "0123" }},
		{404, "ResourceNotExist", "commit", func(a object) { a["commit"] = "main" }},
		{400, "RequestParamsMissing", "commit", func(a object) { delete(a, "commit") }},
		{400, "RequestParamsMissing", "conjunction", func(a object) { delete(a, "conjunction") }},
		{400, "RequestParamsMissing", "unit", func(a object) { delete(a, "unit") }},
		{400, "RequestParamsMissing", "filters", func(a object) { delete(a, "filters") }},
		{400, "InvalidParamsValue", "conjunction", func(a object) { a["conjunction"] = "xor" }},
		{400, "InvalidParamsValue", "unit", func(a object) { a["unit"] = "segment" }},
		{400, "InvalidParamsValue", "fusion", func(a object) { a["unit"] = "frame" }},
		{400, "InvalidParamsValue", "no filter", func(a object) { a["filters"] = []any{} }},
		{400, "InvalidParamsValue", "filters", func(a object) { a["filters"] = "size" }},
		{400, "InvalidParamsValue", `Filter 1: there is no key "color"`, filters(filterOf("size", ">", 0), filterOf("color", "=", 0))},
		{400, "InvalidParamsValue", `Filter 0: size takes the operators = > < >= <=, not "in"`, filters(filterOf("size", "in", 0))},
		{400, "InvalidParamsValue", `Filter 0: segment takes the operators in, not "="`, filters(filterOf("segment", "=", []string{"x"}))},
		{400, "InvalidParamsValue", `Filter 0: keyword takes the operators like =, not ">"`, filters(filterOf("keyword", ">", "x"))},
		{400, "InvalidParamsValue", "Filter 0: withLabel takes", filters(filterOf("withLabel", "in", true))},
		{400, "InvalidParamsValue", "Filter 0: category takes", filters(filterOf("category", "=", []string{"x"}, "BOX2D"))},
		{400, "InvalidParamsValue", "Filter 0: attribute takes", filters(filterOf("attribute", "=", object{"x": []any{1}}, "BOX2D"))},
		{400, "InvalidParamsValue", "Filter 0: the value of segment must be a list of strings", filters(filterOf("segment", "in", "x"))},
		{400, "InvalidParamsValue", "Filter 0: the value of segment must be", filters(filterOf("segment", "in", []any{}))},
		{400, "InvalidParamsValue", "Filter 0: the value of sensor must be", filters(filterOf("sensor", "in", []any{"x", nil}))},
		{400, "InvalidParamsValue", "Filter 0: the value of sensor must be", filters(filterOf("sensor", "in", []any{1}))},
		{400, "InvalidParamsValue", "Filter 0: the value of size must be an integer", filters(filterOf("size", ">", "1"))},
		{400, "InvalidParamsValue", "Filter 0: the value of size must be an integer", filters(filterOf("size", ">", 1.5))},
		{400, "InvalidParamsValue", "Filter 0: the value of size must be an integer", filters(filterOf("size", ">", nil))},
		{400, "InvalidParamsValue", "Filter 0: the value of withLabel must be a boolean", filters(filterOf("withLabel", "=", 1))},
		{400, "InvalidParamsValue", "Filter 0: the value of withLabel must be a boolean", filters(filterOf("withLabel", "=", nil))},
		{400, "InvalidParamsValue", "Filter 0: the value of frame must be a string", filters(filterOf("frame", "=", 1))},
		{400, "InvalidParamsValue", "Filter 0: the value of keyword must not be empty", filters(filterOf("keyword", "like", ""))},
		{400, "InvalidParamsValue", "Filter 0: the value of category must be", filters(filterOf("category", "in", []any{}, "BOX2D"))},
		{400, "RequestParamsMissing", "Filter 0: category needs a labelType", filters(filterOf("category", "in", []string{"x"}))},
		{400, "RequestParamsMissing", "Filter 0: attribute needs a labelType", filters(filterOf("attribute", "in", object{"x": []any{1}}))},
		{400, "InvalidParamsValue", "Filter 0: the value of attribute must be", filters(filterOf("attribute", "in", []any{1}, "BOX2D"))},
		{400, "InvalidParamsValue", "Filter 0: the value of attribute must be", filters(filterOf("attribute", "in", object{}, "BOX2D"))},
		{400, "InvalidParamsValue", "Filter 0: the value of attribute must be", filters(filterOf("attribute", "in", object{"x": 1}, "BOX2D"))},
		{400, "InvalidParamsValue", `Filter 0: the attribute "x" has no list`, filters(filterOf("attribute", "in", object{"x": nil}, "BOX2D"))},
		{400, "InvalidParamsValue", `Filter 0: a value of the attribute "x" is not`, filters(filterOf("attribute", "in", object{"x": []any{[]any{1}}}, "BOX2D"))},
		{400, "RequestParamsMissing", "Filter 0: title", filters(without(filterOf("size", ">", 0), "title"))},
		{400, "RequestParamsMissing", "Filter 0: value", filters(without(filterOf("size", ">", 0), "value"))},
	} {
		t.Run(test.message, func(t *testing.T) {
			arguments := good()
			test.change(arguments)
			message := caller{t, c.Emulator, c.accessKey}.doError(test.status, test.code, http.MethodPost, "datasets/"+id+"/jobs",
				object{"title": "t", "jobType": "basicSearch", "arguments": arguments})
			assert.Contains(t, message, test.message)
		})
	}
}

func TestSearch_KeepsTheLatestFiveResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cameras()
		s.Datasets = append(s.Datasets, hello().Datasets...)
		c := start(t, withSeed(s))
		search := func(name string) (job, object) {
			id := c.id(name)
			j := c.create(id, "basicSearch", searchArguments(c.head(id), "or", "file", filterOf("size", ">=", 0)))
			return j, j.finish()
		}
		_, other := search("hello")
		var jobs []job
		var results []object
		for range 6 {
			j, result := search("cameras")
			jobs, results = append(jobs, j), append(results, result)
		}
		assert.Equal(t, results[0], jobs[0].state()["result"], "the job still contains it")
		read := func(result object) string {
			return fmt.Sprintf("datasets/%s/segments?commit=%s", result["searchResultId"], result["searchResultCommitId"])
		}
		c.doError(404, "ResourceNotExist", http.MethodGet, read(results[0]), nil)
		for _, result := range append(results[1:], other) {
			c.get(read(result))
		}
		body := object{"datasetName": "new", "alias": "", "isPublic": false}
		c.doError(404, "ResourceNotExist", http.MethodPost, "searchResults/"+jobs[0].jobID+"/datasets", body)

		jobs[5].do(http.MethodDelete, jobs[5].path(""), nil)
		c.get(read(results[5])) // the result remains without its job
		result := results[5]["searchResultId"].(string)
		c.doError(404, "ResourceNotExist", http.MethodGet, "datasets/"+result+"/segments?commit=0123", nil)
		c.doError(404, "ResourceNotExist", http.MethodGet, "datasets/"+result+"/segments?draftNumber=1", nil)
		c.doError(404, "ResourceNotExist", http.MethodGet, "datasets/"+result, nil)
	})
}
