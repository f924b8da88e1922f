package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A serving is a serve command that runs in this process.
type serving struct {
	ready  ready
	file   string
	stderr *bytes.Buffer // read it after stop only
	cancel context.CancelFunc
	code   chan int
}

func serve(t *testing.T, args ...string) *serving {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &serving{
		file:   filepath.Join(t.TempDir(), "ready.json"),
		stderr: &bytes.Buffer{},
		cancel: cancel,
		code:   make(chan int, 1),
	}
	args = append([]string{"serve", "--ready-file", s.file}, args...)
	go func() { s.code <- run(ctx, args, nil, io.Discard, s.stderr) }()
	s.ready = awaitReady(t, s.file)
	return s
}

func (s *serving) stop(t *testing.T) {
	t.Helper()
	s.cancel()
	require.Equal(t, 0, <-s.code, s.stderr.String())
}

// awaitReady waits for the ready file and decodes it. It fails if the file is
// incomplete.
func awaitReady(t *testing.T, path string) ready {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := polling.Wait(ctx, func(context.Context) (polling.Result[ready], error) {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return polling.Result[ready]{}, nil
		}
		var r ready
		if err == nil {
			err = json.Unmarshal(data, &r)
		}
		return polling.Result[ready]{Value: r, Done: true}, polling.Permanent(err)
	}, polling.Options{Schedule: polling.Schedule{Min: time.Millisecond, Max: 20 * time.Millisecond}})
	require.NoError(t, err)
	return r
}

// client returns a client that trusts the CA file only.
func client(t *testing.T, r ready) *jobs.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	if r.CAFile != "" {
		certificate, err := os.ReadFile(r.CAFile)
		require.NoError(t, err)
		trusted := x509.NewCertPool()
		require.True(t, trusted.AppendCertsFromPEM(certificate))
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	}
	c, err := jobs.NewClient(r.AccessKey, jobs.WithBaseURL(r.URL), jobs.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	return c
}

func TestServe_WithTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, "--tls", "--queuing=10ms", "--processing=10ms")
	require.Regexp(t, `^https://127\.0\.0\.1:\d+/$`, s.ready.URL)
	require.Regexp(t, `^Accesskey-[0-9a-f]{32}$`, s.ready.AccessKey)
	require.Equal(t, s.file+".ca.pem", s.ready.CAFile)

	ds, err := client(t, s.ready).Dataset(t.Context(), "squash-and-merge")
	require.NoError(t, err)
	job, err := ds.SquashAndMerge().Create(t.Context(), jobs.SquashAndMergeArgs{
		DraftTitle: "over TLS", Source: "dev", Strategy: jobs.StrategySkip,
	})
	require.NoError(t, err)
	require.NoError(t, job.Wait(t.Context(), jobs.WithSchedule(polling.Schedule{Min: 10 * time.Millisecond})))
	draft, err := job.Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "over TLS", draft.Title)
	for datum, err := range draft.Contents().Data(t.Context(), "Segment1") {
		require.NoError(t, err)
		content, err := datum.Open(t.Context()) // on the second port, with the same certificate
		require.NoError(t, err)
		require.NoError(t, content.Close())
	}

	s.stop(t)
	require.Contains(t, s.stderr.String(), s.ready.URL)
	require.NotContains(t, s.stderr.String(), s.ready.AccessKey)
	files, err := os.ReadDir(filepath.Dir(s.file))
	require.NoError(t, err)
	require.Empty(t, files, "ready file and certificate must be removed")
	_, err = ds.Refresh(t.Context())
	require.Error(t, err)
}

func TestServe_WithOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed := filepath.Join(dir, "seed.yaml")
	require.NoError(t, os.WriteFile(seed, []byte(`
owner: tester
datasets:
  - name: one
    commits:
      - name: first
        title: First
        date: 2021-08-02T09:00:00Z
        segments:
          - name: only
            data:
              - {remotePath: a.txt, content: "a"}
    branches:
      - {name: main, commit: first}
`), 0o600))
	const key = "ACCESSKEY-0123456789abcdef0123456789abcdef"
	s := serve(t, "--listen=127.0.0.1:0", "--seed", seed, "--access-key", key, "--url-ttl=-1m")
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/$`, s.ready.URL)
	require.Equal(t, key, s.ready.AccessKey)
	require.Empty(t, s.ready.CAFile)

	c := client(t, s.ready)
	var names []string
	for ds, err := range c.Datasets(t.Context(), "") {
		require.NoError(t, err)
		names = append(names, ds.Name)
	}
	require.Equal(t, []string{"one"}, names)
	ds, err := c.Dataset(t.Context(), "one")
	require.NoError(t, err)
	contents, err := ds.Contents(t.Context(), "main")
	require.NoError(t, err)
	for datum, err := range contents.Data(t.Context(), "only") {
		require.NoError(t, err)
		_, err = datum.Open(t.Context())
		require.ErrorIs(t, err, jobs.ErrForbidden, "all URLs have expired")
	}
	s.stop(t)
}

func TestServe_PrintsReadyLineWithoutReadyFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"serve", "--tls"}, nil, in, io.Discard) }()
	var r ready
	require.NoError(t, json.NewDecoder(out).Decode(&r))
	_, err := client(t, r).Dataset(t.Context(), "basic-search")
	require.NoError(t, err)
	cancel()
	require.Equal(t, 0, <-code)
	require.NoFileExists(t, r.CAFile)
	require.NoDirExists(t, filepath.Dir(r.CAFile))
}

func TestServe_RejectsInvalidSeed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed, file := filepath.Join(dir, "seed.yaml"), filepath.Join(dir, "ready.json")
	require.NoError(t, os.WriteFile(seed, []byte("owner: tester\ndatasets:\n  - name: one\n    colour: red\n"), 0o600))
	require.NoError(t, os.WriteFile(file, []byte(`{"url":"http://127.0.0.1:1/","accessKey":"Accesskey-killed"}`), 0o600))
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitUsage, run(t.Context(), []string{"serve", "--seed", seed, "--ready-file", file}, nil, &stdout, &stderr))
	require.Regexp(t, `invalid file `+regexp.QuoteMeta(seed)+`:\n(.*\n)*seed: line 4: field colour not found`, stderr.String())
	require.Empty(t, stdout.String())
	require.NoFileExists(t, file)
}

func TestServe_KeepsFilesThatAreNotItsOwn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "notes.txt")
	for _, text := range []string{"", "keep me", `{"url":"http://127.0.0.1:1/"}`} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		var stdout, stderr bytes.Buffer
		require.Equal(t, 1, run(t.Context(), []string{"serve", "--ready-file", file}, nil, &stdout, &stderr))
		require.Contains(t, stderr.String(), file+" exists and is not a ready file: choose another path")
		require.NotContains(t, stderr.String(), "accepts requests")
		kept, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
	}
}

func TestServe_LeavesTheReadyFileOfASecondServer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ready.json")
	serve := func(ctx context.Context) chan int {
		code := make(chan int, 1)
		go func() {
			code <- run(ctx, []string{"serve", "--tls", "--ready-file", file}, nil, io.Discard, io.Discard)
		}()
		return code
	}
	first, stopFirst := context.WithCancel(t.Context())
	firstCode := serve(first)
	old := awaitReady(t, file)
	second, stopSecond := context.WithCancel(t.Context())
	secondCode := serve(second)
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(file)
		return err == nil && !strings.Contains(string(text), old.URL)
	}, 10*time.Second, time.Millisecond)
	stopFirst()
	require.Equal(t, 0, <-firstCode)
	r := awaitReady(t, file)
	require.NotEqual(t, old.URL, r.URL)
	require.FileExists(t, r.CAFile)
	info, err := os.Stat(r.CAFile)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode().Perm())
	stopSecond()
	require.Equal(t, 0, <-secondCode)
	require.NoFileExists(t, file)
	require.NoFileExists(t, r.CAFile)
}

func TestServe_StopsOnSignal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals")
	}
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ready.json")
			program := exec.CommandContext(t.Context(), os.Args[0], "serve", "--ready-file", file)
			program.Env = append(os.Environ(), asProgram+"=1", "GORACE="+noExitSleep)
			var stderr bytes.Buffer
			program.Stderr = &stderr
			require.NoError(t, program.Start())
			awaitReady(t, file)
			require.NoError(t, program.Process.Signal(signal))
			require.NoError(t, program.Wait(), stderr.String())
			require.NoFileExists(t, file)
		})
	}
}
