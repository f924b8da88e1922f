package jobs_test

import (
	"context"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// connect starts an embedded TensorBay and a client of it.
func connect(t *testing.T, options ...jobstest.Option) (*jobstest.Server, *jobs.Client) {
	t.Helper()
	server := jobstest.New(t, options...)
	return server, clientOf(t, server)
}

func clientOf(t *testing.T, server *jobstest.Server, options ...jobs.Option) *jobs.Client {
	t.Helper()
	options = append([]jobs.Option{
		jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()), jobs.WithRateLimit(-1),
	}, options...)
	client, err := jobs.NewClient(server.AccessKey(), options...)
	require.NoError(t, err)
	return client
}

func dataset(t *testing.T, client *jobs.Client, name string, position ...jobs.RevisionOption) *jobs.Dataset {
	t.Helper()
	ds, err := client.Dataset(t.Context(), name, position...)
	require.NoError(t, err)
	return ds
}

// merge creates the job of most tests.
func merge(ctx context.Context, t *testing.T, client *jobs.Client) *jobs.SquashAndMergeJob {
	t.Helper()
	ds := dataset(t, client, "squash-and-merge")
	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Strategy: jobs.StrategySkip})
	require.NoError(t, err)
	return job
}

// collect reads a list to its end.
func collect[T any](t *testing.T, items iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for item, err := range items {
		require.NoError(t, err)
		all = append(all, item)
	}
	return all
}

// count is how often the server was asked for an operation.
func count(server *jobstest.Server, operation string) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// A stub answers in place of a server.
type stub func(*http.Request) (*http.Response, error)

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return s(r)
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

const testKey = "Accesskey-0123456789abcdef0123456789abcdef"

// stubbed is a client that talks to a stub, and does not send again what
// failed.
func stubbed(t *testing.T, s stub, options ...jobs.Option) *jobs.Client {
	t.Helper()
	client, err := jobs.NewClient(testKey, append([]jobs.Option{
		jobs.WithHTTPClient(&http.Client{Transport: s}), jobs.WithRateLimit(-1), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}),
	}, options...)...)
	require.NoError(t, err)
	return client
}

// always is a stub that gives the same answer to everything.
func always(status int, body string) stub {
	return func(*http.Request) (*http.Response, error) { return reply(status, body), nil }
}

func byID(t *testing.T, client *jobs.Client, position ...jobs.RevisionOption) *jobs.Dataset {
	t.Helper()
	ds, err := client.DatasetByID("154e35ba50954cae9f3e3c7ac41b2d0f", position...)
	require.NoError(t, err)
	return ds
}

// load gives a job without a request.
func load(t *testing.T, ds *jobs.Dataset, body string) *jobs.SquashAndMergeJob {
	t.Helper()
	job, err := ds.SquashAndMerge().Resume([]byte(body))
	require.NoError(t, err)
	return job
}

const processing = `{"title":"dev->main(skip)","jobId":"6f2a","arguments":{"title":"merge dev","sourceBranchName":"dev","targetBranchName":"main","strategy":"skip"},"createdAt":1764000000,"startedAt":1764000002,"status":"PROCESSING","errorMessage":"","description":""}`
