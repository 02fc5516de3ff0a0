package pubsubhost

import (
	"context"
	"slices"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
)

// An item is a message of the broker in hand.
type item struct {
	source   *source
	raw      *pubsub.Message
	messages []*eventfx.Message
	keys     []string // what it must not overtake; mostly none or one
	received time.Time
	lease    *tenure // nil: without a Lease
	batch    *batch  // nil while it is held; guarded by worker.mu
}

// A batch is what is delivered together.
type batch struct {
	items []*item
	ctx   context.Context
	end   context.CancelCauseFunc
	due   bool // it starts with what it has
	timer *time.Timer
}

// take puts a message that was just received where it belongs.
func (w *worker) take(s *source, m *pubsub.Message) {
	it := &item{source: s, raw: m, received: time.Now(), messages: w.open(m)}
	if len(it.messages) == 0 {
		m.Ack() // a test of the sender whether it can send
		return
	}
	for _, message := range it.messages {
		if message.Group != "" && !slices.Contains(it.keys, message.Group) {
			it.keys = append(it.keys, message.Group)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inHand++
	s.inHand++
	w.progress = it.received
	w.keepLease(it)
	if w.follows(it, w.held) {
		w.held = append(w.held, it)
	} else {
		w.gather(it)
	}
	w.start()
}

// The methods below are called with mu held.

// follows reports whether one of its keys belongs to a batch that runs, or to
// one of those that are held before it.
func (w *worker) follows(it *item, before []*item) bool {
	for _, key := range it.keys {
		if owner := w.owners[key]; owner != nil && owner != w.gathering {
			return true
		}
		for _, earlier := range before {
			if slices.Contains(earlier.keys, key) {
				return true
			}
		}
	}
	return false
}

// gather adds the item to the batch that starts next.
func (w *worker) gather(it *item) {
	b := w.gathering
	if b == nil {
		b = &batch{due: w.BatchSize == 1 || w.BatchWindow == 0}
		b.ctx, b.end = w.handling, func(error) {}
		if w.Lease != nil { // nothing else ends one batch alone
			b.ctx, b.end = context.WithCancelCause(w.handling)
		}
		w.gathering = b
		if !b.due {
			b.timer = time.AfterFunc(w.BatchWindow, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				b.due = true
				w.start()
			})
		}
	}
	b.items = append(b.items, it)
	it.batch = b
	for _, key := range it.keys {
		w.owners[key] = b
	}
}

// start runs the batch that is gathered, if it is complete and may run.
func (w *worker) start() {
	b := w.gathering
	if b == nil || w.running == w.Concurrency || !b.due && len(b.items) < w.BatchSize {
		return
	}
	w.gathering = nil
	if b.timer != nil {
		b.timer.Stop()
	}
	w.running++
	go w.run(b)
}

// finished takes a batch off, and gives what was held for it its turn. What
// stands behind a message that goes back is returned: it must go back, too.
func (w *worker) finished(b *batch, failed map[string]time.Duration) (behind []*item) {
	w.running--
	for _, it := range b.items {
		for _, key := range it.keys {
			delete(w.owners, key)
		}
	}
	if len(failed) > 0 {
		w.held = slices.DeleteFunc(w.held, func(it *item) bool {
			delay, ok := w.blocked(it, failed)
			if ok {
				for _, key := range it.keys {
					failed[key] = max(failed[key], delay) // and what follows this one
				}
				behind = append(behind, it)
			}
			return ok
		})
	}
	w.unhold()
	return behind
}

// unhold gathers what is held no longer.
func (w *worker) unhold() {
	w.start()
	for i := 0; i < len(w.held); {
		if w.gathering != nil && len(w.gathering.items) >= w.BatchSize {
			break // the rest when there is room
		}
		it := w.held[i]
		if w.follows(it, w.held[:i]) {
			i++
			continue
		}
		w.held = slices.Delete(w.held, i, i+1)
		w.gather(it)
		w.start()
	}
	w.wake()
}

// blocked reports whether a message that goes back stands before the item, and
// for how long it stays away.
func (w *worker) blocked(it *item, failed map[string]time.Duration) (delay time.Duration, ok bool) {
	for _, key := range it.keys {
		if d, found := failed[key]; found {
			delay, ok = max(delay, d), true
		}
	}
	return delay, ok
}
