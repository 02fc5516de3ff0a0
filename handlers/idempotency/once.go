package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Once is an eventfx.Once: it runs what is neither done nor in progress, for
// as long as the lease lasts, and remembers what succeeded.
//
//   - A message that is done is skipped.
//   - One that is being handled elsewhere goes back, with the rest of the lease
//     as the delay that it asks for. It is never waited for in this process.
//   - One that failed, or was dead-lettered, is released: a redelivery or a
//     replay runs.
//   - One that was handled and whose success could not be kept fails: it will
//     be handled again. Nothing is lost.
//
// In a batch each message has a lock of its own. Within a group nothing runs or
// counts as done behind a message that goes back.
func (g *Guard) Once(next eventfx.Handler) eventfx.Handler {
	return func(ctx context.Context, d *eventfx.Delivery) error {
		b := &batch{guard: g, ctx: ctx, failed: map[*eventfx.Message]eventfx.Failure{}}
		now := time.Now()
		end := g.lease(ctx, now)
		for _, m := range d.Messages {
			if b.stopped(m) {
				b.fail(m, eventfx.ErrUnfinished)
				continue
			}
			b.add(d.Route, m, end.Add(slack))
		}
		if len(b.run) > 0 {
			running, cancel := context.WithDeadline(ctx, end)
			rest := &eventfx.Delivery{Route: d.Route, Attempt: d.Attempt, Messages: b.run}
			err := next(running, rest)
			cancel()
			b.settle(rest, err)
		}
		return b.answer(d)
	}
}

// batch is one delivery under a guard.
type batch struct {
	guard  *Guard
	ctx    context.Context
	run    []*eventfx.Message
	held   []Record // the lock of each of run; one without a key runs unguarded
	twins  []twin
	failed map[*eventfx.Message]eventfx.Failure
	broken map[string]bool // groups in which a message failed
}

// stopped reports whether a message before m in its group has failed: then m
// must neither run nor count as done before that one.
func (b *batch) stopped(m *eventfx.Message) bool { return m.Group != "" && b.broken[m.Group] }

// A twin is a message whose key an earlier one of the batch has: it shares its
// fate.
type twin struct {
	message *eventfx.Message
	of      *eventfx.Message
}

// add locks m, or decides what becomes of it without a run.
func (b *batch) add(route string, m *eventfx.Message, until time.Time) {
	g := b.guard
	want, err := g.record(route, m)
	if err != nil {
		b.fail(m, eventfx.Permanent(err))
		return
	}
	for i, h := range b.held {
		if h.Key == want.Key {
			if h.Payload != want.Payload {
				b.fail(m, eventfx.Permanent(fmt.Errorf("%w: %s", ErrKeyReused, want.Name)))
				return
			}
			b.twins = append(b.twins, twin{m, b.run[i]})
			return
		}
	}
	if g.known.has(want.Key+want.Payload, time.Now()) {
		return
	}
	want.State, want.Until = InProgress, until
	held, done, err := g.lock(b.ctx, want)
	_, inProgress := errors.AsType[*eventfx.RetryAfterError](err)
	switch {
	case done:
		g.remember(held)
		return
	case err != nil && g.RunUnguarded && !inProgress && !errors.Is(err, ErrKeyReused):
		held = Record{}
	case err != nil:
		b.fail(m, err)
		return
	}
	b.run, b.held = append(b.run, m), append(b.held, held)
}

func (b *batch) fail(m *eventfx.Message, err error) {
	b.failed[m] = eventfx.Failure{Message: m, Err: err}
	if m.Group != "" {
		if b.broken == nil {
			b.broken = map[string]bool{}
		}
		b.broken[m.Group] = true
	}
}

// settle commits what is done and releases the rest.
func (b *batch) settle(rest *eventfx.Delivery, err error) {
	for _, f := range rest.Failures(err) {
		b.failed[f.Message] = f
	}
	b.broken = nil // what follows is about those that ran: all were before the first that did not
	for i, m := range b.run {
		held := b.held[i]
		_, failed := b.failed[m]
		if !failed && b.stopped(m) {
			// The one before it runs again, and so must this one: behind it.
			b.fail(m, eventfx.ErrUnfinished)
			failed = true
		}
		switch {
		case held.Key == "":
		case failed:
			if err := b.guard.release(b.ctx, held); err != nil {
				// The message fails for its own reason, and the lease ends by
				// itself: nobody else will hear of this.
				slog.WarnContext(b.ctx, "eventfx: the lock stays until its lease is over", "error", err, "until", held.Until)
			}
		default:
			done, err := b.guard.commit(b.ctx, held, nil)
			if err != nil {
				b.fail(m, err)
				continue
			}
			b.guard.remember(done)
		}
	}
	for _, t := range b.twins {
		if f, failed := b.failed[t.of]; failed {
			f.Message = t.message
			b.failed[t.message] = f
		}
	}
}

// answer names what is not done.
func (b *batch) answer(d *eventfx.Delivery) error {
	switch {
	case len(b.failed) == 0:
		return nil
	case len(d.Messages) == 1:
		if f := b.failed[d.Messages[0]]; f.After == 0 {
			return f.Err
		}
	}
	e := &eventfx.BatchError{}
	for _, m := range d.Messages {
		if f, failed := b.failed[m]; failed {
			e.Failures = append(e.Failures, f)
		}
	}
	return e
}

// record returns the free record for a message.
func (g *Guard) record(route string, m *eventfx.Message) (Record, error) {
	name := m.Source() + " " + m.ID()
	r := Record{}
	if g.Key != nil {
		key, err := g.Key(m)
		switch {
		case err != nil:
			return r, fmt.Errorf("idempotency: the key of %s: %w", name, err)
		case key == "":
			return r, fmt.Errorf("idempotency: the key of %s is empty", name)
		}
		name = key
		r.Payload = digest(canonical(m.DataEncoded))
	}
	r.Key, r.Name = digest([]byte(route+"\x00"+name)), route+" "+name
	return r, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:20])
}

// canonical takes the blanks out of JSON, which do not survive every transport.
func canonical(data []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, data) != nil {
		return data
	}
	return b.Bytes()
}

func (g *Guard) remember(done Record) {
	size := g.Cache
	if size == 0 {
		size = defaultCache
	}
	g.known.add(done.Key+done.Payload, done.Until, size)
}
