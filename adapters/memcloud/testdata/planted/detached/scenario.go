// Package detached stores an order and publishes it. The bug: it publishes in
// a goroutine, to answer sooner. Lambda freezes the process with the answer;
// as long as publishing is quick nobody notices.
//
// After LeanerCloud/CUDly#1170: a best-effort goroutine was started right before
// the answer, on Lambda, where nothing runs after the answer.
package detached

import (
	"context"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Shop is what the function works with.
type Shop struct {
	Orders *memcloud.Table
	Events *memcloud.Topic
}

// Store stores an order.
func (s *Shop) Store(ctx context.Context, m events.SQSMessage) error {
	return s.Orders.PutItem(ctx, memcloud.Item{"id": m.Body})
}

// Publish says that an order was stored.
func (s *Shop) Publish(ctx context.Context, m events.SQSMessage) error {
	_, err := s.Events.Publish(ctx, memcloud.Notice{Message: m.Body})
	return err
}

// Scenario sends three orders. Each must be stored and published.
func Scenario(handle func(context.Context, *Shop, events.SQSMessage) error) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s := &Shop{cloud.Table("orders", nil), cloud.Topic("placed")}
		incoming, ledger := cloud.Queue("incoming", nil), cloud.Queue("ledger", nil)
		s.Events.Subscribe(ledger, &memcloud.Subscription{Raw: true})
		cloud.Function("store", planted.Each(func(ctx context.Context, m events.SQSMessage) error {
			return handle(ctx, s, m)
		}), memcloud.Trigger(incoming, planted.Partial()))
		orders := []string{"a", "b", "c"}
		for _, id := range orders {
			incoming.Send(id)
		}
		cloud.Settle()
		published := map[string]bool{}
		for _, m := range ledger.Messages() {
			published[m.Body] = true
		}
		for _, id := range orders {
			if _, ok := s.Orders.Get(id); !ok || !published[id] {
				t.Errorf("order %s: stored %t, published %t", id, ok, published[id])
			}
		}
	}
}
