package bench

import (
	"bytes"
	"context"
	"encoding/json"
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

// A Single compares one Update with its floor: the same answer, read with
// nothing but net/http and encoding/json.
type Single struct {
	Transport            string
	Update, Floor        time.Duration // processor time of one
	UpdateAllocs         float64
	FloorAllocs          float64
	TransportAllocs      float64 // of the floor without its json.Unmarshal
	RatioCPU, RatioAlloc float64
}

// finishedJob is a job that has ended, as the service shows it.
func finishedJob() (job *sim.Job, body []byte) {
	s := sim.New(sim.Load{Seed: 1, N: 1, Length: sim.Lognormal(time.Minute, 0)}, sim.Faults{})
	return s.Own[0], s.Own[0].Ended()
}

// answering answers every request with one body.
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

// bareRead reads the answer of url with the least that does it.
func bareRead(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Token", "Accesskey-bench")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// bare reads the job at url with the least that does it.
func bare(ctx context.Context, client *http.Client, url string) error {
	body, err := bareRead(ctx, client, url)
	if err != nil {
		return err
	}
	var job gen.Job
	return json.Unmarshal(body, &job)
}

// A canned connection answers every request with the same bytes: the whole of
// net/http at work, and next to no server.
type cannedConn struct {
	net.Conn // of a pipe, for what a connection needs beside reading and writing

	answers [][]byte // in turn
	next    int
	asked   chan struct{}
	rest    []byte
}

func (c *cannedConn) Write(p []byte) (int, error) {
	if bytes.HasSuffix(p, []byte("\r\n\r\n")) {
		c.asked <- struct{}{}
	}
	return len(p), nil
}

func (c *cannedConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if _, open := <-c.asked; !open {
			return 0, io.EOF
		}
		c.rest = c.answers[c.next]
		c.next = (c.next + 1) % len(c.answers)
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *cannedConn) Close() error {
	close(c.asked)
	return c.Conn.Close()
}

// canned is a client of such connections, which answer with the bodies in turn.
func canned(t testing.TB, bodies ...[]byte) *http.Client {
	t.Helper()
	answers := make([][]byte, len(bodies))
	for i, body := range bodies {
		answers[i] = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		pipe, _ := net.Pipe()
		return &cannedConn{Conn: pipe, answers: answers, asked: make(chan struct{}, 1)}, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// The ways a request can take for [CompareSingle].
const (
	viaCanned    = "net/http over a connection that answers from memory"
	viaChanging  = "the same, where every answer differs from the one before"
	viaLoopback  = "net/http over loopback, the server included"
	viaInProcess = "a RoundTripper that answers at once"
)

// CompareSingle measures both in turn, many short rounds each, and takes the
// median of the rounds' ratios: whatever else the machine does meets both.
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
			t.Fatal("the answers are the same")
		}
		client, base = canned(t, body, other), "http://127.0.0.1/"
	}
	job := load(connectTo(base, client, 0), j)
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
	_, result.TransportAllocs = timed(t, calls, func() error {
		_, err := bareRead(t.Context(), client, url)
		return err
	})
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

// updateJob is for the benchmark: a job that Update reads through a transport
// that answers at once.
func updateJob() (*jobs.SquashAndMergeJob, *http.Client, string) {
	j, body := finishedJob()
	client := &http.Client{Transport: answering(body)}
	return load(connectTo(sim.BaseURL, client, 0), j), client, sim.JobURL(j)
}
