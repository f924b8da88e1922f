package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// timeout is that of an attempt. What is meant to be in time takes a tenth of
// it, and what is not twice as long.
const timeout = 300 * time.Millisecond

const attempts = 4 // of the default policy

// A world is a server, a client and the bad network between them.
type world struct {
	*network
	server *jobstest.Server
	client *jobs.Client
}

func newWorld(t *testing.T, options ...jobstest.Option) *world {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before, ofToxiproxy) }) // after all others
	server := jobstest.New(t, append(options, jobstest.WithListener("127.0.0.1:0"))...)
	n := newNetwork(t)
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithRateLimit(-1),
		jobs.WithHTTPClient(&http.Client{Transport: n.transport()}), jobs.WithAttemptTimeout(timeout),
		jobs.WithRetry(jobs.RetryPolicy{Backoff: time.Millisecond}))
	require.NoError(t, err)
	return &world{n, server, client}
}

func (w *world) dataset(name string) *jobs.Dataset {
	w.t.Helper()
	ds, err := w.client.Dataset(w.t.Context(), name)
	require.NoError(w.t, err)
	return ds
}

func create(ctx context.Context, ds *jobs.Dataset) (*jobs.SquashAndMergeJob, error) {
	return ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Target: "main"})
}

// jobsOf counts the jobs of a dataset, past all proxies.
func (w *world) jobsOf(ds *jobs.Dataset) int {
	w.t.Helper()
	client, err := jobs.NewClient(w.server.AccessKey(), jobs.WithBaseURL(w.server.URL()), jobs.WithRateLimit(-1), jobs.WithHTTPClient(w.server.Client()))
	require.NoError(w.t, err)
	same, err := client.DatasetByID(ds.ID())
	require.NoError(w.t, err)
	n := 0
	for _, err := range same.SquashAndMerge().List(w.t.Context(), jobs.ListOptions{}) {
		require.NoError(w.t, err)
		n++
	}
	return n
}

type attributes = map[string]any

// What becomes of a request that meets a toxic.
type fate int

const (
	arrives fate = iota // in time, whole
	unknown             // no answer
	broken              // an answer that ends too early
)

var toxics = []struct {
	name  string
	toxic toxic
	fate  fate
}{
	{"latency, short", toxic{"latency", "downstream", attributes{"latency": 30, "jitter": 5}}, arrives},
	{"latency, long", toxic{"latency", "downstream", attributes{"latency": 600}}, unknown},
	{"latency of the request", toxic{"latency", "upstream", attributes{"latency": 600}}, unknown},
	{"bandwidth, enough", toxic{"bandwidth", "downstream", attributes{"rate": 1000}}, arrives},
	{"bandwidth, 1 KB/s", toxic{"bandwidth", "downstream", attributes{"rate": 1}}, broken},
	{"reset", toxic{"reset_peer", "downstream", attributes{"timeout": 0}}, unknown},
	{"reset, late", toxic{"reset_peer", "downstream", attributes{"timeout": 30}}, unknown},
	{"reset of the request", toxic{"reset_peer", "upstream", attributes{"timeout": 0}}, unknown},
	{"timeout, open", toxic{"timeout", "downstream", attributes{"timeout": 0}}, unknown},
	{"timeout, closed", toxic{"timeout", "downstream", attributes{"timeout": 30}}, unknown},
	{"timeout of the request", toxic{"timeout", "upstream", attributes{"timeout": 0}}, unknown},
	{"slicer", toxic{"slicer", "downstream", attributes{"average_size": 8, "size_variation": 4, "delay": 10}}, arrives},
	{"slicer of the request", toxic{"slicer", "upstream", attributes{"average_size": 8, "size_variation": 4, "delay": 10}}, arrives},
	{"nothing gets through", toxic{"limit_data", "downstream", attributes{"bytes": 0}}, unknown},
	{"the header breaks off", toxic{"limit_data", "downstream", attributes{"bytes": 40}}, unknown},
	{"the body breaks off", toxic{"limit_data", "downstream", attributes{"bytes": 160}}, broken},
	{"the request breaks off", toxic{"limit_data", "upstream", attributes{"bytes": 60}}, unknown},
}

func TestToxics(t *testing.T) {
	for _, x := range toxics {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t, jobstest.WithProcessing(time.Hour))
			ds := w.dataset("squash-and-merge")
			job, err := create(t.Context(), ds)
			require.NoError(t, err)
			w.add("fault", x.toxic)

			t.Run("read", func(t *testing.T) {
				w.expect(t, x.fate, false, job.Update(t.Context()))
			})
			t.Run("abort", func(t *testing.T) {
				err := job.Abort(t.Context())
				if x.fate == broken && err == nil {
					t.Log("the answer is small enough to get through")
				} else {
					w.expect(t, x.fate, false, err)
				}
			})
			t.Run("create", func(t *testing.T) {
				before := w.jobsOf(ds)
				_, err := create(t.Context(), ds)
				if x.fate == broken && err == nil {
					t.Log("the answer is small enough to get through")
				} else {
					w.expect(t, x.fate, true, err)
				}
				// What was under way may arrive after its client has gone.
				w.clear()
				require.NoError(t, job.Update(t.Context()))
				made := w.jobsOf(ds) - before
				if err == nil {
					assert.Equal(t, 1, made)
				} else {
					assert.LessOrEqual(t, made, 1, "a second job")
				}
			})
			t.Run("after it", func(t *testing.T) {
				_, err := create(t.Context(), ds)
				require.NoError(t, err)
			})
		})
	}
}

// expect compares an error with what must come of a request.
func (w *world) expect(t *testing.T, f fate, once bool, err error) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		assert.NotContains(t, fmt.Sprintf(verb, err), w.server.AccessKey())
	}
	if f == arrives {
		require.NoError(t, err)
		return
	}
	want := jobs.ErrUnreachable
	if f == broken {
		want = jobs.ErrInvalidResponse
	}
	require.ErrorIs(t, err, want)
	var e *jobs.Error
	require.ErrorAs(t, err, &e)
	if once {
		assert.Equal(t, 1, e.Attempts)
	} else {
		assert.Equal(t, attempts, e.Attempts)
	}
	assert.Equal(t, once, errors.Is(err, jobs.ErrAmbiguous), err)
}

// TestRefusedConnection is the one fault after which a job may be created once
// more.
func TestRefusedConnection(t *testing.T) {
	w := newWorld(t)
	ds := w.dataset("squash-and-merge")
	w.stop()
	_, err := create(t.Context(), ds)
	require.ErrorIs(t, err, jobs.ErrUnreachable)
	require.NotErrorIs(t, err, jobs.ErrAmbiguous)
	var e *jobs.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, attempts, e.Attempts)
	assert.Zero(t, w.jobsOf(ds))
	w.start()
	_, err = create(t.Context(), ds)
	require.NoError(t, err)
	assert.Equal(t, 1, w.jobsOf(ds))
}

// TestWaitOutlivesANetwork makes the network fail for three looks, and mends it.
func TestWaitOutlivesANetwork(t *testing.T) {
	kinds := map[string]struct{ fail, mend func(*network) }{"refused": {(*network).stop, (*network).start}}
	for _, x := range toxics {
		switch x.name {
		case "latency, long", "bandwidth, 1 KB/s", "reset", "timeout, open", "the body breaks off":
			kinds[x.name] = struct{ fail, mend func(*network) }{func(n *network) { n.add("fault", x.toxic) }, (*network).clear}
		}
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			// It ends while nobody can see it.
			w := newWorld(t, jobstest.WithQueuing(0), jobstest.WithProcessing(200*time.Millisecond))
			job, err := create(t.Context(), w.dataset("squash-and-merge"))
			require.NoError(t, err)
			wrong := 0
			for e, err := range job.Watch(t.Context(), jobs.WithSchedule(polling.Schedule{Min: 20 * time.Millisecond, Max: 50 * time.Millisecond})) {
				require.NoError(t, err)
				if e.Look == 1 {
					kind.fail(w.network)
				}
				if e.Err == nil {
					continue
				}
				if wrong++; wrong == 3 {
					kind.mend(w.network)
				}
			}
			assert.Equal(t, 3, wrong)
			assert.Equal(t, jobs.StatusSuccess, job.Status())
			assert.Equal(t, 1, w.jobsOf(job.Dataset()))
		})
	}
}

// TestLongListThroughASlicer reads much in small pieces.
func TestLongListThroughASlicer(t *testing.T) {
	w := newWorld(t)
	contents, err := w.dataset("squash-and-merge").Contents(t.Context(), "dev")
	require.NoError(t, err)
	w.add("slicer", toxic{"slicer", "downstream", attributes{"average_size": 100, "size_variation": 50, "delay": 1}})
	n := 0
	for d, err := range contents.Data(t.Context(), "Segment1") {
		require.NoError(t, err)
		body, err := d.Open(t.Context())
		require.NoError(t, err)
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		assert.Equal(t, fmt.Sprintf("hello %d\n", n), string(text))
		n++
	}
	assert.Equal(t, 10, n)
}

// TestContentOverABadNetwork opens content whose host fails at first.
func TestContentOverABadNetwork(t *testing.T) {
	for _, x := range toxics {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			contents, err := w.dataset("squash-and-merge").Contents(t.Context(), "main")
			require.NoError(t, err)
			var data *jobs.Data
			for d, err := range contents.Data(t.Context(), "Segment1") {
				require.NoError(t, err)
				data = d
				break
			}
			w.add("fault", x.toxic)
			ctx, cancel := context.WithTimeout(t.Context(), 6*timeout)
			defer cancel()
			body, err := data.Open(ctx)
			switch x.fate {
			case arrives:
				require.NoError(t, err)
				_, err := io.ReadAll(body)
				require.NoError(t, err)
				body.Close()
			case unknown:
				require.ErrorIs(t, err, jobs.ErrUnreachable)
				require.NotErrorIs(t, err, jobs.ErrAmbiguous)
				assert.NotContains(t, err.Error(), "signature=")
			case broken: // the header came, and the body may have
				if err == nil {
					body.Close()
				}
			}
			w.clear()
			body, err = data.Open(t.Context())
			require.NoError(t, err)
			_, err = io.ReadAll(body)
			require.NoError(t, err)
			body.Close()
		})
	}
}
