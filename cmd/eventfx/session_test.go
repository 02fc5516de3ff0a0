package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSessions runs the sessions that docs/command.md shows. A line that begins
// with "$ " is a command, and what follows is all that it prints, on both
// outputs; files that it writes are there for the next one.
func TestSessions(t *testing.T) {
	files, err := filepath.Glob("testdata/session/*.txt")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d sessions, %v", len(files), err)
	}
	functions, err := buildFunctions()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/session/files")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(functions, "ship"), filepath.Join(dir, "ship")); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for line := range strings.Lines(string(text)) {
				command, ok := strings.CutPrefix(line, "$ ")
				if !ok {
					continue
				}
				got.WriteString(line)
				cmd := exec.Command("sh", "-c", command)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				// A failure of eventfx is part of what is shown.
				if exit := cmd.ProcessState; exit == nil || exit.ExitCode() > exitUsage {
					t.Fatalf("%s: %v\n%s", command, err, out)
				}
				got.WriteString(normal(string(out)))
			}
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(text), got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
