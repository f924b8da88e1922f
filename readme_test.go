package tensorbayjobs_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// The Go code in the README must equal files that are compiled and tested.
func TestReadme_CodeEqualsExamples(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1) {
		blocks = append(blocks, string(match[1]))
	}
	var files []string
	for _, path := range []string{"examples/first/main.go", "examples/merging/merge_test.go"} {
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		files = append(files, string(file))
	}
	require.Equal(t, files, blocks)
}

func TestFirstProgram_MergesBranch(t *testing.T) {
	server, err := jobstest.NewServer(jobstest.WithListener("127.0.0.1:0"))
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	program := exec.CommandContext(t.Context(), "go", "run", "./examples/first")
	program.Env = append(os.Environ(), "TENSORBAY_URL="+server.URL(), "TENSORBAY_ACCESS_KEY="+server.AccessKey())
	var stderr bytes.Buffer
	program.Stderr = &stderr
	stdout, err := program.Output()
	require.NoError(t, err, stderr.String())
	require.Equal(t, "branch dev is merged into draft 1\n", string(stdout))
}
