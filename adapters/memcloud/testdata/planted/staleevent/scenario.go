// Package staleevent keeps an index of the objects of a bucket by what their
// notifications say. The bug: the last event to arrive wins, and after a retry
// that is an old one.
//
// After minio/minio#18272 and aws/aws-sdk-net#1119: consumers that build state
// from S3's events need the sequencer, as events of one key may arrive in any
// order; the one could not trust it, the other could not read it.
package staleevent

import (
	"context"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// Shop is what the function works with.
type Shop struct{ Index *memcloud.Table }

func row(e events.S3Entity) memcloud.Item {
	return memcloud.Item{"id": e.Object.URLDecodedKey, "etag": e.Object.ETag, "sequencer": e.Object.Sequencer}
}

// Write writes an object's row.
func (s *Shop) Write(ctx context.Context, e events.S3Entity) error {
	return s.Index.PutItem(ctx, row(e))
}

// WriteNewer writes an object's row unless it has a later event's.
func (s *Shop) WriteNewer(ctx context.Context, e events.S3Entity) error {
	return s.Index.Transact(ctx, "write\x00"+e.Object.Key, func(x *memcloud.Tx) error {
		item := row(e)
		old, err := x.Get(item)
		if err != nil {
			return err
		}
		if before, ok := old["sequencer"].(string); ok && later(before, e.Object.Sequencer) {
			return nil
		}
		return x.Put(item)
	})
}

// later compares sequencers: the shorter one is padded with zeros.
func later(a, b string) bool {
	n := max(len(a), len(b))
	return a+strings.Repeat("0", n-len(a)) > b+strings.Repeat("0", n-len(b))
}

// Handler makes the function in a cloud.
func Handler(handle func(context.Context, *Shop, events.S3Event) error) func(*memcloud.Cloud) memcloud.Handler {
	return func(cloud *memcloud.Cloud) memcloud.Handler {
		s := &Shop{cloud.Table("index", nil)}
		return lambda.NewHandler(func(ctx context.Context, e events.S3Event) error { return handle(ctx, s, e) })
	}
}

// Entry is a bucket of pages.
func Entry() memcloud.Entry[memcloud.Object] { return memcloud.FromBucket("pages", nil, nil) }

// Samples are two versions of a page.
var Samples = []memcloud.Object{{Key: "a.html", Data: []byte("old")}, {Key: "a.html", Data: []byte("new")}}
