package queue_test

import (
	"context"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

type Order struct {
	ID    string
	Total int
}

// The bodies of a queue become values of a Go type.
func ExampleJSON() {
	var r eventfx.Router
	eventfx.On(&r, queue.JSON[Order]{Queue: "orders"}, func(_ context.Context, e eventfx.Event[Order]) error {
		fmt.Printf("ship %s for %d\n", e.Data.ID, e.Data.Total)
		return nil
	})

	e := event.New()
	e.SetID("059f36b4-87a3-44ab-83d2-661975830a7d")
	e.SetSource("arn:aws:sqs:eu-west-1:123456789012:orders")
	e.SetType("com.amazonaws.sqs.message")
	e.SetData("application/json", []byte(`{"id":"A-17","total":20}`))

	r.Deliver(context.Background(), []*eventfx.Message{{Event: e}})
	// Output:
	// ship A-17 for 20
}
