package schema_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/schema"
)

func Example() {
	order, err := schema.Compile([]byte(`{
		"type": "object",
		"required": ["sku"],
		"properties": {"amount": {"type": "integer", "minimum": 1}}
	}`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := &eventfx.Router{DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
		fmt.Println(d.Message.ID(), "is dead:", d.Err)
		return nil
	}}
	type Order struct {
		SKU    string
		Amount int
	}
	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, func(_ context.Context, e eventfx.Event[Order]) error {
		fmt.Println("shipping", e.Data.SKU)
		return nil
	}, eventfx.Middleware(order.Wrap))

	r.Deliver(context.Background(), []*eventfx.Message{
		message("1", `{"sku": "pencils", "amount": 2}`),
		message("2", `{"amount": 0}`),
	})
	// Output:
	// shipping pencils
	// 2 is dead: schema: /amount: minimum: got 0, want 1; /sku: is missing
}
