package schema_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/schema"
)

// A Booking knows by itself whether it is valid.
type Booking struct {
	From, To int
	Seats    int
}

func (b Booking) Validate() error {
	var errs []error
	if b.To <= b.From {
		errs = append(errs, schema.Field{Pointer: "/to", Reason: "must be after from"})
	}
	if b.Seats == 0 {
		errs = append(errs, schema.Field{Pointer: "/seats", Reason: "must not be 0"})
	}
	return errors.Join(errs...)
}

func ExampleValid() {
	r := &eventfx.Router{DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
		fmt.Println(d.Message.ID(), "is dead:", d.Err)
		return nil
	}}
	eventfx.On(r, queue.JSON[Booking]{}, schema.Valid(func(_ context.Context, e eventfx.Event[Booking]) error {
		fmt.Println("booking", e.Data.Seats, "seats")
		return nil
	}))
	r.Deliver(context.Background(), []*eventfx.Message{
		message("1", `{"from": 8, "to": 9, "seats": 2}`),
		message("2", `{"from": 9, "to": 8}`),
	})
	// Output:
	// booking 2 seats
	// 2 is dead: schema: /seats: must not be 0; /to: must be after from
}
