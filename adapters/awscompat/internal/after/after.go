// Package after holds routers, as lambdahost.Start takes them: the right sides
// of docs/migrate.md.
package after

import (
	"context"

	"github.com/eventfx/eventfx-go/adapters/awscompat"
	"github.com/eventfx/eventfx-go/adapters/awscompat/internal/shop"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/eventfx/schedule"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

// Orders decodes the messages of a queue.
//
// [orders]
func Orders() *eventfx.Router {
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[shop.Order]{Queue: "orders"}, eventfx.Data(shop.Ship))
	return r
}

// [/orders]

// Audit needs a message whole.
//
// [audit]
func Audit() *eventfx.Router {
	r := &eventfx.Router{}
	eventfx.On(r, awscompat.SQS{Queue: "audit"}, eventfx.Data(shop.Audit))
	return r
}

// [/audit]

// Uploads takes S3's records.
//
// [uploads]
func Uploads() *eventfx.Router {
	r := &eventfx.Router{}
	eventfx.On(r, awscompat.S3{Bucket: "uploads"}, eventfx.Data(shop.Index))
	return r
}

// [/uploads]

// Users has a table's stream decoded.
//
// [users]
func Users() *eventfx.Router {
	r := &eventfx.Router{Default: eventfx.Ignore} // other changes
	eventfx.On(r, table.Inserted[shop.User]{Table: "users"}, func(ctx context.Context, e eventfx.Event[table.Change[shop.User]]) error {
		return shop.Welcome(ctx, *e.Data.New)
	})
	return r
}

// [/users]

// Events tells the events of a bus apart.
//
// [events]
func Events() *eventfx.Router {
	r := &eventfx.Router{Default: eventfx.Ignore} // other events
	eventfx.On(r, schedule.Tick{}, func(ctx context.Context, e eventfx.Event[schedule.Time]) error {
		return shop.Cleanup(ctx, e.Data.At)
	})
	eventfx.On(r, awscompat.EventBridge{DetailType: "Order Placed"}, eventfx.Data(shop.Placed))
	return r
}

// [/events]

// News decodes what a topic sends.
//
// [news]
func News() *eventfx.Router {
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[shop.Order]{Queue: "news"}, eventfx.Data(shop.Ship))
	return r
}

// [/news]
