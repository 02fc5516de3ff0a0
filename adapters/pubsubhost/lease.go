package pubsubhost

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

var errLeaseLost = errors.New("pubsubhost: the lease could not be extended: somebody else may be handling the message")

// A tenure keeps one message hidden while it is in hand.
type tenure struct {
	first *time.Timer // starts what is below, unless the message is done before
	quit  context.Context
	stop  context.CancelFunc
	gone  chan struct{}
}

// keepLease has the item hidden again whenever half of its time is over. It is
// called with mu held.
func (w *worker) keepLease(it *item) {
	if w.Lease == nil {
		return
	}
	t := &tenure{gone: make(chan struct{})}
	t.quit, t.stop = context.WithCancel(context.WithoutCancel(w.ctx))
	it.lease = t
	t.first = time.AfterFunc(w.Lease.Timeout()/2, func() {
		defer close(t.gone)
		w.extend(it, t)
	})
}

// leave ends that. Afterwards nothing hides the item but who calls.
func (w *worker) leave(it *item) {
	t := it.lease
	if t == nil {
		return
	}
	it.lease = nil
	t.stop()
	if !t.first.Stop() {
		<-t.gone
	}
}

func (w *worker) extend(it *item, t *tenure) {
	timeout := w.Lease.Timeout()
	until := it.received.Add(timeout)
	wait := time.Duration(0)
	for pauseFor(t.quit, wait) {
		now := time.Now()
		ctx, cancel := context.WithTimeout(t.quit, timeout/4)
		err := w.Lease.Hide(ctx, it.raw, timeout)
		cancel()
		switch {
		case err == nil:
			until, wait = now.Add(timeout), timeout/2
			continue
		case t.quit.Err() != nil:
			return
		}
		wait = timeout / 10
		slog.Warn("pubsubhost: a lease could not be extended", "queue", w.Queue, "message", it.raw.LoggableID, "left", time.Until(until), "error", err)
		if time.Until(until) <= wait {
			w.lose(it)
			return
		}
	}
}

// lose ends the contexts of the handlers of an item: what they do from now on
// may be done elsewhere, too.
func (w *worker) lose(it *item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if it.batch != nil {
		it.batch.end(errLeaseLost)
	}
}
