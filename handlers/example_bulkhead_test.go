package handlers_test

import (
	"context"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func ExampleBulkhead() {
	// The old database bears two queries at a time.
	database := &handlers.Bulkhead{Max: 2, Wait: -1, Delay: time.Minute}
	r := &eventfx.Router{Concurrency: 3}
	entered, leave := make(chan struct{}), make(chan struct{})
	eventfx.On(r, text{}, func(context.Context, eventfx.Event[string]) error {
		entered <- struct{}{}
		<-leave
		return nil
	}, eventfx.Middleware(database.Wrap))

	first := make(chan []eventfx.Failure)
	go func() { first <- r.Deliver(context.Background(), messages("1", "2")) }()
	<-entered
	<-entered
	for _, f := range r.Deliver(context.Background(), messages("3")) {
		fmt.Println(f.Message.ID(), "comes again in", f.After)
	}
	close(leave)
	fmt.Println(len(<-first), "failures of the first two")
	// Output:
	// 3 comes again in 1m0s
	// 0 failures of the first two
}
