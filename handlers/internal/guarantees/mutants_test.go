package guarantees_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A mutant is a defect of the library.
type mutant struct{ name, file, before, after string }

const module = "../../.."

func mutants(t *testing.T) []mutant {
	t.Helper()
	text, err := os.ReadFile("testdata/mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []mutant
	for i, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		if i == 0 {
			continue // what the file is
		}
		lines := strings.Split(block, "\n")
		if len(lines) != 4 || !strings.HasPrefix(lines[2], "- ") || !strings.HasPrefix(lines[3], "+ ") {
			t.Fatalf("testdata/mutants.txt: want a name, a file, a - line and a + line, have\n%s", block)
		}
		all = append(all, mutant{lines[0], lines[1], lines[2][2:], lines[3][2:]})
	}
	return all
}

// source returns the file with the defect.
func (m mutant) source(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, m.file))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.before); n != 1 {
		t.Fatalf("%s: %q stands in %s %d times, want once: testdata/mutants.txt must follow", m.name, m.before, m.file, n)
	}
	return strings.Replace(string(text), m.before, m.after, 1)
}

// TestMutantsFit keeps the list of mutants up to date; .ci/mutants tries them.
func TestMutantsFit(t *testing.T) {
	all := mutants(t)
	if len(all) < 10 {
		t.Errorf("%d mutants, want at least 10", len(all))
	}
	for _, m := range all {
		m.source(t)
	}
}
