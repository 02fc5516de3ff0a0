package eventfx

import (
	"context"
	"fmt"
	"iter"
	"sync"
)

// A Batch is what a batch handler gets: events of one source that were
// delivered together, all without a group or all of one group. A message whose
// data could not be decoded is not in it; it has failed already.
type Batch[T any] struct {
	events []Event[T]

	mu     sync.Mutex
	index  map[*Message]bool // made by the first Fail
	failed map[*Message]error
}

// Len returns the number of events.
func (b *Batch[T]) Len() int { return len(b.events) }

// All iterates over the events, in the order given.
func (b *Batch[T]) All() iter.Seq[Event[T]] {
	return func(yield func(Event[T]) bool) {
		for _, e := range b.events {
			if !yield(e) {
				return
			}
		}
	}
}

// Fail says that e failed. The other events stay done when the handler returns
// nil, except that within a group all events after e fail as well: running them
// before e is done would break their order.
//
// Fail may be called from several goroutines. It panics when e is not of this
// batch. A nil err fails e all the same.
func (b *Batch[T]) Fail(e Event[T], err error) {
	if err == nil {
		err = errNoReason
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.index == nil {
		b.index = make(map[*Message]bool, len(b.events))
		b.failed = make(map[*Message]error)
		for _, other := range b.events {
			b.index[other.Message] = true
		}
	}
	if !b.index[e.Message] {
		panic(fmt.Sprintf("eventfx: Batch.Fail: event %q is not of this batch", e.ID()))
	}
	b.failed[e.Message] = err
}

// handleBatch decodes the messages of d, runs h, and says which failed.
func handleBatch[T any](ctx context.Context, d *Delivery, decode func(*Message) (T, error), h func(context.Context, *Batch[T]) error) error {
	b := &Batch[T]{events: make([]Event[T], 0, len(d.Messages))}
	undecoded := make(map[*Message]error)
	for _, m := range d.Messages {
		data, err := decode(m)
		if err != nil {
			undecoded[m] = &decodeError{err}
			if m.Group != "" {
				break // what follows in the group must not run before m is settled
			}
			continue
		}
		b.events = append(b.events, Event[T]{Message: m, Data: data})
	}
	var handlerErr error
	if len(b.events) > 0 {
		handlerErr = h(ctx, b)
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	if handlerErr == nil && len(b.failed) == 0 && len(undecoded) == 0 {
		return nil
	}
	batchErr := &BatchError{}
	blocked := false
	for _, m := range d.Messages {
		err := undecoded[m]
		if err == nil {
			err = b.failed[m]
		}
		if err == nil {
			err = handlerErr
		}
		if blocked {
			err = errBlocked
		}
		if err != nil {
			batchErr.Failures = append(batchErr.Failures, Failure{Message: m, Err: err})
			blocked = m.Group != ""
		}
	}
	return batchErr
}
