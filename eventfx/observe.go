package eventfx

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/eventfx/eventfx-go/internal/delivery"
)

// beginBatch tells the observer of a call of Deliver.
func (r *Router) beginBatch(ctx context.Context, messages []*Message) (observed context.Context, end func([]Failure)) {
	messages = slices.Clone(messages) // it may sort what it gets, and keep it
	observe(func() { observed, end = r.Observer.Batch(ctx, messages) })
	return withValues(ctx, observed), end
}

// beginAttempt tells the observer of a run, by a Delivery of its own.
func (t *turn) beginAttempt(ctx context.Context, d *Delivery) (observed context.Context, end func(error, time.Duration)) {
	d = &Delivery{Route: d.Route, Attempt: d.Attempt, Messages: slices.Clone(d.Messages)}
	observe(func() { observed, end = t.batch.router.Observer.Attempt(ctx, d) })
	return withValues(ctx, observed), end
}

// begin tells the observer that the records get their turn, and returns the
// context for it.
func (t *turn) begin(ctx context.Context) context.Context {
	begin := t.batch.router.Observer.Message
	if begin == nil {
		return ctx
	}
	for _, rec := range t.records {
		if rec.begun {
			continue // it stood behind a dead message of its group
		}
		rec.begun = true
		var observed context.Context
		var end func(error, *Dead)
		own := &turnContext{Context: ctx, turn: t, message: rec.message}
		observe(func() { observed, end = begin(own, t.routeName(), rec.message) })
		t.batch.mu.Lock()
		late := t.batch.closed
		if !late {
			rec.end = end
		}
		t.batch.mu.Unlock()
		if late && end != nil {
			observe(func() { end(ErrUnfinished, nil) })
		}
		if len(t.records) == 1 {
			ctx = withValues(ctx, observed)
		}
	}
	return ctx
}

// ended tells the observer what became of a message; without one it logs what
// is not done.
func (r *Router) ended(ctx context.Context, m *Message, rt *route, err error, dead *Dead, end func(error, *Dead)) {
	if r.Observer.Message != nil {
		if end != nil {
			observe(func() { end(err, dead) })
		}
		return
	}
	if err == nil {
		return
	}
	outcome := "back to the source"
	if dead != nil {
		outcome = "dead letter: " + dead.Reason
	}
	name := ""
	if rt != nil {
		name = rt.name
	}
	slog.LogAttrs(ctx, slog.LevelError, "eventfx: message failed",
		slog.String("type", m.Type()),
		slog.String("source", m.Source()),
		slog.String("id", m.ID()),
		slog.String("route", name),
		slog.Int("receives", m.Origin.Receives),
		slog.String("outcome", outcome),
		slog.String("error", err.Error()))
}

func observeAttempt(end func(error, time.Duration), err error, retryIn time.Duration) {
	if end != nil {
		observe(func() { end(err, retryIn) })
	}
}

// observe calls an observer. Its panic must not become a message's failure.
func observe(f func()) {
	defer func() {
		if value := recover(); value != nil {
			err := newPanicError(value)
			slog.Error("eventfx: the observer panicked", "error", err, "stack", string(err.Stack))
		}
	}()
	f()
}

// withValues returns ctx with the values of what an observer derived from it.
func withValues(ctx, observed context.Context) context.Context {
	if observed == nil || observed == ctx {
		return ctx
	}
	return &observedContext{Context: ctx, values: observed}
}

// An observedContext ends when the router says so, whatever an observer made of
// its context: observers only observe.
type observedContext struct {
	context.Context
	values context.Context
}

func (c *observedContext) Value(key any) any {
	switch key.(type) {
	case messageKey, turnKey, delivery.LaneKey:
		// Not of another message, should it have got mixed up.
		return c.Context.Value(key)
	}
	if value := c.values.Value(key); value != nil {
		return value
	}
	return c.Context.Value(key)
}
