package portable_test

import (
	"context"
	"fmt"
	"log"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"gocloud.dev/pubsub"
)

// A worker reads a queue that is subscribed to a topic.
func ExampleSubscription() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	events, inbox := cloud.Topic("events"), cloud.Queue("inbox", nil)
	events.Subscribe(inbox, nil)

	ctx := context.Background()
	topic, subscription := portable.Topic(events), portable.Subscription(inbox)
	err := topic.Send(ctx, &pubsub.Message{
		Body:     []byte("cat.jpg"),
		Metadata: map[string]string{"event type": "image.processed"},
	})
	if err != nil {
		log.Fatal(err)
	}
	m, err := subscription.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var received memcloud.Message
	m.As(&received)
	fmt.Printf("%s: %s (delivery %d)\n", m.Metadata["event type"], m.Body, received.Receives)
	m.Ack()
	// Output: image.processed: cat.jpg (delivery 1)
}
