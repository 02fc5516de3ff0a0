// Package shop is a program's own code in docs/migrate.md: what both sides of
// each pair call, and what does not change.
package shop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// An Order is what customers send.
type Order struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
}

// Ship refuses an empty order.
func Ship(ctx context.Context, o Order) error {
	note(ctx, "ship %s", o.ID)
	if o.Total == 0 {
		return errors.New("empty order " + o.ID)
	}
	return nil
}

// Audit wants to know who did it.
func Audit(ctx context.Context, m events.SQSMessage) error {
	actor := m.MessageAttributes["actor"].StringValue
	if actor == nil {
		return errors.New("no actor in " + m.MessageId)
	}
	note(ctx, "audit %s by %s, delivery %s", m.Body, *actor, m.Attributes["ApproximateReceiveCount"])
	return nil
}

// Index refuses an empty object.
func Index(ctx context.Context, r events.S3EventRecord) error {
	note(ctx, "index %s/%s at %s", r.S3.Bucket.Name, r.S3.Object.URLDecodedKey, r.EventTime.Format(time.RFC3339Nano))
	if r.S3.Object.Size == 0 {
		return errors.New("empty object " + r.S3.Object.Key)
	}
	return nil
}

// A User is an item of a table.
type User struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// Welcome needs an address.
func Welcome(ctx context.Context, u User) error {
	note(ctx, "welcome %s", u.ID)
	if u.Email == "" {
		return errors.New("no address of " + u.ID)
	}
	return nil
}

// Placed takes an event of the bus.
func Placed(ctx context.Context, e events.EventBridgeEvent) error {
	note(ctx, "placed %s %s by %s of %s in %s: %s %v", e.ID, e.Detail, e.Source, e.AccountID, e.Region, e.Time, e.Resources)
	if string(e.Detail) == "{}" {
		return errors.New("nothing was placed")
	}
	return nil
}

// Cleanup removes what is older than a day at the time.
func Cleanup(ctx context.Context, at time.Time) error {
	note(ctx, "clean up before %s", at.AddDate(0, 0, -1))
	if at.Minute() == 0 {
		return errors.New("locked on the hour")
	}
	return nil
}

// Calls are what the functions of this package were called with.
type Calls struct {
	mu    sync.Mutex
	lines []string
}

type callsKey struct{}

// Watch returns a context whose calls are written down.
func Watch(ctx context.Context) (context.Context, *Calls) {
	c := &Calls{}
	return context.WithValue(ctx, callsKey{}, c), c
}

// Lines returns the calls so far.
func (c *Calls) Lines() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines
}

func note(ctx context.Context, format string, args ...any) {
	c, ok := ctx.Value(callsKey{}).(*Calls)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}
