package pubsubhost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// lingering is how long the last receive may take to bring what is there.
const lingering = 100 * time.Millisecond

// stop hands back what was not started, waits for the rest, and shuts the
// subscription down.
func (w *worker) stop() error {
	w.halt() // when the subscription broke for good nobody else does

	w.mu.Lock()
	w.stopping = true
	back := w.unstarted()
	waiting := slices.Collect(maps.Keys(w.waiting))
	w.mu.Unlock()
	for _, it := range back {
		w.giveBack(it, 0)
	}
	for _, it := range waiting {
		w.nackWaiting(it)
	}

	released := make(chan struct{})
	receiving, giveUp := context.WithCancel(context.WithoutCancel(w.ctx))
	defer giveUp()
	go func() {
		defer close(released)
		w.release(receiving)
	}()

	drain := time.AfterFunc(w.Drain, func() { w.end(errDrained) })
	defer drain.Stop()
	w.waitIdle()
	// What was given back, or has just been sent, may by now be on its way to
	// the receive that goes on: taken after the shutdown it would stay hidden.
	linger := time.NewTimer(lingering)
	defer linger.Stop()
	select {
	case <-released:
	case <-linger.C:
	}
	w.waitIdle()
	err := w.shutdown()
	w.background.Wait()

	// The driver has been told to stop; one that does not is left behind.
	timer := time.AfterFunc(time.Second, giveUp)
	defer timer.Stop()
	<-released
	return err
}

// unstarted takes off what has not been started and can go back. The rest is
// started: dropped, it might be lost. It is called with mu held.
func (w *worker) unstarted() (back []*item) {
	g := w.gathering
	if g != nil && g.items[0].canGoBack(w) {
		back = g.items
		for _, it := range back {
			for _, key := range it.keys {
				delete(w.owners, key)
			}
		}
		if g.timer != nil {
			g.timer.Stop()
		}
		g.end(nil)
		w.gathering = nil
	} else if g != nil {
		g.due = true
		w.start()
	}
	if len(w.held) > 0 && w.held[0].canGoBack(w) {
		back = append(back, w.held...)
		w.held = nil
	}
	return back
}

func (w *worker) waitIdle() {
	for !w.idle() {
		<-w.changed
	}
}

// idle reports whether nothing is in hand.
func (w *worker) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inHand == 0 && w.running == 0
}

// release hands back what the subscription had fetched, or was about to. That
// somebody receives until the subscription is shut down also lets gocloud's own
// goroutine end.
func (w *worker) release(ctx context.Context) {
	s, n := w.source, w.Prefetch
	if w.fetching {
		n++ // otherwise this would be what fetches one
	}
	if s == nil {
		return
	}
	for range n {
		m, err := s.face.Receive(ctx)
		if err != nil {
			return
		}
		it := &item{source: s, raw: m, received: time.Now()}
		w.mu.Lock()
		w.inHand++
		s.inHand++
		w.mu.Unlock()
		w.giveBack(it, 0)
	}
}

func (w *worker) shutdown() error {
	w.mu.Lock()
	s := w.source
	if s == nil || s.retired {
		w.mu.Unlock()
		return nil
	}
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), shutdownLimit)
	defer cancel()
	if err := s.face.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("pubsubhost: shut the subscription down: what was handled may come again: %w", err)
	}
	return nil
}
