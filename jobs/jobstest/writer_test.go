package jobstest_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

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
	response, body := c.exchange(r)
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

// content downloads a data URL.
func (c caller) content(address any) string {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address.(string), nil)
	require.NoError(c.t, err)
	response, body := c.exchange(r)
	require.Equal(c.t, 200, response.StatusCode, "%s", body)
	return string(body)
}
