package eventfx_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// An Order is what the examples' queue carries.
type Order struct {
	ID    string
	Total int
}

// order returns a message as a host makes it of a queue's record.
func order(id, body string) *eventfx.Message {
	e := event.New()
	e.SetType("com.amazonaws.sqs.message")
	e.SetSource("arn:aws:sqs:eu-west-1:123456789012:orders")
	e.SetID(id)
	m := &eventfx.Message{Event: e}
	m.DataEncoded = []byte(body)
	return m
}

func Example() {
	r := &eventfx.Router{
		DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
			fmt.Printf("dead letter: %s, %s: %v\n", d.Message.ID(), d.Reason, d.Err)
			return nil // it is kept
		},
	}
	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, func(_ context.Context, e eventfx.Event[Order]) error {
		switch {
		case e.Data.Total == 0:
			return eventfx.Permanent(errors.New("empty order"))
		case e.Data.Total > 1000:
			return errors.New("warehouse is closed")
		}
		fmt.Println("shipped:", e.Data.ID)
		return nil
	})

	failures := r.Deliver(context.Background(), []*eventfx.Message{
		order("m-1", `{"ID":"pencils","Total":12}`),
		order("m-2", `{"ID":"nothing","Total":0}`),
		order("m-3", `{"ID":"piano","Total":9000}`),
	})
	for _, f := range failures {
		fmt.Printf("goes back: %s: %v\n", f.Message.ID(), f.Err)
	}
	// Output:
	// shipped: pencils
	// dead letter: m-2, permanent: empty order
	// goes back: m-3: warehouse is closed
}

func ExampleOnBatch() {
	r := &eventfx.Router{}
	eventfx.OnBatch(r, queue.JSON[Order]{Queue: "orders"}, func(_ context.Context, b *eventfx.Batch[Order]) error {
		fmt.Println("one call for", b.Len())
		for e := range b.All() {
			if e.Data.Total == 0 {
				b.Fail(e, errors.New("empty order"))
			}
		}
		return nil
	})
	failures := r.Deliver(context.Background(), []*eventfx.Message{
		order("m-1", `{"ID":"pencils","Total":12}`),
		order("m-2", `{"ID":"nothing","Total":0}`),
	})
	fmt.Println("goes back:", failures[0].Message.ID())
	// Output:
	// one call for 2
	// goes back: m-2
}

func ExampleData() {
	// ship is domain code: it knows nothing of eventfx.
	ship := func(_ context.Context, o Order) error {
		fmt.Println("shipped:", o.ID)
		return nil
	}
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, eventfx.Data(ship))
	r.Deliver(context.Background(), []*eventfx.Message{order("m-1", `{"ID":"pencils"}`)})
	// Output: shipped: pencils
}

func ExampleMiddleware() {
	logged := eventfx.Middleware(func(next eventfx.Handler) eventfx.Handler {
		return func(ctx context.Context, d *eventfx.Delivery) error {
			err := next(ctx, d)
			for _, m := range d.Messages {
				fmt.Printf("%s, attempt %d: %v\n", m.ID(), d.Attempt, err)
			}
			return err
		}
	})
	r := &eventfx.Router{
		Retry: eventfx.Retry{Attempts: 2, Delay: func(int, error) time.Duration { return 0 }},
		Use:   []eventfx.Middleware{logged},
	}
	failing := true
	eventfx.On(r, queue.Text{Queue: "orders"}, func(context.Context, eventfx.Event[string]) error {
		if failing {
			failing = false
			return errors.New("not yet")
		}
		return nil
	})
	r.Deliver(context.Background(), []*eventfx.Message{order("m-1", "hello")})
	// Output:
	// m-1, attempt 1: not yet
	// m-1, attempt 2: <nil>
}

func ExampleObserver() {
	counts := map[string]int{}
	r := &eventfx.Router{}
	r.Observer.Message = func(ctx context.Context, route string, m *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
		return ctx, func(err error, dead *eventfx.Dead) {
			switch {
			case err == nil:
				counts["done"]++
			case dead != nil:
				counts["dead"]++
			default:
				counts["back"]++
			}
		}
	}
	eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
		if e.Data == "bad" {
			return errors.New("bad order")
		}
		return nil
	})
	r.Deliver(context.Background(), []*eventfx.Message{order("m-1", "good"), order("m-2", "bad"), order("m-3", "good")})
	fmt.Println(counts)
	// Output: map[back:1 done:2]
}
