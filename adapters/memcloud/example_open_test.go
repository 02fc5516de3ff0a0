package memcloud_test

import (
	"context"
	"log"
	"os"
	"os/signal"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A local program runs in real time until Ctrl-C. Close has the handlers that
// run end by their contexts, and waits for them.
func ExampleOpen() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cloud := memcloud.Open(nil)
	orders := cloud.Queue("orders", nil)
	ship := func(context.Context, events.SQSEvent) error { return nil }
	cloud.Function("ship", lambda.NewHandler(ship), memcloud.Trigger(orders))

	// Here a server, or whatever else makes events, sends orders.
	orders.Send(`{"id":"7"}`)

	<-ctx.Done()
	if err := cloud.Close(); err != nil {
		log.Fatal(err)
	}
}
