package memcloud_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// In a local program the cloud runs in real time.
func Example() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()

	orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 20 * time.Millisecond, MaxReceives: 2})
	ship := func(_ context.Context, e events.SQSEvent) (r events.SQSEventResponse, err error) {
		for _, m := range e.Records {
			if m.Body == "poison" {
				r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return r, nil
	}
	cloud.Function("ship", lambda.NewHandler(ship),
		memcloud.Trigger(orders, &memcloud.Mapping{ReportBatchItemFailures: true}),
		&memcloud.FunctionOptions{Timeout: 20 * time.Millisecond})

	orders.SendBatch(memcloud.Message{Body: "good"}, memcloud.Message{Body: "poison"})
	cloud.Settle()
	for _, m := range orders.DeadLetters() {
		fmt.Printf("%s after %d receives\n", m.Body, m.Receives)
	}
	// Output: poison after 2 receives
}
