package eventfx

import (
	"context"
	"slices"
	"time"
)

// A Router holds sources and handlers, and the policy by which messages are
// delivered. The zero Router works. Set its fields and call On and OnBatch
// before the first delivery; afterwards it must not be changed, and Deliver
// may be called from any number of goroutines.
type Router struct {
	// Retry says how often a failed message is run again in this process, and
	// when it is dead. The zero value runs it once.
	Retry Retry

	// Timeout ends the context of one attempt. 0 means that only the host's
	// deadline does. The handler is waited for: it never runs beside its retry.
	Timeout Timeout

	// DeadLetter keeps what cannot succeed. Without one, such a message goes
	// back to the source, which blocks a stream or a FIFO group until the
	// source gives it up.
	DeadLetter DeadLetter

	// Once is outermost: it sees one outcome per delivery. nil runs every
	// delivery.
	Once Once

	// Use is middleware around every handler; the first is outermost.
	Use []Middleware

	// Default takes messages without a route. nil fails them with ErrNoRoute;
	// Ignore drops them.
	Default Handler

	// Concurrency is how many groups and unordered messages run at once within
	// one call of Deliver. 0 and 1 run them one after the other.
	Concurrency int

	// Grace is how long Deliver waits for handlers after its context is done.
	// 0 means 250 ms. A host may shorten it.
	Grace time.Duration

	// Unmarshal decodes the data of messages. nil means encoding/json.
	Unmarshal func([]byte, any) error

	// Observer is told what happens. Without Observer.Message each message
	// that is not done is one ERROR line of the default slog.Logger.
	Observer Observer

	table routeTable
}

// A Failure is a message that is not done.
type Failure struct {
	Message *Message
	Err     error
	// After is the delay that was asked for and not yet kept; 0 means none.
	After time.Duration
}

// A Delivery is what a chain of handlers runs for: one message, or several of
// a batch.
type Delivery struct {
	Route    string     // the name of the source, or "default"
	Attempt  int        // runs in this process so far, this one included
	Messages []*Message // at least one
}

// Failures reads err, which a Handler returned for d, by message: none for
// nil, those that a *BatchError names, else each message of d with err. It
// reads as the router does: a BatchError that names nothing, or a message that
// is not of d, or that is joined with another error, fails all.
func (d *Delivery) Failures(err error) []Failure {
	return slices.DeleteFunc(failedOf(d.Messages, err), func(f Failure) bool { return f.Err == nil })
}

// A Handler handles the messages of d. A nil error means that all are done. A
// *BatchError names those that are not; any other error means all of them. A
// Handler may be called from many goroutines at once.
type Handler func(ctx context.Context, d *Delivery) error

// Middleware wraps a Handler. It runs inside retries and timeouts: once for
// each attempt. It may call the next Handler with a Delivery of fewer
// messages, and answers for all that it was given.
type Middleware func(next Handler) Handler

// Once wraps the whole of a delivery, retries and dead letter included, so
// that it locks once and sees one outcome: nil commits; an error releases,
// also that of a dead letter, for a replay keeps its id and must run. Read the
// outcome of a batch by Delivery.Failures.
//
// It may call next with a Delivery of fewer messages, and not at all: what it
// leaves out and does not fail is done, and what it leaves out and fails as
// permanent is dead. It calls next with the context that it got, or one derived
// from it; when it returns before next has, next is waited for. It cannot make
// a failure undone.
type Once func(next Handler) Handler

// A DeadLetter keeps a message that cannot succeed. A nil error means that it
// is kept for good: only then is the source told that the message is handled.
// The context is not the handler's: it outlives a done delivery by a limit of
// its own.
type DeadLetter func(ctx context.Context, dead *Dead) error

// Dead is a message that cannot succeed, with its story.
type Dead struct {
	// Message is as it was delivered, whatever the handler did to its copy.
	Message *Message
	// Route is the name of the source, "default", or "" without a route.
	Route string
	// Reason is one of "permanent" (no route, too), "decode", "panic" and
	// "retriesexhausted".
	Reason string
	// Err is the error of the last attempt.
	Err error
	// Attempts are the runs in this process, in order. It is empty for a
	// message that could not be read, has no route, or was refused by a Once.
	Attempts []Attempt
}

// An Attempt is one run of a handler for a message that failed.
type Attempt struct {
	Started time.Time
	Ended   time.Time
	Err     error
}

// Retry says how often a message is run again in this process, after which
// delay, and from which delivery on it is dead.
type Retry struct {
	// Attempts is the most runs in one delivery; 0 means 1. A run is only
	// started when its delay fits the deadline.
	Attempts int

	// Deliveries is the delivery by the source (Origin.Receives) from which on
	// a message whose attempts are used up is dead: 0 means 5, 1 the first,
	// -1 never. Before it the message goes back to the source, so that an
	// outage of seconds does not empty a queue into the dead letters.
	//
	// A queue's own limit (maxReceiveCount) must not be lower, or the queue
	// moves the message first. Sources that do not count their deliveries (all
	// but queues) never reach 5: give their routes a Retry with Deliveries 1
	// to have transient failures kept, too.
	Deliveries int

	// Base and Max bound the delay before run n+1: a random part of
	// Base × 2^(n-1), at most Max. 0 means 100 ms and 20 s.
	Base, Max time.Duration

	// Delay replaces Base and Max: the delay after failed run n (from 1).
	Delay func(n int, err error) time.Duration

	// If says whether a transient error is worth another run in this process.
	// nil means that each is.
	If func(error) bool
}

// Timeout is a limit for one attempt. 0 means none.
type Timeout time.Duration

// A RouteOption is a policy for one route, in place of the router's: a
// Middleware (added inside the router's), Once, DeadLetter, Retry or Timeout.
type RouteOption interface{ route(*route) }

// An Observer is told what happens in a router. Each function may be nil, may
// return a derived context, and may return a nil end function. Observers only
// observe: of what they return the values of the context reach handlers, not
// its end or deadline, and nothing else has an effect. Their panics are logged
// and forgotten. They are called from many goroutines at once.
type Observer struct {
	// Batch is called for each call of Deliver; its end gets what is not done.
	Batch func(ctx context.Context, messages []*Message) (context.Context, func([]Failure))

	// Message is called for each message that gets its turn. Its end gets nil
	// when the message is done; the error when it goes back to the source; the
	// error and dead when it was dead-lettered. The context is used for a
	// message that runs alone, and not for one of a batch.
	Message func(ctx context.Context, route string, m *Message) (context.Context, func(err error, dead *Dead))

	// Attempt is called for each run. Its end gets the error and, when the run
	// is repeated in this process, the delay until then; else a negative one.
	Attempt func(ctx context.Context, d *Delivery) (context.Context, func(err error, retryIn time.Duration))
}

// Ignore is a Handler that does nothing. As Router.Default it drops messages
// that no source matches; an Observer still counts them.
func Ignore(context.Context, *Delivery) error { return nil }
