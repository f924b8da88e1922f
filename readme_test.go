package tensorbayjobs_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// The programs in the README are files, so that they compile and run.
func TestReadmeShowsWhatIsThere(t *testing.T) {
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
	require.LessOrEqual(t, strings.Count(blocks[0], "\n"), 25, "lines of the first program")
}

func TestFirstProgram(t *testing.T) {
	server, err := jobstest.NewServer(jobstest.WithListener("127.0.0.1:0"))
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	program := exec.CommandContext(t.Context(), "go", "run", "./examples/first")
	program.Env = append(os.Environ(), "TENSORBAY_URL="+server.URL(), "TENSORBAY_ACCESS_KEY="+server.AccessKey())
	output, err := program.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Contains(t, string(output), "branch dev is merged into draft 1\n")
}
