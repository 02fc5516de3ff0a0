package policy

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/eventfx/eventfx-go"

// root is the repository's top folder, from here.
const root = "../.."

// gocmd runs the go command in dir as a user does: without our workspace.
func gocmd(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// read returns the lines of a file without comments and empty lines.
func read(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// files returns the paths below the root, with slashes, of the files for which
// keep is true. Folders that are not ours to judge are left out.
func files(t *testing.T, keep func(path string) bool) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules"):
			return fs.SkipDir
		case !d.IsDir() && keep(path):
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Each fuzz target begins with what earlier runs found.
func TestEachFuzzTargetHasItsCorpus(t *testing.T) {
	targets := 0
	for id := range testsOf(t) {
		if !strings.HasPrefix(id.name, "Fuzz") {
			continue
		}
		targets++
		corpus := path.Join(path.Dir(id.file), "testdata", "fuzz", id.name)
		if entries, err := os.ReadDir(path.Join(root, corpus)); err != nil || len(entries) == 0 {
			t.Errorf("%s: %s has no entry: commit some that a long run found", id.file, corpus)
		}
	}
	if targets == 0 {
		t.Error("there is no fuzz target")
	}
}

func markdown(t *testing.T) []string {
	return files(t, func(path string) bool { return strings.HasSuffix(path, ".md") })
}

// split separates a list by commas.
func split(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func TestWorkspaceJoinsEveryModule(t *testing.T) {
	var modules, used []string
	for _, path := range files(t, func(path string) bool { return filepath.Base(path) == "go.mod" }) {
		modules = append(modules, filepath.ToSlash(filepath.Dir(path)))
	}
	for _, line := range read(t, root+"/go.work") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "use"))
		if strings.HasPrefix(line, ".") {
			used = append(used, filepath.ToSlash(filepath.Clean(line)))
		}
	}
	slices.Sort(modules)
	slices.Sort(used)
	if !slices.Equal(modules, used) {
		t.Errorf("go.work uses %q, the modules are %q; those in testdata are fixtures and stay out", used, modules)
	}
}
