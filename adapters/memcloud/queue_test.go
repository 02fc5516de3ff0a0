package memcloud_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestVisibility(t *testing.T) {
	// Rule C2.1, C2.3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		q.Send("a")
		first := q.Receive(10)
		want(t, "in flight", len(q.Receive(10)), 0)
		cloud.Advance(29 * time.Second)
		want(t, "after 29 s", len(q.Receive(10)), 0)
		cloud.Advance(time.Second)
		second := q.Receive(10)
		if len(second) != 1 {
			t.Fatal("not visible after 30 s")
		}
		want(t, "receives", []int{first[0].Receives, second[0].Receives}, []int{1, 2})
		want(t, "same id", second[0].ID, first[0].ID)
		want(t, "first receive is kept", second[0].FirstReceived, first[0].FirstReceived)
		if first[0].Receipt == second[0].Receipt {
			t.Error("the second receive has the receipt of the first")
		}
		// Rule C2.3: the old receipt deletes nothing.
		if err := q.DeleteMessage(t.Context(), first[0].Receipt); err != nil {
			t.Error(err)
		}
		want(t, "after a delete by the old receipt", len(q.Messages()), 1)
		if err := q.DeleteMessage(t.Context(), second[0].Receipt); err != nil {
			t.Error(err)
		}
		want(t, "after the delete", len(q.Messages()), 0)
	})
}

func TestChangeVisibility(t *testing.T) {
	// Rule C2.2
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		q := cloud.Queue("orders", nil)
		q.Send("a")
		m := q.Receive(1)[0]
		cloud.Advance(20 * time.Second)
		if err := q.ChangeMessageVisibility(ctx, m.Receipt, 25*time.Second); err != nil {
			t.Fatal(err)
		}
		cloud.Advance(24 * time.Second) // from the call, not from the receive
		want(t, "24 s after the change", len(q.Receive(1)), 0)
		cloud.Advance(time.Second)
		m = q.Receive(1)[0]

		if err := q.ChangeMessageVisibility(ctx, m.Receipt, 0); err != nil {
			t.Fatal(err)
		}
		m = q.Receive(1)[0] // released at once

		cloud.Advance(10 * time.Second)
		err := q.ChangeMessageVisibility(ctx, m.Receipt, 12*time.Hour)
		wantError(t, err, "InvalidParameterValue", "Total VisibilityTimeout")
		if err := q.ChangeMessageVisibility(ctx, m.Receipt, 12*time.Hour-11*time.Second); err != nil {
			t.Error(err)
		}
		wantError(t, q.ChangeMessageVisibility(ctx, "nonsense", 0), "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
		wantError(t, q.ChangeMessageVisibility(ctx, m.Receipt, 13*time.Hour), "InvalidParameterValue", "43200")
	})
}

func TestLongPoll(t *testing.T) {
	// Rule C2.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		start := time.Now()
		messages, err := q.ReceiveMessage(t.Context(), 1, 20*time.Second)
		if err != nil || len(messages) != 0 {
			t.Errorf("got %v, %v", messages, err)
		}
		want(t, "the wait", time.Since(start).Truncate(time.Millisecond), 20*time.Second)

		start = time.Now()
		go func() {
			time.Sleep(5 * time.Second)
			q.Send("a")
			q.Send("b")
		}()
		messages, err = q.ReceiveMessage(t.Context(), 10, 20*time.Second)
		if got := bodies(messages); got != "a b" || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
		want(t, "the wait", time.Since(start).Truncate(time.Millisecond), 5*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.ReceiveMessage(ctx, 1, 20*time.Second); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
	})
}

func TestCancelledReceiveLosesNothing(t *testing.T) {
	// Rule C2.5: a message that comes at the instant of the cancel is either
	// handed out or still there.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		for i := range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			go func() {
				time.Sleep(time.Second + time.Duration(i-10))
				q.Send("a")
			}()
			messages, _ := q.ReceiveMessage(ctx, 1, 20*time.Second)
			cancel()
			cloud.Advance(time.Microsecond)
			for _, m := range append(messages, q.Receive(1)...) {
				if err := q.DeleteMessage(t.Context(), m.Receipt); err != nil {
					t.Error(err)
				}
			}
			want(t, "what is left", len(q.Messages()), 0)
		}
		want(t, "deleted", len(moments(cloud, "orders", "delete")), 20)
	})
}

func TestDelay(t *testing.T) {
	// Rule C2.6
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{Delay: 10 * time.Second})
		q.SendBatch(memcloud.Message{Body: "queue's"}, memcloud.Message{Body: "own", Delay: 20 * time.Second})
		cloud.Advance(9 * time.Second)
		want(t, "after 9 s", bodies(q.Receive(10)), "")
		cloud.Advance(time.Second)
		want(t, "after 10 s", bodies(q.Receive(10)), "queue's")
		cloud.Advance(10 * time.Second)
		want(t, "after 20 s", bodies(q.Receive(10)), "own")
		fifo := cloud.Queue("orders.fifo", nil)
		_, err := fifo.SendMessage(t.Context(), memcloud.Message{Body: "a", Group: "g", DeduplicationID: "d", Delay: time.Second})
		wantError(t, err, "InvalidParameterValue", "not valid for this queue type")
	})
}

func TestMessageLimits(t *testing.T) {
	// Rule C2.7, C1.4
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		many := map[string]memcloud.Attribute{}
		for i := range 11 {
			many[strings.Repeat("x", i+1)] = memcloud.Attribute{Type: "String", Value: "v"}
		}
		one := map[string]memcloud.Attribute{"n": {Type: "String", Value: "v"}}
		full := strings.Repeat("x", 1<<20)
		tests := []struct {
			reason string
			m      memcloud.Message
			code   string
		}{
			{"exactly 1 MiB", memcloud.Message{Body: full}, ""},
			{"a byte more", memcloud.Message{Body: full + "x"}, "InvalidParameterValue"},
			{"attributes count", memcloud.Message{Body: full, Attributes: one}, "InvalidParameterValue"},
			{"no body", memcloud.Message{}, "MissingParameter"},
			{"a character that XML cannot carry", memcloud.Message{Body: "a\x00"}, "InvalidMessageContents"},
			{"not UTF-8", memcloud.Message{Body: "a\xff"}, "InvalidMessageContents"},
			{"ten attributes at most", memcloud.Message{Body: "a", Attributes: many}, "InvalidParameterValue"},
		}
		for _, test := range tests {
			_, err := q.SendMessage(t.Context(), test.m)
			if test.code == "" && err != nil {
				t.Errorf("%s: %v", test.reason, err)
			} else if test.code != "" {
				wantError(t, err, test.code, "")
			}
		}
	})
}

func TestRetention(t *testing.T) {
	// Rule C2.8, C3.3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		dead := cloud.Queue("dead", &memcloud.QueueOptions{Retention: 4 * 24 * time.Hour})
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1, DeadLetters: dead})
		q.Send("moved")
		cloud.Advance(24 * time.Hour)
		q.Receive(1)
		cloud.Advance(time.Minute)
		q.Receive(1) // moves it
		q.Send("stays")
		cloud.Advance(3*24*time.Hour - 2*time.Minute)
		want(t, "just before", len(dead.Messages()), 1)
		cloud.Advance(time.Minute)
		want(t, "four days after the send, not the move", len(dead.Messages()), 0)
		want(t, "the queue of 4 days", len(q.Messages()), 1)
		cloud.Advance(24*time.Hour + time.Minute)
		want(t, "the queue of 4 days", len(q.Messages()), 0)
	})
}

func TestRedrive(t *testing.T) {
	// Rule C3.1, C3.2
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1})
		q.SendBatch(memcloud.Message{Body: "a", TraceHeader: "Root=1", Attributes: map[string]memcloud.Attribute{"k": {Type: "String", Value: "v"}}})
		first := q.Receive(1)[0]
		cloud.Advance(time.Hour)
		want(t, "before the next receive", len(q.DeadLetters()), 0) // lazily
		want(t, "the second receive", len(q.Receive(1)), 0)
		want(t, "after it", len(q.DeadLetters()), 1)
		dead := q.DeadLetterQueue().Receive(1)[0]
		want(t, "count goes on", dead.Receives, 2)
		want(t, "what is kept", []string{dead.ID, dead.Body, dead.TraceHeader, dead.Attributes["k"].Value}, []string{first.ID, "a", "Root=1", "v"})
		want(t, "source", dead.Source, q.ARN())
		want(t, "sent", dead.Sent, first.Sent)
	})
}

func TestRedriveGoesOnInPlace(t *testing.T) {
	// Rule C3.1: the receive that moves a message returns the next one.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1})
		q.Send("a")
		q.Receive(1)
		cloud.Advance(time.Minute)
		q.Send("b")
		want(t, "received", bodies(q.Receive(1)), "b")
		want(t, "moved", bodies(q.DeadLetters()), "a")
	})
}

func TestQueueOptions(t *testing.T) {
	// Rule C3.6, C2.1, C2.6, C2.8
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		standard := cloud.Queue("standard", nil)
		tests := []struct {
			reason, name, part string
			o                  memcloud.QueueOptions
		}{
			{"over 12 h", "a", "VisibilityTimeout", memcloud.QueueOptions{Visibility: 13 * time.Hour}},
			{"over 15 min", "a", "DelaySeconds", memcloud.QueueOptions{Delay: time.Hour}},
			{"under 60 s", "a", "MessageRetentionPeriod", memcloud.QueueOptions{Retention: time.Second}},
			{"over 1000", "a", "maxReceiveCount", memcloud.QueueOptions{MaxReceives: 1001}},
			{"FIFO needs FIFO", "a.fifo", "must be FIFO", memcloud.QueueOptions{DeadLetters: standard}},
			{"a standard queue has none", "a", "ContentBasedDeduplication", memcloud.QueueOptions{ContentBasedDeduplication: true}},
			{"the name is taken", "standard", "two queues", memcloud.QueueOptions{}},
		}
		for _, test := range tests {
			err := panicOf(func() { cloud.Queue(test.name, &test.o) })
			if err == nil || !strings.Contains(err.Error(), test.part) {
				t.Errorf("%s: got %v", test.reason, err)
			}
		}
	})
}
