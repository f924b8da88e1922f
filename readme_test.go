package tensorbayjobs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
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

// docs/design.md lists the functions between Job.Wait and the network, such as
// `jobs.Job.Wait` or `ratelimit.New`.
func TestDesign_PathNamesExistingFunctions(t *testing.T) {
	design, err := os.ReadFile("docs/design.md")
	require.NoError(t, err)
	_, path, found := strings.Cut(string(design), "## The path of Job.Wait\n")
	require.True(t, found)
	path, _, _ = strings.Cut(path, "\n## ")
	steps := regexp.MustCompile("(?m)^\\d+\\. `(\\w+)\\.(?:(\\w+)\\.)?(\\w+)`").FindAllStringSubmatch(path, -1)
	require.NotEmpty(t, steps)
	require.LessOrEqual(t, len(steps), 15)
	seen := map[string]bool{}
	for _, step := range steps {
		dir, receiver, name := step[1], step[2], step[3]
		require.False(t, seen[step[0]], step[0])
		seen[step[0]] = true
		if dir != "jobs" {
			dir = "internal/" + dir
		}
		declaration := `(?m)^func `
		if receiver != "" {
			declaration += `\(\w+ \*?` + receiver + `\) `
		}
		matches := 0
		files, err := filepath.Glob(dir + "/*.go")
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			matches += len(regexp.MustCompile(declaration+name+`\(`).FindAll(text, -1))
		}
		require.Equal(t, 1, matches, step[0])
	}
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
