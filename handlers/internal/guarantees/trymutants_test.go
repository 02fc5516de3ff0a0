//go:build mutants

package guarantees_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestMutants builds the library with each defect, and wants TestGuarantees to
// fail with it.
func TestMutants(t *testing.T) {
	const seeds = "1000"
	dir := t.TempDir()
	root, err := filepath.Abs(module)
	if err != nil {
		t.Fatal(err)
	}
	seedOf := regexp.MustCompile(`seed (\d+), after \d+ seeds?, with .*`)
	for _, m := range mutants(t) {
		changed, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
		list, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, m.file): changed}})
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{changed: m.source(t), overlay: string(list)} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		out, err := exec.Command("go", "test", "-count=1", "-vet=off", "-timeout=3m", "-overlay", overlay, "-run", "^TestGuarantees$", ".", "-seeds", seeds).CombinedOutput()
		text := string(out)
		found := seedOf.FindString(text)
		switch {
		case strings.Contains(text, "[build failed]"):
			t.Errorf("%s: it does not build:\n%s", m.name, text)
		case err == nil:
			t.Errorf("%s: it was NOT caught with %s seeds", m.name, seeds)
		case found == "":
			t.Errorf("%s: the test failed for another reason:\n%.2000s", m.name, text)
		default:
			t.Logf("%s: caught in %.0f s, by %s\n%s", m.name, time.Since(began).Seconds(), clip(found, 150), clip(firstLine(text), 200))
		}
	}
}

// firstLine returns the first error of a test's output.
func firstLine(out string) string {
	_, rest, _ := strings.Cut(out, ".go:")
	_, rest, _ = strings.Cut(rest, ": ")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
