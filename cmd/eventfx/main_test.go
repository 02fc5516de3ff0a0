package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

func TestMain(m *testing.M) {
	// The race detector would sleep a second at the end of each process.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	testscript.Main(cleaner{m}, map[string]func(){"eventfx": main})
}

// A cleaner removes what was built when the tests are over.
type cleaner struct{ *testing.M }

func (c cleaner) Run() int {
	defer func() {
		if built != "" {
			_ = os.RemoveAll(built)
		}
	}()
	return c.M.Run()
}

var built string // the folder of the functions that tests run

// buildFunctions compiles testdata/function, and makes of it one for a machine
// that this is not. It returns their folder.
var buildFunctions = sync.OnceValues(func() (dir string, err error) {
	if built, err = os.MkdirTemp("", "eventfx-test-"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(built, "ship", "bootstrap"), "./testdata/function")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return built, foreign(filepath.Join(built, "ship", "bootstrap"), filepath.Join(built, "foreign"))
})

// foreign copies a program as if it were compiled for another processor: to
// compile one takes a long time, for its whole runtime is compiled, too.
func foreign(program, to string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	here, there, machine := "GOARCH=amd64", "GOARCH=arm64", byte(0xb7)
	if runtime.GOARCH == "arm64" {
		here, there, machine = there, here, 0x3e
	}
	text = bytes.ReplaceAll(text, []byte(here), []byte(there))
	text[18] = machine // of an ELF file
	return os.WriteFile(to, text, 0o700)
}

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status,
			"report": report,
		},
		Setup: func(env *testscript.Env) error {
			dir, err := buildFunctions()
			if err != nil {
				return err
			}
			source, err := filepath.Abs("testdata/function")
			if err != nil {
				return err
			}
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("SHIP", filepath.Join(dir, "ship", "bootstrap"))
			env.Setenv("FOREIGN", filepath.Join(dir, "foreign"))
			env.Setenv("SOURCE", source)
			for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS"} {
				value, err := exec.Command("go", "env", name).Output()
				if err != nil {
					return err
				}
				env.Setenv(name, strings.TrimSpace(string(value)))
			}
			return nil
		},
	})
}

// status N COMMAND... is exec that wants the exit status N.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s: exit status %d, want %d", args[1], got, want)
	}
}

// report FILE writes what the last command said of a call, without the
// function's log and whatever is another each time.
func report(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: report file")
	}
	var kept strings.Builder
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		// Of a process that ends at once the memory is not known.
		if !strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "memory ") {
			kept.WriteString(line)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(normal(kept.String())), 0o600))
}

var changing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`), "…"},
	{regexp.MustCompile(`\d+(\.\d+)? ms\b`), "… ms"},
	{regexp.MustCompile(`(?m)^memory( +)\d+ MB`), "memory$1… MB"},
	{regexp.MustCompile(`\d+ MB of memory`), "… MB of memory"},
	{regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d`), "…"},
	{regexp.MustCompile(`(?m)^00:00:0(\d)\.\d{3}`), "00:00:0$1.…"},
	{regexp.MustCompile(`visible again at 00:00:0(\d)\.\d{3}`), "visible again at 00:00:0$1.…"},
	{regexp.MustCompile(`(?m)^(\d+ calls in) .* a second`), "$1 … s, … a second"},
}

// normal replaces times, sizes and ids, which are others each time.
func normal(text string) string {
	for _, c := range changing {
		text = c.pattern.ReplaceAllString(text, c.with)
	}
	return latencyLine.ReplaceAllStringFunc(text, func(line string) string {
		return latency.ReplaceAllStringFunc(line, func(number string) string {
			return strings.Repeat(" ", len(number)-1) + "…"
		})
	})
}

var (
	latencyLine = regexp.MustCompile(`(?m)^(cold start|first call|warm call) .*$`)
	latency     = regexp.MustCompile(` +\d+\.\d`)
)
