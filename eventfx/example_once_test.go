package eventfx_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// done remembers, in this process, which messages are done. One that several
// processes share must also lock what is in progress.
type done struct {
	mu   sync.Mutex
	keys map[string]bool
}

// once runs what is not done yet, and remembers what did not fail.
func (o *done) once(next eventfx.Handler) eventfx.Handler {
	key := func(m *eventfx.Message) string { return m.Source() + " " + m.ID() }
	return func(ctx context.Context, d *eventfx.Delivery) error {
		rest := &eventfx.Delivery{Route: d.Route}
		o.mu.Lock()
		for _, m := range d.Messages {
			if !o.keys[key(m)] {
				rest.Messages = append(rest.Messages, m)
			}
		}
		o.mu.Unlock()
		if len(rest.Messages) == 0 {
			return nil // all of them are done
		}
		err := next(ctx, rest)
		failed := map[*eventfx.Message]bool{}
		for _, f := range rest.Failures(err) {
			failed[f.Message] = true
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, m := range rest.Messages {
			if !failed[m] {
				o.keys[key(m)] = true
			}
		}
		return err
	}
}

func ExampleOnce() {
	seen := &done{keys: map[string]bool{}}
	r := &eventfx.Router{Once: seen.once}
	eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Println("shipped:", e.Data)
		return nil
	})
	// A standard queue may deliver a message twice.
	for range 2 {
		r.Deliver(context.Background(), []*eventfx.Message{order("m-1", "pencils")})
	}
	// Output: shipped: pencils
}
