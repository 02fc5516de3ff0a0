package memcloud_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// kill sends messages and has them moved to the dead-letter queue.
func kill(t *testing.T, cloud *memcloud.Cloud, q *memcloud.Queue, messages ...memcloud.Message) {
	t.Helper()
	q.SendBatch(messages...)
	for len(q.Messages()) > 0 {
		q.Receive(10)
		cloud.Advance(31 * time.Second)
	}
}

func TestMessageMoveTask(t *testing.T) {
	// Rule C3.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		dead := cloud.Queue("dead", nil)
		orders := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1, DeadLetters: dead, Retention: time.Hour})
		bills := cloud.Queue("bills", &memcloud.QueueOptions{MaxReceives: 2, DeadLetters: dead})
		kill(t, cloud, orders, memcloud.Message{Body: "order", TraceHeader: "Root=1", Attributes: map[string]memcloud.Attribute{"k": {Type: "String", Value: "v"}}})
		kill(t, cloud, bills, memcloud.Message{Body: "bill"})
		cloud.Advance(24 * time.Hour)
		old := dead.Messages()[0]
		if err := dead.StartMessageMoveTask(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		cloud.Settle()
		want(t, "left", bodies(dead.Messages()), "")
		want(t, "each to its source", []string{bodies(orders.Messages()), bodies(bills.Messages())}, []string{"order", "bill"})
		m := orders.Receive(1)[0]
		if m.ID == old.ID || !m.Sent.After(old.Sent) {
			t.Errorf("the message is the old one: %v", m)
		}
		want(t, "receives begin anew", m.Receives, 1)
		want(t, "no source", m.Source, "")
		want(t, "what is kept", []string{m.TraceHeader, m.Attributes["k"].Value}, []string{"Root=1", "v"})
		cloud.Advance(30 * time.Minute)
		want(t, "retention begins anew", len(orders.Messages()), 1)
	})
}

func TestMessageMoveTaskElsewhere(t *testing.T) {
	// Rule C3.5: to a queue of one's choice, at a rate; what is in flight
	// stays.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		orders, other := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1}), cloud.Queue("other", nil)
		dead := orders.DeadLetterQueue()
		var messages []memcloud.Message
		for i := range 7 {
			messages = append(messages, memcloud.Message{Body: fmt.Sprint(i)})
		}
		kill(t, cloud, orders, messages...)
		dead.Receive(1)
		begin := cloud.Now()
		if err := dead.StartMessageMoveTask(t.Context(), &memcloud.MoveTask{Destination: other, MaxNumberOfMessagesPerSecond: 2}); err != nil {
			t.Fatal(err)
		}
		cloud.Settle()
		want(t, "moved", bodies(other.Messages()), "1 2 3 4 5 6")
		want(t, "in flight", bodies(dead.Messages()), "0")
		var at []time.Duration
		for _, m := range moments(cloud, "other", "send") {
			at = append(at, (m - begin).Round(time.Second))
		}
		want(t, "two a second", at, []time.Duration{0, 0, time.Second, time.Second, 2 * time.Second, 2 * time.Second})
	})
}

func TestMessageMoveTaskFIFO(t *testing.T) {
	// Rule C3.5, C3.4
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{MaxReceives: 1})
		kill(t, cloud, q, memcloud.Message{Body: "a", Group: "g"}, memcloud.Message{Body: "b", Group: "g"}, memcloud.Message{Body: "c", Group: "h"})
		want(t, "dead", bodies(q.DeadLetters()), "a b c")
		ids := map[string]bool{}
		for _, m := range q.DeadLetters() {
			ids[m.ID] = true
			want(t, "deduplication id", m.DeduplicationID, m.ID)
		}
		if err := q.DeadLetterQueue().StartMessageMoveTask(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		cloud.Settle()
		// Not dropped, though their bodies were sent less than five minutes ago.
		back := q.Receive(10)
		want(t, "back", bodies(back), "a b c")
		for _, m := range back {
			if ids[m.ID] || !ids[m.DeduplicationID] {
				t.Errorf("id %s, deduplication id %s", m.ID, m.DeduplicationID)
			}
		}
	})
}

func TestMessageMoveTaskErrors(t *testing.T) {
	// Rule C3.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		orders, other, fifo := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1}), cloud.Queue("other", nil), cloud.Queue("other.fifo", nil)
		dead := orders.DeadLetterQueue()
		foreign := memcloud.Open(nil)
		defer foreign.Close()
		tests := []struct {
			reason     string
			from       *memcloud.Queue
			task       memcloud.MoveTask
			code, part string
		}{
			{"no dead-letter queue", other, memcloud.MoveTask{}, "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."},
			{"onto itself", dead, memcloud.MoveTask{Destination: dead}, "InvalidParameterValue", "cannot be the same"},
			{"another type", dead, memcloud.MoveTask{Destination: fifo}, "InvalidParameterValue", "same queue type"},
			{"another account", dead, memcloud.MoveTask{Destination: foreign.Queue("q", nil)}, "ResourceNotFoundException", "DestinationArn"},
			{"too fast", dead, memcloud.MoveTask{MaxNumberOfMessagesPerSecond: 501}, "InvalidParameterValue", "between 1 and 500"},
			{"backwards", dead, memcloud.MoveTask{MaxNumberOfMessagesPerSecond: -1}, "InvalidParameterValue", "between 1 and 500"},
		}
		for _, test := range tests {
			wantError(t, test.from.StartMessageMoveTask(ctx, &test.task), test.code, test.part)
		}

		kill(t, cloud, orders, memcloud.Message{Body: "a"}, memcloud.Message{Body: "b"})
		slow := &memcloud.MoveTask{MaxNumberOfMessagesPerSecond: 1}
		if err := dead.StartMessageMoveTask(ctx, slow); err != nil {
			t.Fatal(err)
		}
		wantError(t, dead.StartMessageMoveTask(ctx, slow), "InvalidParameterValue", "There is already a task running.")
		cloud.Settle()
		dead.Send("sent here")
		if err := dead.StartMessageMoveTask(ctx, slow); err != nil {
			t.Errorf("after the end of the first: %v", err)
		}
		cloud.Settle()
		want(t, "what came from nowhere stays", bodies(dead.Receive(1)), "sent here")
	})
}

func TestDeadLetterQueueOfAnotherCloud(t *testing.T) {
	// Rule C3.6
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		foreign := memcloud.Open(nil)
		defer foreign.Close()
		err := panicOf(func() { cloud.Queue("orders", &memcloud.QueueOptions{DeadLetters: foreign.Queue("dead", nil)}) })
		wantError(t, err, "InvalidAttributeValue", "same account and region")
		// A dead-letter queue alone means ten receives.
		q := cloud.Queue("bills", &memcloud.QueueOptions{DeadLetters: cloud.Queue("dead", nil)})
		q.Send("a")
		for range 10 {
			want(t, "received", len(q.Receive(1)), 1)
			cloud.Advance(31 * time.Second)
		}
		want(t, "the eleventh time", len(q.Receive(1)), 0)
	})
}

// A function that fails for a message that was redriven has its message come
// back as one that it has never seen.
func TestRedriveAfterARepair(t *testing.T) {
	// Rule C3.5, C3.1
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 2})
		repaired := false
		h := &answers{}
		cloud.Function("ship", handler(func(ctx context.Context, payload []byte) ([]byte, error) {
			if !repaired {
				return failing(ctx, payload)
			}
			return h.Invoke(ctx, payload)
		}), memcloud.Trigger(q))
		q.Send("a")
		cloud.Settle()
		repaired = true
		if err := q.DeadLetterQueue().StartMessageMoveTask(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		cloud.Settle()
		want(t, "handled", h.batches(), []string{"a/1"})
		want(t, "dead", bodies(q.DeadLetters()), "")
	})
}
