package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestResult_ChecksTheSegmentsBeforeItReplacesAFile(t *testing.T) {
	startServer(t, jobstest.WithQueuing(0), jobstest.WithProcessing(0))
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), []string{"search", "street-scenes", "--where", "segment in (val-night)"}, nil, &stdout, &stderr), stderr.String())
	file := filepath.Join(t.TempDir(), "boxes.csv")
	require.NoError(t, os.WriteFile(file, []byte("earlier"), 0o600))
	csv := []string{"result", "street-scenes", "latest", "--csv", file, "--segment", "val-night"}
	require.Equal(t, exitUsage, run(t.Context(), append(csv, "--segment", "none"), nil, &stdout, &stderr))
	require.Contains(t, stderr.String(), `the result has no segment "none"`)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "earlier", string(text))
	require.Equal(t, 0, run(t.Context(), csv, nil, &stdout, &stderr), stderr.String())
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 200, bytes.Count(text, []byte("\n")))
}
