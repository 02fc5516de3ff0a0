package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func ExampleLimit() {
	// Two letters a minute to each shop. Wait would let messages wait here.
	limit := &handlers.Limit{
		Rate: 2.0 / 60, Burst: 2, Wait: -1,
		Key: func(_ string, m *eventfx.Message) string { return m.Source() },
	}
	r := &eventfx.Router{}
	eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Println("sending", e.Data)
		return nil
	}, eventfx.Middleware(limit.Wrap))

	for _, f := range r.Deliver(context.Background(), messages("1", "2", "3", "4")) {
		fmt.Println(f.Message.ID(), "comes again in", f.After.Round(time.Second), errors.Is(f.Err, handlers.ErrLimited))
	}
	// Output:
	// sending 1
	// sending 2
	// 3 comes again in 30s true
	// 4 comes again in 1m0s true
}
