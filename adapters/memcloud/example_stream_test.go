package memcloud_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A function that sees the orders which become paid, and no other change of
// the table.
func ExampleMapping_stream() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	orders := cloud.Table("orders", nil)
	ship := func(_ context.Context, e events.DynamoDBEvent) error {
		for _, r := range e.Records {
			fmt.Println("ship", r.Change.Keys["id"].String())
		}
		return nil
	}
	cloud.Function("ship", lambda.NewHandler(ship), memcloud.Trigger(orders, &memcloud.Mapping{
		Filters:        []string{`{"dynamodb": {"NewImage": {"status": {"S": ["paid"]}}}}`},
		MaximumRetries: 3,
		OnFailure:      cloud.Bucket("unshipped", nil),
	}))
	orders.Put(memcloud.Item{"id": "a", "status": "new"})
	orders.Put(memcloud.Item{"id": "b", "status": "new"})
	orders.Put(memcloud.Item{"id": "b", "status": "paid"})
	cloud.Settle()
	// Output:
	// ship b
}
