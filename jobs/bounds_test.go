package jobs_test

import (
	"bufio"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// allocated is how much memory a call takes in all, most of which is free again
// when it returns.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// flooding is a real server that answers with as much as anybody reads,
// compressed where that is asked for.
func flooding(t *testing.T, status int, head, part, tail string, size int) (*jobs.Dataset, func()) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
		z := gzip.NewWriter(w)
		io.WriteString(z, head)
		part := strings.Repeat(part, 64<<10/len(part))
		for n := 0; n < size; n += len(part) {
			if _, err := io.WriteString(z, part); err != nil {
				return
			}
		}
		io.WriteString(z, tail)
		z.Close()
	}))
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL(server.URL), jobs.WithHTTPClient(server.Client()),
		jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}), jobs.WithMaxBody(8<<20))
	require.NoError(t, err)
	return datasetByID(t, client, jobs.AtDraft(1)), server.Close
}

func TestClient_BoundsTheMemoryOfAResponse(t *testing.T) {
	// A decoder would make half a gigabyte of the nulls alone.
	const maxTaken = 80
	for name, tc := range map[string]struct {
		status           int
		head, part, tail string
		call             func(t *testing.T, ds *jobs.Dataset) error
		most             uint64 // MiB allocated in all
		text             string
	}{
		"larger than the limit": {200, `{"name":"`, "a", "", refresh, maxTaken, "the body is larger than 8388608 bytes"},
		"an error of any size":  {500, `{"message":"`, "a", "", refresh, maxTaken, "the body is larger than 8388608 bytes"},
		"nulls":                 {200, `{"branches":[`, "null,", `null],"totalCount":1}`, branches, maxTaken, "branches[0] is null"},
		"empty objects":         {200, `{"branches":[`, "{},", `{}],"totalCount":1}`, branches, maxTaken, "branches[0].commitId is missing"},
		"small items":           {200, `{"branches":[`, `{"name":"a","commitId":"b"},`, `{}],"totalCount":1}`, branches, maxTaken, "branches[1280] is one too many, where 128 were asked for"},
		"small jobs":            {200, `{"jobs":[`, "0,", `0],"totalCount":1}`, merges, maxTaken, "jobs[1280] is one too many"},
		"small data":            {200, `{"dataDetails":[`, "0,", `0],"totalCount":1}`, data, maxTaken, "dataDetails[1280] is one too many"},
	} {
		t.Run(name, func(t *testing.T) {
			size := 7 << 20
			if tc.tail == "" {
				size = 1 << 30
			}
			ds, done := flooding(t, tc.status, tc.head, tc.part, tc.tail, size)
			defer done()
			var err error
			took := allocated(func() { err = tc.call(t, ds) })
			require.Error(t, err)
			assert.ErrorContains(t, err, tc.text)
			assert.LessOrEqual(t, took>>20, tc.most, "MiB")
		})
	}
}

func refresh(t *testing.T, ds *jobs.Dataset) error { return errorOf(ds.Refresh(t.Context())) }

func branches(t *testing.T, ds *jobs.Dataset) error { return firstItem(ds.Branches(t.Context(), "")) }

func merges(t *testing.T, ds *jobs.Dataset) error {
	return firstItem(ds.SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
}

func data(t *testing.T, ds *jobs.Dataset) error {
	contents, err := ds.Contents(t.Context(), "")
	require.NoError(t, err)
	return firstItem(contents.Data(t.Context(), "train"))
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
				jobJSON(`"title"`, `"later":`+deep+`,"title"`),
				jobJSON(`"arguments"`, `"arguments":`+deep+`,"a"`),
			} {
				client := stubClient(t, respondWith(200, body))
				require.ErrorIs(t, resumeMerge(t, datasetByID(t, client), processingJob).Update(t.Context()), jobs.ErrInvalidResponse)
				_, err := datasetByID(t, client).SquashAndMerge().Resume([]byte(body))
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				client = stubClient(t, respondWith(400, body))
				require.ErrorIs(t, errorOf(datasetByID(t, client).Refresh(t.Context())), jobs.ErrInvalidArgument)
			}
		})
	}
	// As deep as encoding/json goes: everything of ours goes along.
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	body := jobJSON(`"arguments":{`, `"arguments":{"later":`+deep+`,`)
	job := stubMerge(t, respondWith(200, body), body)
	require.NoError(t, job.Update(t.Context()))
	_, err := job.Arguments()
	require.NoError(t, err)
	assert.True(t, jobs.SameJSON(job.Snapshot().Arguments, job.Snapshot().Arguments))
}

// TestClient_BoundsResponseHeaders is net/http's limit, which the default transport has too.
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
	var failed error
	took := allocated(func() { _, failed = datasetByID(t, client).Refresh(t.Context()) })
	require.ErrorIs(t, failed, jobs.ErrUnreachable)
	assert.ErrorContains(t, failed, "server response headers exceeded 10485760 bytes")
	assert.LessOrEqual(t, took>>20, uint64(64), "MiB")
}
