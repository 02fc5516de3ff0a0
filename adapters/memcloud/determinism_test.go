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

func TestDeterminism(t *testing.T) { oneTimeline(t, 500, 200, scenario) }

// oneTimeline runs the scenario again and again, with one core and with more.
func oneTimeline(t *testing.T, lines, runs int, scenario func(*testing.T, uint64) string) {
	t.Helper()
	if testing.Short() {
		runs /= 10
	}
	first := scenario(t, 1)
	if n := strings.Count(first, "\n"); n < lines {
		t.Fatalf("the scenario has %d lines only", n)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i := range runs {
		runtime.GOMAXPROCS([]int{1, 2, 4, 16}[i%4])
		if other := scenario(t, 1); other != first {
			a, b := strings.Split(first, "\n"), strings.Split(other, "\n")
			for j := range min(len(a), len(b)) {
				if a[j] != b[j] {
					t.Fatalf("run %d differs in line %d:\n%s\n%s", i, j, a[j], b[j])
				}
			}
			t.Fatalf("run %d has %d lines, not %d", i, len(b), len(a))
		}
	}
	if scenario(t, 2) == first {
		t.Error("another seed gives the same timeline")
	}
}

// tenWays runs ten times at once, a message each, which says how it ends.
type tenWays struct {
	ended  *memcloud.Queue
	bucket *memcloud.Bucket
	table  *memcloud.Table
	topic  *memcloud.Topic
	helper *memcloud.Function
}

func (h *tenWays) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	body := e.Records[0].Body
	if _, err := h.ended.SendMessage(ctx, memcloud.Message{Body: "began"}); err != nil {
		return nil, err
	}
	time.Sleep(time.Second)
	switch body[len(body)-1] {
	case '1':
		_, err := h.bucket.PutObject(ctx, memcloud.Object{Key: "last", Data: []byte(body)}, memcloud.Condition{})
		return nil, err
	case '2':
		return nil, h.table.PutItem(ctx, memcloud.Item{"id": "last", "by": body})
	case '3':
		_, err := h.topic.Publish(ctx, memcloud.Notice{Message: body})
		return nil, err
	case '4': // what waits for the deadline hears of it when it is too late
		<-ctx.Done()
		_, err := h.ended.SendMessage(context.WithoutCancel(ctx), memcloud.Message{Body: "deadline"})
		return nil, err
	case '5':
		panic(body)
	case '6':
		runtime.Goexit()
	case '7':
		_, err := h.helper.Invoke(ctx, fmt.Appendf(nil, "%q", body))
		return nil, err
	case '8': // a call from a goroutine that is left behind
		go func() {
			time.Sleep(time.Second)
			_, _ = h.ended.SendMessage(context.WithoutCancel(ctx), memcloud.Message{Body: "left behind"})
		}()
		return []byte("no JSON"), nil
	case '9':
		m, err := h.ended.ReceiveMessage(ctx, 1, time.Second)
		if err != nil || len(m) == 0 {
			return nil, err
		}
		return nil, h.ended.DeleteMessage(ctx, m[0].Receipt)
	}
	return []byte("{}"), nil
}

// misfortunes is a scenario with all kinds of faults.
func misfortunes(t *testing.T, seed uint64) string {
	var timeline strings.Builder
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Seed: seed, Faults: &memcloud.Faults{Rate: 0.1}})
		orders := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 3})
		dead := cloud.Queue("dead", nil)
		h := &tenWays{ended: cloud.Queue("ended", nil), bucket: cloud.Bucket("results", nil), table: cloud.Table("rows", nil), topic: cloud.Topic("news")}
		asynchronous := &memcloud.FunctionOptions{DeadLetter: dead, OnFailure: dead, OnSuccess: h.ended, ReservedConcurrency: 1}
		h.helper = cloud.Function("helper", constant("1"), &memcloud.FunctionOptions{ReservedConcurrency: 2})
		cloud.Function("ten", h, memcloud.Trigger(orders, &memcloud.Mapping{BatchSize: 1, MaximumConcurrency: 10, ReportBatchItemFailures: true}))
		cloud.Function("put", failing, memcloud.Trigger(h.bucket), asynchronous)
		cloud.Function("noticed", constant("{}"), memcloud.Trigger(h.topic), asynchronous)
		cloud.Function("rows-changed", failing, memcloud.Trigger(h.table, &memcloud.Mapping{MaximumRetries: 2, OnFailure: dead}))
		for i := range 20 {
			orders.Send(fmt.Sprintf("order %d", i))
		}
		cloud.Settle()
		for _, s := range cloud.Steps() {
			fmt.Fprintln(&timeline, int64(s.At), s)
		}
		for _, q := range []*memcloud.Queue{h.ended, dead, orders.DeadLetterQueue()} {
			for _, m := range q.Messages() {
				fmt.Fprintln(&timeline, m.ID, m.Receives, m.Body)
			}
		}
		fmt.Fprintln(&timeline, h.table.Items(), h.bucket.Versions("last"), cloud.Faults())
	})
	return timeline.String()
}

// Ten handlers at once that sleep, meet deadlines, panic and send, with faults:
// 1,000 runs, one timeline.
func TestDeterminismWithFaults(t *testing.T) { oneTimeline(t, 200, 1000, misfortunes) }
