// Package runtimeapi is the part of AWS Lambda that a compiled bootstrap talks
// to: the Runtime API and as much of the Extensions API as a Go program needs
// to be told of its end. It runs a bootstrap as Lambda does, one process in one
// execution environment, so that tests and the command see the real binary
// answer real bytes.
//
//	env, err := runtimeapi.Start(exec.Command("./bootstrap"))
//	answer := <-env.Invoke(runtimeapi.Invocation{Payload: payload})
//	end := env.Shutdown(0)
//
// Timeouts, exits, the limit of an answer's size and the SIGTERM before SIGKILL
// follow what Lambda does; init time limits, freezing and memory limits are not
// modelled.
package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// An Invocation is what the function is called with.
type Invocation struct {
	// ID is the request id. "" makes one.
	ID string
	// Payload is the event, as it is sent.
	Payload []byte
	// Timeout is the function's timeout, from the moment that the function
	// takes the invocation; 0 means 3 s. Deadline takes its place when set.
	Timeout  time.Duration
	Deadline time.Time
	// FunctionARN and TraceID have values when they are empty.
	FunctionARN, TraceID string
	// Stacks is how long a process that outstayed its deadline may take to
	// write its stacks, as a Go program does at SIGQUIT, before it is killed.
	// 0: it is killed at once, as on Lambda.
	Stacks time.Duration
}

// An Answer is what became of an invocation.
type Answer struct {
	ID      string
	Payload []byte   // what was posted as the response; nil with a Failure
	Failure *Failure // nil: success
	// Took is the time from the moment that the function took the invocation,
	// Left what was left until the deadline. Both are 0 when it was not taken.
	Took, Left time.Duration
}

// A Failure is an error as Lambda shows it. Those that the function did not
// report itself have a type with a dot: Runtime.ExitError, Sandbox.Timedout.
type Failure struct {
	Type    string          `json:"errorType"`
	Message string          `json:"errorMessage"`
	Stack   json.RawMessage `json:"stackTrace,omitempty"`
}

func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// An End tells how an environment ended.
type End struct {
	// Asked says that SIGTERM was sent: only when an extension is registered,
	// as with lambda.WithEnableSIGTERM.
	Asked bool
	// Killed says that the process was still there at the limit.
	Killed bool
	// Took is the time from the first signal to the end of the process.
	Took time.Duration
}

// An Environment is one execution environment: a process and its Runtime API.
// Its methods may be called from several goroutines.
type Environment struct {
	server   *server
	http     *http.Server
	listener net.Listener
	process  *os.Process
	exited   chan struct{}
	once     sync.Once
	end      End
}

// MaxAnswer is the most bytes of an answer. A longer one is a failure,
// Function.ResponseSizeTooLarge.
const MaxAnswer = 6<<20 + 100

// Start runs cmd with a Runtime API of its own on 127.0.0.1, whose address it
// adds to the environment of cmd. Invocations may be queued at once. The
// caller ends the environment by Shutdown. A terminal's Ctrl-C does not reach
// the process.
func Start(cmd *exec.Cmd) (*Environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtimeapi: %w", err)
	}
	e := &Environment{listener: listener, exited: make(chan struct{})}
	e.server = newServer(e.Kill)
	e.http = &http.Server{Handler: e.server.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = e.http.Serve(listener) }()

	cmd.Env = append(cmd.Environ(), "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String())
	cmd.SysProcAttr = ownGroup(cmd.SysProcAttr)
	e.server.started = time.Now()
	if err := cmd.Start(); err != nil {
		_ = e.http.Close()
		return nil, fmt.Errorf("runtimeapi: start %s: %w", cmd.Path, err)
	}
	e.process = cmd.Process
	go func() {
		err := cmd.Wait()
		message := "Runtime exited without providing a reason"
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			message = "Runtime exited with error: " + exit.Error()
		}
		e.server.end(Failure{Type: "Runtime.ExitError", Message: message})
		_ = e.http.Close()
		close(e.exited)
	}()
	return e, nil
}

// Invoke queues an invocation. The channel gets exactly one answer.
func (e *Environment) Invoke(inv Invocation) <-chan Answer { return e.server.enqueue(inv) }

// Kill ends the process at once, without the warning of Shutdown, as Lambda
// ends one that has outstayed a deadline. If stacks is more than 0, the process
// may take so long to write its stacks, see Invocation. It does not wait for
// the end.
func (e *Environment) Kill(stacks time.Duration) {
	if stacks > 0 && quit(e.process) == nil {
		timer := time.NewTimer(stacks)
		defer timer.Stop()
		select {
		case <-e.exited:
			return
		case <-timer.C:
		}
	}
	_ = e.process.Kill()
}

// Init returns how long the process took from its start to the first time that
// it asked for an invocation; false while it has not.
func (e *Environment) Init() (time.Duration, bool) {
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	if e.server.asked.IsZero() {
		return 0, false
	}
	return e.server.asked.Sub(e.server.started), true
}

// Exited is closed when the process has ended, by itself or by Shutdown.
func (e *Environment) Exited() <-chan struct{} { return e.exited }

// InitError returns what the function reported as an error of its start, if
// it did.
func (e *Environment) InitError() *Failure {
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	return e.server.initError
}

// Shutdown ends the process as Lambda does: SIGTERM when an extension is
// registered, and SIGKILL after limit (0: 500 ms), or at once without one. It
// returns when the process has ended. Later calls return the same.
func (e *Environment) Shutdown(limit time.Duration) End {
	e.once.Do(func() {
		if limit <= 0 {
			limit = 500 * time.Millisecond
		}
		began := time.Now()
		if e.server.registered() {
			e.end.Asked = true
			_ = e.process.Signal(syscall.SIGTERM)
			timer := time.NewTimer(limit)
			defer timer.Stop()
			select {
			case <-e.exited:
				e.end.Took = time.Since(began)
				return
			case <-timer.C:
			}
		}
		select {
		case <-e.exited: // it had ended before
		default:
			e.end.Killed = true
			_ = e.process.Kill()
			<-e.exited
		}
		e.end.Took = time.Since(began)
	})
	return e.end
}
