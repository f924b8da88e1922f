package jobs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocs_ListEverySentinelAndErrorType checks that docs/errors.md lists all
// sentinels and error types of the package, and that sentinels does.
func TestDocs_ListEverySentinelAndErrorType(t *testing.T) {
	text, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	exported := map[string]bool{}
	for _, file := range sourceFiles(t) {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, name := range v.Names {
							if strings.HasPrefix(name.Name, "Err") {
								exported[name.Name] = true
								assert.Contains(t, sentinels, name.Name)
								assert.Contains(t, string(text), "| `"+name.Name+"` |")
							}
						}
					}
				}
			case *ast.FuncDecl:
				if d.Recv != nil && d.Name.Name == "Error" {
					receiver := d.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name
					if ast.IsExported(receiver) {
						assert.Contains(t, string(text), "| `*"+receiver+"` |")
					}
				}
			}
		}
	}
	assert.Len(t, exported, len(sentinels))
}

// testInText matches the name of a test in a document.
var testInText = regexp.MustCompile("`((?:Test|Fuzz|Example)[A-Z]\\w*)`")

// TestDocs_NameExistingTests checks that the tests named in documents exist, and
// that each promise of SECURITY.md names one.
func TestDocs_NameExistingTests(t *testing.T) {
	exists := map[string]bool{}
	for _, dir := range []string{".", "download", "jobstest", "../polling", "../internal/*", "../cmd/tensorbay-jobs", "../interop/tcp"} {
		paths, err := filepath.Glob(dir + "/*_test.go")
		require.NoError(t, err)
		for _, path := range paths {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			require.NoError(t, err)
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
					exists[f.Name.Name] = true
				}
			}
		}
	}
	for path, atLeast := range map[string]int{"../SECURITY.md": 30, "../docs/errors.md": 15, "../docs/design.md": 1} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		names := testInText.FindAllStringSubmatch(string(text), -1)
		assert.GreaterOrEqual(t, len(names), atLeast, path)
		for _, m := range names {
			assert.True(t, exists[m[1]], "%s names %s, which does not exist", path, m[1])
		}
	}
	text, err := os.ReadFile("../SECURITY.md")
	require.NoError(t, err)
	promises, inTable := 0, false
	for line := range strings.SplitSeq(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "| promise |"):
			inTable = true
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case inTable && !strings.HasPrefix(line, "| ---"):
			promises++
			assert.Regexp(t, testInText, line)
		}
	}
	assert.Greater(t, promises, 20)
}
