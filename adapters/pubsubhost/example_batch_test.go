package pubsubhost_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// Messages are handled together, up to three of them.
func ExampleOptions_batch() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	orders := cloud.Queue("orders", nil)
	for i := range 3 {
		orders.Send(fmt.Sprintf(`{"ID":"o-%d"}`, i))
	}

	ctx, stop := context.WithCancel(context.Background())
	r := &eventfx.Router{}
	eventfx.OnBatch(r, queue.JSON[Order]{Queue: "orders"}, func(_ context.Context, b *eventfx.Batch[Order]) error {
		for e := range b.All() {
			fmt.Println("insert", e.Data.ID)
		}
		stop()
		return nil
	})
	err := pubsubhost.Run(ctx, portable.Subscription(orders), r, &pubsubhost.Options{
		Queue:       orders.ARN(),
		BatchSize:   3,
		BatchWindow: 5 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(orders.Messages()), "left")
	// Output:
	// insert o-0
	// insert o-1
	// insert o-2
	// 0 left
}
