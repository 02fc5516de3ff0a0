// Package narrow is for middleware that judges each message of a delivery and
// runs the rest.
package narrow

import (
	"context"
	"errors"
	"slices"

	"github.com/eventfx/eventfx-go/eventfx"
)

// ErrSkip is a judgement: the message is done without a run.
var ErrSkip = errors.New("narrow: skip")

// Run calls next with what judge returns for the messages of d: the message
// itself, or a copy with other data. It answers for all: those for which judge
// returned another error than ErrSkip fail with it. What follows a failed
// message in its group is neither judged nor run, for it must not overtake.
func Run(ctx context.Context, d *eventfx.Delivery, next eventfx.Handler, judge func(*eventfx.Message) (*eventfx.Message, error)) error {
	rest := &eventfx.Delivery{Route: d.Route, Attempt: d.Attempt}
	if len(d.Messages) == 1 {
		switch m, err := judge(d.Messages[0]); {
		case err == ErrSkip:
			return nil
		case err != nil:
			return err
		case m == d.Messages[0]:
			return next(ctx, d)
		default:
			rest.Messages = []*eventfx.Message{m}
			return next(ctx, rest)
		}
	}
	var failures []eventfx.Failure
	stopped := map[string]bool{} // groups in which a message failed
	for _, m := range d.Messages {
		if m.Group != "" && stopped[m.Group] {
			failures = append(failures, eventfx.Failure{Message: m, Err: eventfx.ErrUnfinished})
			continue
		}
		judged, err := judge(m)
		switch err {
		case nil:
			rest.Messages = append(rest.Messages, judged)
		case ErrSkip:
		default:
			stopped[m.Group] = true
			failures = append(failures, eventfx.Failure{Message: m, Err: err})
		}
	}
	if slices.Equal(rest.Messages, d.Messages) {
		return next(ctx, d)
	}
	if len(rest.Messages) > 0 {
		asked := eventfx.Delivery{Messages: slices.Clone(rest.Messages)}
		failures = append(failures, asked.Failures(next(ctx, rest))...)
	}
	if failures == nil {
		return nil
	}
	return &eventfx.BatchError{Failures: failures}
}
