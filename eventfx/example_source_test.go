package eventfx_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
)

// Placed is the detail of an event that a shop puts on its event bus.
type Placed struct {
	Order string `json:"order"`
	Total int    `json:"total"`
}

// orderPlaced is a source of such events. The event's type is EventBridge's
// detail-type after a prefix; its source is the envelope's.
type orderPlaced struct{ Shop string }

func (s orderPlaced) Match(m *eventfx.Message) bool {
	return m.Type() == "com.amazonaws.events.Order Placed" && m.Source() == s.Shop
}

func (s orderPlaced) Decode(m *eventfx.Message) (placed Placed, err error) {
	err = m.Unmarshal(&placed)
	return placed, err
}

func (s orderPlaced) String() string { return fmt.Sprintf("orderPlaced{Shop: %q}", s.Shop) }

func ExampleSource() {
	r := &eventfx.Router{}
	eventfx.On(r, orderPlaced{Shop: "shop.books"}, func(_ context.Context, e eventfx.Event[Placed]) error {
		fmt.Println(e.Data.Order, "for", e.Data.Total)
		return nil
	})

	// What EventBridge sends to a function.
	payload, err := awsevents.Format{}.Open([]byte(`{
		"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
		"detail-type": "Order Placed", "source": "shop.books",
		"account": "123456789012", "time": "2026-11-23T10:00:00Z", "region": "eu-west-1", "resources": [],
		"detail": {"order": "o-17", "total": 42}
	}`), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(r.Deliver(context.Background(), payload.Messages)), "failed")
	// Output:
	// o-17 for 42
	// 0 failed
}
