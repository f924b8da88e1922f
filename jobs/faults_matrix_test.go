package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// The classes of operations, by what design.md promises of them.
type class int

const (
	reading class = iota // an answer is promised; may be repeated
	ending               // nothing is promised; may be repeated, and then finds it done
	making               // an answer is promised; sent twice, it takes effect twice
	telling              // nothing is promised; sent twice, it takes effect twice
	content              // from a data host, of any form
	waiting              // Job.Wait
)

// A subject is an operation of the client that faults are tried on.
type subject struct {
	name  string // operationId, "content" or "wait"
	class class
	// ready does what must come before, and returns the call.
	ready func(context.Context, *testing.T, *jobs.Client) func(context.Context) error
}

// operation is what its faults meet; a wait may read single jobs and lists.
func (s subject) operation() string {
	if s.class == waiting {
		return ""
	}
	return s.name
}

// asked is how often the server was asked for it.
func (c cell) asked() int {
	if c.class == waiting {
		return len(c.server.Requests())
	}
	return count(c.server, c.operation())
}

const (
	dayLong    = "takes a day" // titles of jobs, by how long they take
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

// withDataset is a call of a method of a dataset.
func withDataset(name string, call func(context.Context, *jobs.Dataset) error) func(context.Context, *testing.T, *jobs.Client) func(context.Context) error {
	return func(_ context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		ds := dataset(t, client, name)
		return func(ctx context.Context) error { return call(ctx, ds) }
	}
}

// withContents is a call of a method of what a dataset holds.
func withContents(name string, call func(context.Context, *jobs.Contents) error) func(context.Context, *testing.T, *jobs.Client) func(context.Context) error {
	return func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		contents := contentsOf(ctx, t, client, name)
		return func(ctx context.Context) error { return call(ctx, contents) }
	}
}

var subjects = []subject{
	{"listDatasets", reading, func(_ context.Context, _ *testing.T, client *jobs.Client) func(context.Context) error {
		return func(ctx context.Context) error { return drain(client.Datasets(ctx, "")) }
	}},
	{"getDataset", reading, withDataset("squash-and-merge", func(ctx context.Context, ds *jobs.Dataset) error {
		_, err := ds.Refresh(ctx)
		return err
	})},
	{"listBranches", reading, withDataset("squash-and-merge", func(ctx context.Context, ds *jobs.Dataset) error { return drain(ds.Branches(ctx, "")) })},
	{"listTags", reading, withDataset("street-scenes", func(ctx context.Context, ds *jobs.Dataset) error { return drain(ds.Tags(ctx, "")) })},
	{"listCommits", reading, withDataset("squash-and-merge", func(ctx context.Context, ds *jobs.Dataset) error {
		_, err := ds.Resolve(ctx, "dev")
		return err
	})},
	{"listDrafts", reading, withDataset("street-scenes", func(ctx context.Context, ds *jobs.Dataset) error {
		return drain(ds.Drafts(ctx, jobs.DraftOptions{Status: jobs.DraftAll}))
	})},
	{"listJobs", reading, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, dayLong)
		return func(ctx context.Context) error {
			return drain(job.Dataset().SquashAndMerge().List(ctx, jobs.ListOptions{}))
		}
	}},
	{"getJob", reading, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		return mergeTitled(ctx, t, client, dayLong).Update
	}},
	{"listSegments", reading, withContents("squash-and-merge", func(ctx context.Context, c *jobs.Contents) error { return drain(c.Segments(ctx)) })},
	{"listSensors", reading, withContents("basic-search", func(ctx context.Context, c *jobs.Contents) error {
		_, err := c.Sensors(ctx, "train")
		return err
	})},
	{"listDataDetails", reading, withContents("squash-and-merge", func(ctx context.Context, c *jobs.Contents) error {
		return drain(c.Data(ctx, "Segment1"))
	})},
	{"getLabelStatistics", reading, withContents("squash-and-merge", func(ctx context.Context, c *jobs.Contents) error {
		_, err := c.LabelStatistics(ctx)
		return err
	})},
	{"listDataUrls", reading, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		data := collect(t, contentsOf(ctx, t, client, "squash-and-merge").Data(ctx, "Segment1"))
		<-time.After(time.Hour) // the signed URLs expire
		return func(ctx context.Context) error { return download(ctx, data[0]) }
	}},
	{"listMaskUrls", reading, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		mask := collect(t, contentsOf(ctx, t, client, "masks").Data(ctx, "train"))[0].Label.SemanticMask
		<-time.After(time.Hour)
		return func(ctx context.Context) error { return download(ctx, mask) }
	}},
	{"deleteJob", ending, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, dayLong)
		require.NoError(t, job.Abort(ctx))
		return func(ctx context.Context) error { return job.Dataset().SquashAndMerge().Delete(ctx, job.ID()) }
	}},
	{"abortJob", ending, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		return mergeTitled(ctx, t, client, dayLong).Abort
	}},
	{"updateDraft", ending, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, "")
		require.NoError(t, job.Wait(ctx))
		draft, err := job.Result(ctx)
		require.NoError(t, err)
		return draft.Close
	}},
	{"createJob", making, withDataset("squash-and-merge", func(ctx context.Context, ds *jobs.Dataset) error {
		_, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev", Target: "main", Title: dayLong})
		return err
	})},
	{"retryJob", telling, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, dayLong)
		require.NoError(t, job.Abort(ctx))
		require.ErrorIs(t, job.Wait(ctx), jobs.ErrJobAborted)
		return job.Retry
	}},
	{"createDatasetFromSearch", telling, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := search(ctx, t, client, jobs.SegmentIn("train-day"))
		return func(ctx context.Context) error {
			return job.CreateDataset(ctx, jobs.DatasetSpec{Name: "cars-" + job.ID()})
		}
	}},
	{"content", content, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		data := collect(t, contentsOf(ctx, t, client, "squash-and-merge").Data(ctx, "Segment1"))
		return func(ctx context.Context) error { return download(ctx, data[0]) }
	}},
	{"wait", waiting, func(ctx context.Context, t *testing.T, client *jobs.Client) func(context.Context) error {
		job := mergeTitled(ctx, t, client, minuteLong)
		<-time.After(50 * time.Second) // it is not new any more
		return func(ctx context.Context) error { return job.Wait(ctx) }
	}},
}

// oneMask is a seed with little else than a mask.
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

// What a client can know of a request that met a fault.
type nature int

const (
	unsent     nature = iota // it did not arrive
	lost                     // nothing
	overloaded               // it was not executed, and may be soon
	failing                  // something failed, before or after it was executed
	garbled                  // there is an answer, but not the one promised
	bodiless                 // the same, and good enough where none is promised
	spoilt                   // the same, and has no effect where there is nothing to spoil
	refusal                  // it was not executed, and will not be
)

const maxBodyOfMatrix = 256 << 10

// A trouble is a row of the matrix.
type trouble struct {
	name     string
	fault    jobstest.Fault
	nature   nature
	kind     error
	executed bool // what the client cannot know
}

var troubles = []trouble{
	{"connection refused", jobstest.Refuse(), unsent, jobs.ErrUnreachable, false},
	{"reset before the request arrived", jobstest.Reset(), lost, jobs.ErrUnreachable, false},
	{"reset after the request arrived", jobstest.Reset().Executed(), lost, jobs.ErrUnreachable, true},
	{"hang before the headers", jobstest.Hang(), lost, jobs.ErrUnreachable, false},
	{"hang before the headers, executed", jobstest.Hang().Executed(), lost, jobs.ErrUnreachable, true},
	{"hang in the body", jobstest.HangInBody(), garbled, jobs.ErrInvalidResponse, true},
	{"reset in the body", jobstest.ResetInBody(), garbled, jobs.ErrInvalidResponse, true},
	{"truncated JSON", jobstest.Truncate(), garbled, jobs.ErrInvalidResponse, true},
	{"HTML with 200", jobstest.HTML(200), garbled, jobs.ErrInvalidResponse, false},
	{"empty 200", jobstest.Empty(200).Executed(), bodiless, jobs.ErrInvalidResponse, true},
	{"204", jobstest.Empty(204).Executed(), bodiless, jobs.ErrInvalidResponse, true},
	{"301 to another host", jobstest.Redirect(301, "https://elsewhere.test/"), garbled, jobs.ErrInvalidResponse, false},
	{"400", jobstest.Status(400), refusal, jobs.ErrInvalidArgument, false},
	{"401", jobstest.Status(401), refusal, jobs.ErrUnauthorized, false},
	{"403", jobstest.Status(403), refusal, jobs.ErrForbidden, false},
	{"404", jobstest.Status(404), refusal, jobs.ErrNotFound, false},
	{"409", jobstest.Status(409), refusal, jobs.ErrConflict, false},
	{"429", jobstest.Status(429), overloaded, jobs.ErrRateLimited, false},
	{"429 with Retry-After", jobstest.HTML(429).RetryAfter(7 * time.Second), overloaded, jobs.ErrRateLimited, false},
	{"500", jobstest.Status(500).Executed(), failing, jobs.ErrServer, true},
	{"502 HTML", jobstest.HTML(502), failing, jobs.ErrServer, false},
	{"503 with a date", jobstest.Status(503).RetryAt(9 * time.Second), failing, jobs.ErrServer, false},
	{"slow body", jobstest.Slow(1), spoilt, jobs.ErrInvalidResponse, true},
	{"body over the limit", jobstest.Huge(maxBodyOfMatrix + 1), garbled, jobs.ErrInvalidResponse, true},
	{"compressed body over the limit", jobstest.GzipBomb(maxBodyOfMatrix + 1), garbled, jobs.ErrInvalidResponse, true},
	{"duplicate keys", jobstest.DuplicateKeys(), spoilt, jobs.ErrInvalidResponse, true},
	{"wrong types", jobstest.WrongTypes(), spoilt, jobs.ErrInvalidResponse, true},
	{"null everywhere", jobstest.Nulls(), spoilt, jobs.ErrInvalidResponse, true},
}

// An outcome is what comes of a call.
type outcome struct {
	kind      error // nil: success
	ambiguous bool
	requests  int // of the operation, that the server saw
	attempts  int // that the error tells
	goesOn    bool
}

func (o outcome) String() string {
	switch {
	case o.goesOn:
		return "goes on"
	case o.kind == nil:
		return "ok"
	case o.ambiguous:
		return fmt.Sprintf("%v, ambiguous, %d", o.kind, o.requests)
	}
	return fmt.Sprintf("%v, %d", o.kind, o.requests)
}

// endsWaits: unauthorized, forbidden, not found and malformed end a wait;
// everything else is weather.
func (f trouble) endsWaits() bool { return f.nature == refusal && !errors.Is(f.kind, jobs.ErrConflict) }

const allAttempts = 4 // of the default policy

// expect says what must come of a call when every request of it meets the
// fault. It knows design.md and issue 4, and nothing of the client.
func expect(s subject, f trouble) outcome {
	switch s.class {
	case content:
		return expectContent(f)
	case waiting:
		if f.endsWaits() {
			return outcome{kind: f.kind, requests: 1, attempts: 1}
		}
		return outcome{goesOn: true}
	}
	promised := s.class == reading || s.class == making
	repeatable := s.class == reading || s.class == ending
	o := outcome{kind: f.kind, requests: allAttempts, attempts: allAttempts}
	switch f.nature {
	case unsent, overloaded:
		return o
	case refusal:
		o.requests, o.attempts = 1, 1
		return o
	case bodiless, spoilt:
		if !promised {
			return outcome{requests: 1}
		}
	}
	switch {
	case !repeatable:
		o.ambiguous, o.requests, o.attempts = true, 1, 1
	case s.class == ending && f.name == "truncated JSON":
		// The second request finds it done; its status says so, whatever has
		// become of its body.
		return outcome{requests: 2}
	}
	return o
}

// expectContent: the bytes are what the host says they are. Only their end can
// be seen to be wrong, and a host may lead to another one.
func expectContent(f trouble) outcome {
	all := outcome{kind: f.kind, requests: allAttempts, attempts: allAttempts}
	switch f.name {
	case "hang in the body":
		return outcome{kind: context.DeadlineExceeded, requests: 1}
	case "reset in the body":
		return outcome{kind: io.ErrUnexpectedEOF, requests: 1}
	case "204":
		return all
	case "301 to another host":
		all.kind = jobs.ErrUnreachable // in these tests there is no other host
		return all
	case "403":
		return outcome{kind: f.kind, requests: 2, attempts: 1} // once more with a fresh URL
	}
	switch f.nature {
	case garbled, bodiless, spoilt:
		return outcome{requests: 1}
	case refusal:
		return outcome{kind: f.kind, requests: 1, attempts: 1}
	}
	return all
}

// expectOnce says what must come of a call when one request of it meets the
// fault and the rest do not.
func expectOnce(s subject, f trouble) outcome {
	o := expect(s, f)
	switch {
	case o.requests == allAttempts || o.goesOn:
		return outcome{requests: 2}
	case s.class == content && f.name == "403":
		return outcome{requests: 2}
	}
	return o
}

func TestFaultMatrix(t *testing.T) {
	t.Run("every operation", func(t *testing.T) {
		spec, err := server.GetSpec()
		require.NoError(t, err)
		var known []string
		for _, path := range spec.Paths.Map() {
			for _, op := range path.Operations() {
				known = append(known, op.OperationID)
			}
		}
		var tried []string
		for _, s := range subjects {
			tried = append(tried, s.name)
		}
		assert.ElementsMatch(t, append(known, "content", "wait"), tried)
	})
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			for _, f := range troubles {
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

// A cell is the world of one fault and one operation.
type cell struct {
	t      *testing.T
	server *jobstest.Server
	client *jobs.Client
	bodies *bodyCounter
	subject
	trouble
}

func tryCell(t *testing.T, s subject, f trouble) {
	options := []jobstest.Option{jobstest.WithRuns(runsByTitle)}
	if s.name == "listMaskUrls" {
		options = append(options, oneMask())
	}
	server := jobstest.New(t, options...)
	bodies := &bodyCounter{next: server.Client().Transport}
	c := cell{t, server, clientOf(t, server, jobs.WithMaxBody(maxBodyOfMatrix),
		jobs.WithHTTPClient(&http.Client{Transport: bodies})), bodies, s, f}

	if s.class != waiting || f.endsWaits() {
		c.try(jobstest.Rule{Operation: s.operation()}, expect(s, f), true)
		c.try(jobstest.Rule{Operation: s.operation(), Times: 1}, expectOnce(s, f), false)
	} else {
		for _, times := range []int{1, 3} {
			c.try(jobstest.Rule{Operation: s.operation(), Times: times}, outcome{}, false)
		}
	}
	call := s.ready(t.Context(), t, c.client)
	require.NoError(t, call(t.Context()), "after the fault is gone")
	assert.Zero(t, bodies.open.Load(), "bodies that were not closed")
}

// try makes the call under a rule and compares what comes of it.
func (c cell) try(rule jobstest.Rule, want outcome, always bool) {
	t := c.t
	call := c.ready(t.Context(), t, c.client)
	before := c.count()
	asked := c.asked()
	c.server.Inject(rule, c.fault)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	err := call(ctx)
	c.server.Clear()
	seen := c.asked()

	name := "a single fault"
	if always {
		name = "always"
	}
	if want.kind == nil {
		assert.NoError(t, err, name)
	} else {
		assert.ErrorIs(t, err, want.kind, name)
	}
	assert.Equal(t, want.ambiguous, errors.Is(err, jobs.ErrAmbiguous), "%s: ambiguous: %v", name, err)
	if want.requests > 0 {
		assert.Equal(t, want.requests, seen-asked, "%s: requests", name)
	}
	var e *jobs.Error
	if errors.As(err, &e) {
		assert.Equal(t, want.attempts, e.Attempts, "%s: Error.Attempts", name)
		c.hides(*e)
	} else {
		assert.Zero(t, want.attempts, "%s: no *Error: %v", name, err)
	}
	c.hides(err)
	c.hides(c.client)
	assert.Zero(t, c.bodies.open.Load(), "%s: bodies that were not closed", name)

	// What can be counted is there once where the request was executed or the
	// call succeeded, and never twice.
	made := 0
	if c.executed || err == nil {
		made = 1
	}
	if c.class == making || c.subject.name == "createDatasetFromSearch" {
		assert.Equal(t, made, c.count()-before, "%s: made", name)
	} else {
		assert.Equal(t, before, c.count(), "%s: made", name)
	}
}

// hides checks that no text of a value shows the key or the signature of a URL.
func (c cell) hides(v any) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(verb, v)
		assert.NotContains(c.t, text, c.server.AccessKey(), verb)
		assert.NotContains(c.t, text, "signature=", verb)
	}
}

// count is how many there are of what the operation may make.
func (c cell) count() int {
	n := 0
	for ds, err := range c.client.Datasets(c.t.Context(), "") {
		require.NoError(c.t, err)
		n++
		if ds.Name == "squash-and-merge" && c.subject.name != "deleteJob" {
			squash, err := c.client.DatasetByID(ds.ID)
			require.NoError(c.t, err)
			n += len(collect(c.t, squash.SquashAndMerge().List(c.t.Context(), jobs.ListOptions{})))
		}
	}
	return n
}

// A bodyCounter counts the bodies that are open. One that is open keeps a
// connection.
type bodyCounter struct {
	next http.RoundTripper
	open atomic.Int64
}

func (b *bodyCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
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

// faultsDocument is docs/faults.md. Operations with the same column share one.
func faultsDocument() []byte {
	type column struct {
		names []string
		cells []string
	}
	var columns []*column
	for _, s := range subjects {
		cells := make([]string, len(troubles))
		for i, f := range troubles {
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
		"listDatasets": "reads", "deleteJob": "delete, abort, close draft", "createJob": "create job",
		"retryJob": "retry job, create dataset", "content": "open content", "wait": "wait",
	}
	var b bytes.Buffer
	b.WriteString(faultsHead)
	b.WriteString("| fault |")
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", titles[c.names[0]])
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(columns)+1) + "\n")
	for i, f := range troubles {
		fmt.Fprintf(&b, "| %s |", f.name)
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
# What comes of a fault
Every operation of the client meets every fault in TestFaultMatrix, with the default options, and this table is what the test asserts. A cell holds what errors.Is finds and how many requests were sent. The fault meets every request of the call. Where a cell says 4, a fault that passes before the fourth request is never seen: the call succeeds.

`

const faultsFoot = `- open content: Data.Open and Open of a mask, and reading to the end
- wait: Job.Wait, of a job that was created more than half a minute ago

| cell | sentinel | what happened | did it take effect? | what to do |
| --- | --- | --- | --- | --- |
| ok | none | success: the answer is good, or none is promised and the status says so | yes | nothing |
| goes on | none | a wait takes it as weather and looks again, until its patience ends | | nothing |
| ..., ambiguous | ErrAmbiguous, with the other one | the request is not sent again, because it may have been executed | perhaps | look: for the job with Jobs.List, for the run of a job with Job.Update, for the dataset with Client.Dataset |
| no response | ErrUnreachable | no connection, or one that broke or stayed silent | no, unless ambiguous; delete, abort and close perhaps | try again later |
| invalid response | ErrInvalidResponse | an answer that is not the service's: cut short, of another form, too large, or a redirect, which is never followed | as above | try again later; tell those who run the gateway |
| rate limited | ErrRateLimited | too many requests | no | slow down, see WithRateLimit |
| server error | ErrServer | the service or a gateway failed | as with no response | try again later |
| invalid argument | ErrInvalidArgument | the service refused the request | no | mend the call |
| unauthorized, forbidden | ErrUnauthorized, ErrForbidden | the access key is not good for it; for content: neither is a fresh URL | no | check the access key |
| not found, conflict | ErrNotFound, ErrConflict | no such thing; the name is taken | no | check ids and names |
| unexpected EOF, context deadline exceeded | those of io and context | content broke off, or stood still until the context ended | | open it again; give reads of content a deadline |

In no cell is a job, a run or a dataset made twice, is a body left open or a goroutine left behind, or does an error show the access key or the query of a signed URL.
`
