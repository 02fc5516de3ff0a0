package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// keptLogs is how much of the end of a process's output is kept to read its
// last words in: the stacks of a thousand goroutines.
const keptLogs = 1 << 20

// A logPipe takes what a process writes to its two outputs. What the process
// has written before it answered belongs to its call, so drain has to know
// when all of that has arrived: it writes a mark of its own behind it.
type logPipe struct {
	to      *tail
	read    *os.File
	write   *os.File // the process has it, too
	mark    []byte
	reached chan struct{}
	over    chan struct{}
}

func newLogPipe(to *tail) (*logPipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &logPipe{to: to, read: r, write: w, mark: []byte("\x00eventfx " + randomHex(8) + "\x00"), reached: make(chan struct{}), over: make(chan struct{})}
	go p.copy()
	return p, nil
}

func (p *logPipe) copy() {
	defer close(p.over)
	var pending []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := p.read.Read(buf)
		pending = append(pending, buf[:n]...)
		for {
			i := bytes.Index(pending, p.mark)
			if i < 0 {
				break
			}
			p.to.add(pending[:i])
			pending = pending[i+len(p.mark):]
			p.reached <- struct{}{}
		}
		// The mark may have come in two parts.
		keep := min(len(pending), len(p.mark)-1)
		for !bytes.HasPrefix(p.mark, pending[len(pending)-keep:]) {
			keep--
		}
		p.to.add(pending[:len(pending)-keep])
		pending = append([]byte(nil), pending[len(pending)-keep:]...)
		if err != nil {
			p.to.add(pending)
			return
		}
	}
}

// drain waits until what was written so far has arrived.
func (p *logPipe) drain() {
	if _, err := p.write.Write(p.mark); err != nil {
		return // it is closed
	}
	select {
	case <-p.reached:
	case <-p.over:
	}
}

// close ends it. A child that the process left behind does not keep it open.
func (p *logPipe) close() {
	p.drain()
	_ = p.write.Close()
	_ = p.read.Close()
	<-p.over
}

// A tail passes on what comes, and keeps its end.
type tail struct {
	to io.Writer // nil: nobody

	mu     sync.Mutex
	text   []byte
	marked int // where the present call's begins
}

func (t *tail) add(p []byte) {
	if len(p) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - 2*keptLogs; over > 0 {
		over += keptLogs // not at each write
		t.text = append(t.text[:0], t.text[over:]...)
		t.marked = max(0, t.marked-over)
	}
	if t.to != nil {
		// A terminal that is closed must not stop the function.
		if _, err := t.to.Write(p); err != nil {
			t.to = nil
		}
	}
}

func (t *tail) mark() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marked = len(t.text)
}

func (t *tail) since() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.text[t.marked:])
}

// prefixed writes whole lines with a mark in front, so that a function's log
// and the command's own words can be told apart.
type prefixed struct {
	mu     sync.Mutex
	to     io.Writer
	prefix string
	stacks bool // show them; see write
	rest   []byte

	dumped int // lines of stacks that were left out
}

func (p *prefixed) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, text...)
	end := bytes.LastIndexByte(p.rest, '\n') + 1
	if end == 0 && len(p.rest) < keptLogs {
		return len(text), nil
	}
	if end == 0 {
		end = len(p.rest) // an endless line
	}
	err := p.write(p.rest[:end])
	p.rest = append(p.rest[:0], p.rest[end:]...)
	return len(text), err
}

func (p *prefixed) write(lines []byte) error {
	var out bytes.Buffer
	for line := range bytes.Lines(lines) {
		// The stacks that this command asked for are hundreds of lines; the
		// report has what they say.
		if !p.stacks && (p.dumped > 0 || bytes.HasPrefix(line, []byte("SIGQUIT: quit"))) {
			p.dumped++
			continue
		}
		out.WriteString(p.prefix)
		out.Write(bytes.TrimRight(line, "\r\n"))
		out.WriteByte('\n')
	}
	_, err := out.WriteTo(p.to)
	return err
}

// flush writes a last line without an end. Errors of standard error cannot be
// reported anywhere.
func (p *prefixed) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rest) > 0 {
		_ = p.write(p.rest)
		p.rest = nil
	}
	if p.dumped > 0 {
		p.dumped = 0
		fmt.Fprintf(p.to, "%s(its stacks are left out: -stacks shows them)\n", p.prefix)
	}
}
