package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Log writes one line for each message, when its delivery is over:
//
//	level=WARN msg="eventfx: message" type=order.placed source=/shop id=7 route="queue.JSON orders"
//	receives=2 attempt=3 outcome=back duration=1.2s error="no connection"
//
// The outcome is "done" (INFO), "back" to the source (WARN), or "dead" (ERROR,
// with the reason). The attempt is the last run in this process; 0 means that
// no handler ran: the message had no route, could not be read, never got its
// turn (the line then has no route), or a Once knew it. The duration includes waits, retries and the dead letter. A panic has its
// stack.
//
// It observes instead of being middleware: middleware sees attempts and not
// messages, none that has no route, and not whether the dead letter could be
// written. As a Router's Observer it stands in for the router's own ERROR line,
// so each message has exactly one.
type Log struct {
	// Logger is where lines go. nil means slog.Default().
	Logger *slog.Logger

	// Redact takes what must not be logged out of the text of errors and
	// stacks. nil means that they are logged as they are.
	Redact func(string) string
}

// Observer returns an observer for one or more routers.
func (l Log) Observer() eventfx.Observer {
	return eventfx.Observer{Batch: l.batch, Message: l.message, Attempt: countRun}
}

// runs is what is known of the runs of one call of Deliver. A message that runs
// alone has an entry in its context; those of a batch are told apart by name.
type runs struct {
	mu     sync.Mutex
	byName map[messageName]int
	told   map[*eventfx.Message]bool // those that went back and have their line
}

// tell reports whether a message that went back still needs its line.
func (r *runs) tell(m *eventfx.Message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told[m] {
		return false
	}
	if r.told == nil {
		r.told = map[*eventfx.Message]bool{}
	}
	r.told[m] = true
	return true
}

type messageName struct{ origin, source, id string }

func nameOf(m *eventfx.Message) messageName {
	return messageName{m.Origin.ID, m.Source(), m.ID()}
}

type runsKey struct{}
type aloneKey struct{}

// alone is the last attempt of a message that runs alone.
type alone struct {
	name    messageName
	attempt atomic.Int32 // a handler may outlive Deliver, which then ends the message
}

// batch writes, at its end, the lines of messages that never got their turn:
// those behind a failure of their group, or behind the deadline.
func (l Log) batch(ctx context.Context, _ []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
	began, r := time.Now(), &runs{}
	return context.WithValue(ctx, runsKey{}, r), func(failures []eventfx.Failure) {
		for _, f := range failures {
			if r.tell(f.Message) {
				l.write(ctx, "", f.Message, 0, time.Since(began), f.Err, nil)
			}
		}
	}
}

func countRun(ctx context.Context, d *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
	if a, ok := ctx.Value(aloneKey{}).(*alone); ok && len(d.Messages) == 1 && a.name == nameOf(d.Messages[0]) {
		a.attempt.Store(int32(d.Attempt))
		return nil, nil
	}
	r, _ := ctx.Value(runsKey{}).(*runs)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byName == nil {
		r.byName = map[messageName]int{}
	}
	for _, m := range d.Messages {
		r.byName[nameOf(m)] = d.Attempt
	}
	return nil, nil
}

func (l Log) message(ctx context.Context, route string, m *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
	began := time.Now()
	a := &alone{name: nameOf(m)}
	return context.WithValue(ctx, aloneKey{}, a), func(err error, dead *eventfx.Dead) {
		attempt := int(a.attempt.Load())
		r, _ := ctx.Value(runsKey{}).(*runs)
		if attempt == 0 {
			r.mu.Lock()
			attempt = r.byName[a.name]
			r.mu.Unlock()
		}
		if err != nil && dead == nil && !r.tell(m) {
			return // it began when Deliver had returned
		}
		l.write(ctx, route, m, attempt, time.Since(began), err, dead)
	}
}

func (l Log) write(ctx context.Context, route string, m *eventfx.Message, attempt int, took time.Duration, err error, dead *eventfx.Dead) {
	logger := l.Logger
	if logger == nil {
		logger = slog.Default()
	}
	level, outcome := slog.LevelInfo, "done"
	switch {
	case dead != nil:
		level, outcome = slog.LevelError, "dead"
	case err != nil:
		level, outcome = slog.LevelWarn, "back"
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 11),
		slog.String("type", m.Type()),
		slog.String("source", m.Source()),
		slog.String("id", m.ID()),
		slog.String("route", route),
		slog.Int("receives", m.Origin.Receives),
		slog.Int("attempt", attempt),
		slog.String("outcome", outcome))
	if dead != nil {
		attrs = append(attrs, slog.String("reason", dead.Reason))
	}
	attrs = append(attrs, slog.Duration("duration", took))
	if err != nil {
		attrs = append(attrs, slog.String("error", l.redact(err.Error())))
		if p, ok := errors.AsType[*eventfx.PanicError](err); ok {
			attrs = append(attrs, slog.String("stack", l.redact(string(p.Stack))))
		}
	}
	logger.LogAttrs(ctx, level, "eventfx: message", attrs...)
}

// redact never lets a text through that Redact could not read.
func (l Log) redact(text string) (clean string) {
	if l.Redact == nil {
		return text
	}
	defer func() {
		if value := recover(); value != nil {
			clean = fmt.Sprintf("(not logged: Log.Redact panicked, a %T)", value)
		}
	}()
	return l.Redact(text)
}
