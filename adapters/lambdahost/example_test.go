package lambdahost_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

type Order struct {
	ID    string
	Total int
}

func ship(_ context.Context, e eventfx.Event[Order]) error {
	if e.Data.Total == 0 {
		return fmt.Errorf("order %s is empty", e.Data.ID)
	}
	fmt.Println("shipped", e.Data.ID)
	return nil
}

// twoOrders is what Lambda sends for two messages of a queue.
var twoOrders = []byte(`{"Records":[
	{"messageId": "059f36b4", "receiptHandle": "AQEB", "body": "{\"ID\":\"o-1\",\"Total\":5}",
	 "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767323045000"}, "messageAttributes": {},
	 "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders", "awsRegion": "eu-west-1"},
	{"messageId": "2e1424d4", "receiptHandle": "AQEB", "body": "{\"ID\":\"o-2\",\"Total\":0}",
	 "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767323045000"}, "messageAttributes": {},
	 "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders", "awsRegion": "eu-west-1"}
]}`)

// Without a declaration a failed message fails the invocation, so that it
// cannot be lost.
func Example() {
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, ship)

	h := lambdahost.Handler(r, nil) // in main: lambdahost.Start(r, nil)
	answer, err := h.Invoke(context.Background(), twoOrders)
	fmt.Printf("answer: %q\nerror: %v\n", answer, err)
	// Output:
	// shipped o-1
	// answer: ""
	// error: lambdahost: 1 of 2 messages from sqs failed: orders/2e1424d4: order o-2 is empty
}
