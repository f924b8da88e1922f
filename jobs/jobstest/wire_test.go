package jobstest_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

var zeros = strings.Repeat("0", 32)

// onSockets makes a server listen, so that the tests use plain HTTP.
func onSockets() jobstest.Option { return jobstest.WithListener("127.0.0.1:0") }

// A writer writes one dataset.
type writer struct {
	caller
	id    string
	draft int
}

// newDataset creates a dataset with a draft on main.
func (c caller) newDataset(name string, kind int) *writer {
	c.t.Helper()
	id := c.do("POST", "datasets", object{"name": name, "type": kind, "alias": "", "isPublic": false})["id"].(string)
	w := &writer{caller: c, id: id}
	w.newDraft("main")
	return w
}

func (w *writer) newDraft(branch string) {
	w.t.Helper()
	w.draft = int(w.do("POST", w.path("drafts"), object{"branchName": branch, "title": "a draft"})["draftNumber"].(float64))
}

func (w *writer) path(path string) string { return "datasets/" + w.id + "/" + path }

// query adds the draft to a path.
func (w *writer) query(path string) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return w.path(fmt.Sprint(path, separator, "draftNumber=", w.draft))
}

// write changes the draft.
func (w *writer) write(method, path string, body object) {
	w.t.Helper()
	body["draftNumber"] = w.draft
	assert.Empty(w.t, w.do(method, w.path(path), body))
}

// refuse sends a change of the draft that must fail.
func (w *writer) refuse(status int, code, method, path string, body object) {
	w.t.Helper()
	body["draftNumber"] = w.draft
	w.doError(status, code, method, w.path(path), body)
}

// commit commits the draft and returns the id of the commit.
func (w *writer) commit(title string) string {
	w.t.Helper()
	return w.do("POST", w.path("commits"), object{"title": title, "draftNumber": w.draft})["commitId"].(string)
}

func checksumOf(content string) string {
	sum := sha1.Sum([]byte(content))
	return hex.EncodeToString(sum[:])
}

// sendForm posts a form to the upload host and returns the status and the body.
func (c caller) sendForm(policy object, key, content string, header http.Header) (int, string) {
	c.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range policy["result"].(object) {
		if text, ok := value.(string); ok && name != "multipleUploadLimit" {
			require.NoError(c.t, w.WriteField(name, text))
		}
	}
	require.NoError(c.t, w.WriteField("key", key))
	file, err := w.CreateFormFile("file", "")
	require.NoError(c.t, err)
	_, _ = io.WriteString(file, content)
	require.NoError(c.t, w.Close())
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, policy["extra"].(object)["host"].(string), &form)
	require.NoError(c.t, err)
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	response, err := c.Client().Do(r)
	require.NoError(c.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response.StatusCode, string(body)
}

func (w *writer) policy(segment string) object {
	w.t.Helper()
	return w.get(w.query("policies?expired=240&segmentName=" + url.QueryEscape(segment)))
}

// upload uploads a content and returns the object for the callback.
func (w *writer) upload(segment, remotePath, content string) object {
	w.t.Helper()
	policy := w.policy(segment)
	key := policy["extra"].(object)["objectPrefix"].(string) + checksumOf(content)
	status, body := w.sendForm(policy, key, content, nil)
	require.Equal(w.t, 200, status, body)
	return object{"checksum": checksumOf(content), "fileSize": len(content), "remotePath": remotePath}
}

// with returns an object with another member.
func with(o object, name string, value any) object {
	o[name] = value
	return o
}

// put uploads a file to a segment.
func (w *writer) put(segment, remotePath, content string, label object) {
	w.t.Helper()
	datum := w.upload(segment, remotePath, content)
	if label != nil {
		datum["label"] = label
	}
	w.write("PUT", "multi/callback", object{"segmentName": segment, "objects": []object{datum}})
}

// paths lists the remote paths of a segment.
func (w *writer) paths(segment string) string {
	w.t.Helper()
	var paths []string
	for _, d := range w.get(w.query("data?segmentName=" + segment))["data"].([]any) {
		paths = append(paths, d.(object)["remotePath"].(string))
	}
	return strings.Join(paths, " ")
}

func box(category string) object {
	return object{"BOX2D": []any{object{"box2d": object{"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}, "category": category}}}
}

func class(category string) object { return object{"CLASSIFICATION": object{"category": category}} }

// titles returns a field of each item of a list.
func titles(list any, field string) []any {
	var values []any
	for _, item := range list.([]any) {
		values = append(values, item.(object)[field])
	}
	return values
}

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
		assert.Equal(t, []any{zeros}, titles(c.get(fusion.path("branches"))["branches"], "commitId"))
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

// content downloads a data URL.
func (c caller) content(address any) string {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address.(string), nil)
	require.NoError(c.t, err)
	response, err := c.Client().Do(r)
	require.NoError(c.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, 200, response.StatusCode, "%s", body)
	return string(body)
}
