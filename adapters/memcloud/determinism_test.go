package memcloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/internal/delivery"
)

// crowd handles the messages of a batch all at once, each in a lane of its
// own as a router does: they sleep equal times, meet their deadline, send to
// other queues, write objects and items, and fail, at the same instants.
type crowd struct {
	audit  *memcloud.Queue
	orders *memcloud.Queue
	bucket *memcloud.Bucket
	table  *memcloud.Table
}

func (h *crowd) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var (
		mu sync.Mutex
		wg sync.WaitGroup
		r  events.SQSEventResponse
	)
	for i, m := range e.Records {
		wg.Go(func() {
			ctx := context.WithValue(ctx, delivery.LaneKey{}, i)
			if h.one(ctx, m) != nil {
				mu.Lock()
				defer mu.Unlock()
				r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		})
	}
	wg.Wait()
	return json.Marshal(r)
}

func (h *crowd) one(ctx context.Context, m events.SQSMessage) error {
	// The lanes alone say who gets which id.
	id, err := h.audit.SendMessage(ctx, memcloud.Message{Body: "the same for all"})
	if err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond)
	switch n := len(m.Body) % 5; {
	case strings.HasSuffix(m.Body, "3"):
		<-ctx.Done() // takes the whole invocation with it
		return ctx.Err()
	case strings.HasSuffix(m.Body, "7") && m.Attributes["ApproximateReceiveCount"] == "1":
		return fmt.Errorf("not now: %d", n)
	}
	if _, err := h.audit.SendMessage(ctx, memcloud.Message{Body: "done " + m.Body + " " + id}); err != nil {
		return err
	}
	if _, err := h.bucket.PutObject(ctx, memcloud.Object{Key: "last", Data: []byte(m.Body)}, memcloud.Condition{}); err != nil {
		return err
	}
	// Goroutines that share a lane, at one instant.
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { _ = h.table.PutItem(ctx, memcloud.Item{"id": fmt.Sprint(i), "by": m.Body}) })
	}
	wg.Wait()
	return nil
}

func scenario(t *testing.T, seed uint64) string {
	var timeline strings.Builder
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Seed: seed})
		h := &crowd{
			audit: cloud.Queue("audit", nil), orders: cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 3}),
			bucket: cloud.Bucket("results", nil), table: cloud.Table("rows", nil),
		}
		cloud.Function("crowd", h, memcloud.Trigger(h.orders, &memcloud.Mapping{ReportBatchItemFailures: true}))
		cloud.Function("rows-changed", constant("{}"), memcloud.Trigger(h.table, &memcloud.Mapping{BatchSize: 7}))
		cloud.Function("put", constant("{}"), memcloud.Trigger(h.bucket))
		for i := range 60 {
			h.orders.Send(fmt.Sprintf("order %d", i))
		}
		cloud.Settle()
		for _, s := range cloud.Steps() {
			fmt.Fprintln(&timeline, int64(s.At), s)
		}
		for _, m := range append(h.audit.Messages(), h.orders.DeadLetters()...) {
			fmt.Fprintln(&timeline, m)
		}
		fmt.Fprintln(&timeline, h.table.Items(), h.bucket.Versions("last"))
	})
	return timeline.String()
}

func TestDeterminism(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 20
	}
	first := scenario(t, 1)
	if n := strings.Count(first, "\n"); n < 500 {
		t.Fatalf("the scenario has %d lines only", n)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i := range runs {
		runtime.GOMAXPROCS([]int{1, 2, 4, 16}[i%4])
		if other := scenario(t, 1); other != first {
			a, b := strings.Split(first, "\n"), strings.Split(other, "\n")
			for j := range a {
				if a[j] != b[j] {
					t.Fatalf("run %d differs in line %d:\n%s\n%s", i, j, a[j], b[j])
				}
			}
		}
	}
	if scenario(t, 2) == first {
		t.Error("another seed gives the same ids")
	}
}
