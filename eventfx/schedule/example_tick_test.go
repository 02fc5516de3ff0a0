package schedule_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/schedule"
)

// A nightly job works on the day that its tick is for, however late it runs
// and however often the tick comes.
func ExampleTick() {
	var r eventfx.Router
	eventfx.On(&r, schedule.Tick{Name: "nightly-cleanup"}, func(_ context.Context, e eventfx.Event[schedule.Time]) error {
		fmt.Println("remove what is older than", e.Data.At.AddDate(0, 0, -30).Format(time.DateOnly))
		return nil
	})

	e := event.New()
	e.SetID("2026-11-23T03:00:00Z")
	e.SetSource("arn:aws:events:eu-west-1:123456789012:rule/nightly-cleanup")
	e.SetType("com.amazonaws.events.ScheduledEvent")
	e.SetTime(time.Date(2026, 11, 23, 3, 0, 17, 0, time.UTC))
	e.SetData("application/json", []byte(`{}`))

	r.Deliver(context.Background(), []*eventfx.Message{{Event: e}})
	// Output:
	// remove what is older than 2026-10-24
}
