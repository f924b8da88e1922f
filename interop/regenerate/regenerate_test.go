package regenerate

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// maxJobType is how many lines outside gen a new job type may add, with its test.
const maxJobType = 120

// copyTo replaces a directory by a copy of the repository with uncommitted changes.
func copyTo(t *testing.T, dir string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", "-c", `git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$0"`, dir)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("copy the repository: %v\n%s", err, out)
	}
}

// run runs a command in a directory.
func run(t *testing.T, dir, stdin, name string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir, command.Stdin = dir, strings.NewReader(stdin)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
}

// block matches a diff or commands in the document.
var block = regexp.MustCompile("(?s)\n```(diff|sh)\n(.*?)```")

// addedOutsideGen counts the lines that a diff adds outside gen.
func addedOutsideGen(diff string) (n int) {
	gen := false
	for line := range strings.SplitSeq(diff, "\n") {
		if path, ok := strings.CutPrefix(line, "+++ b/"); ok {
			gen = strings.HasPrefix(path, "gen/")
		} else if strings.HasPrefix(line, "+") && !gen {
			n++
		}
	}
	return n
}

func TestDocument_WorksAsWritten(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/regenerate.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(text), "\n## ")[1:]
	walks, dir := 0, filepath.Join(t.TempDir(), "scratch") // one path for the build cache
	for _, section := range sections {
		title, body, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(title, "A new ") {
			continue
		}
		walks++
		t.Run(title, func(t *testing.T) {
			copyTo(t, dir)
			lines := 0
			for _, m := range block.FindAllStringSubmatch("\n"+body, -1) {
				if m[1] == "diff" {
					run(t, dir, m[2], "git", "apply", "-")
					lines += addedOutsideGen(m[2])
					continue
				}
				run(t, dir, m[2], "bash", "-euo", "pipefail")
			}
			t.Logf("%s: %d lines outside gen", title, lines)
			if lines == 0 || title == "A new job type" && lines > maxJobType {
				t.Errorf("%s adds %d lines outside gen, at most %d are wanted", title, lines, maxJobType)
			}
		})
	}
	if walks != 3 {
		t.Errorf("docs/regenerate.md has %d walks, 3 are wanted", walks)
	}
}

func TestServer_DoesNotDependOnProse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scratch")
	copyTo(t, dir)
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	server, client := read("gen/server/server.go"), read("gen/gen.go")
	prose := regexp.MustCompile(`(description|summary): ([A-Z])`)
	changed := prose.ReplaceAllString(read("openapi.yaml"), "$1: In other words. $2")
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "", "make", "generate")
	if read("gen/gen.go") == client {
		t.Error("gen.go has no prose: the change was not generated")
	}
	if read("gen/server/server.go") != server {
		t.Error("server.go changes with the prose of openapi.yaml")
	}
}
