package pubsubhost_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

type Order struct {
	ID string
}

// A worker on any broker: here gocloud's in memory, fetching nothing ahead.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	topic := mempubsub.NewTopic()
	subscription := mempubsub.NewSubscriptionWithOptions(topic, time.Minute, &mempubsub.SubscriptionOptions{
		ReceiveBatcherOptions: batcher.Options{MaxBatchSize: 1, MaxHandlers: 1},
	})
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, func(_ context.Context, e eventfx.Event[Order]) error {
		fmt.Println("ship", e.Data.ID)
		stop() // in a program a signal does
		return nil
	})

	if err := topic.Send(ctx, &pubsub.Message{Body: []byte(`{"ID":"o-1"}`)}); err != nil {
		log.Fatal(err)
	}
	if err := pubsubhost.Run(ctx, subscription, r, &pubsubhost.Options{Queue: "orders"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println("stopped")
	// Output:
	// ship o-1
	// stopped
}
