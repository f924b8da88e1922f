package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asProgram names a variable that makes the test binary run as tensorbay-jobs, for
// tests that send signals.
const asProgram = "TENSORBAY_JOBS_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	// Most tests wait for jobs or programs. The flag -parallel has precedence.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(leakChecked{m}, map[string]func(){"normalize": normalize})
}

// leakChecked fails if a test leaves a goroutine.
type leakChecked struct{ m *testing.M }

func (c leakChecked) Run() int {
	code := c.m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// fullDisk fails as a file on a full disk does.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestRun_FailsIfItsOutputIsLost(t *testing.T) {
	for _, args := range []string{"demo", "serve"} {
		var stderr bytes.Buffer
		require.Equal(t, 1, run(t.Context(), []string{args}, nil, fullDisk{}, &stderr), args)
		require.Contains(t, stderr.String(), "no space left on device", args)
	}
}

func TestCommandLine_RejectsInvalidArguments(t *testing.T) {
	for _, test := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"undo", 2, "unknown command \"undo\" for \"tensorbay-jobs\"\nRun tensorbay-jobs --help for the arguments"},
		{"datasets --nothing", 2, "unknown flag: --nothing"},
		{"datasets -o yaml", 2, `unknown --output "yaml": use table, json, jsonl`},
		{"serve now", 2, `unknown command "now"`},
		{"serve --queuing soon", 2, "queuing"},
		{"serve --queuing=-1s", 1, "negative"},
		{"serve --access-key=token", 2, "--access-key: invalid argument: malformed access key"},
		{"serve --fault=rain", 2, `for "--fault" flag: unknown fault "rain": use one of delay, hang, html, `},
		{"serve --fault=hang=3", 2, `"hang=3": the fault takes no value`},
		{"serve --fault=status=5", 2, `"status=5": the value must be an HTTP status`},
		{"serve --fault=delay=1", 2, `"delay=1": time: missing unit`},
		{"serve --fault=reset,often=yes", 2, `unknown condition "often": use one of after, `},
		{"serve --fault=reset,from=one", 2, `"from=one": `},
		{"serve --fault=reset,operation=getjob", 2, `--fault: jobstest: there is no operation "getjob", only abortJob, `},
		{"serve --data-listen=nowhere", 1, "nowhere"},
		{"serve --listen=nowhere", 1, "nowhere"},
		{"serve --public-host=http://a/", 1, "not a host name or an IP address"},
		{"serve --seed=none.yaml", 2, "--seed: open none.yaml"},
		{"serve --ready-file=none/ready.json", 1, "--ready-file: "},
		{"serve --tls --ready-file=none/ready.json", 1, "certificate: "},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			require.Equal(t, test.code, run(t.Context(), strings.Fields(test.args), nil, &stdout, &stderr), stderr.String())
			require.Empty(t, stdout.String())
			require.Contains(t, stderr.String(), test.stderr)
		})
	}
}

func TestHelp_FitsEightyColumns(t *testing.T) {
	var check func(c *cobra.Command, path []string)
	check = func(c *cobra.Command, path []string) {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 0, run(t.Context(), slices.Concat(path, []string{"--help"}), nil, &stdout, &stderr), stderr.String())
		for line := range strings.Lines(stdout.String()) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, "%s: %s", path, line)
		}
		for _, c := range c.Commands() {
			if c.Name() != "completion" { // its texts are cobra's
				check(c, slices.Concat(path, []string{c.Name()}))
			}
		}
	}
	check((&app{}).rootCommand(), nil)
}

// serveStub sets the variables of the client for a service with one dataset, whose jobs are
// created by post.
func serveStub(t *testing.T, id string, post http.HandlerFunc) {
	t.Helper()
	service := http.NewServeMux()
	const root = "/gatewayv2/tensorbay-open-api/v1/datasets"
	respond := func(pattern, body string) {
		service.HandleFunc("GET "+root+pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	}
	respond("", `{"datasets":[],"totalCount":0}`)
	respond("/"+id, `{"name":"stub","type":0,"defaultBranch":"main"}`)
	respond("/"+id+"/jobs", `{"jobs":[],"totalCount":0}`)
	service.HandleFunc("POST "+root+"/"+id+"/jobs", post)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	t.Setenv("TENSORBAY_URL", server.URL)
	t.Setenv("TENSORBAY_ACCESS_KEY", "Accesskey-1")
}

func TestDataset_AcceptsAnIdOfAnyForm(t *testing.T) {
	const id = "154e35ba-5095-4cae-9f3e-3c7ac41b2d0f"
	serveStub(t, id, http.NotFound)
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), []string{"jobs", "list", id}, nil, &stdout, &stderr), stderr.String())
	require.Equal(t, exitFailed, run(t.Context(), []string{"jobs", "list", "street-scenes"}, nil, &stdout, &stderr))
	require.Contains(t, stderr.String(), `no dataset is named "street-scenes"`)
}

func TestRun_ReportsACreateThatAnInterruptMadeAmbiguous(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	serveStub(t, "1", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		interrupt()
		<-r.Context().Done()
	})
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitAmbiguous, run(ctx, []string{"merge", "1", "dev"}, nil, &stdout, &stderr))
	require.Contains(t, stderr.String(), "it may exist: check the list of jobs")
}
