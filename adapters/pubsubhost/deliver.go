package pubsubhost

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/googleapis/gax-go/v2"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/delivery"
)

// A loss is a message of the broker that is not done.
type loss struct {
	item  *item
	delay time.Duration
}

// run delivers a batch and answers for it.
func (w *worker) run(b *batch) {
	defer b.end(nil)
	losses := w.deliver(b, b.items, 0)
	if !b.items[0].canGoBack(w) {
		losses = w.insist(b, losses)
	}
	failed := make(map[string]time.Duration)
	for _, l := range losses {
		// What stands behind it must not come back before it.
		if d, ok := w.blocked(l.item, failed); ok {
			l.delay = max(l.delay, d)
		}
		for _, key := range l.item.keys {
			failed[key] = l.delay
		}
		w.giveBack(l.item, l.delay)
	}

	w.mu.Lock()
	behind := w.finished(b, failed)
	w.mu.Unlock()
	for _, it := range behind {
		delay, _ := w.blocked(it, failed)
		w.giveBack(it, delay)
	}
}

// deliver runs the handlers for items, acknowledges what is done, and returns
// the rest. n counts the deliveries that the broker does not make.
func (w *worker) deliver(b *batch, items []*item, n int) []loss {
	var messages []*eventfx.Message
	of := make(map[*eventfx.Message]int, len(items))
	began := items[0].received
	for i, it := range items {
		for _, m := range it.messages {
			if n > 0 {
				m = m.Clone()
				m.Origin.Receives = max(m.Origin.Receives, 1) + n
			}
			messages = append(messages, m)
			of[m] = i
		}
		if it.received.Before(began) {
			began = it.received
		}
	}
	if n > 0 || !items[0].canGoBack(w) {
		began = time.Now() // nobody else waits for it
	}
	ctx, cancel := w.limited(b.ctx, began)
	failures := w.router.Deliver(ctx, messages)
	cancel()

	failed := make([]*loss, len(items))
	for _, f := range failures {
		i, ok := of[f.Message]
		if !ok {
			continue
		}
		delay := w.Delay
		if f.After > 0 {
			delay = f.After
		}
		if failed[i] == nil {
			failed[i] = &loss{item: items[i]}
		}
		failed[i].delay = max(failed[i].delay, delay)
	}
	var losses []loss
	for i, it := range items {
		if failed[i] != nil {
			losses = append(losses, *failed[i])
			continue
		}
		w.leave(it)
		it.raw.Ack()
		w.answered(it)
	}
	return losses
}

// limited ends the context a margin before the deadline of what was received at
// began, so that it can still be answered: delivery.WithMargin, with one context
// less for each message.
func (w *worker) limited(ctx context.Context, began time.Time) (context.Context, context.CancelFunc) {
	if w.Deadline <= 0 {
		return ctx, func() {}
	}
	deadline := began.Add(w.Deadline)
	margin := max(0, min(500*time.Millisecond, time.Until(deadline)/10))
	return context.WithDeadline(delivery.WithGrace(ctx, margin/2), deadline.Add(-margin))
}

// insist delivers again what a broker cannot take back, until it is done or
// dead, or the worker stops.
func (w *worker) insist(b *batch, losses []loss) []loss {
	pause := gax.Backoff{Initial: max(w.Delay, time.Millisecond), Max: max(w.Delay, time.Minute), Multiplier: 2}
	for n := 1; len(losses) > 0; n++ {
		wait := pause.Pause()
		items := make([]*item, len(losses))
		for i, l := range losses {
			items[i] = l.item
			if l.delay > w.Delay {
				wait = max(wait, l.delay)
			}
		}
		if !pauseFor(w.ctx, wait) {
			break
		}
		losses = w.deliver(b, items, n)
	}
	return losses
}

// canGoBack reports whether the broker gives the message to somebody again
// before its time when it is asked to.
func (it *item) canGoBack(w *worker) bool { return w.Lease != nil || it.raw.Nackable() }

// answered notes that the item is out of hand.
func (w *worker) answered(it *item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inHand--
	w.outOfSource(it)
}

// outOfSource is called with mu held.
func (w *worker) outOfSource(it *item) {
	w.progress = time.Now()
	it.source.inHand--
	w.shutRetired(it.source)
	w.wake()
}

// giveBack has the item come back after the delay; at the stop at once.
func (w *worker) giveBack(it *item, delay time.Duration) {
	if w.ctx.Err() != nil {
		delay = 0
	}
	w.leave(it)
	switch {
	case w.Lease != nil:
		w.hide(it, delay)
	case !it.raw.Nackable():
		forget(it)
	case delay <= 0:
		it.raw.Nack()
	default:
		w.nackLater(it, delay)
		return
	}
	w.answered(it)
}

// hide has the item come back by the Lease.
func (w *worker) hide(it *item, delay time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), shutdownLimit)
	defer cancel()
	err := w.Lease.Hide(ctx, it.raw, delay)
	if err == nil {
		forget(it)
		return
	}
	slog.Warn("pubsubhost: the lease cannot give a message back; it comes by itself", "queue", w.Queue, "message", it.raw.LoggableID, "error", err)
	if it.raw.Nackable() {
		it.raw.Nack()
	} else {
		forget(it)
	}
}

// forget has gocloud not complain that the message is neither acknowledged nor
// the opposite: its lease says what becomes of it, or nothing can.
func forget(it *item) { runtime.SetFinalizer(it.raw, nil) }

// nackLater keeps the item for the delay, as long as the broker may wait, in a
// room beside the slots. When that is full it keeps its slot.
func (w *worker) nackLater(it *item, delay time.Duration) {
	if w.Deadline > 0 {
		delay = min(delay, time.Until(it.received.Add(w.Deadline)))
	}
	w.mu.Lock()
	if w.stopping || delay <= 0 || len(w.waiting) >= w.limit() {
		w.mu.Unlock()
		pauseFor(w.ctx, max(delay, 0))
		it.raw.Nack()
		w.answered(it)
		return
	}
	w.inHand--
	w.waiting[it] = time.AfterFunc(delay, func() { w.nackWaiting(it) })
	w.wake()
	w.mu.Unlock()
}

// nackWaiting ends the wait of an item, once.
func (w *worker) nackWaiting(it *item) {
	w.mu.Lock()
	timer, ok := w.waiting[it]
	if ok {
		timer.Stop()
		delete(w.waiting, it)
	}
	w.mu.Unlock()
	if !ok {
		return
	}
	it.raw.Nack()
	w.mu.Lock()
	w.outOfSource(it)
	w.mu.Unlock()
}
