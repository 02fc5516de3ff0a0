package main

import (
	"bufio"
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A crash is what a Go program writes to standard error when it ends in a
// panic, a fatal error, or at SIGQUIT.
type crash struct {
	message    string // "panic: boom", "fatal error: ...", "SIGQUIT: quit"
	goroutines []goroutine
}

type goroutine struct {
	state  string // "running", "chan receive", "sync.Mutex.Lock"...
	frames []frame
}

type frame struct{ function, file string } // file with its line

var (
	goroutineLine = regexp.MustCompile(`^goroutine \d+.* \[([^\]]*)\]:$`)
	frameFile     = regexp.MustCompile(`^\t(.+:\d+)(?: \+0x.*)?$`)
)

// readCrash finds the last crash in a log; nil if there is none.
func readCrash(log []byte) *crash {
	var found *crash
	var function string
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, 2*keptLogs+1)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "runtime: out of memory") ||
			strings.HasPrefix(line, "SIGQUIT: ") {
			// A fatal error is often announced by the runtime a line before.
			if found == nil || len(found.goroutines) > 0 || strings.HasPrefix(line, "fatal error: ") {
				found = &crash{message: strings.TrimSuffix(line, " [recovered]")}
			}
			continue
		}
		if found == nil {
			continue
		}
		if m := goroutineLine.FindStringSubmatch(line); m != nil {
			state, _, _ := strings.Cut(m[1], ", ") // minutes, "locked to thread"
			found.goroutines = append(found.goroutines, goroutine{state: state})
			continue
		}
		n := len(found.goroutines)
		if n == 0 {
			continue
		}
		if m := frameFile.FindStringSubmatch(line); m != nil && function != "" {
			found.goroutines[n-1].frames = append(found.goroutines[n-1].frames, frame{function, m[1]})
		}
		function = ""
		if i := strings.LastIndexByte(line, '('); i > 0 && !strings.HasPrefix(line, "created by ") {
			function = line[:i]
		}
	}
	return found
}

// place returns the first frame of the function's own code, "" if there is
// none: main.handle, ship/main.go:31.
func (g *goroutine) place(f *function) string {
	for _, fr := range g.frames {
		if f.owns(fr.function) {
			return fr.function + ", " + shortFile(fr.file)
		}
	}
	return ""
}

// owns reports whether a name in a stack is one of the function's packages'.
func (f *function) owns(name string) bool {
	if strings.HasPrefix(name, "github.com/aws/aws-lambda-go/") {
		return false
	}
	return slices.ContainsFunc(f.ours, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// shortFile keeps a file's name and its folder's.
func shortFile(file string) string {
	file = filepath.ToSlash(file)
	if i := strings.LastIndexByte(file, '/'); i > 0 {
		if j := strings.LastIndexByte(file[:i], '/'); j >= 0 {
			return file[j+1:]
		}
	}
	return file
}

// working returns the goroutine in which the handler runs, or else the first
// with code of the function's own; nil if there is none.
func (c *crash) working(f *function) *goroutine {
	if g := c.handling(); g != nil {
		return g
	}
	for i := range c.goroutines {
		if c.goroutines[i].place(f) != "" {
			return &c.goroutines[i]
		}
	}
	return nil
}

// handling returns the goroutine in which the handler runs; nil if it is not
// found.
func (c *crash) handling() *goroutine {
	for i, g := range c.goroutines {
		for _, fr := range g.frames {
			if strings.Contains(fr.function, "aws-lambda-go/lambda.callBytesHandlerFunc") {
				return &c.goroutines[i]
			}
		}
	}
	return nil
}

// waits are the states of a goroutine that only another one can end.
var waits = []string{
	"chan receive", "chan receive (nil chan)", "chan send", "chan send (nil chan)", "select (no cases)",
	"semacquire", "sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", "sync.WaitGroup.Wait", "sync.Cond.Wait",
}

// deadlocked reports whether no goroutine with code of the function's own can
// go on by itself.
func (c *crash) deadlocked(f *function) bool {
	found := false
	for _, g := range c.goroutines {
		if g.place(f) == "" {
			continue
		}
		if !slices.Contains(waits, g.state) {
			return false
		}
		found = true
	}
	return found
}
