// Package unread names the messages that failed in its answer. The bug is in
// how it is deployed: the mapping does not read the answer, and the failures
// are deleted with the rest.
//
// After storacha/indexing-service#159: the handler reported its batch item
// failures, but the event source mapping had never been told to read them.
package unread

import (
	"context"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Shop is what the function works with.
type Shop struct{ Orders *memcloud.Table }

// Handler makes the function.
func (s *Shop) Handler() memcloud.Handler {
	return planted.Each(func(ctx context.Context, m events.SQSMessage) error {
		return s.Orders.PutItem(ctx, memcloud.Item{"id": m.Body})
	})
}

// Scenario sends four orders. Each must be stored.
func Scenario(deploy func(*memcloud.Cloud, *Shop, *memcloud.Queue)) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s, incoming := &Shop{cloud.Table("orders", nil)}, cloud.Queue("incoming", nil)
		deploy(cloud, s, incoming)
		for _, id := range []string{"a", "b", "c", "d"} {
			incoming.Send(id)
		}
		cloud.Settle()
		if n := len(s.Orders.Items()); n != 4 {
			t.Errorf("4 orders sent, %d stored", n)
		}
	}
}
