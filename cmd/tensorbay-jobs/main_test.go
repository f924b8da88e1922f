package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
	testscript.Main(leakChecked{m}, map[string]func(){"tensorbay-jobs": main, "normalize": normalize})
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
