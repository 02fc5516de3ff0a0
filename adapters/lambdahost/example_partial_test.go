package lambdahost_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// With a mapping that has ReportBatchItemFailures, only what failed comes back.
func ExampleOptions_partialBatch() {
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, ship)

	h := lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true})
	answer, err := h.Invoke(context.Background(), twoOrders)
	fmt.Printf("answer: %s\nerror: %v\n", answer, err)
	// Output:
	// shipped o-1
	// answer: {"batchItemFailures":[{"itemIdentifier":"2e1424d4"}]}
	// error: <nil>
}
