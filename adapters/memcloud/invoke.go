package memcloud

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A Handler is what a function runs: lambda.NewHandler's result,
// lambdahost.Handler's, or any type with this method. It is called from many
// goroutines at once. The payload is its own.
//
// A panic is a failed invocation. On Lambda it also ends the process; here the
// handler lives on, with all that it keeps in memory, but what goroutines of
// that invocation do from then on has no effect.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// A FunctionError is a failed invocation: the handler returned an error,
// panicked, ran out of time, or answered with more than 6 MB.
type FunctionError struct {
	Type    string // as AWS names it: "errorString", the type of an error or of what was panicked with, "Sandbox.Timedout"
	Message string
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// An Invocation describes one run of a function.
type Invocation struct {
	RequestID string // one for all tries of an asynchronous invocation
	Function  string // the ARN
	Deadline  time.Time
}

// FromContext returns the invocation to which a handler's context belongs, for
// a handler that gives it to a runtime or to a log. FunctionOptions.Context
// adds it to the context of a handler that knows nothing of this package.
func FromContext(ctx context.Context) (Invocation, bool) {
	inv, ok := ctx.Value(invocationKey{}).(*invocation)
	if !ok {
		return Invocation{}, false
	}
	return inv.public(), true
}

func (inv *invocation) public() Invocation {
	return Invocation{RequestID: inv.id, Function: inv.function.ARN(), Deadline: inv.cloud.start.Add(inv.deadline)}
}

// invocation is a run of a handler. Its fields belong to the loop, but for
// those that do not change.
type invocation struct {
	cloud    *Cloud
	function *Function
	number   int
	id       string // the request's
	payload  []byte
	deadline time.Duration

	cancel  context.CancelFunc // of the handler's context; guarded by Cloud.mu
	over    bool               // answered or timed out: later calls of its lanes do nothing
	why     string
	timeout *event
	finish  func(inv *invocation, answer []byte, failure *FunctionError)

	failure *FunctionError     // nil: it has not failed
	stack   []awspayload.Frame // of a panic
}

// invoke starts a run. finish is called in the loop, once.
func (c *Cloud) invoke(f *Function, id string, payload []byte, cause string, refs []entity, finish func(*invocation, []byte, *FunctionError)) {
	inv := &invocation{
		cloud: c, function: f, number: c.number("invocation"), id: id, payload: payload,
		deadline: c.now + f.timeout, finish: finish,
	}
	if inv.id == "" {
		inv.id = c.uuid("request", inv.number)
	}
	c.live[inv] = struct{}{}
	f.running++
	c.note(f.name, "invoke", inv.entity(), cause, refs...)
	inv.timeout = c.at(inv.deadline, false, func() {
		inv.end("timed out", nil, &FunctionError{"Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", f.timeout.Seconds())})
	})
	if c.fault(CrashBefore, f.name) {
		c.at(c.now, true, func() { inv.crash("before it began") })
		return
	}
	c.spawn(inv)
}

func (inv *invocation) entity() entity { return entity{prefix: 'i', number: inv.number} }

// noteAnswer adds the outcome to the timeline.
func (inv *invocation) noteAnswer(outcome string, failure *FunctionError, refs ...entity) {
	if failure != nil {
		text := failure.Error()
		if inv.stack != nil {
			text = "panic: " + strings.TrimPrefix(text, "string: ")
		}
		inv.cloud.note(inv.function.name, "error", inv.entity(), text)
		return
	}
	inv.cloud.note(inv.function.name, "answer", inv.entity(), outcome, refs...)
}

// end is executed in the loop: by the answer, or by the timeout before it.
func (inv *invocation) end(why string, answer []byte, failure *FunctionError) {
	if inv.over {
		return // the answer of a run that was given up
	}
	c := inv.cloud
	inv.over, inv.why, inv.failure = true, why, failure
	c.remove(inv.timeout)
	delete(c.live, inv)
	inv.function.running--
	inv.finish(inv, answer, failure)
}

// stop cancels the handler's context.
func (inv *invocation) stop() {
	inv.cloud.mu.Lock()
	cancel := inv.cancel
	inv.cloud.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// ignored is the answer to a call of a run that is over. On AWS the process
// would be frozen or gone.
func (inv *invocation) ignored() error {
	c := inv.cloud
	c.note(inv.function.name, "ignored", inv.entity(), "a call after the invocation "+inv.why)
	return &Error{inv.function.name, "InvocationOver", fmt.Sprintf("i-%d %s before this call, which was ignored", inv.number, inv.why)}
}

// noteUnread adds an answer that nobody reads, with how many failures it names.
func (inv *invocation) noteUnread(failed int) {
	if failed > 0 {
		inv.noteAnswer(fmt.Sprintf("ok: its %d batchItemFailures are not read", failed), nil)
		return
	}
	inv.noteAnswer("ok", nil)
}

// A worker runs one invocation after the other. New goroutines grow their
// stacks in each run; warm ones have.
type worker struct{ jobs chan *invocation }

func (c *Cloud) spawn(inv *invocation) {
	c.mu.Lock()
	c.working[inv] = struct{}{}
	var w *worker
	if n := len(c.idle); n > 0 {
		w = c.idle[n-1]
		c.idle = c.idle[:n-1]
	}
	c.mu.Unlock()
	if w == nil {
		w = &worker{jobs: make(chan *invocation, 1)}
		go w.run(c)
	}
	w.jobs <- inv
}

func (w *worker) run(c *Cloud) {
	for inv := range w.jobs {
		returned := false
		func() {
			// When the handler ends its goroutine (runtime.Goexit, for one by
			// t.FailNow) this is the only code that still runs.
			defer func() {
				if !returned {
					c.release(nil, inv)
					inv.answer(nil, &FunctionError{"Runtime.ExitError", "the handler ended its goroutine"}, nil)
				}
			}()
			answer, failure, stack := inv.run()
			returned = true
			if !c.release(w, inv) {
				close(w.jobs)
			}
			inv.answer(answer, failure, stack)
		}()
	}
}

// release takes the run off the list; w is idle again unless the cloud
// closes.
func (c *Cloud) release(w *worker, inv *invocation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.working, inv)
	if c.closing {
		if len(c.working) == 0 {
			select {
			case c.drained <- struct{}{}:
			default:
			}
		}
		return false
	}
	if w != nil {
		c.idle = append(c.idle, w)
	}
	return true
}

// maxAnswer bounds an answer, of any invocation.
const maxAnswer = 6<<20 + 100

// run calls the handler as Lambda's runtime does. stack is that of a panic.
func (inv *invocation) run() (answer []byte, failure *FunctionError, stack []awspayload.Frame) {
	ctx, cancel := context.WithDeadline(inv.cloud.base, inv.cloud.start.Add(inv.deadline))
	defer cancel()
	inv.cloud.mu.Lock()
	inv.cancel = cancel
	inv.cloud.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			failure = runtimeError(p)
			if failure == nil {
				failure = &FunctionError{typeName(p), fmt.Sprint(p)}
			}
			answer, stack = nil, panicStack()
		}
	}()
	ctx = context.WithValue(ctx, invocationKey{}, inv)
	if f := inv.function.context; f != nil {
		ctx = f(ctx, inv.public())
	}
	answer, err := inv.function.handler.Invoke(ctx, inv.payload)
	if err != nil {
		return nil, functionError(err), nil
	}
	if len(answer) > maxAnswer {
		return nil, &FunctionError{"Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxAnswer)}, nil
	}
	return bytes.Clone(answer), nil, nil
}

// functionError names an error as the Go runtime of Lambda does.
func functionError(err error) *FunctionError {
	if e, ok := err.(*FunctionError); ok && e != nil {
		return e
	}
	if e := runtimeError(err); e != nil {
		return e
	}
	return &FunctionError{typeName(err), err.Error()}
}

// runtimeError reads aws-lambda-go's messages.InvokeResponse_Error, with which
// a handler chooses its errorType. That module stays out of this one's.
func runtimeError(v any) *FunctionError {
	t := reflect.TypeOf(v)
	if t.Kind() != reflect.Struct || t.Name() != "InvokeResponse_Error" {
		return nil
	}
	kind, message := reflect.ValueOf(v).FieldByName("Type"), reflect.ValueOf(v).FieldByName("Message")
	if kind.Kind() != reflect.String || message.Kind() != reflect.String {
		return nil
	}
	return &FunctionError{kind.String(), message.String()}
}

// typeName is the type's name without package and pointer; "" if it has none.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// panicStack returns the calls from the panic up to the handler, as
// aws-lambda-go does: at most 32, paths without GOPATH.
func panicStack() []awspayload.Frame {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	stack := []awspayload.Frame{}
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "memcloud.(*invocation).run") {
			return stack
		}
		path := strings.Split(frame.File, "/")
		if n := strings.Count(frame.Function, "/") + 2; n < len(path) {
			path = path[len(path)-n:]
		}
		label := frame.Function[strings.LastIndexByte(frame.Function, '/')+1:]
		_, label, _ = strings.Cut(label, ".")
		stack = append(stack, awspayload.Frame{Path: strings.Join(path, "/"), Line: frame.Line, Label: label})
		if !more {
			return stack
		}
	}
}

// answer hands the loop what the handler returned.
func (inv *invocation) answer(answer []byte, failure *FunctionError, stack []awspayload.Frame) {
	inv.cloud.enter(&call{owner: inv, lane: answerLane, f: func() error {
		switch {
		case inv.over:
			return nil // the answer of a run that was given up
		case stack != nil:
			inv.stack = stack
			inv.end("panicked", nil, failure)
			return nil
		case failure != nil:
			inv.end("was answered", nil, failure)
			return nil
		case inv.cloud.fault(Overrun, inv.function.name):
			return nil // its timeout ends it
		}
		if inv.cloud.fault(LostAnswer, inv.function.name) {
			answer, failure = nil, &FunctionError{"Runtime.LostAnswer", "a fault: the function has answered, and the answer was lost"}
		}
		inv.end("was answered", answer, failure)
		return nil
	}})
}
