package memcloud_test

import (
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

func TestNoVisibility(t *testing.T) {
	// Rule C2.1: 0 s is a visibility timeout, too.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: -1, MaxReceives: 2})
		q.Send("a")
		want(t, "once a receive", []int{len(q.Receive(10)), len(q.Receive(10)), len(q.Receive(10))}, []int{1, 1, 0})
		want(t, "dead", bodies(q.DeadLetters()), "a")
		err := panicOf(func() { cloud.Function("ship", failing, memcloud.Trigger(q)) })
		wantError(t, err, "InvalidParameterValueException", "Queue visibility timeout: 0 seconds is less than Function timeout: 3 seconds")
		err = panicOf(func() { cloud.Queue("bad", &memcloud.QueueOptions{Visibility: -time.Second}) })
		wantError(t, err, "InvalidAttributeValue", "VisibilityTimeout")
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
		// The cap counts from the receive, however often it was extended.
		cloud.Advance(6 * time.Hour)
		wantError(t, q.ChangeMessageVisibility(ctx, m.Receipt, 6*time.Hour), "InvalidParameterValue", "beyond the limit [43200 seconds]")
		if err := q.ChangeMessageVisibility(ctx, m.Receipt, time.Minute); err != nil {
			t.Error(err)
		}
		cloud.Advance(time.Minute)
		wantError(t, q.ChangeMessageVisibility(ctx, m.Receipt, time.Minute), "MessageNotInflight", "in flight")
		// It was this receipt's: the next receive has the queue's.
		want(t, "received again", len(q.Receive(1)), 1)
		wantError(t, q.ChangeMessageVisibility(ctx, m.Receipt, time.Minute), "InvalidParameterValue", "not available for visibility timeout change")
		cloud.Advance(29 * time.Second)
		want(t, "29 s after the next receive", len(q.Receive(1)), 0)
		cloud.Advance(time.Second)
		want(t, "30 s after it", len(q.Receive(1)), 1)
		wantError(t, q.DeleteMessage(ctx, "nonsense"), "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
		wantError(t, q.ChangeMessageVisibility(ctx, "nonsense", 0), "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
		wantError(t, q.ChangeMessageVisibility(ctx, m.Receipt, 13*time.Hour), "InvalidParameterValue", "43200")
	})
}

func TestHideMessages(t *testing.T) {
	// Rule C2.2: what a driver posts is cut at 12 h from the receive.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 2 * time.Hour})
		q.Send("a")
		m := q.Receive(1)[0]
		cloud.Advance(time.Hour)
		q.HideMessages(12*time.Hour, m.Receipt, "nonsense")
		cloud.Advance(11*time.Hour - time.Second)
		want(t, "before", len(q.Receive(1)), 0)
		cloud.Advance(time.Second)
		again := q.Receive(1)
		want(t, "12 h after the receive", len(again), 1)
		q.HideMessages(0, m.Receipt) // not its receipt any more
		want(t, "by an old receipt", len(q.Receive(1)), 0)
		q.HideMessages(0, again[0].Receipt)
		cloud.Advance(time.Millisecond)
		want(t, "released", len(q.Receive(1)), 1)
	})
}
