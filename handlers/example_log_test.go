package handlers_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func ExampleLog() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" {
			return slog.Attr{} // they differ from run to run
		}
		return a
	}}))
	log := handlers.Log{Logger: logger, Redact: func(text string) string { return strings.ReplaceAll(text, "4111111111111111", "[card]") }}

	r := &eventfx.Router{Observer: log.Observer()}
	eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		if e.Data == "o-2" {
			return errors.New("card 4111111111111111 was declined")
		}
		return nil
	})
	r.Deliver(context.Background(), messages("o-1", "o-2"))
	// Output:
	// level=INFO msg="eventfx: message" type=order.placed source=/shop id=o-1 route="text " receives=0 attempt=1 outcome=done
	// level=WARN msg="eventfx: message" type=order.placed source=/shop id=o-2 route="text " receives=0 attempt=1 outcome=back error="card [card] was declined"
}
