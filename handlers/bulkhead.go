package handlers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// ErrFull says that a Bulkhead had no place for a message in time.
var ErrFull = errors.New("handlers: as many handlers run as the bulkhead allows")

// Bulkhead bounds how many deliveries run at once in this process, for all
// routes and all calls of Deliver that share it: one slow dependency then
// cannot hold every goroutine. A batch is one delivery. What finds no place
// waits for one in the order of arrival, and is turned away when that takes too
// long.
//
// A Bulkhead must not be copied, nor its fields changed, once it is used.
type Bulkhead struct {
	// Max is how many run at once. It must be positive.
	Max int

	// Wait is the longest wait for a place. It is never more than half of the
	// time to the deadline, so that the handler has the other half. 0 means a
	// second, -1 not to wait at all.
	Wait time.Duration

	// Delay is what a message that was turned away asks for. 0 means 5 s.
	Delay time.Duration

	once   sync.Once
	places chan struct{}
}

// Wrap is eventfx.Middleware. It panics when Max is not positive.
func (b *Bulkhead) Wrap(next eventfx.Handler) eventfx.Handler {
	if b.Max <= 0 {
		panic(fmt.Sprintf("handlers: Bulkhead.Max is %d: set it to how many may run at once", b.Max))
	}
	b.once.Do(func() { b.places = make(chan struct{}, b.Max) })
	return func(ctx context.Context, d *eventfx.Delivery) error {
		if !b.enter(ctx) {
			delay := b.Delay
			if delay <= 0 {
				delay = 5 * time.Second
			}
			return turnAway(ErrFull, delay)
		}
		defer func() { <-b.places }()
		return next(ctx, d)
	}
}

// enter takes a place.
func (b *Bulkhead) enter(ctx context.Context) bool {
	select {
	case b.places <- struct{}{}:
		return true
	default:
	}
	wait := b.Wait
	if wait == 0 {
		wait = time.Second
	}
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)/2)
	}
	if wait <= 0 {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case b.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
