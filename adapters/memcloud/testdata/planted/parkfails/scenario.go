// Package parkfails parks orders that nobody can read in a queue of its own.
// The bug: when the parked copy cannot be written the order counts as done
// nevertheless, and is gone.
//
// After dapr/dapr#8284: the runtime ignored that publishing to the dead-letter
// topic had failed, and went on to the next message.
package parkfails

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Shop is what the function works with.
type Shop struct {
	Orders *memcloud.Table
	Parked *memcloud.Queue
	Log    *slog.Logger
}

var errUnreadable = errors.New("not an order")

// Store writes an order's row.
func (s *Shop) Store(ctx context.Context, m events.SQSMessage) error {
	var order struct{ ID string }
	if err := json.Unmarshal([]byte(m.Body), &order); err != nil || order.ID == "" {
		return errUnreadable
	}
	return s.Orders.PutItem(ctx, memcloud.Item{"id": order.ID})
}

// Scenario sends two orders and one that is none. Each must be stored or
// parked.
func Scenario(handle func(context.Context, *Shop, events.SQSMessage) error) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s := &Shop{cloud.Table("orders", nil), cloud.Queue("parked", nil), slog.New(slog.DiscardHandler)}
		incoming := cloud.Queue("incoming", nil)
		cloud.Function("store", planted.Each(func(ctx context.Context, m events.SQSMessage) error {
			return handle(ctx, s, m)
		}), memcloud.Trigger(incoming, planted.Partial()))
		incoming.Send(`{"id":"a"}`)
		incoming.Send(`{"id":`)
		incoming.Send(`{"id":"b"}`)
		cloud.Settle()
		for _, id := range []string{"a", "b"} {
			if _, ok := s.Orders.Get(id); !ok {
				t.Errorf("order %s is not stored", id)
			}
		}
		if len(s.Parked.Messages()) == 0 {
			t.Error("the order that nobody can read is neither parked nor in its queue")
		}
	}
}
