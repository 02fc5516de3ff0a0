package redact_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/redact"
)

// Errors that repeat what they were given come out without it.
func ExampleRedactor_Errors() {
	r := &redact.Redactor{Pointers: []string{"/password"}}
	router := &eventfx.Router{
		Use:      []eventfx.Middleware{r.Errors},
		Observer: eventfx.Observer{Message: quiet}, // no log line in the example
	}
	eventfx.On(router, whatever{}, func(_ context.Context, e eventfx.Event[string]) error {
		return fmt.Errorf("login refused: %s", e.Data)
	})
	for _, f := range router.Deliver(context.Background(), []*eventfx.Message{{Event: newEvent(`{"user":"zoe","password":"hunter22"}`)}}) {
		fmt.Println(f.Err)
	}
	// Output:
	// login refused: {"user":"zoe","password":"[redacted]"}
}
