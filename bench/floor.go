package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// Single compares Job.Update with a floor: net/http and encoding/json that read the
// same response.
type Single struct {
	Transport            string
	Update, Floor        time.Duration // processor time of one call
	UpdateAllocs         float64
	FloorAllocs          float64
	RatioCPU, RatioAlloc float64
}

// finishedJob returns a finished job and its JSON.
func finishedJob() (job *sim.Job, body []byte) {
	s := sim.New(sim.Load{Seed: 1, N: 1, Length: sim.Lognormal(time.Minute, 0)}, sim.Faults{})
	return s.Own[0], s.Own[0].SavedFinished()
}

// answering responds to all requests with the same body.
func answering(body []byte) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header:        http.Header{"Content-Type": {"application/json"}},
			Body:          io.NopCloser(bytes.NewReader(body)),
			ContentLength: int64(len(body)),
			Request:       req,
		}, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// bare reads the job at url with net/http and encoding/json.
func bare(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("X-Token", "Accesskey-bench")
	var job gen.Job
	return readJSON(client, req, &job)
}

// cannedConn is a connection that responds from memory. A measurement over it
// includes all of net/http, but no server.
type cannedConn struct {
	net.Conn // a pipe, for the addresses and deadlines

	responses [][]byte // in turn
	next      int
	requested chan struct{}
	rest      []byte
}

func (c *cannedConn) Write(p []byte) (int, error) {
	if bytes.HasSuffix(p, []byte("\r\n\r\n")) {
		c.requested <- struct{}{}
	}
	return len(p), nil
}

func (c *cannedConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if _, open := <-c.requested; !open {
			return 0, io.EOF
		}
		c.rest = c.responses[c.next]
		c.next = (c.next + 1) % len(c.responses)
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *cannedConn) Close() error {
	close(c.requested)
	return c.Conn.Close()
}

// canned returns a client whose connections respond with the bodies in turn.
func canned(t testing.TB, bodies ...[]byte) *http.Client {
	t.Helper()
	responses := make([][]byte, len(bodies))
	for i, body := range bodies {
		responses[i] = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		pipe, _ := net.Pipe()
		return &cannedConn{Conn: pipe, responses: responses, requested: make(chan struct{}, 1)}, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// The transports of [CompareSingle].
const (
	viaCanned    = "net/http over a connection that responds from memory"
	viaChanging  = "the same, each response differs from the one before"
	viaLoopback  = "net/http over loopback, including the server"
	viaInProcess = "a RoundTripper in the process"
)

// CompareSingle measures both in many short rounds, in turn, and returns the median
// of the ratios. Other load of the machine then affects both.
func CompareSingle(t testing.TB, via string) Single {
	t.Helper()
	j, body := finishedJob()
	result := Single{Transport: via}
	client, base := &http.Client{Transport: answering(body)}, sim.BaseURL
	switch via {
	case viaLoopback:
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write(body)
		}))
		t.Cleanup(server.Close)
		client, base = server.Client(), server.URL+"/"
	case viaCanned:
		client, base = canned(t, body), "http://127.0.0.1/"
	case viaChanging:
		other := bytes.Replace(body, []byte(`"errorMessage":""`), []byte(`"errorMessage":"x"`), 1)
		if bytes.Equal(other, body) {
			t.Fatal("the responses are the same")
		}
		client, base = canned(t, body, other), "http://127.0.0.1/"
	}
	job := connectTo(base, client, -1).resume(j)
	url := base + sim.JobURL(j)[len(sim.BaseURL):]
	update := func() error { return job.Update(t.Context()) }
	floor := func() error { return bare(t.Context(), client, url) }

	calls := 2000
	if via == viaLoopback {
		calls = 500
	}
	var updates, floors, ratios []float64
	for range 21 {
		u, ua := timed(t, calls, update)
		f, fa := timed(t, calls, floor)
		updates, floors, ratios = append(updates, u), append(floors, f), append(ratios, u/f)
		result.UpdateAllocs, result.FloorAllocs = ua, fa
	}
	result.Update = time.Duration(median(updates))
	result.Floor = time.Duration(median(floors))
	result.RatioCPU = median(ratios)
	result.RatioAlloc = result.UpdateAllocs / result.FloorAllocs
	return result
}

func timed(t testing.TB, calls int, call func() error) (nanoseconds, allocs float64) {
	t.Helper()
	runtime.GC()
	cpu, mallocs := spent()
	for range calls {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	cpuAfter, mallocsAfter := spent()
	return float64(cpuAfter-cpu) / float64(calls), float64(mallocsAfter-mallocs) / float64(calls)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// updateJob returns a job, and a client and URL for bare, whose transport responds
// at once.
func updateJob() (*jobs.SquashAndMergeJob, *http.Client, string) {
	j, body := finishedJob()
	client := &http.Client{Transport: answering(body)}
	return connectTo(sim.BaseURL, client, -1).resume(j), client, sim.JobURL(j)
}
