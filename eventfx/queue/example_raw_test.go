package queue_test

import (
	"context"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// The body of an SNS notification is its Message, whatever stands around it.
func ExampleRaw() {
	var r eventfx.Router
	eventfx.On(&r, queue.Raw{Queue: "alarms"}, func(_ context.Context, e eventfx.Event[[]byte]) error {
		fmt.Printf("%s\n", e.Data)
		return nil
	})

	e := event.New()
	e.SetID("95df01b4-ee98-5cb9-9903-4c221d41eb5e")
	e.SetSource("arn:aws:sns:eu-west-1:123456789012:alarms:be0d2c8a-1c66-4bff-9d9f-d1f4cd7d8cb6")
	e.SetType("com.amazonaws.sns.Notification")
	e.SetData("application/json", []byte(`{"Type":"Notification","Message":"disk\nfull"}`))

	r.Deliver(context.Background(), []*eventfx.Message{{Event: e}})
	// Output:
	// disk
	// full
}
