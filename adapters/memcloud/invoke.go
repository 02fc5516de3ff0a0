package memcloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Handler is what a function runs: lambda.NewHandler's result,
// lambdahost.Handler's, or any type with this method. It is called from many
// goroutines at once. The payload is its own; a panic is a failed invocation.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// A FunctionError is a failed invocation: the handler returned an error,
// panicked, or ran out of time.
type FunctionError struct {
	Type    string // of the error, as AWS names it: "errorString", "Function.TimedOut"
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
		inv.end("timed out", nil, &FunctionError{"Function.TimedOut", fmt.Sprintf("Task timed out after %.2f seconds", f.timeout.Seconds())})
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
		inv.cloud.note(inv.function.name, "error", inv.entity(), failure.Error())
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
	inv.over, inv.why = true, why
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

// noteUnread adds the answer to a mapping without ReportBatchItemFailures.
func (inv *invocation) noteUnread(failed map[int]bool) {
	if len(failed) > 0 {
		inv.noteAnswer(fmt.Sprintf("ok: its %d batchItemFailures are not read", len(failed)), nil)
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
					inv.answer(nil, &FunctionError{"Runtime.ExitError", "the handler ended its goroutine"})
				}
			}()
			answer, failure := inv.run()
			returned = true
			if !c.release(w, inv) {
				close(w.jobs)
			}
			inv.answer(answer, failure)
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

// run calls the handler as Lambda's runtime does.
func (inv *invocation) run() (answer []byte, failure *FunctionError) {
	ctx, cancel := context.WithDeadline(inv.cloud.base, inv.cloud.start.Add(inv.deadline))
	defer cancel()
	inv.cloud.mu.Lock()
	inv.cancel = cancel
	inv.cloud.mu.Unlock()
	ctx = context.WithValue(ctx, invocationKey{}, inv)
	if f := inv.function.context; f != nil {
		ctx = f(ctx, inv.public())
	}
	defer func() {
		if p := recover(); p != nil {
			answer, failure = nil, &FunctionError{"panic", fmt.Sprint(p)}
		}
	}()
	answer, err := inv.function.handler.Invoke(ctx, inv.payload)
	if err != nil {
		return nil, functionError(err)
	}
	return bytes.Clone(answer), nil
}

// functionError names an error as the Go runtime of Lambda does: by its type
// without package and pointer.
func functionError(err error) *FunctionError {
	if e, ok := errors.AsType[*FunctionError](err); ok {
		return e
	}
	name := strings.TrimLeft(fmt.Sprintf("%T", err), "*")
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return &FunctionError{name, err.Error()}
}

// answer hands the loop what the handler returned.
func (inv *invocation) answer(answer []byte, failure *FunctionError) {
	inv.cloud.enter(&call{owner: inv, lane: answerLane, f: func() error {
		if inv.over || failure != nil {
			inv.end("was answered", answer, failure)
			return nil
		}
		if inv.cloud.fault(Overrun, inv.function.name) {
			return nil // its timeout ends it
		}
		if inv.cloud.fault(LostAnswer, inv.function.name) {
			failure = &FunctionError{"Runtime.LostAnswer", "a fault: the function has answered, and the answer was lost"}
		}
		inv.end("was answered", answer, failure)
		return nil
	}})
}
