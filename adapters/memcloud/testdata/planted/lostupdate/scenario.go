// Package lostupdate counts stock by reading a row, changing it and writing it
// back. The bug: the row is written whatever it is by then, so that what
// somebody else wrote meanwhile is lost. It needs two invocations at once,
// which no test has whose messages come one by one and fast.
//
// The classic: no report is needed.
package lostupdate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Article is a row. It knows which deliveries it has counted.
type Article struct {
	ID       string
	Pieces   int64
	Counted  memcloud.StringSet
	Revision int64
}

// Has reports whether a delivery is counted.
func (a *Article) Has(delivery string) bool { return slices.Contains(a.Counted, delivery) }

func (a *Article) item() memcloud.Item {
	return memcloud.Item{"id": a.ID, "pieces": a.Pieces, "counted": a.Counted, "revision": a.Revision + 1}
}

// Shop is what the function works with.
type Shop struct{ Stock *memcloud.Table }

// Load reads an article.
func (s *Shop) Load(ctx context.Context, id string) (*Article, error) {
	row, err := s.Stock.GetItem(ctx, memcloud.Item{"id": id})
	if err != nil || row == nil {
		return &Article{ID: id}, err
	}
	a := &Article{ID: id, Counted: row["counted"].(memcloud.StringSet)}
	a.Pieces, _ = row["pieces"].(json.Number).Int64()
	a.Revision, err = row["revision"].(json.Number).Int64()
	return a, err
}

// Save writes an article.
func (s *Shop) Save(ctx context.Context, a *Article) error { return s.Stock.PutItem(ctx, a.item()) }

// SaveUnchanged writes an article if its row is still the one that was read.
func (s *Shop) SaveUnchanged(ctx context.Context, a *Article) error {
	return s.Stock.Transact(ctx, "save\x00"+a.ID, func(x *memcloud.Tx) error {
		row, err := x.Get(memcloud.Item{"id": a.ID})
		if err != nil {
			return err
		}
		if n, _ := row["revision"].(json.Number); row != nil && string(n) != fmt.Sprint(a.Revision) {
			return &memcloud.Error{Resource: "stock", Code: "ConditionalCheckFailedException", Message: "The conditional request failed"}
		}
		return x.Put(a.item())
	})
}

// Scenario has four deliveries arrive, a second apart. Each must be counted
// once.
func Scenario(handle func(context.Context, *Shop, events.SQSMessage) error) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s, deliveries := &Shop{cloud.Table("stock", nil)}, cloud.Queue("deliveries", nil)
		cloud.Function("count", planted.Each(func(ctx context.Context, m events.SQSMessage) error {
			return handle(ctx, s, m)
		}), memcloud.Trigger(deliveries, planted.Partial()))
		for range 4 {
			deliveries.Send("chairs")
			cloud.Advance(time.Second)
		}
		cloud.Settle()
		row, _ := s.Stock.Get("chairs")
		if n := fmt.Sprint(row["pieces"]); n != "4" {
			t.Errorf("4 deliveries of a piece each, %s counted", n)
		}
	}
}
