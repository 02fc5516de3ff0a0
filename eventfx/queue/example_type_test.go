package queue_test

import (
	"context"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

type UserCreated struct{ Name string }

type OrderPlaced struct{ Number int }

// Two types of messages on one queue reach a handler each, and the rest a third.
func ExampleJSON_types() {
	var r eventfx.Router
	eventfx.On(&r, queue.JSON[UserCreated]{Queue: "events", Type: "user.created"},
		func(_ context.Context, e eventfx.Event[UserCreated]) error {
			fmt.Println("welcome", e.Data.Name)
			return nil
		})
	eventfx.On(&r, queue.JSON[OrderPlaced]{Queue: "events", Type: "order.placed"},
		func(_ context.Context, e eventfx.Event[OrderPlaced]) error {
			fmt.Println("ship order", e.Data.Number)
			return nil
		})
	eventfx.On(&r, queue.Text{Queue: "events"}, eventfx.Data(func(_ context.Context, text string) error {
		fmt.Println("what is", text)
		return nil
	}))

	var messages []*eventfx.Message
	for i, body := range []string{
		`{"type":"user.created","name":"Ada"}`,
		`{"type":"order.placed","number":17}`,
		`{"type":"order.lost","number":18}`,
	} {
		e := event.New()
		e.SetID(fmt.Sprint(i))
		e.SetSource("arn:aws:sqs:eu-west-1:123456789012:events")
		e.SetType("com.amazonaws.sqs.message")
		e.SetData("application/json", []byte(body))
		messages = append(messages, &eventfx.Message{Event: e})
	}
	r.Deliver(context.Background(), messages)
	// Output:
	// welcome Ada
	// ship order 17
	// what is {"type":"order.lost","number":18}
}
