package emulator_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// drafts returns two datasets with an open draft each. Both hold the segment s.
func drafts() seed.Seed {
	ds := seed.Dataset{
		Name:     "plain",
		Commits:  []seed.Commit{{Name: "c", Title: "c", Date: 1700000000, Segments: []seed.Segment{{Name: "s", Data: []seed.Data{datum("a.txt", "a", "01")}}}}},
		Branches: []seed.Ref{{Name: "main", Commit: "c"}},
		Drafts:   []seed.Draft{{Title: "d", Branch: "main", Status: "OPEN"}},
	}
	other := ds
	other.Name = "other"
	fusion := cameras().Datasets[0]
	fusion.Drafts = ds.Drafts
	return seed.Seed{Owner: "tester", Datasets: []seed.Dataset{ds, other, fusion}}
}

func checksumOf(content string) string {
	sum := sha1.Sum([]byte(content))
	return hex.EncodeToString(sum[:])
}

// A form is an upload. Its fields are sent before the file.
type form struct {
	host   string
	fields map[string]string
	file   string
	header http.Header
}

// form returns a valid upload to the draft 1 of a dataset.
func (c caller) form(datasetID, content string) form {
	c.t.Helper()
	policy := c.get("datasets/" + datasetID + "/policies?segmentName=s&draftNumber=1")
	extra := policy["extra"].(object)
	fields := map[string]string{"key": extra["objectPrefix"].(string) + checksumOf(content)}
	for name, value := range policy["result"].(object) {
		if text, ok := value.(string); ok {
			fields[name] = text
		}
	}
	return form{host: extra["host"].(string), fields: fields, file: content}
}

func (c caller) post(f form) (int, []byte) {
	c.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, name := range slices.Sorted(maps.Keys(f.fields)) {
		require.NoError(c.t, w.WriteField(name, f.fields[name]))
	}
	file, err := w.CreateFormFile("file", "x")
	require.NoError(c.t, err)
	_, _ = io.WriteString(file, f.file)
	require.NoError(c.t, w.Close())
	return c.postBody(f.host, w.FormDataContentType(), &body, f.header)
}

func (c caller) postBody(host, contentType string, body io.Reader, header http.Header) (int, []byte) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, host, body)
	require.NoError(c.t, err)
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", contentType)
	response, err := c.client().Do(r)
	require.NoError(c.t, err)
	defer response.Body.Close()
	payload, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response.StatusCode, payload
}

// refusePost sends an upload that must fail in the form of the service, and must not store the
// file.
func (c caller) refusePost(status int, code, datasetID string, f form) {
	c.t.Helper()
	got, payload := c.post(f)
	require.Equal(c.t, status, got, "%s", payload)
	var problem struct{ Code, Message string }
	require.NoError(c.t, json.Unmarshal(payload, &problem))
	require.Equal(c.t, code, problem.Code)
	c.refuseCallback(datasetID, f.file)
}

// refuseCallback checks that a file was not stored for a dataset.
func (c caller) refuseCallback(datasetID, content string) {
	c.t.Helper()
	message := c.doError(400, "InvalidParamsValue", http.MethodPut, "datasets/"+datasetID+"/multi/callback", callback(content, "x.txt"))
	require.Contains(c.t, message, "was uploaded")
}

func callback(content, remotePath string) object {
	return object{"segmentName": "s", "draftNumber": 1, "objects": []any{
		object{"checksum": checksumOf(content), "fileSize": len(content), "remotePath": remotePath},
	}}
}

func TestUpload_NeedsAValidPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var violations []string
		c := start(t, withSeed(drafts()), withReport(func(format string, args ...any) {
			violations = append(violations, fmt.Sprintf(format, args...))
		}))
		plain, other := c.id("plain"), c.id("other")
		valid := func() form { return c.form(plain, "hello") }
		changed := func(change func(*form)) form {
			f := valid()
			change(&f)
			return f
		}
		for name, f := range map[string]form{
			"no policy":                 changed(func(f *form) { delete(f.fields, "policy") }),
			"no signature":              changed(func(f *form) { delete(f.fields, "signature") }),
			"forged policy":             changed(func(f *form) { f.fields["policy"] = "e30=" }),
			"no key":                    changed(func(f *form) { delete(f.fields, "key") }),
			"key of another dataset":    changed(func(f *form) { f.fields["key"] = c.form(other, "hello").fields["key"] }),
			"key with a longer path":    changed(func(f *form) { f.fields["key"] = plain + "/../" + checksumOf("hello") }),
			"policy of another dataset": changed(func(f *form) { f.fields["policy"] = c.form(other, "hello").fields["policy"] }),
		} {
			t.Log(name)
			c.refusePost(403, "Forbidden", plain, f)
		}
		t.Log("wrong checksum")
		c.refusePost(400, "InvalidParamsValue", plain, changed(func(f *form) { f.file = "hullo" }))
		c.refusePost(400, "InvalidParamsValue", plain, changed(func(f *form) { f.fields["key"] = plain + "/../" + checksumOf("hello")[3:] }))
		t.Log("expired")
		f := valid()
		<-time.After(240 * time.Second)
		c.refusePost(403, "Forbidden", plain, f)
		assert.Empty(t, violations)
		t.Log("access key")
		f = valid()
		f.header = http.Header{"X-Token": {c.accessKey}}
		c.refusePost(400, "InvalidParamsValue", plain, f)
		require.Equal(t, []string{"access key sent to a data host: POST /upload"}, violations)

		status, body := c.post(valid())
		require.Equal(t, 200, status, "%s", body)
		assert.JSONEq(t, "{}", string(body))
		c.refuseCallback(other, "hello")
		c.do(http.MethodPut, "datasets/"+plain+"/multi/callback", callback("hello", "x.txt"))
		wrongSize := callback("hello", "x.txt")
		wrongSize["objects"].([]any)[0].(object)["fileSize"] = 4
		c.doError(400, "InvalidParamsValue", http.MethodPut, "datasets/"+plain+"/multi/callback", wrongSize)
	})
}

func TestUpload_LimitsTheForm(t *testing.T) {
	c := start(t, withSeed(drafts()))
	plain := c.id("plain")
	f := c.form(plain, "hello")
	f.fields["a"] = strings.Repeat("x", 5000)
	c.refusePost(400, "InvalidParamsValue", plain, f)
	f = c.form(plain, "hello")
	for i := range 40 {
		f.fields[fmt.Sprint("a", i)] = "x"
	}
	c.refusePost(400, "InvalidParamsValue", plain, f)

	for contentType, body := range map[string]string{
		"text/plain":                      "x",
		"multipart/form-data":             "x",
		"multipart/form-data; boundary=x": "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nno end",
		"multipart/form-data; boundary=y": "--y--\r\n",
	} {
		status, payload := c.postBody(f.host, contentType, strings.NewReader(body), nil)
		assert.Contains(t, []int{400, 403}, status, contentType)
		assert.Contains(t, string(payload), `"code"`, contentType)
	}
}

// endless is an infinite file.
type endless struct{ sent *int }

func (e endless) Read(p []byte) (int, error) {
	*e.sent += len(p)
	clear(p)
	return len(p), nil
}

func TestUpload_StopsReadingAFileThatIsTooLarge(t *testing.T) {
	limit := size(64 << 20)
	c := start(t, withSeed(drafts()), func(config *emulator.Config, _ *seed.Seed) { config.MaxUpload = int64(limit) })
	f := c.form(c.id("plain"), "")
	for name, fields := range map[string]map[string]string{"with a policy": f.fields, "without": nil} {
		var head bytes.Buffer
		w := multipart.NewWriter(&head)
		for field, value := range fields {
			require.NoError(t, w.WriteField(field, value))
		}
		_, err := w.CreateFormFile("file", "x")
		require.NoError(t, err)
		sent := 0
		status, payload := c.postBody(f.host, w.FormDataContentType(), io.MultiReader(&head, endless{&sent}), nil)
		most := limit + 1<<20
		if fields == nil {
			most = 1 << 20
		}
		assert.Less(t, sent, most, name)
		assert.Contains(t, []int{400, 403}, status, name)
		assert.Contains(t, string(payload), `"code"`, name)
	}
}

func TestWrite_RefusesPathsThatLeaveTheirDirectory(t *testing.T) {
	c := start(t, withSeed(drafts()), withBadRequests())
	base := "datasets/" + c.id("plain") + "/"
	status, _ := c.post(c.form(c.id("plain"), "hello"))
	require.Equal(t, 200, status)
	before := c.Dump()
	for _, path := range []string{
		"", "/", "/etc/passwd", "..", "../a", "a/../b", "a/..", "./a", "a//b", "a/", `..\a`, `a\b`, "a\x00b", "a\nb", "\x7f",
		strings.Repeat("x", 2000),
	} {
		c.refuse(http.MethodPut, base+"multi/callback", callback("hello", path))
		c.refuse(http.MethodPost, base+"segments", object{"name": path, "draftNumber": 1})
		c.refuse(http.MethodPost, base+"segments?copy", object{"strategy": "abort", "source": object{"segmentName": "s"}, "segmentName": path, "draftNumber": 1})
		c.refuse(http.MethodPost, base+"data?multipleCopy", object{
			"strategy": "abort", "source": object{"segmentName": "s", "remotePaths": []string{"a.txt"}}, "segmentName": "s", "remotePaths": []string{path}, "draftNumber": 1,
		})
	}
	require.Equal(t, before, c.Dump(), "nothing is stored")
}

// refuse sends a request that must fail with 400.
func (c caller) refuse(method, path string, body any) {
	c.t.Helper()
	status, payload := c.send(method, path, body)
	require.Equal(c.t, 400, status, "%s %s %v: %s", method, path, body, payload)
	require.Contains(c.t, string(payload), `"code"`)
}

func TestWrite_LimitsBodies(t *testing.T) {
	c := start(t, withSeed(drafts()), withBadRequests())
	base := "datasets/" + c.id("plain") + "/"
	labels := func(label string) string {
		return `{"segmentName":"s","draftNumber":1,"objects":[{"remotePath":"a.txt","label":` + label + `}]}`
	}
	status, _ := c.post(c.form(c.id("plain"), "hello"))
	require.Equal(t, 200, status)
	hello := checksumOf("hello")
	before := c.Dump()
	for name, label := range map[string]string{
		"depth":            `{"NEW":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		"huge number":      `{"NEW":1e999}`,
		"malformed box":    `{"BOX2D":[{"box2d":{"xmin":"1"}}]}`,
		"unknown mask":     `{"SEMANTIC_MASK":{"checksum":"` + checksumOf("none") + `","fileSize":1}}`,
		"mask without sum": `{"SEMANTIC_MASK":{}}`,
		"mask of no ids":   `{"PANOPTIC_MASK":{"checksum":"` + hello + `","fileSize":5,"info":[{"categoryId":1}]}}`,
		"small letters":    `{"box2d":[]}`,
		"no object":        `[]`,
		"null":             `null`,
		"more than 8 MiB":  `{"NEW":"` + strings.Repeat("x", 8<<20) + `"}`,
	} {
		t.Log(name)
		c.refuse(http.MethodPut, base+"multi/data/labels", labels(label))
	}
	tooMany := callback("hello", "x.txt")
	tooMany["objects"] = slices.Repeat(tooMany["objects"].([]any), 51)
	c.refuse(http.MethodPut, base+"multi/callback", tooMany)
	c.refuse(http.MethodPost, base+"data?multipleCopy", object{
		"strategy": "skip", "source": object{"segmentName": "s", "remotePaths": slices.Repeat([]string{"a.txt"}, 129)}, "segmentName": "s", "draftNumber": 1,
	})
	c.refuse(http.MethodPut, base+"labels/catalogs", object{"catalog": object{"box2d": object{}}, "draftNumber": 1})
	require.Equal(t, before, c.Dump(), "nothing is stored")
	c.do(http.MethodPost, base+"segments", object{"name": "t", "draftNumber": 1, "region": "beijing"}) // of another version
	// With TENSORBAY_TEST_FULL=1: 50 labeled objects of 40 KB fit.
	c.do(http.MethodPut, base+"multi/data/labels", labels(`{"NEW":"`+strings.Repeat("x", size(2<<20))+`"}`))
}

func TestWrite_LimitsWhatIsStored(t *testing.T) {
	c := start(t, withSeed(drafts()), func(config *emulator.Config, _ *seed.Seed) { config.MaxStored = 1000 })
	plain := c.id("plain")
	status, _ := c.post(c.form(plain, strings.Repeat("x", 500)))
	require.Equal(t, 200, status)
	status, _ = c.post(c.form(plain, strings.Repeat("x", 500)))
	require.Equal(t, 200, status, "equal contents are stored once")
	status, payload := c.post(c.form(plain, strings.Repeat("y", 600)))
	require.Equal(t, 403, status)
	assert.Contains(t, string(payload), "stores at most 1000 bytes")
	c.refuseCallback(plain, strings.Repeat("y", 600))
	segment := object{"name": strings.Repeat("n", 200), "draftNumber": 1}
	c.do(http.MethodPost, "datasets/"+plain+"/segments", segment)
	segment["name"] = strings.Repeat("m", 250)
	c.doError(403, "Forbidden", http.MethodPost, "datasets/"+plain+"/segments", segment)
}
