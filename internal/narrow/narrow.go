// Package narrow is for middleware that judges each message of a delivery and
// runs the rest.
package narrow

import (
	"context"
	"errors"

	"github.com/eventfx/eventfx-go/eventfx"
)

// ErrSkip is a judgement: the message is done without a run.
var ErrSkip = errors.New("narrow: skip")

// Run calls next with the messages of d for which judge returns nil. It answers
// for all: those for which judge returned another error than ErrSkip fail with
// it. What follows a failed message in its group is neither judged nor run, for
// it must not overtake.
func Run(ctx context.Context, d *eventfx.Delivery, next eventfx.Handler, judge func(*eventfx.Message) error) error {
	if len(d.Messages) == 1 {
		switch err := judge(d.Messages[0]); err {
		case nil:
			return next(ctx, d)
		case ErrSkip:
			return nil
		default:
			return err
		}
	}
	rest := &eventfx.Delivery{Route: d.Route, Attempt: d.Attempt}
	var failures []eventfx.Failure
	stopped := map[string]bool{} // groups in which a message failed
	for _, m := range d.Messages {
		err := eventfx.ErrUnfinished
		if m.Group == "" || !stopped[m.Group] {
			err = judge(m)
		}
		switch err {
		case nil:
			rest.Messages = append(rest.Messages, m)
		case ErrSkip:
		default:
			stopped[m.Group] = true
			failures = append(failures, eventfx.Failure{Message: m, Err: err})
		}
	}
	if len(rest.Messages) == len(d.Messages) {
		return next(ctx, d)
	}
	if len(rest.Messages) > 0 {
		asked := eventfx.Delivery{Messages: append([]*eventfx.Message(nil), rest.Messages...)}
		failures = append(failures, asked.Failures(next(ctx, rest))...)
	}
	if failures == nil {
		return nil
	}
	return &eventfx.BatchError{Failures: failures}
}
