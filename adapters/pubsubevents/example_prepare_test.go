package pubsubevents_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
)

// A FIFO topic wants a group for each message; a filter of a subscription sees
// metadata alone. Prepare adds both.
func ExamplePublisher_prepare() {
	ctx := context.Background()
	topic := mempubsub.NewTopic()
	sub := mempubsub.NewSubscription(topic, time.Minute)
	defer topic.Shutdown(ctx)
	defer sub.Shutdown(ctx)

	orders := &pubsubevents.Publisher{
		Topic:  topic,
		Source: "/shop",
		Prepare: func(e event.Event, m *pubsub.Message) {
			m.Metadata["MessageGroupId"] = e.Subject()
			m.Metadata["DeduplicationId"] = e.ID()
			m.Metadata["type"] = e.Type()
		},
	}
	e := pubsubevents.JSON("order.placed", map[string]int{"total": 5})
	e.SetID("placed-42")
	e.SetSubject("42")
	if err := orders.Publish(ctx, e); err != nil {
		fmt.Println(err)
		return
	}

	m, err := sub.Receive(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	m.Ack()
	fmt.Println(m.Metadata["MessageGroupId"], m.Metadata["DeduplicationId"], m.Metadata["type"])

	// Output:
	// 42 placed-42 order.placed
}
