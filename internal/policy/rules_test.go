package policy

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A rule is a row of docs/semantics.md.
type rule struct {
	id    string
	tests []test // that the row names
	line  int
}

// A test is a function in a file below the root, with slashes; in a row
// without a link the file is not known and any will do.
type test struct{ file, name string }

func (t test) String() string {
	if t.file == "" {
		return t.name
	}
	return "[" + t.name + "](../" + t.file + ")" // from docs/
}

var (
	ruleID     = regexp.MustCompile(`^[A-K]\d*(\.\d+)?$`)
	linkedTest = regexp.MustCompile("\\[`?((?:Test|Fuzz|Example|Benchmark)[A-Za-z0-9_]*)[^\\]]*\\]\\(([^)#]+)[^)]*\\)")
	testName   = regexp.MustCompile(`\b(?:Test|Fuzz|Example|Benchmark)[A-Za-z0-9_]*\b`)

	// A citation, in the text of a test: "// Rule B3.1", "// Rules B3.1 and
	// B3.2", the field rule: "B3.1", or a row of a table that begins with it.
	citedInComment = regexp.MustCompile(`\bRules?:? +([A-K]\d*(?:\.\d+)?(?:(?:, | and |, and )[A-K]\d*(?:\.\d+)?)*)\b`)
	citedInField   = regexp.MustCompile(`\brules?: *(?:\[\]string\{)?((?:"[^"]*",? *)+)`)
	citedInRow     = regexp.MustCompile(`\{\s*"([A-K]\d+\.\d+)",`)
	oneRule        = regexp.MustCompile(`\b[A-K]\d*(?:\.\d+)?\b`)
)

// rules reads the rows of all tables whose first column is headed "rule" and
// whose last is headed "test".
func rules(text string) ([]rule, error) {
	var found []rule
	var errs []error
	inTable := false
	n := 0
	for line := range strings.Lines(text) {
		n++
		cells, ok := tableRow(line)
		switch {
		case !ok:
			inTable = false
		case strings.EqualFold(cells[0], "rule") && strings.EqualFold(cells[len(cells)-1], "test"):
			inTable = true
		case !inTable || strings.Trim(cells[0], ":-") == "":
		case len(cells) != 3:
			errs = append(errs, fmt.Errorf("line %d: %d cells, want 3: write \\| for a bar in the text", n, len(cells)))
		default:
			r := rule{id: strings.Trim(cells[0], "`* "), line: n}
			for _, match := range linkedTest.FindAllStringSubmatch(cells[2], -1) {
				r.tests = append(r.tests, test{file: path.Join("docs", match[2]), name: match[1]})
			}
			for _, name := range testName.FindAllString(linkedTest.ReplaceAllString(cells[2], ""), -1) {
				r.tests = append(r.tests, test{name: name})
			}
			switch {
			case !ruleID.MatchString(r.id):
				errs = append(errs, fmt.Errorf("line %d: %q is no rule's number", n, r.id))
			case cells[1] == "":
				errs = append(errs, fmt.Errorf("line %d: rule %s has no words", n, r.id))
			default:
				found = append(found, r)
			}
		}
	}
	if len(found) == 0 {
		errs = append(errs, errors.New("no table with the columns rule, in our words, test"))
	}
	return found, errors.Join(errs...)
}

// tableRow returns the cells of a row of a Markdown table.
func tableRow(line string) ([]string, bool) {
	line = strings.TrimSpace(line)
	if len(line) < 2 || line[0] != '|' || line[len(line)-1] != '|' {
		return nil, false
	}
	const bar = "\x00"
	line = strings.ReplaceAll(line[1:len(line)-1], `\|`, bar)
	var cells []string
	for cell := range strings.SplitSeq(line, "|") {
		cells = append(cells, strings.TrimSpace(strings.ReplaceAll(cell, bar, "|")))
	}
	return cells, true
}

// citations maps each test function to the rules that it cites, itself or
// through the declarations of its package's test files that it uses.
type citations map[test]map[string]bool

// add reads one package's test files, by name.
func (c citations) add(sources map[string]string) error {
	type decl struct {
		file  string
		cites map[string]bool
		uses  []string
	}
	decls := make(map[string]*decl)
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		text := sources[name]
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			from := d.Pos()
			if doc := docOf(d); doc != nil {
				from = doc.Pos()
			}
			found := &decl{file: name, cites: cited(text[fset.Position(from).Offset:fset.Position(d.End()).Offset])}
			ast.Inspect(d, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					found.uses = append(found.uses, id.Name)
				}
				return true
			})
			for _, name := range declared(d) {
				decls[name] = found
			}
		}
	}
	for name := range decls {
		if testName.FindString(name) != name {
			continue
		}
		id := test{file: decls[name].file, name: name}
		c[id] = make(map[string]bool)
		seen := make(map[*decl]bool)
		var follow func(*decl)
		follow = func(d *decl) {
			if d == nil || seen[d] {
				return
			}
			seen[d] = true
			maps.Copy(c[id], d.cites)
			for _, used := range d.uses {
				// A test that calls another's helper does not take its rules.
				if testName.FindString(used) != used {
					follow(decls[used])
				}
			}
		}
		follow(decls[name])
	}
	return nil
}

// cited returns the rules that a text cites.
func cited(text string) map[string]bool {
	found := make(map[string]bool)
	for _, form := range []*regexp.Regexp{citedInComment, citedInField, citedInRow} {
		for _, match := range form.FindAllStringSubmatch(text, -1) {
			for _, id := range oneRule.FindAllString(match[1], -1) {
				found[id] = true
			}
		}
	}
	return found
}

func docOf(d ast.Decl) *ast.CommentGroup {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}

// declared returns the names that a declaration makes; a method's is its own.
func declared(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return []string{d.Name.Name}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					names = append(names, name.Name)
				}
			}
		}
		return names
	}
	return nil
}

// judge compares the rules with what the tests cite.
func judge(rows []rule, c citations) error {
	var errs []error
	known := make(map[string]int)
	for _, r := range rows {
		if line, ok := known[r.id]; ok {
			errs = append(errs, fmt.Errorf("line %d: rule %s is on line %d already", r.line, r.id, line))
		}
		known[r.id] = r.line
		if len(r.tests) == 0 {
			errs = append(errs, fmt.Errorf("line %d: rule %s names no test", r.line, r.id))
			continue
		}
		citing := false
		for _, named := range r.tests {
			found := c.named(named)
			if len(found) == 0 {
				errs = append(errs, fmt.Errorf("line %d: rule %s names %v, which is no test", r.line, r.id, named))
			}
			for _, t := range found {
				citing = citing || c[t][r.id]
			}
		}
		if !citing {
			errs = append(errs, fmt.Errorf("line %d: rule %s: none of %s cites it by // Rule %s or rule: %q%s",
				r.line, r.id, join(r.tests), r.id, r.id, c.others(r.id)))
		}
	}
	missing := make(map[string]bool)
	for _, rules := range c {
		for id := range rules {
			if known[id] == 0 {
				missing[id] = true
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(missing), compareRules) {
		errs = append(errs, fmt.Errorf("a test cites rule %s, which has no row: | %s | ... | %s |", id, id, join(c.citing(id))))
	}
	return errors.Join(errs...)
}

// others says which tests cite the rule, for a row that names another.
func (c citations) others(id string) string {
	if tests := c.citing(id); len(tests) > 0 {
		return "; it is cited by " + join(tests)
	}
	return "; no test cites it"
}

// named returns the tests that a row means.
func (c citations) named(t test) []test {
	if t.file != "" {
		if c[t] == nil {
			return nil
		}
		return []test{t}
	}
	var found []test
	for other := range c {
		if other.name == t.name {
			found = append(found, other)
		}
	}
	return found
}

func (c citations) citing(id string) []test {
	var tests []test
	for t, rules := range c {
		if rules[id] {
			tests = append(tests, t)
		}
	}
	slices.SortFunc(tests, func(a, b test) int { return strings.Compare(a.file+a.name, b.file+b.name) })
	return tests
}

func join(tests []test) string {
	var names []string
	for _, t := range tests {
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}

// compareRules orders B3.2 before B3.10.
func compareRules(a, b string) int {
	key := func(id string) string {
		section, number, _ := strings.Cut(id[1:], ".")
		return fmt.Sprintf("%c%04s%04s", id[0], section, number)
	}
	return strings.Compare(key(a), key(b))
}
