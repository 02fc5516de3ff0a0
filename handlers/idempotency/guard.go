package idempotency

import (
	"context"
	"errors"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Errors of a message that was not run, or whose success could not be kept.
var (
	// ErrInProgress says that the message is being handled elsewhere: it goes
	// back, with the rest of the lease as the delay that it asks for.
	ErrInProgress = errors.New("idempotency: the message is being handled elsewhere")

	// ErrKeyReused says that the key belongs to a message with other data. It
	// is permanent.
	ErrKeyReused = errors.New("idempotency: the key was used for a message with other data")

	// ErrLateCommit says that the handler ended after its lease, and that
	// another holder has taken the message over meanwhile.
	ErrLateCommit = errors.New("idempotency: the lease was over, and the message was taken over elsewhere")
)

// A Guard has each message handled once, as far as that is possible: what is
// done is remembered, what is being done is locked. Its method Once is an
// eventfx.Once, for a Router or for one route.
//
// A Guard may be used by many routes and goroutines at once; its fields must
// not be changed then.
type Guard struct {
	// Store keeps the records. It must be set: Collection or a *Memory.
	Store Store

	// Key names what must happen once. nil means the event's source and id,
	// which every redelivery and every replay has in common. With a Key of your
	// own (an order's number) the data is compared, too: see ErrKeyReused. An
	// error is a permanent failure of the message.
	//
	// Each route has keys of its own.
	Key func(*eventfx.Message) (string, error)

	// Lease is how long a handler may take, its retries included: its context
	// ends then, and afterwards another process may take the message over. 0
	// means until the deadline of the context, or a minute without one.
	Lease time.Duration

	// Keep is how long it is remembered that a message is done. 0 means 7
	// days.
	Keep time.Duration

	// RunUnguarded runs messages without a lock when the store fails: they may
	// then be handled twice. Without it they fail, and go back.
	RunUnguarded bool

	// Cache is how many done messages are remembered in this process, to spare
	// the store. 0 means 1024, -1 none.
	Cache int

	known cache
}

const (
	defaultLease = time.Minute
	defaultKeep  = 7 * 24 * time.Hour
	defaultCache = 1024

	// storeLimit bounds what is written after the handler, in a context of its
	// own: the handler's may be done.
	storeLimit = 5 * time.Second

	// slack is how much longer the lock holds than the handler's context, for
	// a handler that needs a moment to notice, and for clocks that disagree.
	slack = time.Second
)

// lease returns when the handler must end.
func (g *Guard) lease(ctx context.Context, now time.Time) time.Time {
	deadline, ok := ctx.Deadline()
	switch {
	case g.Lease > 0:
		if end := now.Add(g.Lease); !ok || end.Before(deadline) {
			return end
		}
		return deadline
	case ok:
		return deadline
	}
	return now.Add(defaultLease)
}

func (g *Guard) keep() time.Duration {
	if g.Keep > 0 {
		return g.Keep
	}
	return defaultKeep
}

// afterwards returns the context for what is written after the handler.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
}
