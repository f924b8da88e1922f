package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// fullSize returns full if TENSORBAY_TEST_FULL is 1, and small otherwise. Tests
// use it where the full size takes more than a few seconds.
func fullSize(small, full int) int {
	if os.Getenv("TENSORBAY_TEST_FULL") == "1" {
		return full
	}
	return small
}

// Helpers for tests with an embedded TensorBay.

// connect starts an embedded TensorBay and returns a client of it.
func connect(t *testing.T, options ...jobstest.Option) (*jobstest.Server, *jobs.Client) {
	t.Helper()
	server := jobstest.New(t, options...)
	return server, clientOf(t, server)
}

// clientOf returns a client of server without a rate limit.
func clientOf(t *testing.T, server *jobstest.Server, options ...jobs.Option) *jobs.Client {
	t.Helper()
	options = append([]jobs.Option{
		jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()), jobs.WithRateLimit(-1),
	}, options...)
	client, err := jobs.NewClient(server.AccessKey(), options...)
	require.NoError(t, err)
	return client
}

func dataset(t *testing.T, client *jobs.Client, name string, revision ...jobs.RevisionOption) *jobs.Dataset {
	t.Helper()
	ds, err := client.Dataset(t.Context(), name, revision...)
	require.NoError(t, err)
	return ds
}

// contentsOf returns the contents of the default branch.
func contentsOf(ctx context.Context, t *testing.T, client *jobs.Client, name string) *jobs.Contents {
	t.Helper()
	contents, err := dataset(t, client, name).Contents(ctx, "")
	require.NoError(t, err)
	return contents
}

// mergeDev merges branch dev of dataset squash-and-merge.
var mergeDev = jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Target: "main", Strategy: jobs.StrategySkip}

// mergeJobs returns the merges of dataset squash-and-merge.
func mergeJobs(t *testing.T, client *jobs.Client) jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs] {
	t.Helper()
	return dataset(t, client, "squash-and-merge").SquashAndMerge()
}

// createMerge creates a merge of branch dev into the default branch.
func createMerge(ctx context.Context, t *testing.T, client *jobs.Client) *jobs.SquashAndMergeJob {
	t.Helper()
	args := mergeDev
	args.Target = ""
	job, err := mergeJobs(t, client).Create(ctx, args)
	require.NoError(t, err)
	return job
}

// runSearch creates a search of dataset street-scenes and waits for it.
func runSearch(ctx context.Context, t *testing.T, client *jobs.Client, filters ...jobs.Filter) *jobs.BasicSearchJob {
	t.Helper()
	job, err := dataset(t, client, "street-scenes").BasicSearch().Create(ctx, jobs.BasicSearchArgs{Filters: filters})
	require.NoError(t, err)
	require.NoError(t, job.Wait(ctx))
	return job
}

// countRequests returns the number of requests of an operation.
func countRequests(server *jobstest.Server, operation string) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// Helpers for tests with a stub in place of a service.

const testKey = "Accesskey-0123456789abcdef0123456789abcdef"

// A stub is an http.RoundTripper that responds without a network.
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

// respondWith returns a stub that sends the same response to every request.
func respondWith(status int, body string) stub {
	return func(*http.Request) (*http.Response, error) { return newResponse(status, body), nil }
}

// failWith returns a stub that fails every request with err.
func failWith(err error) stub {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
)

// hang waits until the context of the request ends, and returns its error.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// stubClient returns a client of a stub that sends every request once, and no page ahead.
func stubClient(t *testing.T, s stub, options ...jobs.Option) *jobs.Client {
	t.Helper()
	client, err := jobs.NewClient(testKey, append([]jobs.Option{
		jobs.WithHTTPClient(&http.Client{Transport: s}), jobs.WithRateLimit(-1), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}),
		jobs.WithConcurrentPages(1),
	}, options...)...)
	require.NoError(t, err)
	return client
}

// datasetByID returns a dataset without a request.
func datasetByID(t *testing.T, client *jobs.Client, revision ...jobs.RevisionOption) *jobs.Dataset {
	t.Helper()
	ds, err := client.DatasetByID("154e35ba50954cae9f3e3c7ac41b2d0f", revision...)
	require.NoError(t, err)
	return ds
}

// processingJob is a merge in its wire form.
const processingJob = `{"title":"dev->main(skip)","jobId":"6f2a","arguments":{"title":"merge dev","sourceBranchName":"dev","targetBranchName":"main","strategy":"skip"},"createdAt":1764000000,"startedAt":1764000002,"status":"PROCESSING","errorMessage":"","description":""}`

// jobJSON returns processingJob after edits. The edits are pairs of an old and a
// new text. The first occurrence of each old text is replaced.
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

// savedJob returns the JSON of a job of ds whose wire form is body.
func savedJob(ds *jobs.Dataset, jobType jobs.Type, body string) []byte {
	return fmt.Appendf(nil, `{"datasetId":%q,"jobType":%q,"job":%s}`, ds.ID(), jobType, body)
}

// resumeMerge returns a merge without a request.
func resumeMerge(t *testing.T, ds *jobs.Dataset, body string) *jobs.SquashAndMergeJob {
	t.Helper()
	job, err := ds.SquashAndMerge().Resume(savedJob(ds, jobs.TypeSquashAndMerge, body))
	require.NoError(t, err)
	return job
}

// resumeSearch returns a search without a request.
func resumeSearch(t *testing.T, ds *jobs.Dataset, body string) *jobs.BasicSearchJob {
	t.Helper()
	job, err := ds.BasicSearch().Resume(savedJob(ds, jobs.TypeBasicSearch, body))
	require.NoError(t, err)
	return job
}

// stubMerge resumes a merge with a client of a stub.
func stubMerge(t *testing.T, s stub, body string) *jobs.SquashAndMergeJob {
	t.Helper()
	return resumeMerge(t, datasetByID(t, stubClient(t, s)), body)
}

// stubSearch resumes a search with a client of a stub.
func stubSearch(t *testing.T, s stub, body string) *jobs.BasicSearchJob {
	t.Helper()
	return resumeSearch(t, datasetByID(t, stubClient(t, s)), body)
}

// stubContents returns the contents of a draft, without a request.
func stubContents(t *testing.T, s stub, options ...jobs.Option) *jobs.Contents {
	t.Helper()
	contents, err := datasetByID(t, stubClient(t, s, options...), jobs.AtDraft(1)).Contents(t.Context(), "")
	require.NoError(t, err)
	return contents
}

// Helpers for tests of waits.

// createMerges creates n merges of a dataset, evenly spread over a second.
func createMerges(ctx context.Context, t *testing.T, ds *jobs.Dataset, n int) []*jobs.SquashAndMergeJob {
	t.Helper()
	all := make([]*jobs.SquashAndMergeJob, n)
	for i := range all {
		job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: fmt.Sprint(i), Source: "dev", Target: "main"})
		require.NoError(t, err)
		all[i] = job
		<-time.After(time.Second / time.Duration(n))
	}
	return all
}

// resumeAll resumes jobs in another dataset value, without a request.
func resumeAll(t *testing.T, ds *jobs.Dataset, all ...*jobs.SquashAndMergeJob) []*jobs.SquashAndMergeJob {
	t.Helper()
	resumed := make([]*jobs.SquashAndMergeJob, len(all))
	for i, job := range all {
		saved, err := json.Marshal(job)
		require.NoError(t, err)
		resumed[i], err = ds.SquashAndMerge().Resume(saved)
		require.NoError(t, err)
	}
	return resumed
}

// waitEach waits for each job in a goroutine and returns the errors by index.
func waitEach[J interface {
	Wait(context.Context, ...jobs.WaitOption) error
}](ctx context.Context, all []J, options ...jobs.WaitOption) []error {
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, job := range all {
		group.Go(func() { errs[i] = job.Wait(ctx, options...) })
	}
	group.Wait()
	return errs
}

// requireNoErrors checks that all errors are nil.
func requireNoErrors(t *testing.T, errs []error) {
	t.Helper()
	require.NoError(t, errors.Join(errs...))
}

// isPoll reports whether a wait sends the request.
func isPoll(r jobstest.Request) bool { return r.Operation == "getJob" || r.Operation == "listJobs" }

// countPolls returns the number of requests that waits have sent.
func countPolls(server *jobstest.Server) int {
	return countRequests(server, "getJob") + countRequests(server, "listJobs")
}

// aMinute returns durations with a lognormal distribution and a median of a minute.
func aMinute(rng *rand.Rand) time.Duration {
	return time.Duration(60 * math.Exp(0.5*rng.NormFloat64()) * float64(time.Second))
}

// withRunsOfAMinute makes the jobs of a server take aMinute.
func withRunsOfAMinute(seed uint64) jobstest.Option {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 0))
	return jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
		mu.Lock()
		defer mu.Unlock()
		return jobstest.Run{Processing: aMinute(rng)}
	})
}

// Helpers that read results.

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

// drain reads a list to its end or its first error. It returns the number of
// items before.
func drain[T any](items iter.Seq2[T, error]) (n int, err error) {
	for _, err := range items {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// firstItem returns the error of the first item, and an error if there is no
// item.
func firstItem[T any](items iter.Seq2[T, error]) error {
	for _, err := range items {
		return err
	}
	return errors.New("no item and no error")
}

// errorOf returns the error of a call with two results.
func errorOf[T any](_ T, err error) error { return err }

type opener interface {
	Open(context.Context) (io.ReadCloser, error)
}

// download reads content to its end.
func download(ctx context.Context, o opener) (string, error) {
	r, err := o.Open(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return string(content), err
}

// assertOneLine checks that text is valid UTF-8 without control characters.
func assertOneLine(t *testing.T, text string) {
	t.Helper()
	assert.True(t, utf8.ValidString(text), "%q", text)
	for _, r := range text {
		if unicode.IsControl(r) && r != '\u0085' && (r < 0x80 || r > 0x9f) {
			t.Fatalf("control character %q in %q", r, text)
		}
	}
}

// sourceFiles parses the files of package jobs and of the packages in dirs,
// without tests.
func sourceFiles(t *testing.T, dirs ...string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, dir := range append([]string{"."}, dirs...) {
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			require.NoError(t, err)
			files[path] = file
		}
	}
	return files
}
