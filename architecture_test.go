package tensorbayjobs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/graviti-ai/tensorbay-jobs-go"

// directions lists the packages of the module that each package may import.
var directions = map[string][]string{
	"/polling":    {},
	"/gen":        {},
	"/gen/server": {},

	"/internal/redact":    {},
	"/internal/ratelimit": {},
	"/internal/wire":      {"/internal/redact"},
	"/internal/transport": {"/internal/ratelimit", "/internal/redact", "/internal/wire"},
	"/internal/pager":     {"/internal/wire"},
	"/internal/content":   {"/gen", "/internal/redact", "/internal/transport", "/internal/wire"},
	"/internal/watcher":   {"/internal/ratelimit", "/polling"},

	"/jobs": {
		"/gen", "/internal/content", "/internal/pager", "/internal/ratelimit", "/internal/redact", "/internal/transport",
		"/internal/watcher", "/internal/wire", "/polling",
	},
	"/jobs/download": {"/internal/content", "/internal/redact", "/jobs"},

	"/internal/contract":         {""},
	"/internal/reference":        {},
	"/internal/reference/render": {"/internal/contract", "/internal/reference"},
	"/internal/seed":             {"/internal/contract"},
	"/internal/emulator":         {"", "/gen/server", "/internal/contract", "/internal/reference", "/internal/seed"},
	"/internal/upload":           {"/internal/emulator", "/internal/seed"},
	"/jobs/jobstest":             {"", "/gen/server", "/internal/emulator", "/internal/seed", "/internal/upload"},

	"/cmd/tensorbay-jobs": {
		"/cmd/tensorbay-jobs/internal/progress", "/cmd/tensorbay-jobs/internal/where", "/jobs", "/jobs/download", "/jobs/jobstest", "/polling",
	},
	"/cmd/tensorbay-jobs/internal/progress": {"/jobs"},
	"/cmd/tensorbay-jobs/internal/where":    {"/jobs"},

	"/examples/downloading": {"/jobs", "/jobs/download"},
	"/examples/failures":    {"/jobs"},
	"/examples/first":       {"/jobs"},
	"/examples/merging":     {"/jobs"},
	"/examples/migrating":   {"/jobs"},
	"/examples/resuming":    {"/jobs"},
	"/examples/searching":   {"/jobs"},
	"/examples/waiting":     {"/jobs"},
	"":                      {},
}

// filesOfJobs lists the files of package jobs from low to high: a file should call functions
// of its own file and of files before it.
var filesOfJobs = []string{
	"doc.go", "values.go", "errors.go", "options.go", "client.go", "dataset.go", "draft.go",
	"data.go", "label.go", "contents.go", "filter.go", "snapshot.go", "job.go", "source.go", "wait.go", "wait_all.go",
	"jobs.go", "create.go", "squash_and_merge.go", "basic_search.go",
}

// callsUp is the highest number of calls in package jobs that may run from a file to a higher
// one.
const callsUp = 12

func TestPackages_ImportInOneDirection(t *testing.T) {
	for path, imports := range goList(t, "./...") {
		path = strings.TrimPrefix(path, module)
		allowed, known := directions[path]
		if !assert.True(t, known, "package %q is new: add it to directions and to docs/design.md", path) {
			continue
		}
		for _, imported := range imports {
			if of, ok := strings.CutPrefix(imported, module); ok {
				assert.Contains(t, allowed, of, "%s imports %s", path, of)
			}
		}
	}
}

func TestJobs_CallsRunDown(t *testing.T) {
	fset, files, info := typeCheck(t, "./jobs")
	position := func(at token.Pos) int {
		name := filepath.Base(fset.Position(at).Filename)
		i := slices.Index(filesOfJobs, name)
		require.GreaterOrEqual(t, i, 0, "file %s is new: add it to filesOfJobs", name)
		return i
	}
	require.Len(t, files, len(filesOfJobs))
	var up []string
	total := 0
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			called, ok := info.Uses[id].(*types.Func)
			if !ok || called.Pkg() == nil || called.Pkg().Path() != module+"/jobs" {
				return true
			}
			if from, to := position(id.Pos()), position(called.Origin().Pos()); from != to {
				if total++; from < to {
					up = append(up, fmt.Sprintf("%s calls %s", fset.Position(id.Pos()), called.FullName()))
				}
			}
			return true
		})
	}
	t.Logf("%d of %d calls between files run up", len(up), total)
	assert.LessOrEqual(t, len(up), callsUp, strings.Join(up, "\n"))
	assert.Greater(t, total, 100, "the calls were not found")
}

type listed struct {
	ImportPath, Dir, Export string
	Imports, GoFiles        []string
}

func list(t *testing.T, args ...string) (packages []listed) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...).Output()
	require.NoError(t, err)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			require.NoError(t, err)
		}
		packages = append(packages, p)
	}
}

func goList(t *testing.T, pattern string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	for _, p := range list(t, pattern) {
		imports[p.ImportPath] = p.Imports
	}
	return imports
}

// typeCheck parses and checks a package; its imports come from the build cache.
func typeCheck(t *testing.T, pattern string) (*token.FileSet, []*ast.File, *types.Info) {
	t.Helper()
	fset, exports := token.NewFileSet(), map[string]string{}
	var files []*ast.File
	packages := list(t, "-export", "-deps", pattern)
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	of := packages[len(packages)-1] // -deps lists it last
	for _, name := range of.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(of.Dir, name), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	_, err := config.Check(of.ImportPath, fset, files, info)
	require.NoError(t, err)
	return fset, files, info
}

// maxUnused is how much of gen.go may be out of reach of the client, in percent of its
// lines.
const maxUnused = 5.0

func TestGen_HoldsWhatJobsUses(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "gen/gen.go", nil, parser.ParseComments)
	require.NoError(t, err)
	declarations := map[string][]ast.Node{} // by name; methods by the name of their type
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = strings.TrimLeft(types.ExprString(d.Recv.List[0].Type), "*")
			}
			declarations[name] = append(declarations[name], d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok {
					declarations[s.Name.Name] = append(declarations[s.Name.Name], d)
				}
			}
		}
	}
	used := map[string]bool{}
	var reach func(name string)
	reach = func(name string) {
		if used[name] || declarations[name] == nil {
			return
		}
		used[name] = true
		for _, d := range declarations[name] {
			ast.Inspect(d, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					reach(id.Name)
				}
				return true
			})
		}
	}
	for _, dir := range []string{"./jobs", "./internal/content"} {
		_, files, _ := typeCheck(t, dir)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && types.ExprString(s.X) == "gen" {
					reach(s.Sel.Name)
				}
				return true
			})
		}
	}
	total, unused := 0, 0
	var names []string
	for name, nodes := range declarations {
		for _, d := range nodes {
			lines := fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1
			total += lines
			if !used[name] {
				unused += lines
				names = append(names, fmt.Sprintf("%s: %d lines", name, lines))
			}
		}
	}
	slices.Sort(names)
	percent := 100 * float64(unused) / float64(total)
	t.Logf("%.1f %% of %d lines", percent, total)
	assert.LessOrEqual(t, percent, maxUnused, strings.Join(names, "\n"))
	assert.Greater(t, total, 500, "the declarations were not found")
}
