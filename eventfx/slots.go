package eventfx

import (
	"context"
	"sync"
	"time"
)

// A slots hands out the right to run. A lane that waits for its retry gives
// its slot away, and gets one back before a new lane starts.
type slots struct {
	mu      sync.Mutex
	next    int // the next lane to start
	free    int
	waiting []chan struct{} // lanes that want a slot back, longest first
}

// work runs lanes one after the other while it has a slot. own says that the
// goroutine is the batch's own, and not the caller's.
func (b *batch) work(own bool) {
	for {
		index, ok := b.start()
		if !ok {
			return
		}
		b.guard(index, own)
	}
}

// start returns the next lane for the slot of the caller. Without one, or when
// another lane wants the slot back, the slot is gone. When the context is done
// nothing starts.
func (b *batch) start() (int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.ctx.Err() != nil {
		b.endLanes(len(b.lanes) - b.next)
		b.next = len(b.lanes)
	}
	switch {
	case len(b.waiting) > 0:
		b.resume()
		return 0, false
	case b.next == len(b.lanes):
		b.free++
		return 0, false
	}
	b.next++
	return b.next - 1, true
}

// resume gives a slot to the lane that has waited longest for one.
func (b *batch) resume() {
	close(b.waiting[0])
	b.waiting = b.waiting[1:]
}

func (b *batch) endLanes(n int) {
	b.open -= n
	if n > 0 && b.open == 0 {
		close(b.finished)
	}
}

// guard runs one lane. What panics outside a handler fails the lane; a handler
// that ends its goroutine by runtime.Goexit fails it too, and another goroutine
// goes on with the slot. When that goroutine is the caller of Deliver, nobody
// is left to get the failures, and all ends.
func (b *batch) guard(index int, own bool) {
	returned := false
	defer func() {
		value := recover()
		b.mu.Lock()
		if value != nil && !b.closed {
			err := newPanicError(value)
			for at := b.lanes[index].first; at >= 0; at = b.records[at].next {
				if rec := &b.records[at]; !rec.settled {
					rec.failure = err
				}
			}
		}
		b.endLanes(1)
		left := value == nil && !returned
		if left && !own {
			b.abandon()
		}
		b.mu.Unlock()
		if left && own {
			go b.work(true)
		}
	}()
	b.runLane(index)
	returned = true
}

// wait gives up the slot, waits for d, and takes a slot again. It reports
// false when ctx is done before: the caller must not run a handler then.
func (b *batch) wait(ctx context.Context, d time.Duration) bool {
	b.mu.Lock()
	switch {
	case len(b.waiting) > 0:
		b.resume()
	case b.next < len(b.lanes):
		go b.work(true)
	default:
		b.free++
	}
	b.mu.Unlock()

	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-b.ctx.Done():
	case <-b.over:
	}

	b.mu.Lock()
	if b.free > 0 {
		b.free--
		b.mu.Unlock()
		return ctx.Err() == nil && b.ctx.Err() == nil
	}
	back := make(chan struct{})
	b.waiting = append(b.waiting, back)
	b.mu.Unlock()
	select {
	case <-back:
		return ctx.Err() == nil
	case <-b.ctx.Done():
		return false
	case <-b.over:
		return false
	}
}
