package lambdahost_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// traced stands for the wrapper of a tracing vendor.
type traced struct{ lambda.Handler }

func (t traced) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	fmt.Println("span begins")
	defer fmt.Println("span ends")
	return t.Handler.Invoke(ctx, payload)
}

// A vendor's wrapper goes around the handler that Start runs.
func ExampleOptions_wrap() {
	r := &eventfx.Router{Default: eventfx.Ignore}
	eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Println(e.Data)
		return nil
	})
	opts := &lambdahost.Options{Wrap: func(h lambda.Handler) lambda.Handler { return traced{h} }}

	_, err := lambdahost.Handler(r, opts).Invoke(context.Background(), twoOrders) // in main: lambdahost.Start(r, opts)
	fmt.Println(err)
	// Output:
	// span begins
	// {"ID":"o-1","Total":5}
	// {"ID":"o-2","Total":0}
	// span ends
	// <nil>
}
