package jobs_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

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
	return byID(t, client, jobs.AtDraft(1)), server.Close
}

func TestCompressedBombStaysBounded(t *testing.T) {
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

func refresh(t *testing.T, ds *jobs.Dataset) error { return second(ds.Refresh(t.Context())) }

func branches(t *testing.T, ds *jobs.Dataset) error { return first(ds.Branches(t.Context(), "")) }

func merges(t *testing.T, ds *jobs.Dataset) error {
	return first(ds.SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
}

func data(t *testing.T, ds *jobs.Dataset) error {
	contents, err := ds.Contents(t.Context(), "")
	require.NoError(t, err)
	return first(contents.Data(t.Context(), "train"))
}

func TestPageOfMoreThanWasAskedFor(t *testing.T) {
	for n, fine := range map[int]bool{128: true, 129: true, jobs.MaxPageItems: true, jobs.MaxPageItems + 1: false} {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"name":"b%d","commitId":"c"}`, i)
		}
		client := stubbed(t, always(200, fmt.Sprintf(`{"branches":[%s],"totalCount":%d}`, strings.Join(items, ","), n)))
		got := 0
		var err error
		for _, e := range byID(t, client).Branches(t.Context(), "") {
			if err = e; e == nil {
				got++
			}
		}
		if fine {
			require.NoError(t, err, "a service that does not keep to the limit is borne with")
			assert.Equal(t, n, got)
			continue
		}
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.Zero(t, got)
	}
}

func TestDeepJSON(t *testing.T) {
	for name, deep := range map[string]string{
		"arrays":  strings.Repeat("[", 1<<16),
		"objects": strings.Repeat(`{"a":`, 1<<16),
		"closed":  strings.Repeat("[", 1<<16) + strings.Repeat("]", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{
				deep,
				strings.Replace(processing, `"title"`, `"later":`+deep+`,"title"`, 1),
				strings.Replace(processing, `"arguments"`, `"arguments":`+deep+`,"a"`, 1),
			} {
				client := stubbed(t, always(200, body))
				require.ErrorIs(t, load(t, byID(t, client), processing).Update(t.Context()), jobs.ErrInvalidResponse)
				_, err := byID(t, client).SquashAndMerge().Resume([]byte(body))
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				client = stubbed(t, always(400, body))
				require.ErrorIs(t, second(byID(t, client).Refresh(t.Context())), jobs.ErrInvalidArgument)
			}
		})
	}
	// As deep as encoding/json goes: everything of ours goes along.
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	body := strings.Replace(processing, `"arguments":{`, `"arguments":{"later":`+deep+`,`, 1)
	job := load(t, byID(t, stubbed(t, always(200, body))), body)
	require.NoError(t, job.Update(t.Context()))
	_, err := job.Arguments()
	require.NoError(t, err)
	assert.True(t, jobs.SameJSON(job.Snapshot().Arguments, job.Snapshot().Arguments))
}

// TestEndlessHeader is net/http's limit, which the default transport has too.
func TestEndlessHeader(t *testing.T) {
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
	took := allocated(func() { _, failed = byID(t, client).Refresh(t.Context()) })
	require.ErrorIs(t, failed, jobs.ErrUnreachable)
	assert.ErrorContains(t, failed, "server response headers exceeded 10485760 bytes")
	assert.LessOrEqual(t, took>>20, uint64(64), "MiB")
}

// TestSlowLorisOverTCP is a body that comes a byte at a time, for ever.
func TestSlowLorisOverTCP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			<-time.After(5 * time.Millisecond)
		}
	}))
	defer server.Close()
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL(server.URL), jobs.WithHTTPClient(server.Client()),
		jobs.WithAttemptTimeout(200*time.Millisecond), jobs.WithRetry(jobs.RetryPolicy{Attempts: 2, Backoff: time.Millisecond}))
	require.NoError(t, err)
	start := time.Now()
	_, err = byID(t, client).Refresh(t.Context())
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "the attempt timed out after 200ms")
	assert.Less(t, time.Since(start), 5*time.Second)
}

// hostileIDs are ids a service could send to lead a later request astray.
var hostileIDs = []string{"../other", "..", "a/b", "a%2fb", "a?x=y", "a#b", "a\nb", "a\x00b", "a b", "", strings.Repeat("a", 300), `a\b`}

func TestHostileIDsOfTheServiceAreRefused(t *testing.T) {
	for _, id := range hostileIDs {
		quoted := fmt.Sprintf("%q", id)
		if strings.Contains(id, "\x00") {
			quoted = `"a\u0000b"`
		}
		answers := map[string]string{
			"/jobs":     `{"jobId":` + quoted + `,"createdAt":1,"jobs":[` + strings.Replace(processing, `"6f2a"`, quoted, 1) + `],"totalCount":1}`,
			"/jobs/a":   strings.Replace(processing, `"6f2a"`, quoted, 1),
			"/datasets": `{"datasets":[{"id":` + quoted + `,"name":"cars"}],"totalCount":1}`,
			"/commits":  `{"commits":[{"commitId":` + quoted + `}],"totalCount":1}`,
		}
		var asked []string
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			_, path, _ := strings.Cut(r.URL.EscapedPath(), "tensorbay-open-api/v1")
			asked = append(asked, path)
			for suffix, answer := range answers {
				if strings.HasSuffix(path, suffix) {
					return reply(200, answer), nil
				}
			}
			return reply(200, `{"name":"a","type":0}`), nil
		})
		ds := byID(t, client)
		_, err := ds.SquashAndMerge().Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, id)
		require.ErrorIs(t, first(ds.SquashAndMerge().List(t.Context(), jobs.ListOptions{})), jobs.ErrInvalidResponse, id)
		_, err = ds.SquashAndMerge().Get(t.Context(), "a")
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, id)
		_, err = ds.SquashAndMerge().Resume([]byte(answers["/jobs/a"]))
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, id)
		_, err = client.Dataset(t.Context(), "cars")
		require.Error(t, err, id)
		_, err = ds.Resolve(t.Context(), "main")
		require.Error(t, err, id)
		found := strings.Replace(strings.Replace(processing, "PROCESSING", "SUCCESS", 1), `"status"`, `"result":{"searchResultId":`+quoted+`,"searchResultCommitId":"c"},"status"`, 1)
		search, err := ds.BasicSearch().Resume([]byte(found))
		require.NoError(t, err)
		_, err = search.Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, id)
		const base = "/datasets/154e35ba50954cae9f3e3c7ac41b2d0f"
		assert.Subset(t, []string{"/datasets", base, base + "/jobs", base + "/jobs/a", base + "/commits"}, asked)
	}
}

// A search result's commit id stands in queries only, where every text is safe.
func TestCommitIDOfASearchResultIsEscaped(t *testing.T) {
	const commit = "a&limit=1/../b#c"
	client := stubbed(t, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/segments") {
			assert.True(t, strings.HasSuffix(r.URL.Path, "/datasets/a/segments"))
			assert.Equal(t, commit, r.URL.Query().Get("commit"))
			assert.Equal(t, []string{"128"}, r.URL.Query()["limit"])
			return reply(200, `{"segments":[],"totalCount":0}`), nil
		}
		return reply(200, `{"name":"a","type":0}`), nil
	})
	found := strings.Replace(strings.Replace(processing, "PROCESSING", "SUCCESS", 1), `"status"`, `"result":{"searchResultId":"a","searchResultCommitId":"`+commit+`"},"status"`, 1)
	search, err := byID(t, client).BasicSearch().Resume([]byte(found))
	require.NoError(t, err)
	result, err := search.Result(t.Context())
	require.NoError(t, err)
	assert.Empty(t, collect(t, result.Segments(t.Context())))
}

func TestStatusOfTheServiceStaysOnOneLine(t *testing.T) {
	client := stubbed(t, always(500, ""))
	job := load(t, byID(t, client), strings.Replace(processing, `"PROCESSING"`, `"A\nlevel=ERROR `+strings.Repeat("x", 1000)+`"`, 1))
	_, err := job.Result(t.Context())
	require.ErrorIs(t, err, jobs.ErrNotFinished)
	for _, text := range []string{err.Error(), job.String(), job.Status().String(), fmt.Sprint(job.Snapshot())} {
		assert.NotContains(t, text, "\n")
		assert.Less(t, len(text), 200)
	}
	assert.Len(t, string(job.Status()), 1014, "the value itself is whole")
}
