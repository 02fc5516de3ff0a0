package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func ExampleBreaker() {
	payments := &handlers.Breaker{
		Name: "payments", Failures: 2, Open: time.Minute,
		Changed: func(from, to string) { fmt.Println("payments:", from, ">", to) },
	}
	r := &eventfx.Router{}
	eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Println("charging", e.Data)
		return errors.New("no connection")
	}, eventfx.Middleware(payments.Wrap))

	for _, f := range r.Deliver(context.Background(), messages("1", "2", "3")) {
		fmt.Printf("%s: %v (after %v)\n", f.Message.ID(), f.Err, f.After.Round(time.Second))
	}
	// Output:
	// charging 1
	// charging 2
	// payments: closed > open
	// 1: no connection (after 0s)
	// 2: no connection (after 0s)
	// 3: handlers: the breaker is open: payments: eventfx: message not finished (after 1m0s)
}
