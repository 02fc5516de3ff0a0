package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A fence is the relation of fence.txt.
type fence struct {
	groups map[string][]string        // name of several packages
	below  map[string]map[string]bool // package -> what is directly below it
}

func parseFence(lines []string) (*fence, error) {
	f := &fence{groups: make(map[string][]string), below: make(map[string]map[string]bool)}
	for _, line := range lines {
		if name, list, ok := strings.Cut(line, ":"); ok {
			if f.groups[name] != nil {
				return nil, fmt.Errorf("%q: the name is there twice", line)
			}
			f.groups[name] = split(list)
			for _, p := range f.groups[name] {
				f.declare(p)
			}
			continue
		}
		var lower []string
		for side := range strings.SplitSeq(line, "<") {
			var upper []string
			for _, name := range split(side) {
				if group := f.groups[name]; group != nil {
					upper = append(upper, group...)
				} else {
					upper = append(upper, name)
				}
			}
			if len(upper) == 0 {
				return nil, fmt.Errorf("%q: a side of < is empty", line)
			}
			for _, u := range upper {
				f.declare(u)
				for _, l := range lower {
					f.below[u][l] = true
				}
			}
			lower = upper
		}
	}
	for p := range f.below {
		if f.allowed(p)[p] {
			return nil, fmt.Errorf("%s is below itself", p)
		}
	}
	return f, nil
}

func (f *fence) declare(p string) {
	if f.below[p] == nil {
		f.below[p] = make(map[string]bool)
	}
}

// allowed returns all that p may import.
func (f *fence) allowed(p string) map[string]bool {
	all := make(map[string]bool)
	var add func(string)
	add = func(p string) {
		for l := range f.below[p] {
			if !all[l] {
				all[l] = true
				add(l)
			}
		}
	}
	add(p)
	return all
}

// own reports whether a name of the fence is a package of ours.
func own(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".")
}

// A pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Name       string
	Standard   bool
	GoFiles    []string
	Imports    []string
	Deps       []string
}

// check returns what pkgs do against the fence.
func (f *fence) check(pkgs []pkg) error {
	var errs []error
	exists := make(map[string]bool)
	for _, p := range pkgs {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if len(p.GoFiles) == 0 {
			continue // tests alone, or nothing
		}
		exists[name] = true
		if f.below[name] == nil {
			errs = append(errs, fmt.Errorf("package %s is not in fence.txt: say there what it may import", name))
			continue
		}
		allowed := f.allowed(name)
		for _, path := range p.Imports {
			path, ours := strings.CutPrefix(path, module+"/")
			if !ours && own(path) {
				continue // the standard library: its first part has no dot either
			}
			if !allowed[path] {
				errs = append(errs, fmt.Errorf("%s imports %s, which fence.txt does not allow", name, path))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.below)) {
		if own(name) && !exists[name] {
			errs = append(errs, fmt.Errorf("fence.txt names %s, and there is no such package: has it moved?", name))
		}
	}
	return errors.Join(errs...)
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	// With -e: what does not compile is for the compiler to say.
	out := gocmd(t, root, append([]string{"list", "-e", "-json=ImportPath,Name,Standard,GoFiles,Imports,Deps"}, args...)...)
	var pkgs []pkg
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestFence(t *testing.T) {
	f, err := parseFence(read(t, "fence.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.check(list(t, "./...")); err != nil {
		t.Error(err)
	}
}

func TestFenceItself(t *testing.T) {
	f, err := parseFence([]string{"third: example.com/x, example.com/y", "internal/low", "third, internal/low < core < kind, other", "core < kind"})
	if err != nil {
		t.Fatal(err)
	}
	whole := func(change func(map[string][]string)) []pkg {
		imports := map[string][]string{"internal/low": {"fmt"}, "core": {"example.com/x", module + "/internal/low"}, "kind": {module + "/core", "example.com/y", "encoding/json"}, "other": nil}
		change(imports)
		var pkgs []pkg
		for _, name := range slices.Sorted(maps.Keys(imports)) {
			pkgs = append(pkgs, pkg{ImportPath: module + "/" + name, GoFiles: []string{"x.go"}, Imports: imports[name]})
		}
		return pkgs
	}
	cases := []struct {
		reason string
		change func(map[string][]string)
		want   string // the whole error
	}{
		{"allowed directly and by way of others", func(map[string][]string) {}, ""},
		{"upward", func(m map[string][]string) { m["core"] = []string{module + "/kind"} }, "core imports kind, which fence.txt does not allow"},
		{"sideways", func(m map[string][]string) { m["kind"] = []string{module + "/other"} }, "kind imports other, which fence.txt does not allow"},
		{"a foreign package that is not named", func(m map[string][]string) { m["kind"] = []string{"example.com/x/sub"} }, "kind imports example.com/x/sub, which fence.txt does not allow"},
		{"a new package", func(m map[string][]string) { m["new"] = nil }, "package new is not in fence.txt: say there what it may import"},
		{"a package that is gone", func(m map[string][]string) { delete(m, "other") }, "fence.txt names other, and there is no such package: has it moved?"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			got := ""
			if err := f.check(whole(c.change)); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("check = %q, want %q", got, c.want)
			}
		})
	}
	for _, wrong := range [][]string{{"a < b", "b < a"}, {"a <"}, {"g: a", "g: b"}} {
		if _, err := parseFence(wrong); err == nil {
			t.Errorf("parseFence(%q) accepts it", wrong)
		}
	}
}

func TestLinks(t *testing.T) {
	for _, line := range read(t, "never.txt") {
		name, forbidden, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("never.txt: %q: want package: prefixes", line)
		}
		for _, p := range list(t, "./"+name) {
			if len(p.GoFiles) == 0 {
				t.Errorf("never.txt names %s, and there is no such package: has it moved?", name)
			}
			for _, dep := range p.Deps {
				for _, prefix := range split(forbidden) {
					if dep == prefix || strings.HasPrefix(dep, prefix+"/") {
						t.Errorf("%s links %s: see go list -deps, and never.txt for why not", name, dep)
					}
				}
			}
		}
	}
}
