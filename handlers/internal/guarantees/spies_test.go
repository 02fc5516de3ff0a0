package guarantees_test

import (
	"context"
	"errors"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

// An operation is a step of a delivery: between its ends a fault strikes it.
type operation struct {
	name       string
	begin, end time.Duration
}

// operation notes that a step begins; the returned function that it has ended.
func (w *world) operation(name string) func() {
	begin := w.cloud.Now()
	return func() {
		w.oracle.mu.Lock()
		defer w.oracle.mu.Unlock()
		w.operations = append(w.operations, operation{name, begin, w.cloud.Now()})
	}
}

// spyStore tells the oracle what the guard's store has acknowledged.
type spyStore struct {
	w     *world
	store idempotency.Store
}

func (s *spyStore) Get(ctx context.Context, key string) (idempotency.Record, error) {
	defer s.w.operation("look")()
	return s.store.Get(ctx, key)
}

func (s *spyStore) Create(ctx context.Context, r idempotency.Record) (idempotency.Record, error) {
	defer s.w.operation("lock")()
	return s.store.Create(ctx, r)
}

func (s *spyStore) Replace(ctx context.Context, r idempotency.Record) (idempotency.Record, error) {
	name := "lock"
	if r.State == idempotency.Done {
		name = "commit"
	}
	end, began := s.w.operation(name), time.Now()
	got, err := s.store.Replace(ctx, r)
	end()
	o := &s.w.oracle
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil && r.State == idempotency.Done:
		o.late(ctx, r, began, "kept")
		o.committed[r.Name] = true
	case err == nil:
		s.w.tookOver++
	}
	return got, err
}

func (s *spyStore) Delete(ctx context.Context, r idempotency.Record) error {
	end, began := s.w.operation("release"), time.Now()
	err := s.store.Delete(ctx, r)
	end()
	if o := &s.w.oracle; err == nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.late(ctx, r, began, "released")
	}
	return err
}

// deadLetter is the router's, with a spy around it.
func (w *world) deadLetter() eventfx.DeadLetter {
	keep := w.sink()
	return func(ctx context.Context, d *eventfx.Dead) error {
		w.oracle.dying(d)
		sameStacks(d)
		end := w.operation("sink")
		begin := w.cloud.Now()
		err := keep(ctx, d)
		end()
		w.oracle.kept(ctx, d, begin, err)
		return err
	}
}

// sameStacks takes out of a dead letter what differs from run to run, or the
// timeline would not repeat.
func sameStacks(d *eventfx.Dead) {
	for _, a := range append([]eventfx.Attempt{{Err: d.Err}}, d.Attempts...) {
		if p, ok := errors.AsType[*eventfx.PanicError](a.Err); ok {
			p.Stack = []byte("a stack")
		}
	}
}

// sink keeps dead letters in a queue or in a bucket.
func (w *world) sink() eventfx.DeadLetter {
	if w.plan.bucketSink {
		return deadletter.Bucket(portable.Bucket(w.letterBucket), nil)
	}
	topic := portable.Topic(w.letters)
	w.cloud.OnClose(func() { _ = topic.Shutdown(context.Background()) })
	return deadletter.Topic(topic, nil)
}
