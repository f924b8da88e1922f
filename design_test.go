package tensorbayjobs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
