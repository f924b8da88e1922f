package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// asProgram names a variable that makes the test binary run as tensorbay-jobs, for
// tests that send signals.
const asProgram = "TENSORBAY_JOBS_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
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

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{args: "--help", stdout: "Commands:\n  demo"},
		{args: "serve --help", stdout: "--ready-file=FILE"},
		{args: "--version", stdout: "tensorbay-jobs " + jobs.Version + "\n"},
		{args: "", code: 2, stderr: `tensorbay-jobs: expected one of "demo", "serve"`},
		{args: "undo", code: 2, stderr: "unexpected argument undo\nRun tensorbay-jobs --help"},
		{args: "serve --queuing soon", code: 2, stderr: "--queuing"},
		{args: "serve --queuing=-1s", code: 1, stderr: "negative"},
		{args: "serve --access-key=token", code: 1, stderr: "--access-key: invalid argument: malformed access key"},
		{args: "serve --fault=rain", code: 2, stderr: `--fault: unknown fault "rain": use one of delay, hang, html, `},
		{args: "serve --fault=hang=3", code: 2, stderr: `--fault: "hang=3": the fault takes no value`},
		{args: "serve --fault=status=5", code: 2, stderr: `--fault: "status=5": the value must be an HTTP status`},
		{args: "serve --fault=delay=1", code: 2, stderr: `--fault: "delay=1": time: missing unit`},
		{args: "serve --fault=reset,often=yes", code: 2, stderr: `--fault: unknown condition "often": use one of after, `},
		{args: "serve --fault=reset,from=one", code: 2, stderr: `--fault: "from=one": `},
		{args: "serve --fault=reset,operation=getjob", code: 1, stderr: `--fault: jobstest: there is no operation "getjob", only abortJob, `},
		{args: "serve --data-listen=nowhere", code: 1, stderr: "nowhere"},
		{args: "serve --listen=nowhere", code: 1, stderr: "nowhere"},
		{args: "serve --seed=testdata/none.yaml", code: 1, stderr: "--seed: open testdata/none.yaml"},
		{args: "serve --ready-file=none/ready.json", code: 1, stderr: "--ready-file: "},
		{args: "serve --tls --ready-file=none/ready.json", code: 1, stderr: "certificate: "},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			require.Equal(t, test.code, run(t.Context(), strings.Fields(test.args), nil, &stdout, &stderr), stderr.String())
			require.Contains(t, stdout.String(), test.stdout)
			require.Contains(t, stderr.String(), test.stderr)
		})
	}
}
