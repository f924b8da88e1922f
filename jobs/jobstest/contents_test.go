package jobstest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// download reads a data URL.
func (c caller) download(address string, header http.Header) (*http.Response, []byte) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address, nil)
	require.NoError(c.t, err)
	maps.Copy(request.Header, header)
	response, err := c.Client().Do(request)
	require.NoError(c.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response, body
}

// albums is a plain dataset of one segment with masks, odd paths and 300 data.
func albums() jobstest.Seed {
	segment := jobstest.SeedSegment{Name: "all of it", Description: "everything"}
	stamp := 1.5
	for i := range 300 {
		d := jobstest.SeedData{RemotePath: fmt.Sprintf("dir %%/ü?#%d.bin", i), Size: int64(i)}
		switch i % 3 {
		case 1:
			d.Timestamp = &stamp
			d.Label = json.RawMessage(fmt.Sprintf(`{"SEMANTIC_MASK": {"remotePath": "mask %d.png", "info": [{"categoryId": 1}]}, "NEW_TYPE": [[1]]}`, i))
		case 2:
			d.Content = []byte(fmt.Sprint("content ", i))
			d.Label = json.RawMessage(`{"NEW_TYPE": [[1]]}`)
		}
		segment.Data = append(segment.Data, d)
	}
	return jobstest.Seed{Datasets: []jobstest.SeedDataset{{
		Name:     "albums",
		Commits:  []jobstest.SeedCommit{{Name: "c", Segments: []jobstest.SeedSegment{segment, {Name: "empty"}}}},
		Branches: []jobstest.SeedRef{{Name: "main", Commit: "c"}},
	}}}
}

func TestPagesOfData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(albums()))
		base := "datasets/" + c.id("albums")
		const query = "?segmentName=all+of+it"
		seen := 0
		for offset := 0; offset < 300; offset += 128 {
			page := fmt.Sprintf("%s&offset=%d", query, offset)
			details := c.get(base + "/data/details" + page)
			urls := c.get(base + "/data/urls" + page)["urls"].([]any)
			masks := c.get(base + "/masks/urls" + page + "&maskType=SEMANTIC_MASK")["urls"].([]any)
			assert.EqualValues(t, min(128, 300-offset), details["recordSize"])
			assert.EqualValues(t, 300, details["totalCount"])
			for i, detail := range details["dataDetails"].([]any) {
				detail := detail.(object)
				n := offset + i
				path := fmt.Sprintf("dir %%/ü?#%d.bin", n)
				require.Equal(t, path, detail["remotePath"])
				require.Equal(t, detail["remotePath"], urls[i].(object)["remotePath"])
				require.Equal(t, detail["url"], urls[i].(object)["url"], "signed in the same second")
				switch n % 3 {
				case 0:
					require.NotContains(t, detail, "label")
					require.NotContains(t, detail, "timestamp")
					require.Nil(t, masks[i])
				case 1:
					require.Equal(t, 1.5, detail["timestamp"])
					mask := masks[i].(object)
					require.Equal(t, fmt.Sprintf("mask %d.png", n), mask["remotePath"])
					require.Equal(t, object{
						"SEMANTIC_MASK": object{"remotePath": mask["remotePath"], "url": mask["url"], "info": []any{object{"categoryId": 1.0}}},
						"NEW_TYPE":      []any{[]any{1.0}},
					}, detail["label"])
				case 2:
					require.Equal(t, object{"NEW_TYPE": []any{[]any{1.0}}}, detail["label"])
					require.Nil(t, masks[i])
				}
				seen++
			}
		}
		require.Equal(t, 300, seen)
		assert.Equal(t, []any{}, c.get(base + "/data/details?segmentName=empty")["dataDetails"])
		assert.Equal(t, []any{}, c.get(base + "/sensors?segmentName=empty")["sensors"])
		assert.Equal(t, []any{object{"name": "all of it", "description": "everything"}, object{"name": "empty"}}, c.get(base + "/segments")["segments"])
	})
}

func TestRemotePathNarrows(t *testing.T) {
	c := start(t, jobstest.WithSeed(albums()))
	base := "datasets/" + c.id("albums")
	query := "?segmentName=all+of+it&remotePath=" + url.QueryEscape("dir %/ü?#1.bin")
	for read, list := range map[string]string{"/data/details": "dataDetails", "/data/urls": "urls", "/masks/urls": "urls"} {
		answer := c.get(base + read + query + "&maskType=SEMANTIC_MASK&isInternal=true")
		if read == "/masks/urls" {
			assert.Equal(t, "mask 1.png", answer[list].([]any)[0].(object)["remotePath"])
		} else {
			assert.Equal(t, "dir %/ü?#1.bin", answer[list].([]any)[0].(object)["remotePath"])
		}
		assert.EqualValues(t, 1, answer["totalCount"])
		answer = c.get(base + read + query + "x&maskType=SEMANTIC_MASK")
		assert.Empty(t, answer[list])
		assert.EqualValues(t, 0, answer["totalCount"])
	}

	c = start(t, jobstest.WithSeed(cameras()))
	base = "datasets/" + c.id("cameras")
	query = "?segmentName=test&remotePath=left/test.png"
	frame := c.get(base + "/data/details" + query)["dataDetails"].([]any)[0].(object)
	assert.Equal(t, "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y", frame["frameId"])
	require.Len(t, frame["frame"], 1)
	assert.Equal(t, "CAM_BACK_LEFT", frame["frame"].([]any)[0].(object)["sensorName"])
	urls := c.get(base + "/data/urls" + query)["urls"].([]any)[0].(object)
	assert.Equal(t, frame["frame"].([]any)[0].(object)["url"], urls["urls"].([]any)[0].(object)["url"])
	assert.Equal(t, []any{nil}, c.get(base + "/masks/urls" + query + "&maskType=INSTANCE_MASK")["urls"])
	assert.Len(t, c.get(base + "/masks/urls?segmentName=test&maskType=INSTANCE_MASK")["urls"], 2, "one for each datum of the frame")
}

func (c caller) firstURLs(n int) []string {
	var urls []string
	for _, item := range c.get("datasets/" + c.id("albums") + "/data/urls?segmentName=all+of+it")["urls"].([]any)[:n] {
		urls = append(urls, item.(object)["url"].(string))
	}
	return urls
}

func TestContentOfData(t *testing.T) {
	c := start(t, jobstest.WithSeed(albums()))
	for i, address := range c.firstURLs(60) {
		assert.True(t, strings.HasPrefix(address, "https://data.tensorbay.test/"), address)
		response, content := c.download(address, nil)
		require.Equal(t, http.StatusOK, response.StatusCode)
		if i%3 == 2 {
			require.Equal(t, fmt.Sprint("content ", i), string(content))
		} else {
			require.Len(t, content, i)
		}
		_, again := c.download(address, nil)
		require.Equal(t, content, again)
		if i > 10 {
			response, part := c.download(address, http.Header{"Range": {"bytes=3-6"}, "If-Range": {response.Header.Get("ETag")}})
			require.Equal(t, http.StatusPartialContent, response.StatusCode)
			require.Equal(t, content[3:7], part)
		}
	}
	requests := c.Requests()
	assert.Equal(t, "content", requests[len(requests)-1].Operation)
	assert.Equal(t, http.StatusPartialContent, requests[len(requests)-1].Status)

	response, err := c.Client().Head(c.firstURLs(2)[1])
	require.NoError(t, err)
	assert.EqualValues(t, 1, response.ContentLength)
	response, err = c.Client().Post(c.firstURLs(1)[0], "text/plain", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
}

func TestContentOfMasks(t *testing.T) {
	c := start(t, jobstest.WithSeed(albums()))
	masks := c.get("datasets/" + c.id("albums") + "/masks/urls?segmentName=all+of+it&maskType=SEMANTIC_MASK")["urls"].([]any)
	response, content := c.download(masks[1].(object)["url"].(string), nil)
	assert.Equal(t, "image/png", response.Header.Get("Content-Type"))
	_, err := png.Decode(bytes.NewReader(content))
	require.NoError(t, err)
	_, other := c.download(masks[4].(object)["url"].(string), nil)
	assert.NotEqual(t, content, other)
}

func TestSignedURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(albums()), jobstest.WithURLTTL(time.Minute))
		address := c.firstURLs(2)[1]
		status := func(address string) int {
			response, _ := c.download(address, nil)
			return response.StatusCode
		}
		<-time.After(time.Minute - 1)
		assert.Equal(t, http.StatusOK, status(address))
		assert.Equal(t, http.StatusForbidden, status(strings.Replace(address, "%23", "%24", 1)), "another path")
		assert.Equal(t, http.StatusForbidden, status(strings.Replace(address, "expires=", "expires=1", 1)), "another time")
		assert.Equal(t, http.StatusForbidden, status(address+"0"), "another signature")
		assert.Equal(t, http.StatusForbidden, status(strings.Split(address, "?")[0]), "no signature")
		<-time.After(time.Nanosecond)
		response, body := c.download(address, nil)
		assert.Equal(t, http.StatusForbidden, response.StatusCode)
		assert.Contains(t, string(body), `"Forbidden"`)
		assert.Equal(t, http.StatusOK, status(c.firstURLs(2)[1]))

		c = start(t, jobstest.WithSeed(albums()), jobstest.WithURLTTL(-time.Second))
		assert.Equal(t, http.StatusForbidden, status(c.firstURLs(2)[1]))
	})
}

func TestAccessKeySentToADataHost(t *testing.T) {
	report := &spy{TB: t}
	c := caller{t, jobstest.New(report, jobstest.WithSeed(albums()), jobstest.WithBadRequests())}
	address := c.firstURLs(2)[1]
	response, _ := c.download(address, http.Header{"X-Token": {c.AccessKey()}})
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	errors := report.take()
	require.Len(t, errors, 1)
	assert.Contains(t, errors[0], "access key sent to a data host")
	assert.NotContains(t, errors[0], c.AccessKey())
}
