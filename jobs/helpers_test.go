package jobs_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func errorOf[T any](_ T, err error) error { return err }

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
func createMerge(ctx context.Context, t *testing.T, client *jobs.Client) *jobs.SquashAndMergeJob {
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
func countRequests(server *jobstest.Server, operation string) int {
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

func newResponse(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

const testKey = "Accesskey-0123456789abcdef0123456789abcdef"

// stubbed is a client that talks to a stub, and does not send again what
// failed.
func stubClient(t *testing.T, s stub, options ...jobs.Option) *jobs.Client {
	t.Helper()
	client, err := jobs.NewClient(testKey, append([]jobs.Option{
		jobs.WithHTTPClient(&http.Client{Transport: s}), jobs.WithRateLimit(-1), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}),
	}, options...)...)
	require.NoError(t, err)
	return client
}

// always is a stub that gives the same answer to everything.
func respondWith(status int, body string) stub {
	return func(*http.Request) (*http.Response, error) { return newResponse(status, body), nil }
}

func datasetByID(t *testing.T, client *jobs.Client, position ...jobs.RevisionOption) *jobs.Dataset {
	t.Helper()
	ds, err := client.DatasetByID("154e35ba50954cae9f3e3c7ac41b2d0f", position...)
	require.NoError(t, err)
	return ds
}

// load gives a job without a request.
func resumeMerge(t *testing.T, ds *jobs.Dataset, body string) *jobs.SquashAndMergeJob {
	t.Helper()
	job, err := ds.SquashAndMerge().Resume([]byte(body))
	require.NoError(t, err)
	return job
}

const processingJob = `{"title":"dev->main(skip)","jobId":"6f2a","arguments":{"title":"merge dev","sourceBranchName":"dev","targetBranchName":"main","strategy":"skip"},"createdAt":1764000000,"startedAt":1764000002,"status":"PROCESSING","errorMessage":"","description":""}`

func firstItem[T any](items func(func(T, error) bool)) error {
	for _, err := range items {
		return err
	}
	return fmt.Errorf("no item and no error")
}

type opener interface {
	Open(context.Context) (io.ReadCloser, error)
}

func readContent(ctx context.Context, t *testing.T, o opener) string {
	t.Helper()
	r, err := o.Open(ctx)
	require.NoError(t, err)
	body, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return string(body)
}

func contentsOf(ctx context.Context, t *testing.T, client *jobs.Client, name string) *jobs.Contents {
	t.Helper()
	contents, err := dataset(t, client, name).Contents(ctx, "")
	require.NoError(t, err)
	return contents
}

// search waits for a search of street-scenes.
func runSearch(ctx context.Context, t *testing.T, client *jobs.Client, filters ...jobs.Filter) *jobs.BasicSearchJob {
	t.Helper()
	job, err := dataset(t, client, "street-scenes").BasicSearch().Create(ctx, jobs.BasicSearchArgs{Filters: filters})
	require.NoError(t, err)
	require.NoError(t, job.Wait(ctx))
	return job
}

func assertOneLine(t *testing.T, text string) {
	t.Helper()
	assert.True(t, utf8.ValidString(text), "%q", text)
	for _, r := range text {
		if unicode.IsControl(r) && r != '\u0085' && (r < 0x80 || r > 0x9f) {
			t.Fatalf("control character %q in %q", r, text)
		}
	}
}

var mergeDev = jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Target: "main", Strategy: jobs.StrategySkip}

func mergeJobs(t *testing.T, client *jobs.Client) jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs] {
	t.Helper()
	return dataset(t, client, "squash-and-merge").SquashAndMerge()
}

// sources are the files of the package, without tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files := map[string]*ast.File{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		files[path] = file
	}
	return files
}

// drain reads a list to its end or its first error.
func drain[T any](items iter.Seq2[T, error]) error {
	for _, err := range items {
		if err != nil {
			return err
		}
	}
	return nil
}

// download reads content to its end.
func download(ctx context.Context, o opener) error {
	r, err := o.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// jobJSON returns processingJob with changes. The edits are pairs of an old
// text, of which the first occurrence is replaced, and a new one.
func jobJSON(edits ...string) string {
	body := processingJob
	for pair := range slices.Chunk(edits, 2) {
		if !strings.Contains(body, pair[0]) {
			panic(fmt.Sprintf("%s is not in %s", pair[0], body))
		}
		body = strings.Replace(body, pair[0], pair[1], 1)
	}
	return body
}

// stubMerge resumes a merge with the client of a stub.
func stubMerge(t *testing.T, s stub, body string) *jobs.SquashAndMergeJob {
	t.Helper()
	return resumeMerge(t, datasetByID(t, stubClient(t, s)), body)
}

// stubSearch resumes a search with the client of a stub.
func stubSearch(t *testing.T, s stub, body string) *jobs.BasicSearchJob {
	t.Helper()
	job, err := datasetByID(t, stubClient(t, s)).BasicSearch().Resume([]byte(body))
	require.NoError(t, err)
	return job
}
