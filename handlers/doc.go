// Package handlers has building blocks that go around handlers.
//
// # Use
//
// Each block is a struct whose method Wrap is middleware. Around every handler:
//
//	payments := &handlers.Breaker{Name: "payments"}
//	r := &eventfx.Router{
//		Observer: handlers.Log{}.Observer(),
//		Use:      []eventfx.Middleware{payments.Wrap},
//	}
//
// and around one of them:
//
//	mail := &handlers.Limit{Rate: 14}
//	eventfx.On(r, queue.JSON[Letter]{Queue: "letters"}, send, eventfx.Middleware(mail.Wrap))
//
// What a block counts is counted in this process, for all goroutines and all
// routes that share the block. On Lambda each instance has its own; the
// function's reserved concurrency times the limit is what all of them may do.
//
// # Turned away
//
// [Limit], [Bulkhead] and [Breaker] may turn a message away. Its error then
// asks for a delay (see [eventfx.RetryAfter]) and wraps
// [eventfx.ErrUnfinished]: the message has not run, so however often that
// happens it is not dead of retries. The router keeps the delay in this process
// when attempts are left and it fits the deadline, without a slot being held;
// else the host asks the source for it.
//
// The order in Router.Use is the order in which blocks see a message. Put a
// Breaker outside a Limit, so that what an open breaker turns away costs no
// token, and a Bulkhead innermost, so that no place is held while a message
// waits for its token.
//
// # Related packages
//
// handlers/idempotency has messages handled once, handlers/claimcheck keeps
// large data in a bucket, handlers/schema checks data before it is handled.
package handlers

import (
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// turnAway is the failure of a message that was not run.
func turnAway(err error, delay time.Duration) error {
	return eventfx.RetryAfter(fmt.Errorf("%w: %w", err, eventfx.ErrUnfinished), delay)
}
