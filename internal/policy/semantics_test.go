package policy

import (
	"errors"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestEachRuleHasItsTest(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rules(string(text))
	if err != nil {
		t.Errorf("docs/semantics.md:\n%v", err)
	}
	if err := judge(rows, testsOf(t)); err != nil {
		t.Errorf("docs/semantics.md:\n%v", err)
	}
}

// testsOf returns the tests of all modules, and the rules that they cite.
func testsOf(t *testing.T) citations {
	t.Helper()
	packages := make(map[string]map[string]string)
	for _, file := range files(t, func(path string) bool { return strings.HasSuffix(path, "_test.go") }) {
		dir := path.Dir(file)
		text, err := os.ReadFile(root + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if packages[dir] == nil {
			packages[dir] = make(map[string]string)
		}
		packages[dir][file] = string(text)
	}
	c := make(citations)
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if err := c.add(packages[dir]); err != nil {
			t.Fatal(err)
		}
	}
	for id := range c {
		if path.Dir(id.file) == "internal/policy" {
			clear(c[id]) // its samples cite rules of nobody
		}
	}
	return c
}

func TestJudge(t *testing.T) {
	tests := citations{}
	err := tests.add(map[string]string{
		"a/a_test.go": `package a

var cases = []struct{ rule, reason string }{
	{rule: "B3.1", reason: "in a field"},
	{"B3.2", "in the first column"},
}

func TestTable(t *testing.T) { each(t) }

func each(t *testing.T) { _ = cases }

// Rule B9: in the comment above.
func TestComment(t *testing.T) {
	// Rules C1.1, C1.2 and C1.3
	other()
}

func (s suite) other() {
	// Rule K12
}

func TestPlain(t *testing.T) { TestTable(t) /* see A2 for more */ }
`,
	})
	if err != nil {
		t.Fatal(err)
	}
	const head = "# Rules\n\n| not | this |\n|---|---|\n| a | b |\n\n| Rule | in our words | Test |\n| --- | :---: | --- |\n"
	whole := map[string]string{
		"B3.1": "| B3.1 | a \\| b | [TestTable](../a/a_test.go) |",
		"B3.2": "| `B3.2` | x | `TestTable`/sub |",
		"B9":   "| B9 | x | TestPlain, TestComment |",
		"C1":   "| C1.1 | x | TestComment |\n| C1.2 | x | TestComment |\n| C1.3 | x | TestComment |",
		"K12":  "| K12 | x | TestComment |",
	}
	cases := []struct {
		reason, change, to string
		want               string
	}{
		{"all is well", "", "", ""},
		{"no test in the row", "K12", "| K12 | x | |", "line 15: rule K12 names no test"},
		{"a test that is none", "K12", "| K12 | x | TestComment, TestGone |", "line 15: rule K12 names TestGone, which is no test"},
		{"a test of another file", "K12", "| K12 | x | [`TestComment`/sub](../b/a_test.go#L1) |", "line 15: rule K12 names [TestComment](../b/a_test.go), which is no test"},
		{"a test that does not cite it", "K12", "| K12 | x | TestPlain |", "line 15: rule K12: none of TestPlain cites it by // Rule K12 or rule: \"K12\"; it is cited by [TestComment](../a/a_test.go)"},
		{"a rule that nobody cites", "K12", "| K12 | x | TestComment |\n| K13 | x | TestComment |", "line 16: rule K13: none of TestComment cites it by // Rule K13 or rule: \"K13\"; no test cites it"},
		{"a rule twice", "K12", "| K12 | x | TestComment |\n| K12 | x | TestComment |", "line 16: rule K12 is on line 15 already"},
		{"a cited rule without a row", "B9", "", "a test cites rule B9, which has no row: | B9 | ... | [TestComment](../a/a_test.go) |"},
		{"no words", "K12", "| K12 | | TestComment |", "line 15: rule K12 has no words"},
		{"no number", "K12", "| K12 | x | TestComment |\n| Z1 | x | TestComment |", "line 16: \"Z1\" is no rule's number"},
		{"a bar in the text", "K12", "| K12 | x | TestComment |\n| K1 | x | y | TestComment |", "line 16: 4 cells, want 3"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			text := head
			for _, id := range slices.Sorted(maps.Keys(whole)) {
				row := whole[id]
				if id == c.change {
					row = c.to
				}
				if row != "" {
					text += row + "\n"
				}
			}
			rows, err := rules(text)
			err = errors.Join(err, judge(rows, tests))
			switch {
			case err == nil && c.want == "":
			case err == nil || c.want == "" || !strings.Contains(err.Error(), c.want):
				t.Errorf("judge = %v, want %q", err, c.want)
			}
		})
	}
	if _, err := rules("| rule | test |\n"); err == nil {
		t.Error("a page without rules is fine")
	}
}
