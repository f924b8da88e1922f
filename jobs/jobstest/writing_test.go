package jobstest_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// TestServer_Writes has a subtest for each operation that writes. Each builds on those before
// it.
func TestServer_Writes(t *testing.T) {
	c := start(t, onSockets(), jobstest.WithQueuing(0), jobstest.WithProcessing(0))
	var w, f *writer
	first := ""
	t.Run("POST /datasets", func(t *testing.T) {
		w, f = c.newDataset("plain", 0), c.newDataset("fusion", 1)
		ds := c.get("datasets/" + w.id)
		assert.Equal(t, []any{0.0, zeros, "main"}, []any{ds["type"], ds["commitId"], ds["defaultBranch"]})
		assert.Equal(t, 1.0, c.get("datasets/" + f.id)["type"])
		c.doError(409, "NameConflict", "POST", "datasets", object{"name": "plain", "type": 0, "alias": "", "isPublic": false})
		c.do("POST", "datasets", object{"name": "elsewhere", "type": 0, "alias": "", "isPublic": true, "configName": "mine"})
	})
	t.Run("DELETE /datasets/{id}", func(t *testing.T) {
		id := c.id("elsewhere")
		assert.Empty(t, c.do("DELETE", "datasets/"+id, nil))
		c.doError(404, "ResourceNotExist", "GET", "datasets/"+id, nil)
		c.doError(404, "ResourceNotExist", "DELETE", "datasets/"+id, nil)
	})
	t.Run("POST drafts", func(t *testing.T) {
		assert.Equal(t, 1, w.draft)
		assert.Equal(t, object{"draftNumber": 2.0}, c.do("POST", w.path("drafts"), object{"branchName": "main", "title": "t", "description": "d"}))
		c.doError(404, "ResourceNotExist", "POST", w.path("drafts"), object{"branchName": "none", "title": "t"})
	})
	t.Run("PATCH drafts/{n}", func(t *testing.T) {
		assert.Empty(t, c.do("PATCH", w.path("drafts/2"), object{"title": "T"}))
		assert.Empty(t, c.do("PATCH", w.path("drafts/2"), object{"status": "CLOSED"}))
		c.doError(404, "ResourceNotExist", "PATCH", w.path("drafts/9"), object{"status": "CLOSED"})
	})
	t.Run("POST segments", func(t *testing.T) {
		w.write("POST", "segments", object{"name": "train"})
		f.write("POST", "segments", object{"name": "train"})
		w.refuse(409, "NameConflict", "POST", "segments", object{"name": "train"})
		w.write("POST", "segments", object{"name": "gone"})
		w.write("DELETE", "segments", object{"segmentName": "gone"})
		w.refuse(404, "ResourceNotExist", "DELETE", "segments", object{"segmentName": "gone"})
		assert.Equal(t, []any{"train"}, titles(c.get(w.query("segments"))["segments"], "name"))
	})
	t.Run("PUT labels/catalogs", func(t *testing.T) {
		catalog := object{"BOX2D": object{
			"categories": []any{object{"name": "car", "description": "d"}}, "isTracking": true, "anything": []any{1.5},
			"attributes": []any{object{"name": "open", "type": "boolean"}},
		}, "SEMANTIC_MASK": object{"categories": []any{object{"name": "road", "categoryId": 7.0}}}}
		w.write("PUT", "labels/catalogs", object{"catalog": catalog})
		assert.Equal(t, object{"catalog": catalog}, c.get(w.query("labels/catalogs")))
		w.refuse(400, "InvalidParamsValue", "PUT", "labels/catalogs", object{"catalog": object{}})
	})
	t.Run("PATCH notes", func(t *testing.T) {
		assert.Equal(t, object{"isContinuous": false, "binPointCloudFields": nil}, c.get(w.query("notes")))
		w.write("PATCH", "notes", object{"binPointCloudFields": []any{"X", "Y"}})
		w.write("PATCH", "notes", object{"isContinuous": true})
		assert.Equal(t, object{"isContinuous": true, "binPointCloudFields": []any{"X", "Y"}}, c.get(w.query("notes")))
		w.write("PATCH", "notes", object{"binPointCloudFields": nil})
		assert.Equal(t, object{"isContinuous": true, "binPointCloudFields": nil}, c.get(w.query("notes")))
	})
	t.Run("POST sensors", func(t *testing.T) {
		sensor := object{
			"name": "CAM", "type": "CAMERA", "description": "front",
			"extrinsics": object{"translation": object{"x": 1.0, "y": 2.5, "z": 3.0}, "rotation": object{"w": 1.0, "x": 0.0, "y": 0.0, "z": 0.0}},
			"intrinsics": object{"cameraMatrix": object{"fx": 1.0, "fy": 1.0, "cx": 1.0, "cy": 1.0, "skew": 0.0}, "distortionCoefficients": object{"k1": 0.5, "p1": 0.25}},
		}
		sent := object{"segmentName": "train"}
		maps.Copy(sent, sensor)
		f.write("POST", "sensors", sent)
		assert.Equal(t, []any{sensor}, c.get(f.query("sensors?segmentName=train"))["sensors"], "read back as sent")
		w.refuse(400, "InvalidParamsValue", "POST", "sensors", object{"name": "CAM", "type": "CAMERA", "segmentName": "train"})
	})
	t.Run("GET policies", func(t *testing.T) {
		policy := c.get(w.query("policies?expired=240&segmentName=train&isInternal=True"))
		assert.Contains(t, policy["result"], "multipleUploadLimit")
		assert.Equal(t, "oss", policy["extra"].(object)["backendType"])
		assert.InDelta(t, float64(time.Now().Unix()+240), policy["expireAt"], 60)
	})
	t.Run("upload", func(t *testing.T) {
		assert.Equal(t, checksumOf("one"), w.upload("train", "1.txt", "one")["checksum"])
	})
	t.Run("PUT multi/callback", func(t *testing.T) {
		one, two := w.upload("train", "1.txt", "one"), w.upload("train", "2.jpg", "two")
		mask := w.upload("train", "", "a mask")
		delete(mask, "remotePath")
		mask["info"] = []any{object{"categoryId": 7}}
		two["timestamp"], two["label"] = 1.5, with(box("car"), "SEMANTIC_MASK", mask)
		w.write("PUT", "multi/callback", object{"segmentName": "train", "objects": []object{two, one}})
		details := c.get(w.query("data/details?segmentName=train"))["dataDetails"].([]any)
		require.Len(t, details, 2)
		d := details[1].(object)
		assert.Equal(t, []any{"2.jpg", 1.5, "two"}, []any{d["remotePath"], d["timestamp"], c.content(d["url"])})
		got := d["label"].(object)["SEMANTIC_MASK"].(object)
		assert.Equal(t, []any{"2.png", []any{object{"categoryId": 7.0}}, "a mask"}, []any{got["remotePath"], got["info"], c.content(got["url"])})
		assert.NotContains(t, got, "checksum")

		w.write("PUT", "multi/callback", object{"segmentName": "train", "objects": slices.Repeat([]object{one}, 50)})
		w.put("train", "1.txt", "uno", nil)
		assert.Equal(t, "1.txt 2.jpg", w.paths("train"), "the same path replaces")
		datum := f.upload("train", "cam/1.png", "frame")
		for i, wrong := range []object{{}, {"sensorName": "CAM"}, {"sensorName": "LIDAR", "frameId": "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y"}} {
			wrong["checksum"], wrong["fileSize"], wrong["remotePath"] = datum["checksum"], datum["fileSize"], "x"
			f.refuse(400, []string{"RequestParamsMissing", "RequestParamsMissing", "InvalidParamsValue"}[i], "PUT", "multi/callback",
				object{"segmentName": "train", "objects": []object{wrong}})
		}
		datum["frameId"], datum["sensorName"], datum["label"] = "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y", "CAM", box("car")
		f.write("PUT", "multi/callback", object{"segmentName": "train", "objects": []object{datum}})
		frames := c.get(f.query("data/details?segmentName=train"))["dataDetails"].([]any)
		require.Len(t, frames, 1)
		assert.Equal(t, "frame", c.content(frames[0].(object)["frame"].([]any)[0].(object)["url"]))
		assert.Equal(t, 1.0, c.get(f.query("labels/statistics"))["labelStatistics"].(object)["BOX2D"].(object)["quantity"])
	})
	t.Run("PUT multi/data/labels", func(t *testing.T) {
		w.write("PUT", "multi/data/labels", object{"segmentName": "train", "objects": []object{{"remotePath": "1.txt", "label": class("car")}}})
		many := slices.Repeat([]object{{"remotePath": "1.txt", "label": class("car")}}, 200) // no limit is known
		w.write("PUT", "multi/data/labels", object{"segmentName": "train", "objects": many})
		details := c.get(w.query("data/details?segmentName=train&remotePath=1.txt"))["dataDetails"].([]any)
		assert.Equal(t, class("car"), details[0].(object)["label"])
		w.refuse(404, "ResourceNotExist", "PUT", "multi/data/labels", object{"segmentName": "train", "objects": []object{{"remotePath": "none", "label": object{}}}})
	})
	t.Run("GET data", func(t *testing.T) {
		page := c.get(w.query("data?segmentName=train"))
		assert.Equal(t, []any{object{"remotePath": "1.txt"}, object{"remotePath": "2.jpg", "timestamp": 1.5}}, page["data"])
		assert.Equal(t, 2.0, page["totalCount"])
	})
	t.Run("GET total-size, GET /users", func(t *testing.T) {
		assert.Equal(t, object{"totalSize": 6.0}, c.get(w.query("total-size")))
		user := c.get("users")
		assert.Equal(t, "seed-author", user["nickname"])
		assert.Contains(t, user["team"], "name")
	})
	t.Run("POST commits", func(t *testing.T) {
		w.refuse(409, "NameConflict", "POST", "commits", object{"title": "c", "tag": "main"})
		first = c.do("POST", w.path("commits"), object{"title": "c", "draftNumber": w.draft, "description": "d", "tag": "v1"})["commitId"].(string)
		w.refuse(400, "InvalidParamsValue", "POST", "commits", object{"title": "again"})
		w.refuse(400, "InvalidParamsValue", "POST", "segments", object{"name": "late"})
		assert.Equal(t, first, c.head(w.id))
		commits := c.get(w.path("commits"))["commits"].([]any)
		require.Len(t, commits, 1)
		assert.Equal(t, zeros, commits[0].(object)["parentCommitId"])
		assert.Equal(t, []any{first}, titles(c.get(w.path("tags?name=v1"))["tags"], "commitId"))
		assert.Contains(t, titles(c.get(w.path("drafts?status=COMMITTED"))["drafts"], "number"), 1.0)

		w.newDraft("main")
		assert.Equal(t, "1.txt 2.jpg", w.paths("train"), "a draft starts with the content of the head")
		assert.Equal(t, c.get(w.path("labels/catalogs?commit="+first)), c.get(w.query("labels/catalogs")))
		assert.Equal(t, c.get(w.path("notes?commit="+first)), c.get(w.query("notes")))
		w.write("DELETE", "segments", object{"segmentName": "train"})
		assert.Equal(t, 2.0, c.get(w.path("data?segmentName=train&commit=" + first))["totalCount"], "a commit never changes")
	})
	t.Run("POST branches", func(t *testing.T) {
		c.doError(403, "Forbidden", "POST", w.path("branches"), object{"name": "b", "commit": zeros})
		c.doError(409, "NameConflict", "POST", w.path("branches"), object{"name": "main", "commit": first})
		assert.Empty(t, c.do("POST", w.path("branches"), object{"name": "dev", "commit": first}))
		assert.Empty(t, c.do("POST", w.path("branches"), object{"name": "old", "commit": "v1"}))
		assert.Empty(t, c.do("DELETE", w.path("branches"), object{"name": "old"}))
		c.doError(404, "ResourceNotExist", "DELETE", w.path("branches"), object{"name": "old"})
		c.doError(403, "Forbidden", "DELETE", w.path("branches"), object{"name": "main"})
	})
	t.Run("POST tags", func(t *testing.T) {
		assert.Empty(t, c.do("POST", w.path("tags"), object{"name": "v2", "commit": first}))
		c.doError(409, "NameConflict", "POST", w.path("tags"), object{"name": "v2", "commit": first})
		c.doError(403, "Forbidden", "POST", w.path("tags"), object{"name": "v3", "commit": zeros})
		assert.Empty(t, c.do("DELETE", w.path("tags"), object{"name": "v2"}))
		c.doError(404, "ResourceNotExist", "DELETE", w.path("tags"), object{"name": "v2"})
	})
	t.Run("PATCH /datasets/{id}", func(t *testing.T) {
		assert.Empty(t, c.do("PATCH", "datasets/"+w.id, object{"name": "renamed", "alias": "A", "isPublic": true, "defaultBranch": "dev"}))
		ds := c.get("datasets/" + c.id("renamed"))
		assert.Equal(t, []any{"A", true, "dev"}, []any{ds["alias"], ds["isPublic"], ds["defaultBranch"]})
		c.doError(409, "NameConflict", "PATCH", "datasets/"+w.id, object{"name": "fusion"})
		c.doError(404, "ResourceNotExist", "PATCH", "datasets/"+w.id, object{"defaultBranch": "none"})
	})
	t.Run("POST segments?copy, POST segments?move", func(t *testing.T) {
		w.newDraft("dev")
		transfer := func(strategy, from, to string) object {
			return object{"strategy": strategy, "source": object{"segmentName": from}, "segmentName": to}
		}
		w.write("POST", "segments?copy", transfer("abort", "train", "copied"))
		assert.Equal(t, "1.txt 2.jpg", w.paths("copied"))
		w.refuse(500, "InternalServerError", "POST", "segments?copy", transfer("abort", "train", "copied"))
		w.write("DELETE", "data", object{"segmentName": "copied", "remotePath": "1.txt"})
		w.write("POST", "segments?copy", transfer("skip", "train", "copied"))
		assert.Equal(t, "2.jpg", w.paths("copied"))
		w.write("POST", "segments?copy", transfer("override", "train", "copied"))
		assert.Equal(t, "1.txt 2.jpg", w.paths("copied"))
		w.write("POST", "segments?move", transfer("abort", "copied", "moved"))
		assert.Equal(t, []any{"train", "moved"}, titles(c.get(w.query("segments"))["segments"], "name"))
		w.refuse(404, "ResourceNotExist", "POST", "segments?move", transfer("abort", "copied", "moved"))

		other := c.newDataset("other", 0)
		other.write("POST", "segments?copy", object{"strategy": "abort", "source": object{"segmentName": "train", "id": w.id, "commit": first}, "segmentName": "train"})
		assert.Equal(t, "1.txt 2.jpg", other.paths("train"), "from another dataset")
		other.refuse(400, "InvalidParamsValue", "POST", "segments?move", object{"strategy": "abort", "source": object{"segmentName": "train", "id": w.id, "commit": first}, "segmentName": "x"})
		f.refuse(400, "InvalidParamsValue", "POST", "segments?copy", object{"strategy": "abort", "source": object{"segmentName": "train", "id": w.id, "commit": first}, "segmentName": "x"})
	})
	t.Run("POST data?multipleCopy, POST data?multipleMove", func(t *testing.T) {
		transfer := func(strategy string, sources, targets []string) object {
			body := object{"strategy": strategy, "source": object{"segmentName": "train", "remotePaths": sources}, "segmentName": "moved"}
			if targets != nil {
				body["remotePaths"] = targets
			}
			return body
		}
		w.write("POST", "data?multipleCopy", transfer("abort", []string{"2.jpg"}, []string{"dir/3.jpg"}))
		assert.Equal(t, "1.txt 2.jpg dir/3.jpg", w.paths("moved"))
		masks := c.get(w.query("masks/urls?segmentName=moved&maskType=SEMANTIC_MASK"))["urls"].([]any)
		assert.Equal(t, "dir/3.png", masks[2].(object)["remotePath"], "the mask follows its datum")
		w.refuse(500, "InternalServerError", "POST", "data?multipleCopy", transfer("abort", []string{"1.txt", "2.jpg"}, nil))
		w.write("POST", "data?multipleMove", transfer("skip", []string{"1.txt"}, nil))
		assert.Equal(t, "1.txt 2.jpg", w.paths("train"), "skipped data remain")
		w.write("POST", "data?multipleMove", transfer("override", []string{"1.txt"}, nil))
		assert.Equal(t, "2.jpg", w.paths("train"))
		w.refuse(400, "InvalidParamsValue", "POST", "data?multipleCopy", transfer("skip", []string{"2.jpg"}, []string{"a", "b"}))
		w.refuse(404, "ResourceNotExist", "POST", "data?multipleCopy", transfer("skip", []string{"none"}, nil))
		w.write("POST", "data?multipleCopy", transfer("skip", slices.Repeat([]string{"2.jpg"}, 128), nil))
		w.refuse(400, "RequestParamsMissing", "POST", "data", transfer("skip", []string{"2.jpg"}, nil))
	})
	t.Run("DELETE data, frames, sensors", func(*testing.T) {
		w.write("DELETE", "data", object{"segmentName": "train", "remotePath": "2.jpg"})
		w.refuse(404, "ResourceNotExist", "DELETE", "data", object{"segmentName": "train", "remotePath": "2.jpg"})
		f.write("DELETE", "frames", object{"segmentName": "train", "frameId": "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y"})
		f.refuse(404, "ResourceNotExist", "DELETE", "frames", object{"segmentName": "train", "frameId": "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y"})
		f.write("DELETE", "sensors", object{"segmentName": "train", "sensorName": "CAM"})
		f.refuse(404, "ResourceNotExist", "DELETE", "sensors", object{"segmentName": "train", "sensorName": "CAM"})
	})
}
