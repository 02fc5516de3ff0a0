package redact

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Errors is eventfx.Middleware: errors and panics of what it surrounds come
// out without the values that are removed from the data of their messages. They
// stay what they are: permanent, of their type, with their delay.
//
// errors.As and errors.Is look through to the error as it was: who prints what
// they find there prints it whole.
func (r *Redactor) Errors(next eventfx.Handler) eventfx.Handler {
	if err := r.Check(); err != nil {
		panic(err)
	}
	return func(ctx context.Context, d *eventfx.Delivery) (err error) {
		all := &eventfx.Delivery{Route: d.Route, Attempt: d.Attempt, Messages: slices.Clone(d.Messages)}
		scrub := func(s string) string {
			// An error of a batch may repeat the data of any of it.
			for _, m := range all.Messages {
				_, f := r.Event(m.Event)
				s = f(s)
			}
			return s
		}
		defer func() {
			if value := recover(); value != nil {
				panicked := newPanic(value)
				panicked.Stack = []byte(scrub(string(panicked.Stack)))
				if cause, ok := value.(error); ok {
					panicked.Value = &redacted{scrub(cause.Error()), cause}
				} else {
					panicked.Value = scrub(fmt.Sprint(value))
				}
				err = panicked
			}
		}()
		if err = next(ctx, d); err == nil {
			return nil
		}
		failures := all.Failures(err)
		if len(all.Messages) == 1 && len(failures) == 1 && failures[0].After == asked(failures[0].Err) {
			return hide(failures[0].Err, scrub)
		}
		for i := range failures {
			failures[i].Err = hide(failures[i].Err, scrub)
		}
		return &eventfx.BatchError{Failures: failures}
	}
}

func newPanic(value any) *eventfx.PanicError {
	return &eventfx.PanicError{Value: value, Stack: debug.Stack()}
}

// asked returns the delay that err asks for by itself.
func asked(err error) time.Duration {
	r, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err)
	if !ok {
		return 0
	}
	return max(0, r.RetryAfter())
}

// hide returns err with a text from which values are removed.
func hide(err error, scrub func(string) string) error {
	if text := err.Error(); scrub(text) != text {
		return &redacted{scrub(text), err}
	}
	return err
}

// redacted is an error whose text was changed.
type redacted struct {
	text string
	err  error
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.err }
