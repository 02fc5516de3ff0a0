package memcloud_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A bucket sends all its events to the default bus, where rules choose: large
// pictures start a function, deletions are kept in a queue.
func ExampleEventBus() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	uploads := cloud.Bucket("uploads", &memcloud.BucketOptions{EventBridge: true})
	bus, deleted := cloud.EventBus("default"), cloud.Queue("deleted", nil)

	thumb := func(_ context.Context, e events.EventBridgeEvent) error {
		fmt.Println(e.DetailType, e.Source)
		return nil
	}
	cloud.Function("thumb", lambda.NewHandler(thumb), memcloud.Trigger(bus, &memcloud.Rule{
		Pattern: `{"detail-type": ["Object Created"], "detail": {"object": {"key": [{"suffix": ".jpg"}], "size": [{"numeric": [">", 10]}]}}}`,
	}))
	bus.Target(deleted, &memcloud.Rule{Pattern: `{"detail-type": ["Object Deleted"]}`})

	uploads.Put("holiday.jpg", []byte("a large picture"))
	uploads.Put("icon.jpg", []byte("small"))
	uploads.Delete("icon.jpg")
	cloud.Settle()
	fmt.Println(len(deleted.Messages()), "deleted")
	// Output:
	// Object Created aws.s3
	// 1 deleted
}
