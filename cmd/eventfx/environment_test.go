package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInitLimit: a process that never asks for an event is ended, and says
// where it stood.
func TestInitLimit(t *testing.T) {
	dir, err := buildFunctions()
	if err != nil {
		t.Fatal(err)
	}
	for ending, want := range map[string]string{
		"silent":   "the process did not ask for an event within 300ms; it was waiting (sleep)",
		"deadlock": "the process did not ask for an event within 300ms; it was waiting (sync.Mutex.Lock), and so was all else of it: this looks like a deadlock",
	} {
		f, err := findFunction(t.Context(), filepath.Join(dir, "ship", "bootstrap"), "", "")
		if err != nil {
			t.Fatal(err)
		}
		f.env, f.timeout = []string{"ENDING=" + ending}, time.Second
		e, err := f.start(nil)
		if err != nil {
			t.Fatal(err)
		}
		e.initLimit = 300 * time.Millisecond
		o := e.invoke(t.Context(), call{payload: []byte(`"ok"`)})
		e.stop()
		if o.ending.Kind != endedStart || o.ending.What != want || !strings.HasPrefix(o.ending.At, "main.main, function/main.go:") || !o.gone {
			t.Errorf("%s: %+v, gone: %v", ending, o.ending, o.gone)
		}
	}
}

// TestLogPipe: what was written before the mark has arrived when drain
// returns, in whatever pieces.
func TestLogPipe(t *testing.T) {
	kept := &tail{}
	p, err := newLogPipe(kept)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	for i := range 200 {
		piece := bytes.Repeat([]byte{'a' + byte(i%26), 0}, i*7%400)
		want.Write(piece)
		if _, err := p.write.Write(piece); err != nil {
			t.Fatal(err)
		}
		p.drain()
		if !bytes.Equal(kept.since(), want.Bytes()) {
			t.Fatalf("after %d pieces: %d bytes, want %d", i+1, len(kept.since()), want.Len())
		}
	}
	_, _ = p.write.Write(p.mark[:5]) // the beginning of a mark is text, too
	want.Write(p.mark[:5])
	p.close()
	if got := kept.since(); !bytes.Equal(got, want.Bytes()) {
		t.Errorf("at the end: %d bytes, want %d", len(got), want.Len())
	}
	p.drain() // of what is closed: nothing
}

// TestTail: of a long log the end is kept.
func TestTail(t *testing.T) {
	kept := &tail{}
	kept.mark()
	line := bytes.Repeat([]byte("x"), 1000)
	for range 5000 {
		kept.add(line)
	}
	kept.add([]byte("last words"))
	if got := kept.since(); len(got) > 2*keptLogs || !bytes.HasSuffix(got, []byte("last words")) {
		t.Errorf("%d bytes are kept", len(got))
	}
}

// TestCancelled: a call that is stopped ends its process.
func TestCancelled(t *testing.T) {
	dir, err := buildFunctions()
	if err != nil {
		t.Fatal(err)
	}
	f, err := findFunction(t.Context(), filepath.Join(dir, "ship", "bootstrap"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	f.timeout = time.Minute
	e, err := f.start(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if o := e.invoke(ctx, call{payload: []byte(`"sleep"`)}); o.ending.Kind != endedStopped || !o.gone {
		t.Errorf("%+v", o.ending)
	}
}

// TestUntaken: a process that ends after its answer has not seen the next
// event, which does not fail for it.
func TestUntaken(t *testing.T) {
	dir, err := buildFunctions()
	if err != nil {
		t.Fatal(err)
	}
	f, err := findFunction(t.Context(), filepath.Join(dir, "ship", "bootstrap"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	pidFile := filepath.Join(t.TempDir(), "pid")
	f.timeout, f.env = time.Minute, []string{"PIDFILE=" + pidFile}
	v := &invoker{function: f, payloads: [][]byte{[]byte(`"later"`), []byte(`"quiet"`)}}
	m := &measurement{failures: map[string]int{}}
	calls := make(chan int, 2)
	calls <- 0
	calls <- 1
	close(calls)
	if err := v.work(t.Context(), calls, m, func() { awaitProcess(t, pidFile) }); err != nil {
		t.Fatal(err)
	}
	if len(m.cold) != 2 || len(m.warm) != 0 || len(m.failures) != 0 {
		t.Errorf("%d cold, %d warm, failures %v; want another process for the second event", len(m.cold), len(m.warm), m.failures)
	}
}

// awaitProcess waits for the end of the process that a file names.
func awaitProcess(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(time.Millisecond) // another process: there is nothing to wait on
	}
}
