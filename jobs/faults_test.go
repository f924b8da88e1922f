package jobs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// A class holds the operations with the same promises in docs/design.md.
type class int

const (
	classRead       class = iota // a response body is promised, and the operation is idempotent
	classIdempotent              // no body is promised; executed again, the operation finds its effect
	classCreate                  // a body is promised; executed again, the operation has a second effect
	classCommand                 // no body is promised; executed again, the operation has a second effect
	classContent                 // a download from a data host, of any form
	classWait                    // Job.Wait
)

// A prepareFunc returns the call of an operation.
type prepareFunc func(context.Context, *testing.T, *jobs.Client) func(context.Context) error

// An operationCase is a column of the matrix: an operation that meets the faults.
type operationCase struct {
	name  string // operationId, "content" or "wait"
	class class
	// prepare makes the requests that must come first, and returns the call.
	prepare prepareFunc
}

// operation returns the operation for jobstest.Rule, empty for all. Wait may read
// jobs and lists.
func (s operationCase) operation() string {
	if s.class == classWait {
		return ""
	}
	return s.name
}

// requests returns the number of requests of the operation.
func (c cell) requests() int {
	if c.class == classWait {
		return len(c.server.Requests())
	}
	return countRequests(c.server, c.operation())
}

// Titles of jobs that take longer than the default.
const (
	dayLong    = "takes a day"
	minuteLong = "takes a minute"
)

func runsByTitle(r jobstest.RunRequest) jobstest.Run {
	switch r.JobTitle {
	case dayLong:
		return jobstest.Run{Processing: 24 * time.Hour}
	case minuteLong:
		return jobstest.Run{Processing: time.Minute}
	}
	return jobstest.Run{}
}

func mergeTitled(ctx context.Context, t *testing.T, client *jobs.Client, title string) *jobs.SquashAndMergeJob {
	t.Helper()
	job, err := dataset(t, client, "squash-and-merge").SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
		DraftTitle: "merge dev", Source: "dev", Target: "main", Title: title,
	})
	require.NoError(t, err)
	return job
}

// withDataset returns the prepare function of a call with a dataset.
func withDataset(name string, call func(context.Context, *jobs.Dataset) error) prepareFunc {
	return func(_ context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		ds := dataset(t, client, name)
		return func(ctx context.Context) error { return call(ctx, ds) }
	}
}

// withContents returns the prepare function of a call with the contents of a
// dataset.
func withContents(name string, call func(context.Context, *jobs.Contents) error) prepareFunc {
	return func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		contents := contentsOf(ctx, t, client, name)
		return func(ctx context.Context) error { return call(ctx, contents) }
	}
}

var operationCases = []operationCase{
	{"listDatasets", classRead, func(_ context.Context, _ *testing.T, client *jobs.Client) func(context.Context) error {
		return func(ctx context.Context) error { return errorOf(drain(client.Datasets(ctx, ""))) }
	}},
	{"getDataset", classRead, withDataset("squash-and-merge", func(ctx context.Context, ds *jobs.Dataset) error {
		return errorOf(ds.Refresh(ctx))
	})},
	{"listBranches", classRead, withDataset("squash-and-merge", func(ctx context.Context, ds *jobs.Dataset) error { return errorOf(drain(ds.Branches(ctx, ""))) })},
	{"listTags", classRead, withDataset("street-scenes", func(ctx context.Context, ds *jobs.Dataset) error { return errorOf(drain(ds.Tags(ctx, ""))) })},
	{"listCommits", classRead, withDataset("squash-and-merge", func(ctx context.Context, ds *jobs.Dataset) error {
		return errorOf(ds.Resolve(ctx, "dev"))
	})},
	{"listDrafts", classRead, withDataset("street-scenes", func(ctx context.Context, ds *jobs.Dataset) error {
		return errorOf(drain(ds.Drafts(ctx, jobs.DraftOptions{Status: jobs.DraftAll})))
	})},
	{"listJobs", classRead, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, dayLong)
		return func(ctx context.Context) error {
			return errorOf(drain(job.Dataset().SquashAndMerge().List(ctx, jobs.ListOptions{})))
		}
	}},
	{"getJob", classRead, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		return mergeTitled(ctx, t, client, dayLong).Update
	}},
	{"listSegments", classRead, withContents("squash-and-merge", func(ctx context.Context, c *jobs.Contents) error { return errorOf(drain(c.Segments(ctx))) })},
	{"listSensors", classRead, withContents("basic-search", func(ctx context.Context, c *jobs.Contents) error {
		return errorOf(c.Sensors(ctx, "train"))
	})},
	{"listDataDetails", classRead, withContents("squash-and-merge", func(ctx context.Context, c *jobs.Contents) error {
		return errorOf(drain(c.Data(ctx, "Segment1")))
	})},
	{"getLabelStatistics", classRead, withContents("squash-and-merge", func(ctx context.Context, c *jobs.Contents) error {
		return errorOf(c.LabelStatistics(ctx))
	})},
	{"listDataUrls", classRead, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		data := collect(t, contentsOf(ctx, t, client, "squash-and-merge").Data(ctx, "Segment1"))
		<-time.After(time.Hour) // the signed URLs expire
		return func(ctx context.Context) error { return errorOf(download(ctx, data[0])) }
	}},
	{"listMaskUrls", classRead, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		mask := collect(t, contentsOf(ctx, t, client, "masks").Data(ctx, "train"))[0].Label.SemanticMask
		<-time.After(time.Hour)
		return func(ctx context.Context) error { return errorOf(download(ctx, mask)) }
	}},
	{"deleteJob", classIdempotent, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, dayLong)
		require.NoError(t, job.Abort(ctx))
		return func(ctx context.Context) error { return job.Dataset().SquashAndMerge().Delete(ctx, job.ID()) }
	}},
	{"abortJob", classIdempotent, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		return mergeTitled(ctx, t, client, dayLong).Abort
	}},
	{"updateDraft", classIdempotent, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, "")
		require.NoError(t, job.Wait(ctx))
		draft, err := job.Result(ctx)
		require.NoError(t, err)
		return draft.Close
	}},
	{"createCommit", classCreate, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, "")
		require.NoError(t, job.Wait(ctx))
		draft, err := job.Result(ctx)
		require.NoError(t, err)
		return func(ctx context.Context) error { return errorOf(draft.Commit(ctx, jobs.CommitSpec{})) }
	}},
	{"createJob", classCreate, withDataset("squash-and-merge", func(ctx context.Context, ds *jobs.Dataset) error {
		return errorOf(ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Target: "main", Title: dayLong}))
	})},
	{"retryJob", classCommand, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, dayLong)
		require.NoError(t, job.Abort(ctx))
		require.ErrorIs(t, job.Wait(ctx), jobs.ErrJobAborted)
		return job.Retry
	}},
	{"createDatasetFromSearch", classCommand, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := runSearch(ctx, t, client, jobs.SegmentIn("train-day"))
		return func(ctx context.Context) error {
			return job.CreateDataset(ctx, jobs.DatasetSpec{Name: "cars-" + job.ID()})
		}
	}},
	{"content", classContent, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		data := collect(t, contentsOf(ctx, t, client, "squash-and-merge").Data(ctx, "Segment1"))
		return func(ctx context.Context) error { return errorOf(download(ctx, data[0])) }
	}},
	{"wait", classWait, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, minuteLong)
		<-time.After(50 * time.Second) // a new job may be not found
		return func(ctx context.Context) error { return job.Wait(ctx) }
	}},
}

// oneMask returns a seed that holds only a mask.
func oneMask() jobstest.Option {
	return jobstest.WithSeed(jobstest.Seed{Datasets: []jobstest.SeedDataset{{
		Name:     "masks",
		Branches: []jobstest.SeedRef{{Name: "main", Commit: "first"}},
		Commits: []jobstest.SeedCommit{{Name: "first", Segments: []jobstest.SeedSegment{{
			Name: "train", Data: []jobstest.SeedData{{
				RemotePath: "a.jpg", Label: []byte(`{"SEMANTIC_MASK": {"remotePath": "a.png", "info": [{"categoryId": 1}]}}`),
			}},
		}}}},
	}}})
}

// A faultKind is the knowledge of the client about a request with a fault.
type faultKind int

const (
	faultNotSent     faultKind = iota // the request did not arrive
	faultNoResponse                   // the request may have been executed
	faultRateLimited                  // the request was not executed, and a retry may help
	faultServerError                  // the request may have been executed
	faultMalformed                    // the response is not that of the service
	faultRedirect                     // the response redirects to another host
	faultEmpty                        // the response has no body, or another status of success
	faultCorrupt                      // the response has a body that does not decode, or not in time
	faultRejected                     // the request was not executed, and a retry does not help
	faultGateway                      // as faultRejected, but the response is not in the form of the service
	faultUntrusted                    // the request was not sent, and a retry does not help
	faultCaller                       // the context of the caller ends while the body is read
)

// state returns whether a request that fails with such a fault took effect.
func (k faultKind) state() string {
	switch k {
	case faultNotSent, faultUntrusted:
		return "not sent"
	case faultRateLimited, faultRejected, faultGateway:
		return "refused"
	}
	return "unknown"
}

const maxBodyOfMatrix = 64 << 10

// A faultCase is a row of the matrix.
type faultCase struct {
	name     string
	fault    jobstest.Fault
	kind     faultKind
	err      error
	executed bool // whether the service executes the request, unknown to the client
	// connect, if not nil, replaces the error of a refused connection.
	connect func(ctx context.Context) error
}

// handshake is the part of a fault in which a connection is wanted but never made.
func handshake(err error) func(context.Context) error {
	return func(ctx context.Context) error {
		if trace := httptrace.ContextClientTrace(ctx); trace != nil {
			trace.GetConn("gas.graviti.test:443")
		}
		if err == nil {
			<-ctx.Done()
			return ctx.Err()
		}
		return err
	}
}

// Time limits shorter than the attempt timeout.
const (
	callerTimeout = 8 * time.Second
	clientTimeout = 9 * time.Second
)

var faultCases = []faultCase{
	{"connection refused", jobstest.Refuse(), faultNotSent, jobs.ErrUnreachable, false, nil},
	{"TLS handshake hangs", jobstest.Refuse(), faultNotSent, jobs.ErrUnreachable, false, handshake(nil)},
	{"TLS handshake fails", jobstest.Refuse(), faultNotSent, jobs.ErrUnreachable, false, handshake(io.EOF)},
	{"proxy refuses the connection", jobstest.Refuse(), faultNotSent, jobs.ErrUnreachable, false, handshake(errors.New(http.StatusText(http.StatusProxyAuthRequired)))},
	{"certificate not trusted", jobstest.Refuse(), faultUntrusted, jobs.ErrUnreachable, false,
		handshake(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}})},
	{"reset before the request arrived", jobstest.Reset(), faultNoResponse, jobs.ErrUnreachable, false, nil},
	{"reset after the request arrived", jobstest.Reset().Executed(), faultNoResponse, jobs.ErrUnreachable, true, nil},
	{"hang before the headers", jobstest.Hang(), faultNoResponse, jobs.ErrUnreachable, false, nil},
	{"hang before the headers, executed", jobstest.Hang().Executed(), faultNoResponse, jobs.ErrUnreachable, true, nil},
	{"hang in the body", jobstest.HangInBody(), faultMalformed, jobs.ErrInvalidResponse, true, nil},
	{"body cut by the context of the caller", jobstest.HangInBody(), faultCaller, context.DeadlineExceeded, true, nil},
	{"body cut by http.Client.Timeout", jobstest.HangInBody(), faultMalformed, jobs.ErrInvalidResponse, true, nil},
	{"reset in the body", jobstest.ResetInBody(), faultMalformed, jobs.ErrInvalidResponse, true, nil},
	{"truncated JSON", jobstest.Truncate(), faultMalformed, jobs.ErrInvalidResponse, true, nil},
	{"HTML with 200", jobstest.HTML(200), faultMalformed, jobs.ErrInvalidResponse, false, nil},
	{"empty 200", jobstest.Empty(200).Executed(), faultEmpty, jobs.ErrInvalidResponse, true, nil},
	{"202", jobstest.Response(202, "application/json", "{}").Executed(), faultEmpty, jobs.ErrInvalidResponse, true, nil},
	{"204", jobstest.Empty(204).Executed(), faultEmpty, jobs.ErrInvalidResponse, true, nil},
	{"301 to another host", jobstest.Redirect(301, "https://elsewhere.test/"), faultRedirect, jobs.ErrInvalidResponse, false, nil},
	{"400", jobstest.Status(400), faultRejected, jobs.ErrInvalidArgument, false, nil},
	{"401", jobstest.Status(401), faultRejected, jobs.ErrUnauthorized, false, nil},
	{"403", jobstest.Status(403), faultRejected, jobs.ErrForbidden, false, nil},
	{"404", jobstest.Status(404), faultRejected, jobs.ErrNotFound, false, nil},
	{"404 of a gateway", jobstest.HTML(404), faultGateway, jobs.ErrNotFound, false, nil},
	{"408", jobstest.Status(408), faultServerError, jobs.ErrServer, false, nil},
	{"409", jobstest.Status(409), faultRejected, jobs.ErrConflict, false, nil},
	{"425", jobstest.Status(425), faultRateLimited, jobs.ErrServer, false, nil},
	{"429", jobstest.Status(429), faultRateLimited, jobs.ErrRateLimited, false, nil},
	{"429 with Retry-After", jobstest.HTML(429).RetryAfter(7 * time.Second), faultRateLimited, jobs.ErrRateLimited, false, nil},
	{"500", jobstest.Status(500).Executed(), faultServerError, jobs.ErrServer, true, nil},
	{"502 HTML", jobstest.HTML(502), faultServerError, jobs.ErrServer, false, nil},
	{"503 with a date", jobstest.Status(503).RetryAt(9 * time.Second), faultServerError, jobs.ErrServer, false, nil},
	{"slow body", jobstest.Slow(1), faultCorrupt, jobs.ErrInvalidResponse, true, nil},
	{"body over the limit", jobstest.Huge(maxBodyOfMatrix + 1), faultMalformed, jobs.ErrInvalidResponse, true, nil},
	{"compressed body over the limit", jobstest.GzipBomb(maxBodyOfMatrix + 1), faultMalformed, jobs.ErrInvalidResponse, true, nil},
	{"duplicate keys", jobstest.DuplicateKeys(), faultCorrupt, jobs.ErrInvalidResponse, true, nil},
	{"wrong types", jobstest.WrongTypes(), faultCorrupt, jobs.ErrInvalidResponse, true, nil},
	{"null everywhere", jobstest.Nulls(), faultCorrupt, jobs.ErrInvalidResponse, true, nil},
}

// An outcome is the expected result of a call.
type outcome struct {
	err       error // nil means success
	ambiguous bool
	requests  int // of the operation, as counted by the server
	attempts  int // Error.Attempts
	continues bool
}

func (o outcome) String() string {
	switch {
	case o.continues:
		return "continues"
	case o.err == nil:
		return "ok"
	case o.requests == 0:
		return o.err.Error()
	case o.ambiguous:
		return fmt.Sprintf("%v, ambiguous, %d", o.err, o.requests)
	}
	return fmt.Sprintf("%v, %d", o.err, o.requests)
}

// endsWaits reports whether the fault ends a wait. All other faults are treated as
// transient.
func (f faultCase) endsWaits() bool {
	return f.kind == faultRejected && !errors.Is(f.err, jobs.ErrConflict) || f.kind == faultUntrusted
}

const allAttempts = 4 // of the default policy

// expect returns the outcome if every request of the call meets the fault. It
// follows docs/design.md, independent of the client.
func expect(s operationCase, f faultCase) outcome {
	switch s.class {
	case classContent:
		return expectContent(f)
	case classWait:
		if f.kind == faultCaller {
			return outcome{err: f.err}
		}
		if f.endsWaits() {
			return outcome{err: f.err, requests: 1, attempts: 1}
		}
		return outcome{continues: true}
	}
	promised := s.class == classRead || s.class == classCreate
	idempotent := s.class == classRead || s.class == classIdempotent
	o := outcome{err: f.err, requests: allAttempts, attempts: allAttempts}
	switch f.kind {
	case faultNotSent, faultRateLimited:
		return o
	case faultRejected, faultGateway, faultUntrusted:
		o.requests, o.attempts = 1, 1
		return o
	case faultCaller:
		o.requests, o.attempts, o.ambiguous = 1, 1, !idempotent
		return o
	case faultEmpty, faultCorrupt:
		if !promised {
			return outcome{requests: 1}
		}
	}
	switch {
	case !idempotent:
		o.ambiguous, o.requests, o.attempts = true, 1, 1
	case f.kind == faultRedirect:
		o.requests, o.attempts = 1, 1
	case s.class == classIdempotent && f.name == "truncated JSON":
		// The first request is executed. The status of the second response says so,
		// and its body does not matter.
		return outcome{requests: 2}
	}
	return o
}

// errClientTimeout stands for an error of http.Client.Timeout, which matches no sentinel. Above
// all it is not the end of the caller's context.
var errClientTimeout = errors.New("client timeout")

// expectContent returns the outcome of a download. Any body is content, so only
// its end can be wrong. Redirects are followed.
func expectContent(f faultCase) outcome {
	all := outcome{err: f.err, requests: allAttempts, attempts: allAttempts}
	switch f.name {
	case "hang in the body", "body cut by the context of the caller":
		return outcome{err: context.DeadlineExceeded, requests: 1}
	case "body cut by http.Client.Timeout":
		return outcome{err: errClientTimeout, requests: 1}
	case "reset in the body":
		return outcome{err: io.ErrUnexpectedEOF, requests: 1}
	case "202", "204":
		return all
	case "301 to another host":
		all.err = jobs.ErrUnreachable // the other host does not exist
		return all
	case "400", "401", "403":
		return outcome{err: f.err, requests: 2, attempts: 1} // the second request has a new URL
	}
	switch f.kind {
	case faultMalformed, faultEmpty, faultCorrupt:
		return outcome{requests: 1}
	case faultRejected, faultGateway, faultUntrusted:
		return outcome{err: f.err, requests: 1, attempts: 1}
	}
	return all
}

// expectOnce returns the outcome if only the first request meets the fault.
func expectOnce(s operationCase, f faultCase) outcome {
	o := expect(s, f)
	switch {
	case o.requests == allAttempts || o.continues:
		return outcome{requests: 2}
	case s.class == classContent && (f.name == "400" || f.name == "401" || f.name == "403"):
		return outcome{requests: 2}
	}
	return o
}

// oneOfEachClass are the operations that every fault is tried with.
var oneOfEachClass = []string{"getJob", "abortJob", "createJob", "retryJob", "content", "wait"}

func TestFaultMatrix(t *testing.T) {
	t.Run("every operation", func(t *testing.T) {
		known := slices.Collect(maps.Keys(calledOperations(t)))
		var tried []string
		for _, s := range operationCases {
			tried = append(tried, s.name)
		}
		assert.ElementsMatch(t, append(known, "content", "wait"), tried)
	})
	for column, s := range operationCases {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for i, f := range faultCases {
				if step := fullSize(9, 1); !slices.Contains(oneOfEachClass, s.name) && (i+column)%step != 0 {
					continue // all operations of a class have the same outcomes
				}
				t.Run(f.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { tryCell(t, s, f) })
				})
			}
		})
	}
	t.Run("docs", func(t *testing.T) {
		path := filepath.Join("..", "docs", "faults.md")
		want := faultsDocument()
		if *update {
			require.NoError(t, os.WriteFile(path, want, 0o644))
		}
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "run: go test -run TestFaultMatrix ./jobs -update")
	})
}

// A cell is one fault and one operation with a server of their own.
type cell struct {
	t      *testing.T
	server *jobstest.Server
	client *jobs.Client
	bodies *bodyCounter
	operationCase
	faultCase
}

func tryCell(t *testing.T, s operationCase, f faultCase) {
	options := []jobstest.Option{jobstest.WithRuns(runsByTitle)}
	if s.name == "listMaskUrls" {
		options = append(options, oneMask())
	}
	server := jobstest.New(t, options...)
	bodies := &bodyCounter{next: server.Client().Transport, connect: f.connect}
	httpClient := &http.Client{Transport: bodies}
	if f.name == "body cut by http.Client.Timeout" {
		httpClient.Timeout = clientTimeout
	}
	c := cell{t, server, clientOf(t, server, jobs.WithMaxBody(maxBodyOfMatrix), jobs.WithHTTPClient(httpClient)), bodies, s, f}

	if s.class != classWait || f.endsWaits() || f.kind == faultCaller {
		c.try(jobstest.Rule{Operation: s.operation()}, expect(s, f), true)
		c.try(jobstest.Rule{Operation: s.operation(), Times: 1}, expectOnce(s, f), false)
	} else {
		for _, times := range []int{1, 3} {
			c.try(jobstest.Rule{Operation: s.operation(), Times: times}, outcome{}, false)
		}
	}
	call := s.prepare(t.Context(), t, c.client)
	require.NoError(t, call(t.Context()), "without the fault")
	assert.Zero(t, bodies.open.Load(), "open bodies")
}

// try makes the call with the fault injected by rule, and checks the outcome.
func (c cell) try(rule jobstest.Rule, want outcome, always bool) {
	t := c.t
	call := c.prepare(t.Context(), t, c.client)
	countBefore, requestsBefore := c.count(), c.requests()
	c.server.Inject(rule, c.fault)
	timeout := 10 * time.Minute
	if c.kind == faultCaller {
		timeout = callerTimeout
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	err := call(ctx)
	synctest.Wait() // a canceled poll closes its body
	c.server.Clear()
	requests := c.requests() - requestsBefore

	name := "a single fault"
	if always {
		name = "always"
	}
	switch {
	case want.err == nil:
		assert.NoError(t, err, name)
	case errors.Is(want.err, errClientTimeout):
		assert.ErrorContains(t, err, "context deadline exceeded", name)
		assert.NotErrorIs(t, err, context.DeadlineExceeded, name)
	default:
		assert.ErrorIs(t, err, want.err, name)
	}
	assert.Equal(t, want.ambiguous, errors.Is(err, jobs.ErrAmbiguous), "%s: ambiguous: %v", name, err)
	if want.requests > 0 {
		assert.Equal(t, want.requests, requests, "%s: requests", name)
	}
	var e *jobs.Error
	if errors.As(err, &e) {
		assert.Equal(t, want.attempts, e.Attempts, "%s: Error.Attempts", name)
		if c.class != classContent {
			state := c.kind.state()
			if c.class == classIdempotent && c.kind == faultMalformed && c.executed {
				state = "refused" // by its status, because the first request was executed
			}
			assert.Equal(t, state, jobs.StateOf(e), "%s: whether the request took effect", name)
		}
		c.assertNoSecret(*e)
	} else {
		assert.Zero(t, want.attempts, "%s: no *Error: %v", name, err)
	}
	c.assertNoSecret(err)
	c.assertNoSecret(c.client)
	assert.Zero(t, c.bodies.open.Load(), "%s: open bodies", name)

	// A job or dataset exists once if the request was executed or the call
	// succeeded, and never twice.
	created := 0
	if c.executed || err == nil {
		created = 1
	}
	if c.class == classCreate || c.operationCase.name == "createDatasetFromSearch" {
		assert.Equal(t, created, c.count()-countBefore, "%s: created", name)
	} else {
		assert.Equal(t, countBefore, c.count(), "%s: created", name)
	}
}

// assertNoSecret checks that no text of v shows the key or the signature of a URL.
func (c cell) assertNoSecret(v any) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(verb, v)
		assert.NotContains(c.t, text, c.server.AccessKey(), verb)
		assert.NotContains(c.t, text, "signature=", verb)
	}
}

// count returns the number of datasets, commits and merges, without merges for deleteJob.
func (c cell) count() int {
	n := 0
	for ds, err := range c.client.Datasets(c.t.Context(), "") {
		require.NoError(c.t, err)
		n++
		if ds.Name == "squash-and-merge" && c.operationCase.name != "deleteJob" {
			squash, err := c.client.DatasetByID(ds.ID)
			require.NoError(c.t, err)
			n += len(collect(c.t, squash.SquashAndMerge().List(c.t.Context(), jobs.ListOptions{})))
			n += len(collect(c.t, squash.Commits(c.t.Context(), "main")))
		}
	}
	return n
}

// A bodyCounter counts the open response bodies. An open body keeps a connection.
type bodyCounter struct {
	next    http.RoundTripper
	connect func(context.Context) error // replaces the error of a refused connection; may be nil
	open    atomic.Int64
}

func (b *bodyCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if errors.Is(err, syscall.ECONNREFUSED) && b.connect != nil {
		return nil, b.connect(r.Context())
	}
	if err == nil {
		b.open.Add(1)
		resp.Body = &countedBody{ReadCloser: resp.Body, counter: b}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	counter *bodyCounter
	closed  atomic.Bool
}

func (b *countedBody) Close() error {
	if !b.closed.Swap(true) {
		b.counter.open.Add(-1)
	}
	return b.ReadCloser.Close()
}

// faultsDocument returns docs/faults.md. Operations with equal cells share a
// column.
func faultsDocument() []byte {
	type column struct {
		names []string
		cells []string
	}
	var columns []*column
	for _, s := range operationCases {
		cells := make([]string, len(faultCases))
		for i, f := range faultCases {
			cells[i] = expect(s, f).String()
		}
		i := slices.IndexFunc(columns, func(c *column) bool { return slices.Equal(c.cells, cells) })
		if i < 0 {
			i = len(columns)
			columns = append(columns, &column{cells: cells})
		}
		columns[i].names = append(columns[i].names, s.name)
	}
	titles := map[string]string{
		"listDatasets": "reads", "deleteJob": "delete, abort, close draft", "createCommit": "create job, commit draft",
		"retryJob": "retry job, create dataset", "content": "open content", "wait": "wait",
	}
	var b bytes.Buffer
	b.WriteString(faultsHead)
	b.WriteString("| fault | request |")
	for _, c := range columns {
		title := titles[c.names[0]]
		if title == "" {
			panic("no title for the column of " + c.names[0])
		}
		fmt.Fprintf(&b, " %s |", title)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(columns)+2) + "\n")
	for i, f := range faultCases {
		fmt.Fprintf(&b, "| %s | %s |", f.name, f.kind.state())
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", c.cells[i])
		}
		b.WriteString("\n")
	}
	b.WriteString("\nThe columns are these operations of openapi.yaml:\n")
	for _, c := range columns[:len(columns)-2] {
		fmt.Fprintf(&b, "- %s: %s\n", titles[c.names[0]], strings.Join(c.names, ", "))
	}
	b.WriteString(faultsFoot)
	return b.Bytes()
}

const faultsHead = `<!-- Written by go test -run TestFaultMatrix ./jobs -update. Do not edit. -->
# Outcomes of faults
TestFaultMatrix runs every operation of the client with every fault, with the default options, and asserts this table. Every request of the call meets the fault. Column "request" tells whether an attempt that fails took effect: not sent (no connection was made), refused by the service, or unknown. Only an unknown one can be ambiguous. A cell holds the error that errors.Is finds and the number of requests. If a cell says 4 and the fault ends before the fourth request, the call succeeds.

`

const faultsFoot = `- open content: Data.Open and Open of a mask, and reading to the end
- wait: Job.Wait, for a job that was created more than half a minute ago

| cell | sentinel | cause | executed? | remedy |
| --- | --- | --- | --- | --- |
| ok | none | success: the response is valid, or no body is promised and the status is a success | yes | none |
| continues | none | the wait treats the fault as transient and polls again, until the maximum outage | | none |
| ..., ambiguous | ErrAmbiguous and the other sentinel | the request is not sent again because it may have been executed | unknown | check first: for a job with Jobs.List, for a run with Job.Update, for a dataset with Client.Dataset, for a commit with Dataset.Drafts |
| no response | ErrUnreachable | no connection, or a connection that broke or timed out | no, unless ambiguous; unknown for delete, abort and close | try again later |
| invalid response | ErrInvalidResponse | a response that is not that of the service: truncated, malformed, too large, or a redirect, which is not followed | as above | try again later; check the gateway |
| rate limited | ErrRateLimited | too many requests | no | slow down, see WithRateLimit |
| server error | ErrServer | the service or a gateway failed | as above | try again later |
| invalid argument | ErrInvalidArgument | the service rejected the request | no | correct the arguments |
| unauthorized, forbidden | ErrUnauthorized, ErrForbidden | the access key does not permit the operation; for content, a new URL was rejected too | no | check the access key |
| not found, conflict | ErrNotFound, ErrConflict | the id or name does not exist; the name is taken | no | check ids and names |
| context deadline exceeded | that of context | the context of the caller ended while the body was read; for content, no more bytes arrived before it ended | as above | allow more time |
| unexpected EOF, client timeout | that of io; none | the content is truncated, or http.Client.Timeout ended it | | open it again; use no http.Client.Timeout for large files |

The test also checks in every cell that no job, run or dataset is created twice, that no response body stays open and no goroutine is left behind, and that no error shows the access key or the query of a signed URL.
`
