package memcloud_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestThrottledMapping(t *testing.T) {
	// Rule C4.6: a function that may not run has its messages received again
	// and again, until they are dead without having run.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 2})
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(q), &memcloud.FunctionOptions{ReservedConcurrency: -1})
		q.Send("a")
		q.Send("b")
		cloud.Settle()
		want(t, "runs", len(h.batches()), 0)
		want(t, "receives", moments(cloud, "orders", "receive"), []time.Duration{0, 0, 30 * time.Second, 30 * time.Second})
		want(t, "dead", bodies(q.DeadLetters()), "a b")
		want(t, "moved", moments(cloud, "orders", "move"), []time.Duration{time.Minute, time.Minute})
		s := time.Second
		want(t, "tries of the batch", moments(cloud, "ship", "throttle")[:5], []time.Duration{0, s, 3 * s, 7 * s, 15 * s})
		for _, part := range []string{"throttled until 00:00:30.000 at most: orders: m-1 m-2", "let go", "no function ever ran with it"} {
			if line := strings.Join(strings.Fields(cloud.Timeline()), " "); !strings.Contains(line, part) {
				t.Errorf("no %q in\n%s", part, cloud.Timeline())
			}
		}
	})
}

func TestThrottledForEver(t *testing.T) {
	// Rule C4.6: without a redrive policy that has no end, and the reason is
	// said.
	r := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(r)
		q := cloud.Queue("orders", nil)
		cloud.Function("ship", constant("{}"), memcloud.Trigger(q), &memcloud.FunctionOptions{ReservedConcurrency: -1})
		q.Send("a")
		cloud.Settle()
		r.finish()
	})
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "received 1000 times: visible again every 30s, its function is throttled, no redrive policy") {
		t.Errorf("got %q", r.errors)
	}
}

func TestThrottledForAWhile(t *testing.T) {
	// Rule C4.6: the same batch is tried again, with the receive that it has.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		var first string
		f := cloud.Function("ship", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			if first = string(payload); strings.HasPrefix(first, `"busy"`) {
				time.Sleep(2 * time.Second)
			}
			return nil, nil
		}), memcloud.Trigger(q), &memcloud.FunctionOptions{ReservedConcurrency: 1})
		f.Send([]byte(`"busy"`))
		cloud.Advance(time.Millisecond)
		q.Send("a")
		cloud.Settle()
		if !strings.Contains(first, `"ApproximateReceiveCount":"1"`) {
			t.Errorf("payload: %s", first)
		}
		want(t, "receives", len(moments(cloud, "orders", "receive")), 1)
		want(t, "it ran", moments(cloud, "ship", "invoke"), []time.Duration{0, 3001 * time.Millisecond})
		want(t, "left", len(q.Messages()), 0)
	})
}

func TestReservedConcurrency(t *testing.T) {
	// Rule C4.6, C4.8: more pollers than the function may run: what they have
	// received waits, and comes back with a higher count.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 2 * time.Minute})
		most, running := 0, 0
		cloud.Function("ship", handler(func(context.Context, []byte) ([]byte, error) {
			running++ // one at a time, or the race detector says so
			most = max(most, running)
			time.Sleep(time.Minute)
			running--
			return nil, nil
		}), &memcloud.FunctionOptions{ReservedConcurrency: 1, Timeout: 2 * time.Minute}, memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 1, MaximumConcurrency: 3}))
		for range 4 {
			cloud.Advance(time.Millisecond)
			q.Send("a")
		}
		cloud.Settle()
		want(t, "at once", most, 1)
		want(t, "left", len(q.Messages()), 0)
	})
}

func TestThrottleFault(t *testing.T) {
	// Rule C4.6: the fault is a refusal like any other.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: []string{"throttle@ship#1", "throttle@ship#2"}}})
		q := cloud.Queue("orders", nil)
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(q))
		q.Send("a")
		cloud.Settle()
		want(t, "ran", h.batches(), []string{"a/1"})
		want(t, "at", moments(cloud, "ship", "invoke"), []time.Duration{3 * time.Second})
	})
}

func TestThrottledBatchShrinks(t *testing.T) {
	// Rule C4.6: a message that somebody else deleted, or received, meanwhile
	// is not handed over.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		h := &answers{}
		hold := cloud.Function("ship", handler(func(ctx context.Context, payload []byte) ([]byte, error) {
			if string(payload) == `"busy"` {
				time.Sleep(2500 * time.Millisecond)
				return nil, nil
			}
			return h.Invoke(ctx, payload)
		}), memcloud.Trigger(q), &memcloud.FunctionOptions{ReservedConcurrency: 1})
		hold.Send([]byte(`"busy"`))
		cloud.Advance(time.Millisecond)
		for _, body := range []string{"a", "b", "c"} {
			q.Send(body)
		}
		cloud.Advance(time.Second)
		for _, m := range q.Messages() {
			if m.Body == "b" {
				q.Forget(m.ID)
			}
		}
		cloud.Settle()
		want(t, "ran", h.batches(), []string{"a/1 c/1"})
	})
}
