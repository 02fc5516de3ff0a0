package schedule_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/schedule"
)

type Report struct{ Format, To string }

// Two schedules of EventBridge Scheduler run one job with different inputs.
func ExampleWith() {
	var r eventfx.Router
	send := func(_ context.Context, e eventfx.Event[Report]) error {
		fmt.Printf("%s as %s to %s\n", e.Subject(), e.Data.Format, e.Data.To)
		return nil
	}
	eventfx.On(&r, schedule.With[Report]{Name: "reports/daily"}, send)
	eventfx.On(&r, schedule.With[Report]{Name: "reports/weekly"}, send)

	e := event.New()
	e.SetID("2026-11-23T03:00:00Z")
	e.SetSource("arn:aws:scheduler:eu-west-1:123456789012:schedule/reports/weekly")
	e.SetType("com.amazonaws.scheduler.ScheduledEvent")
	e.SetSubject("weekly")
	e.SetTime(time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC))
	e.SetData("application/json", []byte(`{"format":"pdf","to":"board@example.com"}`))

	r.Deliver(context.Background(), []*eventfx.Message{{Event: e}})
	// Output:
	// weekly as pdf to board@example.com
}
