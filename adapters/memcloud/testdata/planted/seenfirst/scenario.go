// Package seenfirst prints a label for each order, once. The bug: the order is
// remembered before its label is printed, so that a failure in between makes
// the next delivery look like a duplicate.
//
// After NousResearch/hermes-agent#62860: a gateway remembered a message's id
// when it checked for duplicates; when handling failed after that, the
// redelivery was dropped in silence.
package seenfirst

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Shop is what the function works with.
type Shop struct {
	Orders *memcloud.Table
	Labels *memcloud.Bucket
}

// Seen reports whether an order is remembered.
func (s *Shop) Seen(ctx context.Context, id string) (bool, error) {
	row, err := s.Orders.GetItem(ctx, memcloud.Item{"id": id})
	return row != nil, err
}

// Remember remembers an order.
func (s *Shop) Remember(ctx context.Context, id string) error {
	return s.Orders.PutItem(ctx, memcloud.Item{"id": id})
}

// Print prints an order's label.
func (s *Shop) Print(ctx context.Context, id string) error {
	_, err := s.Labels.PutObject(ctx, memcloud.Object{Key: id + ".txt", Data: []byte("for " + id)}, memcloud.Condition{})
	return err
}

// Handler makes the function in a cloud.
func Handler(handle func(context.Context, *Shop, events.SQSMessage) error) func(*memcloud.Cloud) memcloud.Handler {
	return func(cloud *memcloud.Cloud) memcloud.Handler {
		s := &Shop{cloud.Table("orders", nil), cloud.Bucket("labels", nil)}
		return planted.Each(func(ctx context.Context, m events.SQSMessage) error { return handle(ctx, s, m) })
	}
}

// Entry is a queue of orders.
func Entry() memcloud.Entry[memcloud.Message] {
	return memcloud.FromQueue("incoming", nil, planted.Partial())
}

// Samples are orders.
var Samples = []memcloud.Message{{Body: "a"}, {Body: "b"}}
