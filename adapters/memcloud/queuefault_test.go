package memcloud_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// withFaults runs f with a cloud in which just these faults happen.
func withFaults(t *testing.T, seed uint64, f func(t *testing.T, cloud *memcloud.Cloud), faults ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, memcloud.Open(&memcloud.Options{T: t, Seed: seed, Faults: &memcloud.Faults{Only: faults}}))
	})
}

func TestDuplicate(t *testing.T) {
	// Rule C2.4, C4.10: the second copy comes at once, after 1 s or after 20 s,
	// inside the visibility timeout.
	after := map[time.Duration]bool{}
	for seed := range uint64(20) {
		withFaults(t, seed, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", nil)
			var ids []string
			h := &answers{}
			cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{ReportBatchItemFailures: true}))
			q.Send("a")
			q.Send("b")
			cloud.Settle()
			for _, m := range q.Messages() {
				ids = append(ids, m.ID)
			}
			want(t, "left", ids, nil)
			receives := moments(cloud, "orders", "receive")
			if len(receives) != 3 {
				t.Fatalf("receives: %v", receives)
			}
			after[receives[2]] = true
			if receives[2] == 0 {
				want(t, "in one batch", h.batches(), []string{"a/1 b/1 a/1"})
			} else {
				want(t, "in two batches", h.batches(), []string{"a/1", "a/1 b/1"})
			}
			want(t, "each is deleted by itself", len(moments(cloud, "orders", "delete")), 3)
		}, "duplicate@orders/receive#1")
	}
	want(t, "when", after, map[time.Duration]bool{0: true, time.Second: true, 20 * time.Second: true})
}

// atOnce is a seed with which the first copy of orders comes at once.
func atOnce(t *testing.T) uint64 {
	for seed := range uint64(100) {
		found := false
		withFaults(t, seed, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", nil)
			q.Send("a")
			_, err := q.ReceiveMessage(t.Context(), 1, 0)
			found = err == nil && len(q.Receive(1)) == 1
		}, "duplicate@orders/receive#1")
		if found {
			return seed
		}
	}
	t.Fatal("no seed")
	return 0
}

func TestDuplicateInOneBatch(t *testing.T) {
	// Rule C5, C5.5: an id that is reported fails all copies in the batch.
	seed := atOnce(t)
	for _, report := range []bool{true, false} {
		withFaults(t, seed, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1})
			h := &answers{}
			cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{ReportBatchItemFailures: report}))
			q.Send("bad")
			q.Send("good")
			cloud.Settle()
			want(t, "batches", h.batches(), []string{"bad/1 good/1 bad/1"})
			dead, lost := "bad bad", 0
			if !report {
				dead, lost = "", 2
			}
			want(t, "dead", bodies(q.DeadLetters()), dead)
			want(t, "lost", len(moments(cloud, "orders", "LOST")), lost)
		}, "duplicate@orders/receive#1")
	}
}

func TestDuplicateReceipts(t *testing.T) {
	// Rule C2.4, C2.3: each copy has receipts of its own.
	withFaults(t, atOnce(t), func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		q.Send("a")
		var got []memcloud.Message
		for range 2 {
			messages, err := q.ReceiveMessage(t.Context(), 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, messages...)
		}
		want(t, "one message", got[0].ID, got[1].ID)
		if got[0].Receipt == got[1].Receipt {
			t.Error("equal receipts")
		}
		if err := q.DeleteMessage(t.Context(), got[0].Receipt); err != nil {
			t.Fatal(err)
		}
		cloud.Advance(31 * time.Second)
		want(t, "the other copy is still there", len(q.Receive(10)), 1)
	}, "duplicate@orders/receive#1")
}

func TestNoDuplicateOfFIFO(t *testing.T) {
	// Rule C2.4: standard queues alone; and what the test itself receives
	// meets no faults.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Rate: 1, Kinds: []memcloud.Fault{memcloud.Duplicate, memcloud.Reorder, memcloud.ShortPollMiss}}})
		q := fifo(cloud, memcloud.QueueOptions{})
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(q))
		send(q, "g1a", "g1b")
		cloud.Settle()
		want(t, "FIFO", h.batches(), []string{"g1a/1 g1b/1"})
		standard := cloud.Queue("orders", nil)
		for _, body := range []string{"a", "b", "c"} {
			standard.Send(body)
		}
		want(t, "the test's own receive", bodies(standard.Receive(10)), "a b c")
		want(t, "faults", len(cloud.Faults()), 0)

		// At a rate of one a copy is not copied again.
		read := cloud.Queue("read", nil)
		cloud.Function("bill", h, memcloud.Trigger(read))
		read.Send("a")
		cloud.Settle()
		want(t, "receives", len(moments(cloud, "read", "receive")), 2)
	})
}

func TestReorder(t *testing.T) {
	// Rule C2.4
	orders := map[string]bool{}
	for seed := range uint64(20) {
		withFaults(t, seed, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", nil)
			h := &answers{}
			for i := range 4 {
				q.Send(fmt.Sprint(i))
			}
			cloud.Function("ship", h, memcloud.Trigger(q))
			cloud.Settle()
			orders[h.batches()[0]] = true
		}, "reorder@orders/receive#1")
	}
	for _, order := range []string{"1/1 0/1 2/1 3/1", "2/1 1/1 0/1 3/1", "3/1 1/1 2/1 0/1"} {
		if !orders[order] {
			t.Errorf("%s did not happen: %v", order, orders)
		}
	}
	want(t, "two change places, no more", len(orders), 3)
}

func TestDelayFault(t *testing.T) {
	// Rule C2.4: what was sent first may come last; Settle waits for it.
	withFaults(t, 1, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(q))
		q.Send("a")
		q.Send("b")
		cloud.Settle()
		at := moments(cloud, "ship", "invoke")
		if len(at) != 2 || at[0] != 0 || at[1] < time.Second {
			t.Errorf("invocations: %v", at)
		}
		want(t, "batches", h.batches(), []string{"a/1", "b/1"})
	}, "delay@orders/send#1")
}

func TestDelayedGroup(t *testing.T) {
	// Rule C2.11: a delay of one does not break the order of its group.
	withFaults(t, 1, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		send(q, "g1a", "g1b", "g2a")
		want(t, "g1 waits for its first", bodies(q.Receive(10)), "g2a")
		cloud.Advance(2 * time.Minute)
		want(t, "in order", bodies(q.Receive(10)), "g1a g1b g2a")
	}, "delay@orders.fifo/send#1")
}

func TestShortPollMiss(t *testing.T) {
	// Rule C2.5
	sizes := map[int]bool{}
	for seed := range uint64(30) {
		withFaults(t, seed, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", nil)
			for range 3 {
				q.Send("a")
			}
			waited, err := q.ReceiveMessage(t.Context(), 1, time.Second)
			if len(waited) != 1 || err != nil {
				t.Errorf("a long poll misses nothing: got %v, %v", waited, err)
			}
			missed, err := q.ReceiveMessage(t.Context(), 2, 0)
			if err != nil {
				t.Error(err)
			}
			sizes[len(missed)] = true
			got, _ := q.ReceiveMessage(t.Context(), 10, 0)
			want(t, "the next finds the rest", len(got), 2-len(missed))
			none, _ := q.ReceiveMessage(t.Context(), 10, 0)
			want(t, "an empty queue", len(none), 0)
			want(t, "is no opportunity", strings.Count(cloud.Timeline(), "FAULT"), 1)
		}, "short-poll-miss@orders/receive#1", "short-poll-miss@orders/receive#3")
	}
	want(t, "none or fewer", sizes, map[int]bool{0: true, 1: true})
}

func TestLostDelete(t *testing.T) {
	// Rule C4.10: a delete that fails has the message come again, also from a
	// FIFO queue; a filter's delete, too.
	for _, name := range []string{"orders", "orders.fifo"} {
		withFaults(t, 1, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue(name, nil)
			h := &answers{}
			cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{Filters: []string{`{"body":[{"anything-but":["no"]}]}`}}))
			for i, body := range []string{"a", "b", "no"} {
				m := memcloud.Message{Body: body}
				if strings.HasSuffix(name, ".fifo") {
					m.Group, m.DeduplicationID = fmt.Sprint("g", i), body
				}
				q.SendBatch(m)
			}
			cloud.Settle()
			want(t, name, h.batches(), []string{"a/1 b/1", "a/2"})
			want(t, "filtered", moments(cloud, name, "filter"), []time.Duration{0, 30 * time.Second})
			want(t, "left", len(q.Messages()), 0)
		}, "call-fails@"+name+"/delete#1", "call-fails@"+name+"/delete#2")
	}
}

func TestLostPostedDelete(t *testing.T) {
	// Rule C4.10, C2.2: what a driver posts may get lost, too.
	withFaults(t, 1, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		q.Send("a")
		m := q.Receive(1)[0]
		q.HideMessages(time.Hour, m.Receipt)
		q.DeleteMessages(m.Receipt)
		cloud.Advance(30 * time.Second)
		m = q.Receive(1)[0]
		want(t, "again", m.Receives, 2)
		q.DeleteMessages(m.Receipt)
		cloud.Advance(time.Millisecond)
		want(t, "left", len(q.Messages()), 0)
	}, "call-fails@orders/delete#1", "call-fails@orders/visibility#1")
}

func TestQueueFaultsRepeat(t *testing.T) {
	// One seed gives one timeline, with all faults and several batches at once.
	run := func(seed uint64) (timeline string) {
		synctest.Test(t, func(t *testing.T) {
			cloud := memcloud.Open(&memcloud.Options{T: t, Seed: seed, Faults: &memcloud.Faults{Rate: 0.1}})
			for _, name := range []string{"orders", "orders.fifo"} {
				q := cloud.Queue(name, &memcloud.QueueOptions{MaxReceives: 5})
				cloud.Function("f-"+name, handler(func(ctx context.Context, payload []byte) ([]byte, error) {
					time.Sleep(time.Second)
					return (&answers{}).Invoke(ctx, payload)
				}), memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 3, ReportBatchItemFailures: true}), &memcloud.FunctionOptions{ReservedConcurrency: 3})
				for i := range 30 {
					m := memcloud.Message{Body: fmt.Sprint(i)}
					if i%10 == 3 {
						m.Body += "bad"
					}
					if strings.HasSuffix(name, ".fifo") {
						m.Group, m.DeduplicationID = fmt.Sprint(i%4), m.Body
					}
					q.SendBatch(m)
				}
			}
			cloud.Settle()
			for _, s := range cloud.Steps() {
				timeline += fmt.Sprintln(int64(s.At), s)
			}
		})
		return timeline
	}
	for seed := range uint64(3) {
		first := run(seed)
		for range 10 {
			if run(seed) != first {
				t.Fatalf("seed %d gives two timelines", seed)
			}
		}
		for _, kind := range []string{"duplicate@orders/", "reorder@orders/", "delay@orders/", "throttle@f-orders", "call-fails@orders/delete"} {
			if !strings.Contains(first, kind) {
				t.Errorf("seed %d has no %s", seed, kind)
			}
		}
	}
}

func TestWindowOfTwentySeconds(t *testing.T) {
	// Rule C4.2: Lambda may gather for 20 s though the window is shorter.
	for _, test := range []struct{ window, at time.Duration }{
		{time.Second, 20 * time.Second},
		{20 * time.Second, 20 * time.Second},
		{25 * time.Second, 25 * time.Second},
	} {
		withFaults(t, 1, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: time.Minute})
			cloud.Function("ship", constant("{}"), memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 100, Window: test.window}))
			q.Send("a")
			cloud.Settle()
			want(t, "invoked", moments(cloud, "ship", "invoke"), []time.Duration{test.at})
		}, "delay@orders/window#1")
	}
}
