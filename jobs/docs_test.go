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

// TestDocs_ListEverySentinelAndErrorType finds every sentinel and every error type of the
// package in docs/errors.md, and in the table of this package's tests.
func TestDocs_ListEverySentinelAndErrorType(t *testing.T) {
	text, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	exported := map[string]bool{}
	for _, file := range sources(t) {
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
					of := d.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name
					if ast.IsExported(of) {
						assert.Contains(t, string(text), "| `*"+of+"` |")
					}
				}
			}
		}
	}
	assert.Len(t, exported, len(sentinels))
}

var testInText = regexp.MustCompile("`((?:Test|Fuzz|Example)[A-Z]\\w*)`")

// TestDocs_NameExistingTests holds that each is there, in one of the packages.
func TestDocs_NameExistingTests(t *testing.T) {
	there := map[string]bool{}
	for _, dir := range []string{".", "jobstest", "../polling", "../cmd/tensorbay-jobs", "../interop/tcp"} {
		paths, err := filepath.Glob(dir + "/*_test.go")
		require.NoError(t, err)
		for _, path := range paths {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			require.NoError(t, err)
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
					there[f.Name.Name] = true
				}
			}
		}
	}
	for path, least := range map[string]int{"../SECURITY.md": 30, "../docs/errors.md": 15, "../docs/design.md": 1} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		names := testInText.FindAllStringSubmatch(string(text), -1)
		assert.GreaterOrEqual(t, len(names), least, path)
		for _, m := range names {
			assert.True(t, there[m[1]], "%s names %s, which is not there", path, m[1])
		}
	}
	// A promise without a test is none.
	text, err := os.ReadFile("../SECURITY.md")
	require.NoError(t, err)
	promises, listed := 0, false
	for line := range strings.SplitSeq(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "| promise |"):
			listed = true
		case !strings.HasPrefix(line, "|"):
			listed = false
		case listed && !strings.HasPrefix(line, "| ---"):
			promises++
			assert.Regexp(t, testInText, line)
		}
	}
	assert.Greater(t, promises, 20)
}
