package idempotency_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

func Example() {
	guard := &idempotency.Guard{Store: &idempotency.Memory{}}
	r := &eventfx.Router{Once: guard.Once}
	eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Println("shipped:", e.Data)
		return nil
	})
	// A standard queue may deliver a message twice.
	for range 2 {
		failures := r.Deliver(context.Background(), []*eventfx.Message{message("m-1", "pencils")})
		fmt.Println(len(failures), "failures")
	}
	// Output:
	// shipped: pencils
	// 0 failures
	// 0 failures
}

func ExampleDo() {
	guard := &idempotency.Guard{Store: &idempotency.Memory{}}
	charge := func(order string) (string, error) {
		return idempotency.Do(context.Background(), guard, "charge "+order, func(context.Context) (string, error) {
			fmt.Println("charging", order)
			return "receipt-17", nil
		})
	}
	for range 2 {
		receipt, err := charge("o-1")
		fmt.Println(receipt, err)
	}
	// Output:
	// charging o-1
	// receipt-17 <nil>
	// receipt-17 <nil>
}
