package memcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// tributaries is a table with three mappings, under all faults at once: lanes
// side by side that write to the table which they read, a tumbling window, and
// one that gives up into a bucket.
func tributaries(t *testing.T, seed uint64) string {
	var timeline strings.Builder
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Seed: seed, Faults: &memcloud.Faults{}})
		table := cloud.Table("rows", &memcloud.TableOptions{Sort: "n", SortType: "N", TTL: "until"})
		bucket, dead := cloud.Bucket("discarded", nil), cloud.Queue("dead", nil)
		cloud.Function("lanes", handler(func(ctx context.Context, payload []byte) ([]byte, error) {
			var e events.DynamoDBEvent
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, err
			}
			time.Sleep(100 * time.Millisecond)
			for _, r := range e.Records {
				id := r.Change.Keys["id"].String()
				if r.EventName != "INSERT" || id == "copy" {
					continue
				}
				if err := table.PutItem(ctx, memcloud.Item{"id": "copy", "n": json.Number(r.Change.Keys["n"].Number()), "of": id}); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}), memcloud.Trigger(table, &memcloud.Mapping{ParallelizationFactor: 4, BatchSize: 5, BisectBatchOnFunctionError: true, MaximumRetries: 3, OnFailure: dead}))
		cloud.Function("window", constant(`{"state":1}`), memcloud.Trigger(table, &memcloud.Mapping{TumblingWindow: 10 * time.Second, MaximumRetries: 2}))
		cloud.Function("poor", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			if len(payload)%3 == 0 {
				return nil, errors.New("no luck")
			}
			return nil, nil
		}), memcloud.Trigger(table, &memcloud.Mapping{BatchSize: 3, MaximumRetries: -1, OnFailure: bucket}))
		for i := range 60 {
			table.Put(memcloud.Item{"id": fmt.Sprint(i % 7), "n": i, "until": time.Now().Unix() + int64(i)})
			if i%20 == 0 {
				cloud.Advance(time.Second)
			}
		}
		cloud.Settle()
		cloud.Advance(2 * time.Minute)
		cloud.Settle()
		for _, s := range cloud.Steps() {
			fmt.Fprintln(&timeline, int64(s.At), s)
		}
		fmt.Fprintln(&timeline, table.Items(), bucket.Keys(), dead.Messages(), cloud.Faults())
	})
	return timeline.String()
}

func TestStreamDeterminism(t *testing.T) { oneTimeline(t, 300, 60, tributaries) }
