package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// startServer starts an embedded TensorBay for programs and sets the variables that they read.
func startServer(t *testing.T, options ...jobstest.Option) (*jobstest.Server, *jobs.Dataset) {
	t.Helper()
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("it waits in real time; Windows has no signals")
	}
	server, err := jobstest.NewServer(append(options, jobstest.WithListener("127.0.0.1:0"))...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	t.Setenv("TENSORBAY_URL", server.URL())
	t.Setenv("TENSORBAY_ACCESS_KEY", server.AccessKey())
	t.Setenv("TMPDIR", t.TempDir())
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()), jobs.WithRateLimit(-1))
	require.NoError(t, err)
	ds, err := client.Dataset(t.Context(), "squash-and-merge")
	require.NoError(t, err)
	return server, ds
}

// A process is a running command line.
type process struct {
	*exec.Cmd
	mu     sync.Mutex
	stderr bytes.Buffer
}

func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(text)
}

func (p *process) messages() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	p.Env = append(os.Environ(), asProgram+"=1", "GORACE="+noExitSleep)
	p.Stderr = p
	require.NoError(t, p.Start())
	return p
}

func createMerge(t *testing.T, ds *jobs.Dataset) *jobs.SquashAndMergeJob {
	t.Helper()
	job, err := ds.SquashAndMerge().Create(t.Context(), jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	require.NoError(t, err)
	return job
}

func TestWait_LeavesTheJobAfterAnInterrupt(t *testing.T) {
	_, ds := startServer(t, jobstest.WithQueuing(0), jobstest.WithProcessing(time.Hour))
	job := createMerge(t, ds)
	p := start(t, "jobs", "wait", "squash-and-merge", job.ID())
	require.Eventually(t, func() bool { return strings.Contains(p.messages(), "PROCESSING") }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, p.Process.Signal(syscall.SIGINT))
	var exit *exec.ExitError
	require.ErrorAs(t, p.Wait(), &exit)
	require.Equal(t, exitInterrupted, exit.ExitCode())
	require.NoError(t, job.Update(t.Context()))
	require.Equal(t, jobs.StatusProcessing, job.Status(), "the job goes on")

	printed := regexp.MustCompile(`The job goes on. Wait again with:\n  tensorbay-jobs (.*)\n`).FindStringSubmatch(p.messages())
	require.NotNil(t, printed, p.messages())
	require.True(t, strings.HasSuffix(p.messages(), "tensorbay-jobs: interrupted\n"), p.messages())
	require.NoError(t, job.Abort(t.Context()))
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitJobAborted, run(t.Context(), strings.Fields(printed[1]), nil, &stdout, &stderr), stderr.String())
	require.Contains(t, stdout.String(), "ABORTED")
}

func TestWait_ResumesManyJobsAfterAKill(t *testing.T) {
	const n = 300
	server, ds := startServer(t, jobstest.WithQueuing(0), jobstest.WithProcessing(time.Second))
	for range n {
		createMerge(t, ds)
	}
	saved := filepath.Join(t.TempDir(), "jobs.jsonl")
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), []string{"jobs", "list", "squash-and-merge", "-o", "jsonl"}, nil, &stdout, &stderr), stderr.String())
	require.NoError(t, os.WriteFile(saved, stdout.Bytes(), 0o600))
	before := len(server.Requests())
	p := start(t, "jobs", "wait", "--resume", saved)
	require.Eventually(t, func() bool { return len(server.Requests()) > before }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, p.Process.Kill())
	require.Error(t, p.Wait())

	stdout.Reset()
	require.Equal(t, 0, run(t.Context(), []string{"jobs", "wait", "--resume", saved, "-o", "jsonl"}, nil, &stdout, &stderr), stderr.String())
	lines := slices.Collect(strings.Lines(stdout.String()))
	require.Len(t, lines, n)
	slices.Sort(lines)
	require.Len(t, slices.Compact(lines), n)
	require.Equal(t, n, strings.Count(stdout.String(), `"status":"SUCCESS"`))
}

func TestWait_SavesManyJobsAfterATimeout(t *testing.T) {
	_, ds := startServer(t, jobstest.WithQueuing(0), jobstest.WithProcessing(time.Hour))
	var all []*jobs.SquashAndMergeJob
	for range 30 {
		all = append(all, createMerge(t, ds))
	}
	p := start(t, "jobs", "wait", "squash-and-merge", "--timeout", "500ms")
	var exit *exec.ExitError
	require.ErrorAs(t, p.Wait(), &exit)
	require.Equal(t, exitWaitEnded, exit.ExitCode())
	printed := regexp.MustCompile(`The 30 jobs go on. Wait again with:\n  tensorbay-jobs (.*)\n`).FindStringSubmatch(p.messages())
	require.NotNil(t, printed, p.messages())
	for _, job := range all {
		require.NoError(t, job.Abort(t.Context()))
	}
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitJobAborted, run(t.Context(), strings.Fields(printed[1]), nil, &stdout, &stderr), stderr.String())
	require.Equal(t, 30, strings.Count(stdout.String(), "  ABORTED  "))
	require.True(t, strings.HasSuffix(stdout.String(), "30 jobs: 30 ABORTED\n"), stdout.String())
	for _, r := range stdout.String() + stderr.String() {
		require.True(t, r == '\n' || r >= ' ', "control character %q", r)
	}
}

func TestExitCode_PutsAmbiguityFirst(t *testing.T) {
	require.Equal(t, exitAmbiguous, exitCode(errors.Join(jobs.ErrForbidden, jobs.ErrAmbiguous)))
	require.Equal(t, exitNoAccess, exitCode(&jobs.WaitError{Reason: jobs.ErrUnauthorized}))
	require.Equal(t, exitWaitEnded, exitCode(&jobs.WaitError{Reason: errors.New("outage")}))
	require.Equal(t, exitFailed, exitCode(jobs.ErrNotFound))
}

func TestWait_SavesJobsThatOneCommandCannotFind(t *testing.T) {
	server, ds := startServer(t, jobstest.WithProcessing(time.Hour))
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()))
	require.NoError(t, err)
	other, err := client.Dataset(t.Context(), "street-scenes")
	require.NoError(t, err)
	search, err := other.BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
	require.NoError(t, err)
	var saved strings.Builder
	require.NoError(t, errors.Join(json.NewEncoder(&saved).Encode(createMerge(t, ds)), json.NewEncoder(&saved).Encode(search)))
	wait := func(stdin string, args ...string) (stderr string) {
		var stdout, messages bytes.Buffer
		require.Equal(t, exitWaitEnded, run(t.Context(), append(args, "--timeout", "100ms"), strings.NewReader(stdin), &stdout, &messages), messages.String())
		return messages.String()
	}
	printed := regexp.MustCompile(`Wait again with:\n  tensorbay-jobs (.*)\n`).FindStringSubmatch(wait(saved.String(), "jobs", "wait", "--resume", "-"))
	require.NotNil(t, printed)
	require.Contains(t, wait("", strings.Fields(printed[1])...), "The 2 jobs go on.", printed[1])
}

func TestCommand_QuotesForAShell(t *testing.T) {
	a := &app{profile: "my profile"}
	require.Equal(t, `tensorbay-jobs jobs wait 'it'\''s $1' café/1.0 --profile 'my profile'`, a.command("jobs", "wait", "it's $1", "café/1.0"))
}
