// Package rowisproof stores an order and then says so to the world, with
// gocloud's types. The bug: a delivery that finds the row takes it for proof
// that both were done.
//
// After eclipse-dirigible/dirigible#6816: generated repositories committed a
// row and then published its event; when the broker failed in between nothing
// ever published it.
package rowisproof

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"gocloud.dev/docstore"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Order is a document.
type Order struct {
	ID       string `docstore:"id"`
	Article  string `docstore:"article"`
	Revision any    `docstore:"DocstoreRevision" json:"-"`
}

// Shop is what the function works with.
type Shop struct {
	Orders *docstore.Collection
	Events *pubsub.Topic
}

// Handler makes the function in a cloud.
func Handler(handle func(context.Context, *Shop, Order) error) func(*memcloud.Cloud) memcloud.Handler {
	return func(cloud *memcloud.Cloud) memcloud.Handler {
		s := &Shop{portable.Collection(cloud.Table("orders", nil), nil), portable.Topic(cloud.Topic("placed"))}
		return planted.Each(func(ctx context.Context, m events.SQSMessage) error {
			var o Order
			if err := json.Unmarshal([]byte(m.Body), &o); err != nil {
				return err
			}
			return handle(ctx, s, o)
		})
	}
}

// Entry is a queue of orders.
func Entry() memcloud.Entry[memcloud.Message] {
	return memcloud.FromQueue("incoming", nil, planted.Partial())
}

// Samples are orders.
var Samples = []memcloud.Message{{Body: `{"id":"a","article":"chair"}`}, {Body: `{"id":"b","article":"table"}`}}
