package download_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// A service serves the data of a dataset with the segment train, and their content. Unlike
// package jobstest it accepts every path.
type service struct {
	*httptest.Server
	paths []string // remote paths
	size  func(i int) int
	// fault handles a request for content and returns true, or returns false. It gets the
	// number of the request.
	fault func(w http.ResponseWriter, i, request int) bool
	// expired returns whether the first URL of a file has expired.
	expired func(i int) bool

	mu         sync.Mutex
	generation int
	requests   int           // for content
	fetched    map[int]int64 // bytes that were sent of each file
	sent       func(i int)   // called after each response with content
}

func newService(t *testing.T, paths []string, configure ...func(*service)) *service {
	t.Helper()
	s := &service{paths: paths, size: func(i int) int { return i * 37 % 5000 }, fetched: map[int]int64{}}
	for _, c := range configure {
		c(s)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// content returns the content of a file, which is different from that of all others.
func (s *service) content(i int) []byte {
	content := make([]byte, s.size(i))
	rng := rand.NewChaCha8([32]byte{byte(i), byte(i >> 8)})
	_, _ = rng.Read(content)
	return content
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/data/"); ok {
		i, _ := strconv.Atoi(name)
		s.serveContent(w, r, i)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	from, to := min(offset, len(s.paths)), min(offset+128, len(s.paths))
	if strings.HasSuffix(r.URL.Path, "/urls") {
		s.generation++
	}
	items := []map[string]any{}
	for i := from; i < to; i++ {
		items = append(items, map[string]any{"remotePath": s.paths[i], "url": fmt.Sprintf("http://%s/data/%d?generation=%d", r.Host, i, s.generation)})
	}
	body := map[string]any{"totalCount": len(s.paths)}
	switch {
	case strings.HasSuffix(r.URL.Path, "/segments"):
		body = map[string]any{"totalCount": 1, "segments": []any{map[string]any{"name": "train"}}}
	case strings.HasSuffix(r.URL.Path, "/details"):
		body["dataDetails"] = items
	default:
		body["urls"] = items
	}
	_ = json.NewEncoder(w).Encode(body)
}

func (s *service) serveContent(w http.ResponseWriter, r *http.Request, i int) {
	s.mu.Lock()
	s.requests++
	request := s.requests
	s.mu.Unlock()
	if r.URL.Query().Get("generation") == "0" && s.expired != nil && s.expired(i) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if r.Header.Get("Range") != "bytes=0-0" && s.fault != nil && s.fault(w, i, request) {
		return
	}
	c := &counter{ResponseWriter: w}
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, i))
	http.ServeContent(c, r, "", time.Time{}, strings.NewReader(string(s.content(i))))
	if r.Header.Get("Range") == "bytes=0-0" {
		return
	}
	s.mu.Lock()
	s.fetched[i] += c.n
	s.mu.Unlock()
	if s.sent != nil {
		s.sent(i)
	}
}

type counter struct {
	http.ResponseWriter
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n += int64(n)
	return n, err
}

// cut sends half of the content.
func (s *service) cut(w http.ResponseWriter, i int) {
	content := s.content(i)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, i))
	_, _ = w.Write(content[:len(content)/2])
	s.mu.Lock()
	s.fetched[i] += int64(len(content) / 2)
	s.mu.Unlock()
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// reset closes the connection without a response.
func reset() { panic(http.ErrAbortHandler) }

func (s *service) bytesFetched() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, bytes := range s.fetched {
		n += bytes
	}
	return n
}

// data lists the data of the service at a URL.
func data(ctx context.Context, t testing.TB, url string, client *http.Client) iter.Seq2[*jobs.Data, error] {
	t.Helper()
	c, err := jobs.NewClient("Accesskey-0", jobs.WithBaseURL(url+"/"), jobs.WithHTTPClient(client),
		jobs.WithRetry(jobs.RetryPolicy{Backoff: time.Millisecond}))
	require.NoError(t, err)
	ds, err := c.DatasetByID("154e", jobs.AtCommit(strings.Repeat("a", 32)))
	require.NoError(t, err)
	contents, err := ds.Contents(ctx, "")
	require.NoError(t, err)
	return contents.AllData(ctx)
}

func numbered(n int) []string {
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("%02d/%05d.bin", i%7, i)
	}
	slices.Sort(paths)
	return paths
}
