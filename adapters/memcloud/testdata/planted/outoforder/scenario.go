// Package outoforder applies the messages of a FIFO queue. The bug: when one
// fails, those after it are applied and only the failure is reported; it comes
// back when its successors are done.
//
// After aws-powertools/powertools-lambda-java#1140: when the first message of
// a group failed, the batch processor handled the rest of the group and only
// the first was returned to the queue.
package outoforder

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Shop is what the function works with.
type Shop struct{ Carts *memcloud.Table }

// Apply applies a message to its cart.
func (s *Shop) Apply(ctx context.Context, m events.SQSMessage) error {
	return planted.Append(ctx, s.Carts, m.Attributes["MessageGroupId"], m.Body)
}

// Scenario sends three messages of one group. They must be applied in their
// order, repetitions aside.
func Scenario(handle func(context.Context, *Shop, events.SQSEvent) (events.SQSEventResponse, error)) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s := &Shop{cloud.Table("carts", nil)}
		changes := cloud.Queue("changes.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true})
		cloud.Function("apply", lambda.NewHandler(func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
			return handle(ctx, s, e)
		}), memcloud.Trigger(changes, planted.Partial()))
		bodies := []string{"add a chair", "add a table", "empty it"}
		for _, body := range bodies {
			changes.SendBatch(memcloud.Message{Body: body, Group: "cart-1"})
		}
		cloud.Settle()
		if applied := planted.Firsts(s.Carts, "cart-1"); !slices.Equal(applied, bodies) {
			t.Errorf("applied to the cart: %q, want %q", applied, bodies)
		}
	}
}
