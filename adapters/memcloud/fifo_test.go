package memcloud_test

import (
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// send sends bodies such as "g1a": the first two letters are the group.
func send(q *memcloud.Queue, bodies ...string) {
	for _, body := range bodies {
		q.SendBatch(memcloud.Message{Body: body, Group: body[:2]})
	}
}

func fifo(cloud *memcloud.Cloud, o memcloud.QueueOptions) *memcloud.Queue {
	o.ContentBasedDeduplication = true
	return cloud.Queue("orders.fifo", &o)
}

func TestFIFOGathersGroups(t *testing.T) {
	// Rule C2.12
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		send(q, "g1a", "g2a", "g1b", "g1c")
		want(t, "order", bodies(q.Receive(10)), "g1a g1b g1c g2a")
	})
}

func TestFIFOBlocks(t *testing.T) {
	// Rule C2.11
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		send(q, "g1a", "g1b", "g1c", "g2a")
		got := q.Receive(2)
		want(t, "first", bodies(got), "g1a g1b")
		want(t, "g1 is blocked, g2 is not", bodies(q.Receive(10)), "g2a")
		// a is released, b is still in flight: a comes back, c does not.
		if err := q.ChangeMessageVisibility(t.Context(), got[0].Receipt, 0); err != nil {
			t.Fatal(err)
		}
		again := q.Receive(10)
		want(t, "before the one in flight", bodies(again), "g1a")
		for _, m := range []memcloud.Message{again[0], got[1]} {
			if err := q.DeleteMessage(t.Context(), m.Receipt); err != nil {
				t.Fatal(err)
			}
		}
		want(t, "after the deletes", bodies(q.Receive(10)), "g1c")
	})
}

func TestFIFODeleteAfterExpiry(t *testing.T) {
	// Rule C2.13
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		send(q, "g1a")
		m := q.Receive(1)[0]
		cloud.Advance(31 * time.Second)
		wantError(t, q.DeleteMessage(t.Context(), m.Receipt), "InvalidParameterValue", "The receipt handle has expired.")
		want(t, "still there", bodies(q.Receive(1)), "g1a")

		standard := cloud.Queue("orders", nil)
		standard.Send("a")
		m = standard.Receive(1)[0]
		cloud.Advance(31 * time.Second)
		if err := standard.DeleteMessage(t.Context(), m.Receipt); err != nil {
			t.Errorf("a standard queue forgives: %v", err)
		}
		want(t, "a standard queue deletes", len(standard.Messages()), 0)
	})
}

func TestDeduplication(t *testing.T) {
	// Rule C2.10
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		q := fifo(cloud, memcloud.QueueOptions{})
		plain := cloud.Queue("plain.fifo", nil)
		_, err := plain.SendMessage(ctx, memcloud.Message{Body: "a", Group: "g"})
		wantError(t, err, "InvalidParameterValue", "ContentBasedDeduplication")
		_, err = q.SendMessage(ctx, memcloud.Message{Body: "a"})
		wantError(t, err, "MissingParameter", "MessageGroupId")

		first, _ := q.SendMessage(ctx, memcloud.Message{Body: "a", Group: "g"})
		m := q.Receive(1)[0]
		if err := q.DeleteMessage(ctx, m.Receipt); err != nil {
			t.Fatal(err)
		}
		cloud.Advance(5*time.Minute - time.Second)
		second, err := q.SendMessage(ctx, memcloud.Message{Body: "a", Group: "g2", Attributes: map[string]memcloud.Attribute{"k": {Type: "String", Value: "v"}}})
		if err != nil || second != first {
			t.Errorf("a duplicate is accepted, with the id of the first: got %s, %v, want %s", second, err, first)
		}
		want(t, "but not delivered", len(q.Messages()), 0)
		if _, err := q.SendMessage(ctx, memcloud.Message{Body: "a", Group: "g", DeduplicationID: "own"}); err != nil {
			t.Fatal(err)
		}
		want(t, "an explicit id overrides", len(q.Messages()), 1)
		cloud.Advance(2 * time.Second)
		send(q, "gga")
		if _, err := q.SendMessage(ctx, memcloud.Message{Body: "a", Group: "g"}); err != nil {
			t.Fatal(err)
		}
		want(t, "after five minutes", len(q.Messages()), 3)
	})
}

func TestFIFORedriveUnblocks(t *testing.T) {
	// Rule C3.4, C3.3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{MaxReceives: 1})
		send(q, "g1a", "g1b")
		want(t, "first", bodies(q.Receive(1)), "g1a")
		cloud.Advance(time.Minute)
		want(t, "the next of the group comes with the move", bodies(q.Receive(1)), "g1b")
		dead := q.DeadLetters()
		if len(dead) != 1 || dead[0].DeduplicationID != dead[0].ID {
			t.Errorf("dead letters: %+v", dead)
		}
		want(t, "name", q.DeadLetterQueue().Name(), "orders-dlq.fifo")
		want(t, "sequence number", len(dead[0].SequenceNumber), 20)

		// The retention of a FIFO dead-letter queue begins with the move.
		cloud.Advance(14*24*time.Hour - 30*time.Second)
		want(t, "14 days after the send", len(q.DeadLetters()), 1)
		cloud.Advance(time.Minute)
		want(t, "14 days after the move", len(q.DeadLetters()), 0)
	})
}

func TestFIFOMappingKeepsOrder(t *testing.T) {
	// Rule C4.9
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{MaxReceives: 2})
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 2, ReportBatchItemFailures: true}))
		send(q, "g1a", "g1bad", "g1c", "g2a", "g1d")
		cloud.Settle()
		// c and d wait while "bad" is in flight, again and again, until it is
		// moved; g2 does not wait.
		want(t, "deliveries", h.batches(), []string{"g1a/1 g1bad/1", "g1bad/2 g1c/1", "g1d/1", "g2a/1"})
		want(t, "dead", bodies(q.DeadLetters()), "g1bad")
	})
}
