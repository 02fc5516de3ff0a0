package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// mostNames is how many names a reader of package eventfx has to meet.
const mostNames = 35

func TestNames(t *testing.T) {
	names := exported(t, root+"/eventfx")
	further := read(t, "names.txt")
	design, err := os.ReadFile(root + "/docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range further {
		if !slices.Contains(names, name) {
			t.Errorf("names.txt has %s, which package eventfx does not", name)
		}
		if !strings.Contains(string(design), "`"+name+"`") {
			t.Errorf("docs/design.md has no line on `%s`, a name beyond the first %d", name, mostNames)
		}
	}
	if got := len(names) - len(further); got > mostNames {
		t.Errorf("package eventfx exports %d names beside those of names.txt, want at most %d:\n%s", got, mostNames, strings.Join(names, " "))
	}
}

// exported returns the names that go doc -short counts, and those inside its
// groups of constants and variables as well.
func exported(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	add := func(name *ast.Ident) {
		if name.IsExported() {
			names = append(names, name.Name)
		}
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil {
					add(decl.Name)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						add(spec.Name)
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							add(name)
						}
					}
				}
			}
		}
	}
	slices.Sort(names)
	return names
}
