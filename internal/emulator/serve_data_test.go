package emulator_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (c caller) firstURLs(n int) []string {
	var urls []string
	for _, item := range c.get("datasets/" + c.id("albums") + "/data/urls?segmentName=all+of+it")["urls"].([]any)[:n] {
		urls = append(urls, item.(object)["url"].(string))
	}
	return urls
}

func TestServeData_ReturnsTheContent(t *testing.T) {
	c := start(t, withSeed(albums()))
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
	response, err := c.client().Head(c.firstURLs(2)[1])
	require.NoError(t, err)
	assert.EqualValues(t, 1, response.ContentLength)
	response, err = c.client().Post(c.firstURLs(1)[0], "text/plain", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
}

func TestServeData_ReturnsMasksAsPNG(t *testing.T) {
	c := start(t, withSeed(albums()))
	masks := c.get("datasets/" + c.id("albums") + "/masks/urls?segmentName=all+of+it&maskType=SEMANTIC_MASK")["urls"].([]any)
	response, content := c.download(masks[1].(object)["url"].(string), nil)
	assert.Equal(t, "image/png", response.Header.Get("Content-Type"))
	_, err := png.Decode(bytes.NewReader(content))
	require.NoError(t, err)
	_, other := c.download(masks[4].(object)["url"].(string), nil)
	assert.NotEqual(t, content, other)
}

func TestServeData_ReportsAnAccessKey(t *testing.T) {
	var errors []string
	report := func(format string, args ...any) { errors = append(errors, fmt.Sprintf(format, args...)) }
	c := start(t, withSeed(albums()), withBadRequests(), withReport(report))
	address := c.firstURLs(2)[1]
	response, _ := c.download(address, http.Header{"X-Token": {c.accessKey}})
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.Len(t, errors, 1)
	assert.Contains(t, errors[0], "access key sent to a data host")
	assert.NotContains(t, errors[0], c.accessKey)
}
