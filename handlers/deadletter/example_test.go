package deadletter_test

import (
	"context"
	"errors"
	"fmt"

	"gocloud.dev/blob/memblob"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// A message that cannot succeed is kept, read, and sent again after a repair.
func Example() {
	ctx := context.Background()
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()

	repaired := false
	r := &eventfx.Router{
		DeadLetter: deadletter.Bucket(bucket, &deadletter.BucketOptions{Prefix: "orders/"}),
		Observer:   eventfx.Observer{Message: quiet}, // no log line in the example
	}
	eventfx.On(r, whatever{}, func(_ context.Context, e eventfx.Event[string]) error {
		if !repaired {
			return eventfx.Permanent(errors.New("unknown currency"))
		}
		fmt.Println("handled", e.ID(), e.Data)
		return nil
	})
	r.Deliver(ctx, []*eventfx.Message{{Event: placed()}})

	letters := deadletter.FromBucket(bucket, "orders/", nil)
	for l, err := range letters.All(ctx) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("dead", l.Event.ID(), l.Story.Reason, l.Story.Error)
	}

	repaired = true
	progress, err := deadletter.Replay(ctx, letters, deadletter.ToRouter(r), nil)
	fmt.Printf("%+v %v\n", progress, err)
	// Output:
	// dead order-1 permanent unknown currency
	// handled order-1 {"id": 1}
	// {Read:1 Sent:1 Skipped:0 Failed:0} <nil>
}

// whatever is a source of all messages.
type whatever struct{}

func (whatever) Match(*eventfx.Message) bool               { return true }
func (whatever) Decode(m *eventfx.Message) (string, error) { return string(m.DataEncoded), nil }
func (whatever) String() string                            { return "whatever" }
