package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pseudoTerminal runs the command with its outputs on a terminal, and returns
// what appeared there.
func pseudoTerminal(t *testing.T, env []string, args ...string) string {
	t.Helper()
	us, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer us.Close()
	number, err := unlock(us)
	if err != nil {
		t.Fatal(err)
	}
	them, err := os.OpenFile("/dev/pts/"+number, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("eventfx", args...)
	cmd.Env = append(append(os.Environ(), "TERM=xterm", "NO_COLOR="), env...)
	cmd.Stdout, cmd.Stderr = them, them
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	them.Close()
	var seen bytes.Buffer
	// The end of the other side is an error here.
	if _, err := io.Copy(&seen, us); err != nil && !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	_ = cmd.Wait() // the status is not what this is about
	return strings.ReplaceAll(seen.String(), "\r\n", "\n")
}

// unlock opens the other side of a pseudo-terminal for use, and returns its
// number.
func unlock(us *os.File) (number string, err error) {
	raw, err := us.SyscallConn()
	if err != nil {
		return "", err
	}
	controlErr := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err != nil {
			return
		}
		var n int
		n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		number = strconv.Itoa(n)
	})
	return number, errors.Join(err, controlErr)
}

const escape = "\x1b["

func TestTerminal(t *testing.T) {
	dir, err := buildFunctions()
	if err != nil {
		t.Fatal(err)
	}
	ship := filepath.Join(dir, "ship", "bootstrap")
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","data":{"total":1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	panics := filepath.Join(t.TempDir(), "panic.json")
	if err := os.WriteFile(panics, []byte(`"panic"`), 0o600); err != nil {
		t.Fatal(err)
	}
	quiet := filepath.Join(t.TempDir(), "quiet.json")
	if err := os.WriteFile(quiet, []byte(`"quiet"`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args   []string
		want   string // without colours
		reason string
	}{
		{[]string{"normalize", event}, "order.placed\n  id              1\n", "events are laid out"},
		{[]string{"sample", "schedule", "-time", "2026-01-02T15:04:05Z"}, "{\n  \"version\": \"0\",\n", "a payload is indented"},
		{[]string{"invoke", "-bootstrap", ship, panics}, "outcome  the handler panicked: no such order\n", "the words are the same"},
		{[]string{"invoke", "-bootstrap", ship, "-repeat", "3", quiet}, "3 calls in ", "so is the table"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args[:1], " "), func(t *testing.T) {
			coloured := pseudoTerminal(t, nil, tt.args...)
			if plain := regexp.MustCompile(`\x1b\[[0-9;]*[mK]`).ReplaceAllString(coloured, ""); !strings.Contains(plain, tt.want) {
				t.Errorf("want %q, %s:\n%s", tt.want, tt.reason, plain)
			}
			if !strings.Contains(coloured, escape) && tt.args[0] != "sample" {
				t.Errorf("no colours on a terminal:\n%s", coloured)
			}
			for _, env := range [][]string{{"NO_COLOR=1"}, {"TERM=dumb"}} {
				if got := pseudoTerminal(t, env, tt.args...); strings.Contains(got, escape+"3") || strings.Contains(got, escape+"1") {
					t.Errorf("colours in spite of %s:\n%q", env, got)
				}
			}
		})
	}
}

// TestProgress: a bar on a terminal, while there is work; and nothing of it
// anywhere else.
func TestProgress(t *testing.T) {
	dir, err := buildFunctions()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "quiet.json")
	if err := os.WriteFile(file, []byte(`"quiet"`), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"invoke", "-bootstrap", filepath.Join(dir, "ship", "bootstrap"), "-repeat", "500", file}
	if got := pseudoTerminal(t, nil, args...); !strings.Contains(got, "/500") || !strings.Contains(got, "500 calls in") {
		t.Errorf("no bar:\n%q", got)
	}
	cmd := exec.Command("eventfx", args...)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "/500") || strings.Contains(string(out), escape) {
		t.Errorf("%v, a bar in a file:\n%q", err, out)
	}
}

// TestInterrupt: Ctrl-C ends the process, and says so.
func TestInterrupt(t *testing.T) {
	dir, err := buildFunctions()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("eventfx", "invoke", "-bootstrap", filepath.Join(dir, "ship", "bootstrap"), "-timeout", "1m")
	cmd.Stdin = strings.NewReader(`"sleep"`)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if _, err := stderr.Read(buf); err != nil { // it is at work
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stderr)
	err = cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitFailed || !strings.Contains(string(rest), "stopped by you") || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %v: %s", err, time.Since(began), rest)
	}
}
