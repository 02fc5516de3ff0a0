package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/internal/runtimeapi"
)

// A Handler runs a command as a function. It is made by New.
type Handler struct {
	command *exec.Cmd // never run itself
	stdout  io.Writer
	stderr  io.Writer

	mu     sync.Mutex
	closed bool
	all    map[*environment]bool // those whose process may run
	idle   []*environment        // the last one used is the next one taken
}

// environment is one process.
type environment struct {
	*runtimeapi.Environment
	warm bool // it has answered
}

// New returns a handler that runs command. The command is a pattern for as many
// processes as are needed: of its fields Path, Args, Env, Dir, Stdout, Stderr
// and SysProcAttr count. A nil Env means that of this process; in any case
// AWS_REGION, AWS_LAMBDA_FUNCTION_NAME and others that Lambda reserves are set
// as Lambda sets them. The handler does not call a writer from two goroutines
// at once.
//
// The processes are ended when the cloud is closed, and what they are doing
// then fails. New panics when command cannot be run, and in a synctest bubble.
func New(cloud *memcloud.Cloud, command *exec.Cmd) *Handler {
	if err := check(command); err != nil {
		panic(err)
	}
	h := &Handler{command: command, all: map[*environment]bool{}}
	h.stdout, h.stderr = alone(command.Stdout), alone(command.Stderr)
	cloud.OnClose(h.close)
	return h
}

func check(command *exec.Cmd) error {
	switch {
	case inBubble():
		return errors.New("bootstrap: a process lives in real time, and a synctest bubble has its own: open the cloud outside of the bubble")
	case command.Err != nil:
		return fmt.Errorf("bootstrap: %w", command.Err)
	case command.Process != nil:
		return fmt.Errorf("bootstrap: %s is started already: give a command that is not", command.Path)
	}
	return nil
}

var loaded = time.Now().Round(0)

// inBubble reports whether this goroutine is in a synctest bubble. Nothing
// exported says so, but a bubble's clock starts in the year 2000. In a bubble
// an HTTP server hangs: time passes there when every goroutine is blocked, and
// one that waits for a connection does not count as such.
func inBubble() bool { return time.Now().Round(0).Before(loaded.AddDate(-1, 0, 0)) }

// Invoke runs the function in a process that is idle, or in a new one. The
// deadline is that of ctx, or in 3 s when it has none. A failure is a
// *memcloud.FunctionError.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if inBubble() {
		return nil, check(h.command)
	}
	for {
		e, err := h.take(ctx)
		if err != nil {
			return nil, err
		}
		warm := e.warm
		answer := e.invoke(ctx, payload)
		h.giveBack(e, answer)
		switch {
		case answer.Failure == nil:
			return answer.Payload, nil
		case warm && answer.Took == 0 && answer.Failure.Type == exitError:
			// It ended after the answer before this one, as a Go function does
			// that has panicked. Nobody has seen the payload.
			continue
		}
		return nil, &memcloud.FunctionError{Type: answer.Failure.Type, Message: answer.Failure.Message}
	}
}

const (
	exitError = "Runtime.ExitError"
	timedOut  = "Sandbox.Timedout"
)

// invoke returns the answer of the process, or what its end says.
func (e *environment) invoke(ctx context.Context, payload []byte) runtimeapi.Answer {
	inv := runtimeapi.Invocation{Payload: payload}
	if i, ok := memcloud.FromContext(ctx); ok {
		inv.ID, inv.FunctionARN = i.RequestID, i.Function
	}
	inv.Deadline, _ = ctx.Deadline()
	answered := e.Invoke(inv)
	select {
	case answer := <-answered:
		if first := e.InitError(); first != nil && !e.warm && answer.Took == 0 {
			answer.Failure = first
		}
		return answer
	case <-ctx.Done():
	}
	// The process may be past its deadline, or not even there yet.
	e.Shutdown(0)
	answer := <-answered
	if answer.Failure != nil && answer.Failure.Type == exitError {
		answer.Failure = &runtimeapi.Failure{Type: exitError, Message: "the invocation was cancelled"}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			answer.Failure = &runtimeapi.Failure{Type: timedOut, Message: "Error: Task timed out"}
		}
		answer.Took = max(answer.Took, 1) // it must not run once more
	}
	return answer
}

// take returns a process that is idle, or starts one.
func (h *Handler) take(ctx context.Context) (*environment, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &memcloud.FunctionError{Type: exitError, Message: "the cloud is closed"}
	}
	if n := len(h.idle); n > 0 {
		e := h.idle[n-1]
		h.idle = h.idle[:n-1]
		return e, nil
	}
	e, err := h.start(ctx)
	if err != nil {
		return nil, &memcloud.FunctionError{Type: "Runtime.InvalidEntrypoint", Message: err.Error()}
	}
	h.all[e] = true
	return e, nil
}

func (h *Handler) start(ctx context.Context) (*environment, error) {
	name := "function"
	if i, ok := memcloud.FromContext(ctx); ok {
		name = i.Function[strings.LastIndexByte(i.Function, ':')+1:]
	}
	command := &exec.Cmd{
		Path: h.command.Path, Args: h.command.Args, Dir: h.command.Dir,
		Stdout: h.stdout, Stderr: h.stderr, SysProcAttr: h.command.SysProcAttr,
		Env: append(h.command.Environ(),
			"AWS_REGION="+memcloud.Region, "AWS_DEFAULT_REGION="+memcloud.Region,
			"AWS_LAMBDA_FUNCTION_NAME="+name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
			"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand"),
	}
	e, err := runtimeapi.Start(command)
	if err != nil {
		return nil, err
	}
	return &environment{Environment: e}, nil
}

// giveBack keeps the process for the next invocation, or ends it.
func (h *Handler) giveBack(e *environment, answer runtimeapi.Answer) {
	over := false
	if f := answer.Failure; f != nil {
		over = f.Type == exitError || f.Type == timedOut || answer.Took == 0
	}
	select {
	case <-e.Exited():
		over = true
	default:
	}
	h.mu.Lock()
	over = over || h.closed
	if over {
		delete(h.all, e)
	} else {
		e.warm = true
		h.idle = append(h.idle, e)
	}
	h.mu.Unlock()
	if over {
		e.Shutdown(0)
	}
}

// close ends all processes, side by side.
func (h *Handler) close() {
	h.mu.Lock()
	h.closed, h.idle = true, nil
	var ended sync.WaitGroup
	for e := range h.all {
		ended.Go(func() { e.Shutdown(0) })
	}
	h.mu.Unlock()
	ended.Wait()
}

// alone has a writer called by one process at a time. A file needs none of
// it: the processes inherit it.
func alone(w io.Writer) io.Writer {
	if _, file := w.(*os.File); w == nil || file {
		return w
	}
	return &lockedWriter{w: w}
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
