package memcloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

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

func TestFIFOBlockedByTheMiddle(t *testing.T) {
	// Rule C2.11: nothing behind a message in flight is returned, even when it
	// is visible; what is in front of it is.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		q := fifo(cloud, memcloud.QueueOptions{})
		send(q, "g1a", "g1b", "g1c", "g2a")
		got := q.Receive(10)
		want(t, "first", bodies(got), "g1a g1b g1c g2a")
		if err := q.ChangeMessageVisibility(ctx, got[1].Receipt, time.Minute); err != nil {
			t.Fatal(err)
		}
		cloud.Advance(31 * time.Second)
		again := q.Receive(10)
		want(t, "up to the one in flight, then other groups", bodies(again), "g1a g2a")
		if err := q.ChangeMessageVisibility(ctx, again[0].Receipt, 0); err != nil {
			t.Fatal(err)
		}
		send(q, "g1d")
		want(t, "the one in front comes back alone", bodies(q.Receive(10)), "g1a")
		if err := q.DeleteMessage(ctx, got[1].Receipt); err != nil {
			t.Fatal(err)
		}
		want(t, "g1a is in flight", bodies(q.Receive(10)), "")
		cloud.Advance(31 * time.Second)
		want(t, "all that is left", bodies(q.Receive(10)), "g1a g1c g1d g2a")
	})
}

func TestManyGroups(t *testing.T) {
	// Rule C2.12: the group with the oldest message first, whatever has become
	// of the others.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		send(q, "g1a", "g2a", "g3a", "g4a", "g2b", "g1b")
		first := q.Receive(1)[0]
		want(t, "the oldest", first.Body, "g1a")
		want(t, "then", bodies(q.Receive(3)), "g2a g2b g3a")
		if err := q.DeleteMessage(t.Context(), first.Receipt); err != nil {
			t.Fatal(err)
		}
		want(t, "g4 is older than what is left of g1", bodies(q.Receive(10)), "g4a g1b")
		cloud.Advance(31 * time.Second)
		send(q, "g5a")
		want(t, "again", bodies(q.Receive(10)), "g2a g2b g3a g4a g1b g5a")

		// A group whose first message has expired is as old as its next one.
		other := cloud.Queue("other.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true})
		send(other, "g1a", "g2a", "g1b")
		other.Forget(other.Messages()[0].ID)
		want(t, "without the first", bodies(other.Receive(10)), "g2a g1b")
	})
}

func TestDeduplicationScope(t *testing.T) {
	// Rule C2.10
	for _, test := range []struct {
		scope string
		sent  int
	}{{"", 1}, {"queue", 1}, {"messageGroup", 2}} {
		bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders.fifo", &memcloud.QueueOptions{DeduplicationScope: test.scope})
			for _, group := range []string{"g1", "g2", "g1"} {
				q.SendBatch(memcloud.Message{Body: group, Group: group, DeduplicationID: "d"})
			}
			want(t, "scope "+test.scope, len(q.Messages()), test.sent)
		})
	}
}

func TestIdentifiersOfAFIFOQueue(t *testing.T) {
	// Rule C2.10
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		for _, m := range []memcloud.Message{
			{Body: "a", Group: "with space"}, {Body: "a", Group: strings.Repeat("g", 129)},
			{Body: "a", Group: "g", DeduplicationID: "ä"}, {Body: "a", Group: "g", DeduplicationID: strings.Repeat("d", 129)},
		} {
			_, err := q.SendMessage(t.Context(), m)
			wantError(t, err, "InvalidParameterValue", "can only include alphanumeric and punctuation characters. 1 to 128 in length")
		}
	})
}

func TestDeduplicationIsForgotten(t *testing.T) {
	// Rule C2.10: five minutes from each send, however many there are.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		for i := range 2000 {
			send(q, fmt.Sprint("g", i%7, "-", i)) // the deduplication id is that of the body
			if i%100 == 0 {
				cloud.Advance(time.Second)
			}
		}
		cloud.Advance(4*time.Minute + 50*time.Second)
		send(q, "g0-0", "g4-1999")
		want(t, "the first of 20 s is forgotten, the last is not", len(q.Messages()), 2001)
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

		// Nor does a mapping delete what its function has made visible. Another
		// group keeps it from receiving that again meanwhile.
		released := cloud.Queue("released.fifo", &memcloud.QueueOptions{MaxReceives: 2})
		cloud.Function("release", handler(func(ctx context.Context, payload []byte) ([]byte, error) {
			var e events.SQSEvent
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, err
			}
			if e.Records[0].Body == "slow" {
				time.Sleep(time.Second)
				return nil, nil
			}
			return nil, released.ChangeMessageVisibility(ctx, e.Records[0].ReceiptHandle, 0)
		}), memcloud.Trigger(released, &memcloud.Mapping{BatchSize: 1, MaximumConcurrency: 2}))
		for _, body := range []string{"slow", "a"} {
			released.SendBatch(memcloud.Message{Body: body, Group: body, DeduplicationID: body})
		}
		cloud.Settle()
		want(t, "not deleted by the mapping", bodies(released.DeadLetters()), "a")

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

// TestRedriveKeepsOrder: what is moved while a receive walks a group takes
// nothing of the group with it.
func TestRedriveKeepsOrder(t *testing.T) {
	// Rule C2.11, C3.4
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{MaxReceives: 1})
		send(q, "g1a", "g1b", "g1c", "g1d")
		want(t, "first", bodies(q.Receive(2)), "g1a g1b")
		cloud.Advance(30 * time.Second)
		want(t, "behind those that are moved", bodies(q.Receive(1)), "g1c")
		want(t, "moved, in order", bodies(q.DeadLetters()), "g1a g1b")
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		h := &answers{}
		send(q, "g1no", "g1a", "g1b")
		cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 1, Filters: []string{`{"body":[{"anything-but":["g1no"]}]}`}}))
		cloud.Settle()
		h.mu.Lock()
		defer h.mu.Unlock()
		want(t, "behind one that no filter matches", h.seen, []string{"g1a/1", "g1b/1"})
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
