package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// TestScripts runs the scripts below testdata/script. UPDATE_SCRIPTS=1 rewrites the expected
// output in them.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts many programs")
	}
	// The scripts start many programs. With the race detector each takes eight times as long to
	// start; the other tests have it.
	programs := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", programs+"/tensorbay-jobs", ".").CombinedOutput()
	require.NoError(t, err, string(out))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", programs+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("TENSORBAY_CONFIG", env.WorkDir+"/config.yaml")
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", noExitSleep)
			env.Setenv("TMPDIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code":    code,
			"connect": connect,
			"job":     jobID,
			"serve":   serveScript,
		},
	})
}

// noExitSleep keeps the race detector from sleeping for a second at the end of each program.
const noExitSleep = "atexit_sleep_ms=0"

// code runs a program and checks its exit code: code 3 tensorbay-jobs merge ...
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// serveScript starts a server for the rest of a script: serve [flags...]
// It runs in this process, because a new process would need half a second of processor time to
// decode its datasets.
func serveScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve [flags...]")
	}
	const file = "ready.json"
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx, append([]string{"serve", "--ready-file", ts.MkAbs(file)}, args...), nil, io.Discard, io.Discard)
	}()
	ts.Defer(func() { cancel(); <-done })
	connect(ts, false, []string{file})
}

// connect waits for the ready file of a server and sets the variables of the client.
func connect(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		var r ready
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &r) == nil {
			ts.Setenv("TENSORBAY_URL", r.URL)
			ts.Setenv("TENSORBAY_ACCESS_KEY", r.AccessKey)
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			ts.Fatalf("there is no ready file %s", path)
		}
	}
}

// jobID sets a variable to the first job id of the last standard output: job NAME
func jobID(ts *testscript.TestScript, _ bool, args []string) {
	id := hexID.FindString(datasetID.ReplaceAllString(ts.ReadFile("stdout"), ""))
	if id == "" {
		ts.Fatalf("the output has no job id")
	}
	ts.Setenv(args[0], id)
}

var (
	hexID     = regexp.MustCompile(`[0-9a-f]{32}`)
	datasetID = regexp.MustCompile(`"datasetId":"\w+"`)
)

// normalize copies standard input and replaces what differs from run to run. The width of
// columns depends on it too.
func normalize() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(1)
	}
	for _, r := range []struct{ pattern, by string }{
		{`[0-9a-f]{32}`, strings.Repeat("x", 32)},
		{`\b(\d\.\ds|\d\ds|\dm\d\ds)\b`, "0.0s"},
		{`(\S)   +`, "$1  "},
		{`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b`, "2026-01-02 03:04:05"},
		{`"(createdAt|startedAt|finishedAt)":( ?)\d+`, `"$1":${2}1700000000`},
		{`search\([0-9a-f]{7}\)`, "search(xxxxxxx)"},
		{`tensorbay-jobs-\d+\.jsonl`, "tensorbay-jobs-1.jsonl"},
		{`127\.0\.0\.1:\d+`, "127.0.0.1:1"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAll(text, []byte(r.by))
	}
	_, _ = os.Stdout.Write(text)
}
