package regenerate

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	inTypeScript = "cd interop/typescript && "
	inPython     = "cd interop/python && python3 -m unittest test_conformance"
	lint         = inTypeScript + "npm run --silent lint"
	build        = inTypeScript + "npm run --silent build"
)

// TestGates_Bite checks that each gate of CI fails for a mistake, in a copy of the repository.
// It takes minutes, so it runs only if GATES is set. It needs the packages that make interop
// installs.
func TestGates_Bite(t *testing.T) {
	if os.Getenv("GATES") == "" {
		t.Skip("GATES is not set")
	}
	dir := filepath.Join(t.TempDir(), "scratch")
	modules, err := filepath.Abs(filepath.Join(root, "interop/typescript/node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	const strategy = "              enum: [abort, override, skip]\n"
	const newField = "        priority: {type: integer, description: The priority.}\n    JobList:\n"
	const newKind = `"readings": [{"name": "x", "of": "unknownKind", "body": {}, "want": {}},`
	for _, gate := range []struct{ name, file, before, after, command string }{
		{"generated code", "openapi.yaml", "    JobList:\n", newField, "make generate-check"},
		{"redocly", "openapi.yaml", "      summary: Read one dataset\n", "", lint},
		{"spectral", "openapi.yaml", "      tags: [contents]\n", "      tags: [content]\n", lint},
		{"examples", "openapi.yaml", "name: street-scenes, type: 0}", "name: street-scenes, type: zero}", "go test ./internal/contract"},
		{"closed requests", "openapi.yaml", "      description: Compares the size.\n      additionalProperties: false\n", "      description: Compares the size.\n", "go test ./internal/contract"},
		{"mistakes in Go", "openapi.yaml", strategy, "", "go test ./internal/contract"},
		{"mistakes in TypeScript", "openapi.yaml", strategy, "", build},
		{"oasdiff", "openapi.yaml", "            default: OPEN\n          example: ALL\n", "            default: OPEN\n          required: true\n          example: ALL\n", "make api-check"},
		{"oasdiff of a schema", "openapi.yaml", "    NewJobTitle: ", "    NewTitleOfJob: ", "sed -i 's/NewJobTitle/NewTitleOfJob/' openapi.yaml && make api-check"},
		{"apidiff", "jobs/snapshot.go", ") GoString() string", ") Text() string", "make api-check"},
		{"constants of jobs", "openapi.yaml", "x-extensible-enum: [LIDAR,", "x-extensible-enum: [SONAR, LIDAR,", "go test ./jobs -run TestConstants"},
		{"constants of the emulator", "internal/emulator/merge.go", `strategySkip     = "skip"`, `strategySkip     = "keep"`, "go test ./internal/emulator -run TestConstants"},
		{"a field of a job", "openapi.yaml", "    JobList:\n", newField, "make generate && go test ./jobs -run TestSnapshot"},
		{"a field of a sensor", "openapi.yaml", "        extrinsics: {", "        serial: {type: string}\n        extrinsics: {", "go test ./jobs -run TestTypes"},
		{"finished statuses", "jobs/snapshot.go", "return s == StatusSuccess ||", "return s != StatusQueuing && s != StatusProcessing ||", "go test ./jobs -run TestStatusFinished"},
		{"a newer service", "jobs/snapshot.go", "return s == StatusSuccess ||", "return s != StatusQueuing && s != StatusProcessing ||", "go test ./jobs -run TestNewerService"},
		{"idempotence", "openapi.yaml", "operationId: abortJob\n      x-idempotent: true", "operationId: abortJob\n      x-idempotent: false", "go test ./internal/transport -run TestOperations"},
		{"unused generated code", "gen/gen.go", "// SearchFilter One", "type Unused struct {" + strings.Repeat("\n", 100) + "}\n\n// SearchFilter One", "go test . -run TestGen_"},
		{"fixtures in Go", "testdata/conformance/readings.json", `"readings": [`, newKind, "go test ./jobs -run TestConformance"},
		{"fixtures in TypeScript", "testdata/conformance/readings.json", `"readings": [`, newKind, build + " && node --test dist/test/conformance.test.js"},
		{"fixtures in Python", "testdata/conformance/readings.json", `"readings": [`, newKind, inPython},
		{"the reference", "internal/reference/page.html", "{{template \"values\" .}}\n", "\n", "go test ./internal/reference"},
		{"a third job type", "interop/regenerate/regenerate_test.go", "maxJobType = 120", "maxJobType = 100", "git init -q && git add -A && cd interop/regenerate && go test -run 'TestDocument_WorksAsWritten/A_new_job_type' ."},
	} {
		t.Run(gate.name, func(t *testing.T) {
			copyTo(t, dir)
			if err := os.Symlink(modules, filepath.Join(dir, "interop/typescript/node_modules")); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, gate.file)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), gate.before) {
				t.Fatalf("%s does not contain %q", gate.file, gate.before)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), gate.before, gate.after, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), "bash", "-c", gate.command)
			command.Dir = dir
			out, err := command.CombinedOutput()
			if err == nil {
				t.Fatalf("%s accepts the mistake\n%s", gate.command, out)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			t.Logf("%s: %s", gate.command, strings.Join(lines[max(0, len(lines)-6):], "\n"))
		})
	}
}
