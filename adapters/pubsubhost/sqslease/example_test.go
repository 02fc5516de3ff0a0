package sqslease_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost/sqslease"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// A queue of memcloud has the call that a lease makes.
func Example() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	orders := cloud.Queue("orders", nil)
	lease := &sqslease.Lease{
		Change: orders.ChangeMessageVisibility,
		Read: func(m *pubsub.Message) (string, map[string]string) {
			var received memcloud.Message
			if !m.As(&received) {
				return "", nil
			}
			return received.Receipt, received.System()
		},
	}

	ctx, stop := context.WithCancel(context.Background())
	r := &eventfx.Router{Observer: eventfx.Observer{Message: quiet}}
	eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Printf("delivery %d of %s\n", e.Origin.Receives, e.Data)
		if e.Origin.Receives == 1 {
			return eventfx.RetryAfter(errors.New("the printer is out of paper"), time.Second)
		}
		stop()
		return nil
	})
	orders.Send("label 1")
	err := pubsubhost.Run(ctx, portable.Subscription(orders), r, &pubsubhost.Options{Queue: orders.ARN(), Lease: lease})
	fmt.Println(err, len(orders.Messages()))
	// Output:
	// delivery 1 of label 1
	// delivery 2 of label 1
	// <nil> 0
}

// quiet keeps the failure out of the log.
func quiet(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
	return ctx, nil
}
