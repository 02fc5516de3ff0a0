package memcloud

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"
)

// A Function runs a handler for the sources that trigger it.
type Function struct {
	cloud   *Cloud
	name    string
	handler Handler
	timeout time.Duration
	context func(context.Context, Invocation) context.Context

	reserved int // 0: no limit, -1: none may run
	running  int

	retries    int
	maxAge     time.Duration
	deadLetter *Queue
}

// FunctionOptions configure a function. For each field the zero value is
// AWS's default.
type FunctionOptions struct {
	// Timeout ends an invocation, at most 15 minutes. 0 means 3 s.
	Timeout time.Duration

	// ReservedConcurrency is how many invocations may run at once; what comes
	// beyond is throttled. 0 means that there is no limit, -1 that none may
	// run.
	ReservedConcurrency int

	// Retries is how often a failed asynchronous invocation (by a bucket, a
	// topic or a schedule) is tried again, 0-2: after 1 minute, then after
	// 2 more. 0 means 2, -1 none.
	Retries int

	// MaxAge is the age at which an asynchronous event is given up, 1 minute
	// to 6 hours. 0 means 6 hours.
	MaxAge time.Duration

	// DeadLetter gets the asynchronous events that failed for good, with
	// RequestID, ErrorCode and ErrorMessage as attributes. nil: they are lost.
	DeadLetter *Queue

	// Context may add to an invocation's context what a runtime gives, such
	// as aws-lambda-go's lambdacontext with the request id. Without it the
	// context has the deadline alone.
	Context func(context.Context, Invocation) context.Context
}

// A FunctionOption is *FunctionOptions or the result of Trigger.
type FunctionOption interface{ apply(f *Function) error }

// Function makes a function of the handler.
func (c *Cloud) Function(name string, handler Handler, options ...FunctionOption) *Function {
	f := &Function{cloud: c, name: name, handler: handler, timeout: 3 * time.Second, retries: 2, maxAge: 6 * time.Hour}
	c.wire(func() error {
		if handler == nil {
			return fmt.Errorf("memcloud: function %q has no handler", name)
		}
		if err := register(c.functions, "function", name, f); err != nil {
			return err
		}
		// Options first: triggers check them.
		for _, o := range options {
			if o, ok := o.(*FunctionOptions); ok {
				if err := o.apply(f); err != nil {
					return err
				}
			}
		}
		for _, o := range options {
			if _, ok := o.(*FunctionOptions); !ok {
				if err := o.apply(f); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return f
}

func (o *FunctionOptions) apply(f *Function) error {
	if o == nil {
		return nil
	}
	if o.Timeout < 0 || o.Timeout > 15*time.Minute {
		return &Error{f.name, "ValidationException", fmt.Sprintf("timeout %v: must be at most 900 seconds", o.Timeout)}
	}
	if o.Retries < -1 || o.Retries > 2 {
		return &Error{f.name, "ValidationException", fmt.Sprintf("maximumRetryAttempts %d: must be 0 to 2", o.Retries)}
	}
	if o.MaxAge != 0 && (o.MaxAge < time.Minute || o.MaxAge > 6*time.Hour) {
		return &Error{f.name, "ValidationException", fmt.Sprintf("maximumEventAgeInSeconds %v: must be 60 to 21600", o.MaxAge.Seconds())}
	}
	if o.DeadLetter != nil && o.DeadLetter.fifo {
		return &Error{f.name, "InvalidParameterValueException", "the dead-letter queue of a function must be a standard queue"}
	}
	if o.ReservedConcurrency < -1 {
		return &Error{f.name, "InvalidParameterValueException", fmt.Sprintf("ReservedConcurrentExecutions %d: must be -1 (none) or more", o.ReservedConcurrency)}
	}
	f.timeout = cmp.Or(o.Timeout, f.timeout)
	f.reserved = o.ReservedConcurrency
	f.retries = max(0, cmp.Or(o.Retries, f.retries))
	f.maxAge = cmp.Or(o.MaxAge, f.maxAge)
	f.deadLetter, f.context = o.DeadLetter, o.Context
	return nil
}

// A Source triggers functions, with options O: *Queue and *Table with Mapping,
// *Bucket with Notification, *Topic with Subscription, *Schedule with Target,
// *EventBus with Rule.
type Source[O any] interface {
	trigger(f *Function, o *O) error
}

// Trigger has the source trigger the function. At most one options may be
// given; without them AWS's defaults hold. ReportBatchItemFailures is off by
// default, as on AWS.
func Trigger[S Source[O], O any](source S, options ...*O) FunctionOption {
	return triggerOption(func(f *Function) error {
		switch {
		case len(options) > 1:
			return fmt.Errorf("memcloud: function %q: a trigger takes one options, not %d", f.name, len(options))
		case len(options) == 1 && options[0] != nil:
			return source.trigger(f, options[0])
		}
		return source.trigger(f, new(O))
	})
}

type triggerOption func(*Function) error

func (t triggerOption) apply(f *Function) error { return t(f) }

// Name returns the name that was given.
func (f *Function) Name() string { return f.name }

// ARN returns the function's ARN.
func (f *Function) ARN() string {
	return "arn:aws:lambda:" + Region + ":" + Account + ":function:" + f.name
}

// Invoke runs the function and waits for its answer, as a synchronous
// invocation does: there are no retries. A failure is a *FunctionError.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	payload = bytes.Clone(payload)
	var answer []byte
	var failure error
	done := make(chan struct{})
	err := f.cloud.do(ctx, "invoke\x00"+f.name+"\x00"+string(payload), func() error {
		if !f.admit() {
			return &Error{f.name, "TooManyRequestsException", "Rate Exceeded."}
		}
		f.cloud.invoke(f, "", payload, "", nil, func(inv *invocation, a []byte, failed *FunctionError) {
			defer close(done)
			inv.noteAnswer("ok", failed)
			if failed != nil {
				failure = failed
			}
			answer = a
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-done:
		return answer, failure
	case <-ctx.Done():
		return nil, ctx.Err() // the invocation goes on
	case <-f.cloud.stopped:
		return nil, ErrClosed
	}
}

// admit reports whether the function may be invoked once more. If not it is
// throttled: whoever calls tries again later. It is called in the loop, before
// each invocation.
func (f *Function) admit() bool {
	c := f.cloud
	if f.reserved < 0 || f.reserved > 0 && f.running >= f.reserved {
		c.note(f.name, "throttle", entity{}, fmt.Sprintf("the reserved concurrency is %d", max(f.reserved, 0)))
		return false
	}
	return !c.fault(Throttle, f.name)
}

// Send invokes the function asynchronously, as buckets, topics and schedules
// do: its answer is ignored, a failure is retried.
func (f *Function) Send(payload []byte) {
	payload = bytes.Clone(payload)
	f.cloud.post(func() { f.cloud.invokeAsync(f, payload, "asynchronous") })
}

// asyncEvent is an event in a function's own queue for asynchronous
// invocations.
type asyncEvent struct {
	function *Function
	id       string
	payload  []byte
	cause    string
	since    time.Duration
	tries    int
}

// asyncDelays are those before the second and the third try.
var asyncDelays = [...]time.Duration{time.Minute, 2 * time.Minute}

func (c *Cloud) invokeAsync(f *Function, payload []byte, cause string) {
	e := &asyncEvent{function: f, id: c.uuid("request-async", c.number("request-async")), payload: payload, cause: cause, since: c.now}
	c.at(c.now, true, func() { c.tryAsync(e) })
}

func (c *Cloud) tryAsync(e *asyncEvent) {
	e.tries++
	cause := e.cause
	if e.tries > 1 {
		cause += " (" + ordinal(e.tries) + " try)"
	}
	f := e.function
	// Each try gets bytes of its own: a handler may scribble over them.
	c.invoke(f, e.id, bytes.Clone(e.payload), cause, nil, func(inv *invocation, _ []byte, failure *FunctionError) {
		inv.noteAnswer("ok", failure)
		switch {
		case failure == nil:
		case e.tries > f.retries:
			c.giveUpAsync(e, failure, fmt.Sprintf("after %d tries", e.tries))
		case c.now+asyncDelays[e.tries-1]-e.since > f.maxAge:
			c.giveUpAsync(e, failure, "older than "+f.maxAge.String())
		default:
			c.at(c.now+asyncDelays[e.tries-1], true, func() { c.tryAsync(e) })
		}
	})
}

func (c *Cloud) giveUpAsync(e *asyncEvent, failure *FunctionError, why string) {
	q := e.function.deadLetter
	if q == nil {
		c.note(e.function.name, "LOST", entity{name: e.cause}, why+"; the function has no dead-letter queue")
		return
	}
	message := failure.Message
	if len(message) > 1024 {
		message = message[:1024]
	}
	m := q.accept(Message{Body: string(e.payload), Attributes: map[string]Attribute{
		"RequestID":    {Type: "String", Value: e.id},
		"ErrorCode":    {Type: "Number", Value: strconv.Itoa(200)},
		"ErrorMessage": {Type: "String", Value: message},
	}})
	c.note(e.function.name, "move", m.entity(), "to "+q.name+" "+why)
}
