package jobs_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// allocated returns the bytes that call allocates, including those that are free
// again when it returns.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A largeBody is head, part repeated until it fills size bytes, and tail.
type largeBody struct {
	head, part, tail string
	size             int
}

// serve sends the body over TCP, compressed.
func (b largeBody) serve(t *testing.T, status int) *httptest.Server {
	t.Helper()
	const blockSize = 64 << 10
	head, tail := compress(t, b.head), compress(t, b.tail)
	block := compress(t, strings.Repeat(b.part, blockSize/len(b.part)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
		w.Write(head)
		for range b.size / blockSize {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
		w.Write(tail)
	}))
	t.Cleanup(server.Close)
	return server
}

// compress returns a gzip member. A gzip stream may consist of several.
func compress(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestClient_BoundsTheMemoryOfAResponse(t *testing.T) {
	var (
		maxBody  = fullSize(2<<20, 8<<20) // bodies above 1 MiB are checked before they are decoded
		inside   = maxBody / 8 * 7
		huge     = 1 << 30
		maxBytes = uint64(10 * maxBody) // decoding the nulls would allocate about 100 times maxBody
	)
	refresh := func(ds *jobs.Dataset) error { return errorOf(ds.Refresh(t.Context())) }
	branches := func(ds *jobs.Dataset) error { return firstItem(ds.Branches(t.Context(), "")) }
	merges := func(ds *jobs.Dataset) error {
		return firstItem(ds.SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
	}
	data := func(ds *jobs.Dataset) error {
		contents, err := ds.Contents(t.Context(), "")
		require.NoError(t, err)
		return firstItem(contents.Data(t.Context(), "train"))
	}
	tooLarge := fmt.Sprintf("the body is larger than %d bytes", maxBody)
	for name, tc := range map[string]struct {
		status int
		body   largeBody
		call   func(ds *jobs.Dataset) error
		text   string
	}{
		"larger than the limit":       {200, largeBody{`{"name":"`, "a", "", huge}, refresh, tooLarge},
		"error larger than the limit": {500, largeBody{`{"message":"`, "a", "", huge}, refresh, tooLarge},
		"nulls":                       {200, largeBody{`{"branches":[`, "null,", `null],"totalCount":1}`, inside}, branches, "branches[0] is null"},
		"empty objects":               {200, largeBody{`{"branches":[`, "{},", `{}],"totalCount":1}`, inside}, branches, "branches[0].commitId is missing"},
		"small items":                 {200, largeBody{`{"branches":[`, `{"name":"a","commitId":"b"},`, `{}],"totalCount":1}`, inside}, branches, "branches[1280] is one too many: 128 were requested"},
		"small jobs":                  {200, largeBody{`{"jobs":[`, "0,", `0],"totalCount":1}`, inside}, merges, "jobs[1280] is one too many"},
		"small data":                  {200, largeBody{`{"dataDetails":[`, "0,", `0],"totalCount":1}`, inside}, data, "dataDetails[1280] is one too many"},
	} {
		t.Run(name, func(t *testing.T) {
			server := tc.body.serve(t, tc.status)
			client, err := jobs.NewClient(testKey, jobs.WithBaseURL(server.URL), jobs.WithHTTPClient(server.Client()),
				jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}), jobs.WithMaxBody(int64(maxBody)))
			require.NoError(t, err)
			ds := datasetByID(t, client, jobs.AtDraft(1))
			got := allocated(func() { err = tc.call(ds) })
			require.Error(t, err)
			assert.ErrorContains(t, err, tc.text)
			t.Logf("allocated %.1f times the limit", float64(got)/float64(maxBody))
			assert.LessOrEqual(t, got, maxBytes)
		})
	}
}

func TestClient_BoundsTheDepthOfJSON(t *testing.T) {
	for name, deep := range map[string]string{
		"arrays":  strings.Repeat("[", 1<<16),
		"objects": strings.Repeat(`{"a":`, 1<<16),
		"closed":  strings.Repeat("[", 1<<16) + strings.Repeat("]", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{
				deep,
				jobJSON(`"title"`, `"unknown":`+deep+`,"title"`),
				jobJSON(`"arguments"`, `"arguments":`+deep+`,"a"`),
			} {
				client := stubClient(t, respondWith(200, body))
				require.ErrorIs(t, resumeMerge(t, datasetByID(t, client), processingJob).Update(t.Context()), jobs.ErrInvalidResponse)
				ds := datasetByID(t, client)
				_, err := ds.SquashAndMerge().Resume(savedJob(ds, jobs.TypeSquashAndMerge, body))
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				client = stubClient(t, respondWith(400, body))
				require.ErrorIs(t, errorOf(datasetByID(t, client).Refresh(t.Context())), jobs.ErrInvalidArgument)
			}
		})
	}
	// encoding/json accepts 10,000 levels, and so do all readers of the job.
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	body := jobJSON(`"arguments":{`, `"arguments":{"unknown":`+deep+`,`)
	job := stubMerge(t, respondWith(200, body), body)
	require.NoError(t, job.Update(t.Context()))
	_, err := job.Arguments()
	require.NoError(t, err)
	assert.True(t, wire.Equal(job.Snapshot().Arguments, job.Snapshot().Arguments))
}

// The limit is that of net/http, which the default transport keeps.
func TestClient_BoundsResponseHeaders(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
				line := "X-Filler: " + strings.Repeat("a", 1<<10) + "\r\n"
				for range 1 << 20 {
					if _, err := io.WriteString(conn, line); err != nil {
						return
					}
				}
			}()
		}
	}()
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL("http://"+listener.Addr().String()), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}))
	require.NoError(t, err)
	ds := datasetByID(t, client)
	got := allocated(func() { _, err = ds.Refresh(t.Context()) })
	require.ErrorIs(t, err, jobs.ErrUnreachable)
	assert.ErrorContains(t, err, "server response headers exceeded 10485760 bytes")
	assert.LessOrEqual(t, got>>20, uint64(64), "MiB")
}
