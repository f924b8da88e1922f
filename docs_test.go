package tensorbayjobs_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// The code blocks of README.md, CONTRIBUTING.md and docs/*.md run in this test:
//
//	```go PATH    equals the file PATH; if it is a program of examples, it runs
//	```sh         runs, with tensorbay-jobs in the path and an embedded TensorBay
//	```text       equals the output of the program or of the commands before it
//	```yaml       is decoded
//	```python     is only shown
//
// UPDATE_DOCS=1 rewrites the blocks of Go code and of output.

// A block is a code block of a page.
type block struct {
	language, path, text string
	line                 int
	begin, end           int // of text in the page
}

var fence = regexp.MustCompile("(?ms)^`{3}(\\w+)(?: (\\S+))?\n(|.*?\n)`{3}$")

// checkedElsewhere are commands that a test cannot run, with the reason.
var checkedElsewhere = map[string]string{
	"make demo":     "a step of make ci",
	"make test":     "this test is a part of it",
	"make ci":       "this test is a part of it",
	"make lint":     "a step of make ci",
	"make generate": "a step of make ci",

	"go install ./cmd/tensorbay-jobs": "the test builds it",
}

func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	found = slices.DeleteFunc(found, func(page string) bool { return page == "docs/regenerate.md" }) // see interop/regenerate
	return append([]string{"README.md", "CONTRIBUTING.md"}, found...)
}

func blocks(text string) (all []block) {
	for _, m := range fence.FindAllStringSubmatchIndex(text, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return text[m[2*i]:m[2*i+1]]
		}
		all = append(all, block{group(1), group(2), group(3), strings.Count(text[:m[0]], "\n") + 1, m[6], m[7]})
	}
	return all
}

func TestDocs_CodeRuns(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("it builds all programs; the commands are those of a POSIX shell")
	}
	bin := t.TempDir()
	for _, args := range [][]string{{"./cmd/tensorbay-jobs"}, {"./examples/..."}} {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"build", "-o", bin + "/"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	shown := map[string]bool{}
	for _, page := range pages(t) {
		for _, b := range blocks(read(t, page)) {
			shown[b.path] = true
		}
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			text := read(t, page)
			updated := runPage(t, page, blocks(text), bin, text)
			if os.Getenv("UPDATE_DOCS") != "" && updated != text {
				require.NoError(t, os.WriteFile(page, []byte(updated), 0o644))
			}
		})
	}
	programs, err := filepath.Glob("examples/*/main.go")
	require.NoError(t, err)
	for _, path := range programs {
		assert.True(t, shown[path], "no page shows %s", path)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// runPage runs the blocks of a page and returns the page with the text of files and outputs.
func runPage(t *testing.T, page string, all []block, bin, text string) string {
	t.Helper()
	server, err := jobstest.NewServer(jobstest.WithListener("127.0.0.1:0"), jobstest.WithRuns(failAtFirst))
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	s := &shell{dir: t.TempDir(), env: append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"),
		"TENSORBAY_URL="+server.URL(), "TENSORBAY_ACCESS_KEY="+server.AccessKey(), "TZ=UTC", "TMPDIR="+t.TempDir())}
	var output string
	var commands, updated strings.Builder
	written := 0
	for _, b := range all {
		at := fmt.Sprintf("%s:%d", page, b.line)
		want := b.text
		switch b.language {
		case "go":
			want = read(t, b.path)
			assert.Equal(t, want, b.text, at)
			if name := filepath.Base(filepath.Dir(b.path)); strings.HasSuffix(b.path, "/main.go") && exists(filepath.Join(bin, name)) {
				output = s.run(t, at, name)
			}
		case "sh":
			commands.Reset()
			for line := range strings.Lines(b.text) {
				if command, _, _ := strings.Cut(line, "#"); checkedElsewhere[strings.TrimSpace(command)] == "" {
					commands.WriteString(line)
				}
			}
			output = s.run(t, at, commands.String())
		case "text":
			want = output
			assert.Equal(t, normalized(want), normalized(b.text), at)
		case "yaml":
			var v any
			assert.NoError(t, yaml.Load([]byte(b.text), &v), at)
		case "python":
		default:
			t.Errorf("%s: unknown language %q", at, b.language)
		}
		updated.WriteString(text[written:b.begin])
		if written = b.end; normalized(want) == normalized(b.text) {
			want = b.text
		}
		updated.WriteString(want)
	}
	return updated.String() + text[written:]
}

// failAtFirst lets the first run of some jobs of the examples fail, as serve --fail-jobs does.
func failAtFirst(r jobstest.RunRequest) jobstest.Run {
	run := r.Standard
	if r.Attempt == 1 && r.JobTitle == "fails at first" {
		run.Fail = "The first run fails because of --fail-jobs."
	}
	return run
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// A shell runs the commands of one page. The variables that one block exports reach the next.
type shell struct {
	dir string
	env []string
}

// run returns the standard output of commands.
func (s *shell) run(t *testing.T, at, commands string) string {
	t.Helper()
	if strings.TrimSpace(commands) == "" {
		return ""
	}
	root, err := os.Getwd()
	require.NoError(t, err)
	port := freePort(t)
	commands = strings.ReplaceAll(commands, "127.0.0.1:8080", "127.0.0.1:"+port)
	// A server in the background is ready before the next command.
	commands = regexp.MustCompile(`(?m) &$`).ReplaceAllString(commands, ` 2>/dev/null >/dev/null &
until (exec 3<>/dev/tcp/127.0.0.1/`+port+`) 2>/dev/null; do sleep 0.05; done`)
	script := `set -eu
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
go() { (cd '` + root + `' && command go "$@"); }
` + commands
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir, c.Env = s.dir, s.env
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	assert.NoError(t, err, "%s: %s%s", at, out, stderr.String())
	return string(out)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return port
}

// normalized replaces what differs from run to run.
func normalized(text string) string {
	for pattern, by := range map[string]string{
		`[0-9a-f]{32}`: "ID", `\b\d\.\ds\b`: "TIME", `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`: "DATE",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, by)
	}
	return text
}
