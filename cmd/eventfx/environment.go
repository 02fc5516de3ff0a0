package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/eventfx/eventfx-go/internal/runtimeapi"
)

const (
	// initLimit is how long a process may take until it asks for an event, as
	// on Lambda.
	initLimit = 10 * time.Second
	// stacksLimit is how long a process that is out of time may take to write
	// where it stands.
	stacksLimit = time.Second
)

// An environment is one process of a function, as Lambda's execution
// environments are.
type environment struct {
	*runtimeapi.Environment
	function  *function
	command   *exec.Cmd
	logs      *tail
	pipe      *logPipe
	memory    *memoryWatch
	used      bool
	initLimit time.Duration
}

// start starts a process. What it writes also goes to logs.
func (f *function) start(logs io.Writer) (*environment, error) {
	e := &environment{function: f, logs: &tail{to: logs}, initLimit: initLimit}
	e.command = exec.Command(f.path)
	e.command.Env = f.environment()
	var err error
	if e.pipe, err = newLogPipe(e.logs); err != nil {
		return nil, err
	}
	e.command.Stdout, e.command.Stderr = e.pipe.write, e.pipe.write
	if e.Environment, err = runtimeapi.Start(e.command); err != nil {
		e.pipe.close()
		if e, ok := errors.AsType[*exec.Error](err); ok {
			err = e.Err
		}
		return nil, err
	}
	e.memory = watchMemory(e.command.Process, f.memory, e.Exited())
	return e, nil
}

// stop ends the process, and takes the last of its log.
func (e *environment) stop() runtimeapi.End {
	end := e.Shutdown(0)
	e.pipe.close()
	return end
}

// A call is an event for a function.
type call struct {
	id, trace string // "": made up
	payload   []byte
}

// An outcome is what became of a call.
type outcome struct {
	call
	answer []byte              // of a success
	fault  *runtimeapi.Failure // nil: success
	ending ending
	logs   []byte // what was written meanwhile; its end, if that is much

	cold bool
	init time.Duration // of a cold start; 0: it never asked for an event
	took time.Duration
	peak int64 // bytes of memory, of the process so far; 0: unknown
	gone bool  // the process is

	// The process ended after its answer before this call, which it has not
	// seen: it is another process's.
	untaken bool
}

// invoke runs the function once. When ctx ends the process is ended, too.
func (e *environment) invoke(ctx context.Context, c call) *outcome {
	if c.id == "" {
		c.id = uuid()
	}
	if c.trace == "" {
		c.trace = fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), randomHex(12), randomHex(8))
	}
	o := &outcome{call: c, cold: !e.used}
	e.used = true
	e.logs.mark()
	answered := e.Invoke(runtimeapi.Invocation{
		ID: c.id, Payload: c.payload, Timeout: e.function.timeout, TraceID: c.trace, Stacks: stacksLimit,
		FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:" + e.function.name,
	})
	answer, late := e.await(ctx, answered, o.cold)
	o.answer, o.fault, o.took = answer.Payload, answer.Failure, answer.Took
	e.memory.read() // it may end soon
	if o.cold {
		o.init, _ = e.Init()
	}
	if o.fault != nil {
		e.awaitEnd(o.fault)
		o.untaken = !o.cold && o.took == 0 && o.fault.Type == exitError
	}
	var state *os.ProcessState
	select {
	case <-e.Exited():
		o.gone, state = true, e.command.ProcessState
	default:
	}
	e.pipe.drain()
	o.logs, o.peak = e.logs.since(), e.memory.highest(state)
	o.ending = e.explain(ctx, o, late)
	return o
}

// await returns the answer. A process that does not ask for an event in time
// is ended.
func (e *environment) await(ctx context.Context, answered <-chan runtimeapi.Answer, cold bool) (a runtimeapi.Answer, late bool) {
	var limit <-chan time.Time
	if cold {
		timer := time.NewTimer(e.initLimit)
		defer timer.Stop()
		limit = timer.C
	}
	for {
		select {
		case a = <-answered:
			return a, false
		case <-limit:
			if _, asked := e.Init(); asked {
				limit = nil
				continue
			}
			e.Kill(stacksLimit)
			return <-answered, true
		case <-ctx.Done():
		}
		e.Shutdown(0)
		return <-answered, false
	}
}

// awaitEnd waits for the end of a process that is about to come: the Go
// runtime of Lambda ends itself after a panic, and after a refused answer.
func (e *environment) awaitEnd(f *runtimeapi.Failure) {
	limit := 100 * time.Millisecond
	switch {
	case f.Type == timedOut:
		limit = stacksLimit + time.Second
	case f.Type == exitError || f.Type == tooLarge || len(f.Stack) > 0:
		limit = 2 * time.Second
	case e.memory.exceeded():
	default:
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-e.Exited():
	case <-timer.C:
	}
}

// uuid returns a random one, as request ids are.
func uuid() string {
	h := []byte(randomHex(16))
	h[12], h[16] = '4', "89ab"[h[16]%4]
	return string(h[:8]) + "-" + string(h[8:12]) + "-" + string(h[12:16]) + "-" + string(h[16:20]) + "-" + string(h[20:])
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
