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

// timeout is the attempt timeout of the client. Responses that must arrive take a
// tenth of it; delayed responses take twice as long.
const timeout = 300 * time.Millisecond

const attempts = 4 // the default of jobs.RetryPolicy

// A setup holds a server, a client and the network between them.
type setup struct {
	*network
	server *jobstest.Server
	client *jobs.Client
}

func newSetup(t *testing.T, options ...jobstest.Option) *setup {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before, ignoreToxiproxy) }) // runs after all other cleanups
	server := jobstest.New(t, append(options, jobstest.WithListener("127.0.0.1:0"))...)
	n := newNetwork(t)
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithRateLimit(-1),
		jobs.WithHTTPClient(&http.Client{Transport: n.transport()}), jobs.WithAttemptTimeout(timeout),
		jobs.WithRetry(jobs.RetryPolicy{Backoff: time.Millisecond}))
	require.NoError(t, err)
	return &setup{n, server, client}
}

func (s *setup) dataset(name string) *jobs.Dataset {
	s.t.Helper()
	ds, err := s.client.Dataset(s.t.Context(), name)
	require.NoError(s.t, err)
	return ds
}

func create(ctx context.Context, ds *jobs.Dataset) (*jobs.SquashAndMergeJob, error) {
	return ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Target: "main"})
}

// countJobs returns the number of jobs of a dataset. It bypasses the proxies.
func (s *setup) countJobs(ds *jobs.Dataset) int {
	s.t.Helper()
	client, err := jobs.NewClient(s.server.AccessKey(), jobs.WithBaseURL(s.server.URL()), jobs.WithRateLimit(-1), jobs.WithHTTPClient(s.server.Client()))
	require.NoError(s.t, err)
	direct, err := client.DatasetByID(ds.ID())
	require.NoError(s.t, err)
	n := 0
	for _, err := range direct.SquashAndMerge().List(s.t.Context(), jobs.ListOptions{}) {
		require.NoError(s.t, err)
		n++
	}
	return n
}

type attributes = map[string]any

// An outcome is the result of a request under a toxic.
type outcome int

const (
	complete  outcome = iota // the response arrives in time
	missing                  // no response
	truncated                // the response ends too early
)

var toxics = []struct {
	name    string
	toxic   toxic
	outcome outcome
}{
	{"latency, short", toxic{"latency", "downstream", attributes{"latency": 30, "jitter": 5}}, complete},
	{"latency, long", toxic{"latency", "downstream", attributes{"latency": 600}}, missing},
	{"latency of the request", toxic{"latency", "upstream", attributes{"latency": 600}}, missing},
	{"bandwidth, enough", toxic{"bandwidth", "downstream", attributes{"rate": 1000}}, complete},
	{"bandwidth, 1 KB/s", toxic{"bandwidth", "downstream", attributes{"rate": 1}}, truncated},
	{"reset", toxic{"reset_peer", "downstream", attributes{"timeout": 0}}, missing},
	{"reset, late", toxic{"reset_peer", "downstream", attributes{"timeout": 30}}, missing},
	{"reset of the request", toxic{"reset_peer", "upstream", attributes{"timeout": 0}}, missing},
	{"timeout, open", toxic{"timeout", "downstream", attributes{"timeout": 0}}, missing},
	{"timeout, closed", toxic{"timeout", "downstream", attributes{"timeout": 30}}, missing},
	{"timeout of the request", toxic{"timeout", "upstream", attributes{"timeout": 0}}, missing},
	{"slicer", toxic{"slicer", "downstream", attributes{"average_size": 8, "size_variation": 4, "delay": 10}}, complete},
	{"slicer of the request", toxic{"slicer", "upstream", attributes{"average_size": 8, "size_variation": 4, "delay": 10}}, complete},
	{"no byte arrives", toxic{"limit_data", "downstream", attributes{"bytes": 0}}, missing},
	{"truncated header", toxic{"limit_data", "downstream", attributes{"bytes": 40}}, missing},
	{"truncated body", toxic{"limit_data", "downstream", attributes{"bytes": 160}}, truncated},
	{"truncated request", toxic{"limit_data", "upstream", attributes{"bytes": 60}}, missing},
}

func TestOperations_WithToxics(t *testing.T) {
	for _, x := range toxics {
		t.Run(x.name, func(t *testing.T) {
			s := newSetup(t, jobstest.WithProcessing(time.Hour))
			ds := s.dataset("squash-and-merge")
			job, err := create(t.Context(), ds)
			require.NoError(t, err)
			s.add("fault", x.toxic)

			t.Run("read", func(t *testing.T) {
				s.expect(t, x.outcome, false, job.Update(t.Context()))
			})
			t.Run("abort", func(t *testing.T) {
				err := job.Abort(t.Context())
				if x.outcome == truncated && err == nil {
					t.Log("the response is small enough to arrive")
				} else {
					s.expect(t, x.outcome, false, err)
				}
			})
			t.Run("create", func(t *testing.T) {
				before := s.countJobs(ds)
				_, err := create(t.Context(), ds)
				if x.outcome == truncated && err == nil {
					t.Log("the response is small enough to arrive")
				} else {
					s.expect(t, x.outcome, true, err)
				}
				// The request may arrive after the client has closed the connection.
				s.clear()
				require.NoError(t, job.Update(t.Context()))
				created := s.countJobs(ds) - before
				if err == nil {
					assert.Equal(t, 1, created)
				} else {
					assert.LessOrEqual(t, created, 1, "the request must not be repeated")
				}
			})
			t.Run("create without fault", func(t *testing.T) {
				_, err := create(t.Context(), ds)
				require.NoError(t, err)
			})
		})
	}
}

// expect checks the error of a request with the given outcome.
func (s *setup) expect(t *testing.T, o outcome, nonIdempotent bool, err error) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		assert.NotContains(t, fmt.Sprintf(verb, err), s.server.AccessKey())
	}
	if o == complete {
		require.NoError(t, err)
		return
	}
	want := jobs.ErrUnreachable
	if o == truncated {
		want = jobs.ErrInvalidResponse
	}
	require.ErrorIs(t, err, want)
	var e *jobs.Error
	require.ErrorAs(t, err, &e)
	if nonIdempotent {
		assert.Equal(t, 1, e.Attempts)
	} else {
		assert.Equal(t, attempts, e.Attempts)
	}
	assert.Equal(t, nonIdempotent, errors.Is(err, jobs.ErrAmbiguous), err)
}

// A refused connection is the only fault after which Create may send again.
func TestCreate_RetriesAfterRefusedConnection(t *testing.T) {
	s := newSetup(t)
	ds := s.dataset("squash-and-merge")
	s.stop()
	_, err := create(t.Context(), ds)
	require.ErrorIs(t, err, jobs.ErrUnreachable)
	require.NotErrorIs(t, err, jobs.ErrAmbiguous)
	var e *jobs.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, attempts, e.Attempts)
	assert.Zero(t, s.countJobs(ds))
	s.start()
	_, err = create(t.Context(), ds)
	require.NoError(t, err)
	assert.Equal(t, 1, s.countJobs(ds))
}

// The network fails for three polls and then recovers.
func TestWait_SurvivesNetworkFaults(t *testing.T) {
	kinds := map[string]struct{ fail, recover func(*network) }{"refused": {(*network).stop, (*network).start}}
	for _, x := range toxics {
		switch x.name {
		case "latency, long", "bandwidth, 1 KB/s", "reset", "timeout, open", "truncated body":
			kinds[x.name] = struct{ fail, recover func(*network) }{func(n *network) { n.add("fault", x.toxic) }, (*network).clear}
		}
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			// The job finishes while the network is down.
			s := newSetup(t, jobstest.WithQueuing(0), jobstest.WithProcessing(200*time.Millisecond))
			job, err := create(t.Context(), s.dataset("squash-and-merge"))
			require.NoError(t, err)
			failed := 0
			for e, err := range job.Watch(t.Context(), jobs.WithSchedule(polling.Schedule{Min: 20 * time.Millisecond, Max: 50 * time.Millisecond})) {
				require.NoError(t, err)
				if e.Poll == 1 {
					kind.fail(s.network)
				}
				if e.Err == nil {
					continue
				}
				if failed++; failed == 3 {
					kind.recover(s.network)
				}
			}
			assert.Equal(t, 3, failed)
			assert.Equal(t, jobs.StatusSuccess, job.Status())
			assert.Equal(t, 1, s.countJobs(job.Dataset()))
		})
	}
}

// The list and the content arrive in small pieces.
func TestContents_ThroughSlicer(t *testing.T) {
	s := newSetup(t)
	contents, err := s.dataset("squash-and-merge").Contents(t.Context(), "dev")
	require.NoError(t, err)
	s.add("slicer", toxic{"slicer", "downstream", attributes{"average_size": 100, "size_variation": 50, "delay": 1}})
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

// The first Open meets the fault; the second does not.
func TestOpen_RecoversFromNetworkFaults(t *testing.T) {
	for _, x := range toxics {
		t.Run(x.name, func(t *testing.T) {
			s := newSetup(t)
			contents, err := s.dataset("squash-and-merge").Contents(t.Context(), "main")
			require.NoError(t, err)
			var data *jobs.Data
			for d, err := range contents.Data(t.Context(), "Segment1") {
				require.NoError(t, err)
				data = d
				break
			}
			s.add("fault", x.toxic)
			ctx, cancel := context.WithTimeout(t.Context(), 6*timeout)
			defer cancel()
			body, err := data.Open(ctx)
			switch x.outcome {
			case complete:
				require.NoError(t, err)
				_, err := io.ReadAll(body)
				require.NoError(t, err)
				body.Close()
			case missing:
				require.ErrorIs(t, err, jobs.ErrUnreachable)
				require.NotErrorIs(t, err, jobs.ErrAmbiguous)
				assert.NotContains(t, err.Error(), "signature=")
			case truncated: // Open succeeds if the header has arrived
				if err == nil {
					body.Close()
				}
			}
			s.clear()
			body, err = data.Open(t.Context())
			require.NoError(t, err)
			_, err = io.ReadAll(body)
			require.NoError(t, err)
			body.Close()
		})
	}
}
