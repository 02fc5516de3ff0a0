package handlers_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func ExampleFilter() {
	f := handlers.Filter{All: []handlers.Filter{
		{Prefix: map[string]string{"type": "order."}},
		{Not: &handlers.Filter{Exact: map[string]string{"source": "/test"}}},
	}}
	fmt.Println(f, f.Match(message("o-1")))
	// Output: {"all":[{"prefix":{"type":"order."}},{"not":{"exact":{"source":"/test"}}}]} true
}

// Two routes of one source, told apart by their filters.
func ExampleWhere() {
	urgent := handlers.Filter{Prefix: map[string]string{"id": "urgent-"}}
	r := &eventfx.Router{}
	eventfx.On(r, handlers.Where(text{}, urgent), func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Println("at once:", e.Data)
		return nil
	})
	eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		fmt.Println("tomorrow:", e.Data)
		return nil
	})
	r.Deliver(context.Background(), messages("o-1", "urgent-2"))
	// Output:
	// tomorrow: o-1
	// at once: urgent-2
}
