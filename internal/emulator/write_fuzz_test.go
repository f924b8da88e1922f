package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writes are the operations that write, each with a body that is valid for the plain or the
// fusion dataset of drafts. HELLO stands for the checksum of an uploaded file.
var writes = []struct{ dataset, method, path, body string }{
	{"", "POST", "datasets", `{"name":"new","type":1,"alias":"","isPublic":false}`},
	{"plain", "PATCH", "", `{"name":"renamed","alias":"a","isPublic":true,"defaultBranch":"main"}`},
	{"plain", "DELETE", "", ``},
	{"plain", "POST", "/drafts", `{"branchName":"main","title":"t","description":"d"}`},
	{"plain", "PATCH", "/drafts/1", `{"title":"t","description":"d"}`},
	{"plain", "PATCH", "/drafts/1", `{"status":"CLOSED"}`},
	{"plain", "POST", "/commits", `{"title":"t","draftNumber":1,"tag":"v1"}`},
	{"plain", "POST", "/branches", `{"name":"dev","commit":"main"}`},
	{"plain", "DELETE", "/branches", `{"name":"dev"}`},
	{"plain", "POST", "/tags", `{"name":"v1","commit":"main"}`},
	{"plain", "DELETE", "/tags", `{"name":"v1"}`},
	{"plain", "PUT", "/labels/catalogs", `{"catalog":{"BOX2D":{"categories":[{"name":"car","categoryId":1}],"attributes":[{"name":"a","type":"number","minimum":1,"maximum":2},{"name":"b","enum":[1,"x",null]}]}},"draftNumber":1}`},
	{"plain", "PATCH", "/notes", `{"isContinuous":true,"binPointCloudFields":["X",""],"draftNumber":1}`},
	{"plain", "POST", "/segments", `{"name":"t","draftNumber":1}`},
	{"plain", "DELETE", "/segments", `{"segmentName":"s","draftNumber":1}`},
	{"plain", "POST", "/segments?copy", `{"strategy":"abort","source":{"segmentName":"s"},"segmentName":"t","draftNumber":1}`},
	{"plain", "POST", "/segments?move", `{"strategy":"override","source":{"segmentName":"s","draftNumber":1},"segmentName":"s","draftNumber":1}`},
	{"plain", "POST", "/data?multipleCopy", `{"strategy":"skip","source":{"segmentName":"s","remotePaths":["a.txt"]},"segmentName":"s","remotePaths":["b.txt"],"draftNumber":1}`},
	{"plain", "POST", "/data?multipleMove", `{"strategy":"override","source":{"segmentName":"s","remotePaths":["a.txt","a.txt"]},"segmentName":"s","remotePaths":["b.txt","c.txt"],"draftNumber":1}`},
	{"plain", "DELETE", "/data", `{"segmentName":"s","remotePath":"a.txt","draftNumber":1}`},
	{"cameras", "DELETE", "/frames", `{"segmentName":"test","frameId":"01EMA1VJ6SR5K0ZQ4T8V2W9X3Y","draftNumber":1}`},
	{"cameras", "DELETE", "/sensors", `{"segmentName":"test","sensorName":"CAM_BACK_LEFT","draftNumber":1}`},
	{"cameras", "POST", "/sensors", `{"name":"TOP","type":"LIDAR","extrinsics":{"translation":{"x":1,"y":2,"z":3},"rotation":{"w":1,"x":0,"y":0,"z":0}},"segmentName":"test","draftNumber":1}`},
	{"cameras", "PUT", "/multi/callback", `{"segmentName":"test","objects":[{"checksum":"HELLO","fileSize":5,"remotePath":"x","frameId":"01EMA1VJ6SR5K0ZQ4T8V2W9X3Y","sensorName":"CAM_BACK_LEFT"}],"draftNumber":1}`},
	{"plain", "PUT", "/multi/callback", `{"segmentName":"s","objects":[{"checksum":"HELLO","fileSize":5,"remotePath":"x.jpg","timestamp":1.5,"label":{"BOX2D":[{"box2d":{"xmin":1,"ymin":2,"xmax":3,"ymax":4},"category":"car","attributes":{"a":[1,"x"]}}],"SEMANTIC_MASK":{"checksum":"HELLO","fileSize":5,"info":[{"categoryId":1}]}}}],"draftNumber":1}`},
	{"plain", "PUT", "/multi/data/labels", `{"segmentName":"s","objects":[{"remotePath":"a.txt","label":{"CLASSIFICATION":{"category":"x","attributes":{"n":null}},"KEYPOINTS2D":[{"keypoints2d":[{"x":1,"y":2,"v":1}]}],"SENTENCE":[{"sentence":[{"text":"a","begin":1}]}],"RLE":[{"rle":[1,2]}]}}],"draftNumber":1}`},
}

// writeWith sends a body to one of the operations that write, on a server of its own, and checks
// what must hold for any body: an error is in the form of the service and stores nothing, and
// the responses of later reads are valid.
func writeWith(t *testing.T, operation int, body string) int {
	c := start(t, withSeed(drafts()), withBadRequests(), withTimes(0, 0))
	w := writes[operation%len(writes)]
	id, path := "", w.path
	if w.dataset != "" {
		id = c.id(w.dataset)
		path = "datasets/" + id + w.path
		status, payload := c.post(c.form(id, "hello"))
		require.Equal(t, 200, status, "%s", payload)
	}
	before := c.Dump()
	status, payload := c.send(w.method, path, strings.ReplaceAll(body, "HELLO", checksumOf("hello")))
	if status != 200 {
		var problem struct{ Code, Message string }
		require.NoError(t, json.Unmarshal(payload, &problem), "%s", payload)
		require.NotEmpty(t, problem.Code)
		require.NotEmpty(t, problem.Message)
		require.Equal(t, before, c.Dump(), "nothing is stored")
	}
	c.get("datasets")
	base := "datasets/" + id
	if exists, _ := c.send(http.MethodGet, base, nil); exists != 200 {
		return status // deleted, or a new dataset
	}
	for _, read := range []string{"/labels/catalogs", "/labels/statistics", "/notes", "/total-size", "/segments", "/branches", "/tags", "/drafts?status=ALL"} {
		c.get(base + read)
	}
	for _, s := range c.get(base + "/segments?draftNumber=1")["segments"].([]any) {
		for _, read := range []string{"/sensors", "/data/details", "/data/urls", "/masks/urls"} {
			query := fmt.Sprintf("?draftNumber=1&maskType=SEMANTIC_MASK&segmentName=%s", url.QueryEscape(s.(object)["name"].(string)))
			c.get(base + read + query)
		}
	}
	return status
}

func FuzzWrite(f *testing.F) {
	for i, w := range writes {
		f.Add(i, w.body)
		f.Add(i, strings.ReplaceAll(w.body, "1", "-1"))
		f.Add(i, strings.ReplaceAll(w.body, `"`, `"\u0000`))
		f.Add(i, strings.ReplaceAll(w.body, `[`, `[null,`))
		f.Add(i, strings.ReplaceAll(w.body, `{`, `{"extra":1e400,`))
		f.Add(i, strings.ReplaceAll(w.body, `"a.txt"`, `"../a"`))
	}
	f.Fuzz(func(t *testing.T, operation int, body string) {
		if operation < 0 {
			t.Skip()
		}
		status, w := writeWith(t, operation, body), writes[operation%len(writes)]
		if body == w.body {
			want := 200
			if w.method == http.MethodDelete && (w.path == "/branches" || w.path == "/tags") {
				want = 404 // there is none
			}
			require.Equal(t, want, status, "%s %s", w.method, w.path)
		}
	})
}
