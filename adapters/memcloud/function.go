package memcloud

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
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

	// Of asynchronous invocations. A nil Destination: nobody is told.
	retries    int
	maxAge     time.Duration
	deadLetter Destination
	onSuccess  Destination
	onFailure  Destination
}

// FunctionOptions configure a function. For each field the zero value is
// AWS's default.
type FunctionOptions struct {
	// Timeout ends an invocation, at most 15 minutes. 0 means 3 s.
	Timeout time.Duration

	// ReservedConcurrency is how many invocations may run at once; what comes
	// beyond is throttled: Invoke fails with TooManyRequestsException, a
	// mapping and an asynchronous event try again later. 0 means that there is
	// no limit, -1 that none may run: then asynchronous events are given up at
	// once.
	ReservedConcurrency int

	// The rest, but for Context, is for asynchronous invocations: those by a
	// bucket, a topic, a schedule, a destination and Send.

	// Retries is how often a failed event is tried again, at most 2: after
	// 1 minute, then after 2 more. Being throttled is no failure. 0 means 2,
	// -1 none.
	Retries int

	// MaxAge is the age at which an event is given up, 1 minute to 6 hours.
	// 0 means 6 hours.
	MaxAge time.Duration

	// DeadLetter, a standard *Queue or a *Topic, gets the events that were
	// given up as they were, with RequestID, ErrorCode and the first KB of
	// ErrorMessage as attributes. nil: none. With no OnFailure either they are
	// lost.
	DeadLetter Destination

	// OnSuccess and OnFailure, standard queues, topics, functions or event
	// buses, get a record of each event that was handled or given up: the
	// event, the answer or the error, the condition, the number of tries. nil:
	// none. A topic gets no payloads in a record of more than 256 KB.
	OnSuccess, OnFailure Destination

	// Context may add to an invocation's context what a runtime gives, such
	// as aws-lambda-go's lambdacontext with the request id. Without it the
	// context has the deadline alone.
	Context func(context.Context, Invocation) context.Context
}

// A Destination is told what became of asynchronous events: a *Queue, a *Topic,
// a *Function or an *EventBus; or of a stream's records, see Mapping: a *Queue,
// a *Topic or a *Bucket.
type Destination interface {
	Name() string
	ARN() string
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
		if slices.Contains(options, nil) {
			return fmt.Errorf("memcloud: function %q: an option is nil", name)
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
	for _, target := range []struct {
		option      string
		destination Destination
	}{{"DeadLetter", o.DeadLetter}, {"OnSuccess", o.OnSuccess}, {"OnFailure", o.OnFailure}} {
		if problem := checkDestination(target.destination, target.option != "DeadLetter"); problem != "" {
			return &Error{f.name, "InvalidParameterValueException", target.option + ": " + problem}
		}
		if target.destination != nil {
			if err := f.cloud.known(target.destination); err != nil {
				return err
			}
		}
	}
	if o.ReservedConcurrency < -1 {
		return &Error{f.name, "InvalidParameterValueException", fmt.Sprintf("ReservedConcurrentExecutions %d: must be -1 (none) or more", o.ReservedConcurrency)}
	}
	f.timeout = cmp.Or(o.Timeout, f.timeout)
	f.reserved = o.ReservedConcurrency
	f.retries = max(0, cmp.Or(o.Retries, f.retries))
	f.maxAge = cmp.Or(o.MaxAge, f.maxAge)
	f.deadLetter, f.onSuccess, f.onFailure, f.context = o.DeadLetter, o.OnSuccess, o.OnFailure, o.Context
	return nil
}

// checkDestination returns what is wrong with a destination. For dead letters
// only queues and topics will do.
func checkDestination(to Destination, records bool) string {
	missing := false
	switch to := to.(type) {
	case nil:
		return ""
	case *Queue:
		if missing = to == nil; !missing && to.fifo {
			return "must be a standard queue, not a FIFO queue"
		}
	case *Topic:
		missing = to == nil
	case *Function:
		if missing = to == nil; !missing && !records {
			return "must be a queue or a topic, not a function"
		}
	case *EventBus:
		if missing = to == nil; !missing && !records {
			return "must be a queue or a topic, not an event bus"
		}
	default:
		return fmt.Sprintf("must be a queue, a topic, a function or an event bus, not a %T", to)
	}
	if missing {
		return fmt.Sprintf("is a nil %T", to)
	}
	return ""
}

// A Source triggers functions, with options O: *Queue and *Table with Mapping,
// *Bucket with Notification, *Topic with Subscription, *Schedule and *Scheduler
// with Target, *EventBus with Rule.
type Source[O any] interface {
	trigger(f *Function, o *O) error
}

// Trigger has the source trigger the function. At most one options may be
// given; without them AWS's defaults hold.
//
// Queues and streams hand over batches and read the answer, if
// Mapping.ReportBatchItemFailures says so: it is off by default, as on AWS.
// All others invoke asynchronously, see FunctionOptions, and read no answer.
func Trigger[S Source[O], O any](source S, options ...*O) FunctionOption {
	return triggerOption(func(f *Function) error {
		if err := f.cloud.known(source); err != nil {
			return err
		}
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
// invocation does: there are no retries. The payload is JSON of at most 6 MB;
// an empty one is {}. The answer is given as it is, JSON or not. A failure is
// a *FunctionError, a throttled invocation an *Error,
// TooManyRequestsException. When ctx ends Invoke returns; the function runs
// on.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	c := f.cloud
	payload, err := f.checkPayload(payload, "RequestResponse", maxPayload)
	if err != nil {
		return nil, err
	}
	var answer []byte
	var failure error
	done := make(chan struct{})
	err = c.do(ctx, "invoke\x00"+f.name+"\x00"+string(payload), func() error {
		if !f.admit() {
			return &Error{f.name, "TooManyRequestsException", "Rate Exceeded."}
		}
		c.invoke(f, "", payload, "", nil, func(inv *invocation, a []byte, failed *FunctionError) {
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
		return nil, ctx.Err()
	case <-c.halting:
		return nil, c.haltedError()
	case <-c.stopped:
		return nil, ErrClosed
	}
}

// checkPayload returns the function's own copy of the payload.
func (f *Function) checkPayload(payload []byte, kind string, limit int) ([]byte, error) {
	switch {
	case len(payload) > limit:
		return nil, &Error{f.name, "RequestEntityTooLargeException", fmt.Sprintf("%d byte payload is too large for the %s invocation type (limit %d bytes)", len(payload), kind, limit)}
	case len(payload) == 0:
		return []byte("{}"), nil
	case !json.Valid(payload):
		return nil, &Error{f.name, "InvalidRequestContentException", "Could not parse request body into json: " + clip(string(payload), 40)}
	}
	return bytes.Clone(payload), nil
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
