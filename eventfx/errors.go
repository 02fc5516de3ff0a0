package eventfx

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// ErrNoRoute is the failure of a message that no source matches and that
// Router.Default does not take. It is permanent: waiting adds no route.
var ErrNoRoute = errors.New("eventfx: no route for the message")

// ErrUnfinished is the failure of a message that was not run to its end:
// because the host's context was done before, or because an earlier message of
// its group failed. The message itself did nothing wrong, so it is never dead
// of retries, however often it was delivered; only one that its source will not
// deliver again (Origin.Last) is kept by the dead letter all the same.
//
// Middleware that turns a message away without running it, because of a limit
// or an outage, wraps ErrUnfinished for that reason, best in a RetryAfter.
var ErrUnfinished = errors.New("eventfx: message not finished")

// errBlocked is the failure of what follows a failed message in its group.
var errBlocked = fmt.Errorf("an earlier message of its group failed: %w", ErrUnfinished)

// A PermanentError says that running the message again cannot help.
type PermanentError struct{ Err error }

// Permanent marks err as permanent: the message is not run again and is dead
// at once. Permanent(nil) is nil.
//
// Code that should not import this package gives its error type a method
// Permanent() bool instead.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &PermanentError{Err: err}
}

func (e *PermanentError) Error() string   { return e.Err.Error() }
func (e *PermanentError) Unwrap() error   { return e.Err }
func (e *PermanentError) Permanent() bool { return true }

// A RetryAfterError asks that the message is not run again before a delay.
type RetryAfterError struct {
	Err   error
	After time.Duration
}

// RetryAfter asks that the message is not run again before d has passed. The
// delay is kept in this process when it fits the deadline and attempts are
// left, else by the source where its host can delay. RetryAfter(nil, d) is nil.
//
// Code that should not import this package gives its error type a method
// RetryAfter() time.Duration instead.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &RetryAfterError{Err: err, After: d}
}

func (e *RetryAfterError) Error() string             { return e.Err.Error() }
func (e *RetryAfterError) Unwrap() error             { return e.Err }
func (e *RetryAfterError) RetryAfter() time.Duration { return e.After }

// A PanicError is the failure of a message whose handler panicked. It is
// transient, and touches no other message.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // the stack of the goroutine that panicked
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the panic's value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

func newPanicError(value any) *PanicError {
	return &PanicError{Value: value, Stack: debug.Stack()}
}

// A BatchError says which messages of a delivery failed; the others are done.
//
// It deliberately has no Unwrap: whether a failure is permanent is a question
// about one message, and an answer for the whole would let a poison message
// mark its neighbours. Use Delivery.Failures to read it.
type BatchError struct{ Failures []Failure }

func (e *BatchError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "messages failed: %d", len(e.Failures))
	for i, f := range e.Failures {
		if i == 3 {
			b.WriteString("; ...")
			break
		}
		id := "no message"
		if f.Message != nil {
			id = f.Message.ID()
		}
		fmt.Fprintf(&b, "; %s: %v", id, f.Err)
	}
	return b.String()
}

// asBatchError finds a BatchError in a chain of errors that each wrap one. One
// that was joined with another error is not taken for an answer: the other
// error is about all messages.
func asBatchError(err error) (*BatchError, bool) {
	for err != nil {
		if b, ok := err.(*BatchError); ok {
			return b, b != nil
		}
		wrapper, ok := err.(interface{ Unwrap() error })
		if !ok {
			return nil, false
		}
		err = wrapper.Unwrap()
	}
	return nil, false
}

// errNoReason is the failure of a message of which a handler said no more than
// that it failed.
var errNoReason = errors.New("eventfx: the handler gave no reason")

// An unkeptError is the failure of a dead message that its dead letter did not
// take. It is not permanent: the message is to come again, until it is kept.
type unkeptError struct{ err, deadLetter error }

func (e *unkeptError) Error() string {
	return e.err.Error() + "; and the dead letter failed: " + e.deadLetter.Error()
}
func (e *unkeptError) Unwrap() []error { return []error{e.err, e.deadLetter} }
func (e *unkeptError) Permanent() bool { return false }

var errNilBatchError = errors.New("eventfx: the handler returned a *BatchError that is nil: it does not say what failed")

// isPermanent reports whether err, of one message, is permanent.
func isPermanent(err error) bool {
	if errors.Is(err, ErrNoRoute) {
		return true
	}
	p, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return ok && p.Permanent()
}

// delayAsked returns the delay that err asks for, at least 0.
func delayAsked(err error) (time.Duration, bool) {
	r, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err)
	if !ok {
		return 0, false
	}
	return max(0, r.RetryAfter()), true
}
