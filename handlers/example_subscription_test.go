package handlers_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func ExampleSubscription() {
	filters, err := handlers.ParseFilters([]byte(`[{"not": {"prefix": {"id": "test-"}}}]`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	orders := &handlers.Subscription{
		Filters: filters,
		Refused: func(_ context.Context, _ string, m *eventfx.Message) { fmt.Println("not for us:", m.ID()) },
	}
	r := &eventfx.Router{Use: []eventfx.Middleware{orders.Wrap}}
	eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Println("shipping", e.Data)
		return nil
	})
	failures := r.Deliver(context.Background(), messages("o-1", "test-2"))
	fmt.Println(len(failures), "failures")
	// Output:
	// shipping o-1
	// not for us: test-2
	// 0 failures
}
