package eventfx

import (
	"context"
	"log/slog"
	"time"
)

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
		observed, end := begin(&turnContext{Context: ctx, turn: t, message: rec.message}, t.routeName(), rec.message)
		t.batch.mu.Lock()
		late := t.batch.closed
		if !late {
			rec.end = end
		}
		t.batch.mu.Unlock()
		if late && end != nil {
			end(ErrUnfinished, nil)
		}
		if len(t.records) == 1 {
			ctx = orElse(observed, ctx)
		}
	}
	return ctx
}

// ended tells the observer what became of a message; without one it logs what
// is not done.
func (r *Router) ended(ctx context.Context, m *Message, rt *route, err error, dead *Dead, end func(error, *Dead)) {
	if r.Observer.Message != nil {
		if end != nil {
			end(err, dead)
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
	name := "none"
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
		end(err, retryIn)
	}
}
