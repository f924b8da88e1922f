package tensorbayjobs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each export of a public package has a doc comment or an example.
func TestDocs_EveryExportIsDocumented(t *testing.T) {
	for _, dir := range []string{"jobs", "jobs/download", "jobs/jobstest", "polling"} {
		fset := token.NewFileSet()
		paths, err := filepath.Glob(dir + "/*.go")
		require.NoError(t, err)
		var files []*ast.File
		for _, path := range paths {
			file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
			require.NoError(t, err)
			files = append(files, file)
		}
		p, err := doc.NewFromFiles(fset, files, module+"/"+dir)
		require.NoError(t, err)
		checked := 0
		check := func(name, text string, examples []*doc.Example) {
			checked++
			assert.True(t, text != "" || len(examples) > 0, "%s.%s has neither a doc comment nor an example", dir, name)
		}
		funcs := func(receiver string, all []*doc.Func) {
			for _, f := range all {
				check(receiver+f.Name, f.Doc, f.Examples)
			}
		}
		values := func(all []*doc.Value) {
			for _, v := range all {
				for _, spec := range v.Decl.Specs { // the comment is that of the group or of each one
					spec := spec.(*ast.ValueSpec)
					check(strings.Join(v.Names, ", "), v.Doc+spec.Doc.Text()+spec.Comment.Text(), nil)
				}
			}
		}
		check("package", p.Doc, p.Examples)
		funcs("", p.Funcs)
		values(append(p.Consts, p.Vars...))
		for _, typ := range p.Types {
			check(typ.Name, typ.Doc, typ.Examples)
			funcs("", typ.Funcs)
			funcs(typ.Name+".", typ.Methods)
			values(append(typ.Consts, typ.Vars...))
		}
		assert.Greater(t, checked, 5, dir)
	}
}
