// Package ackfirst is a worker that reads a gocloud subscription. The bug: it
// acknowledges a message and then works on it. What fails is in the log,
// and nowhere else.
//
// After RichardKnop/machinery#275: the SQS broker deleted a task from the queue
// before it processed it, so that the end of the process lost the task.
package ackfirst

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
)

// Shop is what the worker works with.
type Shop struct {
	Orders *memcloud.Table
	Log    *slog.Logger
}

// Store stores an order.
func (s *Shop) Store(ctx context.Context, m *pubsub.Message) error {
	return s.Orders.PutItem(ctx, memcloud.Item{"id": string(m.Body)})
}

// Scenario sends three orders to a worker that is started again when it ends.
// After twenty seconds each must be stored, or still be in the queue.
func Scenario(work func(context.Context, *Shop, *pubsub.Subscription) error) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s, incoming := &Shop{cloud.Table("orders", nil), slog.New(slog.DiscardHandler)}, cloud.Queue("incoming", nil)
		orders := []string{"a", "b", "c"}
		for _, id := range orders {
			incoming.Send(id)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for ctx.Err() == nil {
			_ = work(ctx, s, portable.Subscription(incoming))
		}
		left := map[string]bool{}
		for _, m := range incoming.Messages() {
			left[m.Body] = true
		}
		for _, id := range orders {
			if _, ok := s.Orders.Get(id); !ok && !left[id] {
				t.Errorf("order %s is neither stored nor in the queue", id)
			}
		}
	}
}
