// Package goeson writes a history of the changes of a table. The bug: when one
// change fails it goes on with the next and names the failure in its answer;
// the stream comes back to the failure after what followed it.
//
// After aws-powertools/powertools-lambda-java#1820: the batch processor for
// streams handled what came after a failed record, where order asks for a stop.
package goeson

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
type Shop struct{ History *memcloud.Table }

// Add adds a change to the history of its order.
func (s *Shop) Add(ctx context.Context, r events.DynamoDBEventRecord) error {
	image := r.Change.NewImage
	return planted.Append(ctx, s.History, image["id"].String(), image["state"].String())
}

// Scenario has an order change three times. The history must have the changes
// in their order, repetitions aside.
func Scenario(handle func(context.Context, *Shop, events.DynamoDBEvent) (events.DynamoDBEventResponse, error)) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s, orders := &Shop{cloud.Table("history", nil)}, cloud.Table("orders", nil)
		cloud.Function("write", lambda.NewHandler(func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
			return handle(ctx, s, e)
		}), memcloud.Trigger(orders, planted.Partial()))
		states := []string{"placed", "paid", "sent"}
		for _, state := range states {
			orders.Put(memcloud.Item{"id": "a", "state": state})
		}
		cloud.Settle()
		if history := planted.Firsts(s.History, "a"); !slices.Equal(history, states) {
			t.Errorf("the history of order a is %q, want %q", history, states)
		}
	}
}
