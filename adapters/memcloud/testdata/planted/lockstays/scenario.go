// Package lockstays takes a lock for each message, so that no two invocations
// charge one card. The bug: the lock has no end. When the process dies, every
// further delivery finds it taken, until the message is a dead letter.
//
// After aws-powertools/powertools-lambda-python#1038: an invocation that timed
// out left its idempotency record in progress, and all retries failed on it.
package lockstays

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/testdata/planted"
)

// Lock is held for a message until it is done, or until a time.
type Lock struct {
	ID    string
	Until time.Time // zero: for ever
}

// Shop is what the function works with.
type Shop struct {
	Locks    *memcloud.Table
	Payments *memcloud.Table
}

var errInProgress = errors.New("in progress elsewhere")

// Take takes a lock. It reports false when the message is done.
func (s *Shop) Take(ctx context.Context, l Lock) (todo bool, err error) {
	now := time.Now().UnixMilli()
	err = s.Locks.Transact(ctx, "take\x00"+l.ID, func(x *memcloud.Tx) error {
		row, err := x.Get(memcloud.Item{"id": l.ID})
		if err != nil {
			return err
		}
		var until int64
		if n, ok := row["until"].(interface{ Int64() (int64, error) }); ok {
			until, _ = n.Int64()
		}
		switch {
		case row["done"] == true:
			todo = false
			return nil
		case row != nil && (until == 0 || until > now):
			return errInProgress
		}
		todo = true
		item := memcloud.Item{"id": l.ID}
		if !l.Until.IsZero() {
			item["until"] = l.Until.UnixMilli()
		}
		return x.Put(item)
	})
	return todo, err
}

// Charge charges a card.
func (s *Shop) Charge(ctx context.Context, m events.SQSMessage) error {
	return s.Payments.PutItem(ctx, memcloud.Item{"id": m.MessageId, "card": m.Body})
}

// Done ends a lock: for good if its message was handled, else the next delivery
// may have it.
func (s *Shop) Done(ctx context.Context, l Lock, err error) error {
	if err != nil {
		return errors.Join(err, s.Locks.DeleteItem(ctx, memcloud.Item{"id": l.ID}))
	}
	return s.Locks.PutItem(ctx, memcloud.Item{"id": l.ID, "done": true})
}

// end is when Lambda ends the invocation.
func end(ctx context.Context) time.Time {
	deadline, _ := ctx.Deadline()
	return deadline
}

// Scenario has two cards be charged, with so many deliveries that bad luck
// alone makes no dead letter.
func Scenario(handle func(context.Context, *Shop, events.SQSMessage) error) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		s := &Shop{cloud.Table("locks", nil), cloud.Table("payments", nil)}
		cards := cloud.Queue("cards", &memcloud.QueueOptions{MaxReceives: 100})
		cloud.Function("charge", planted.Each(func(ctx context.Context, m events.SQSMessage) error {
			return handle(ctx, s, m)
		}), memcloud.Trigger(cards, planted.Partial()))
		cards.Send("visa")
		cards.Send("amex")
		cloud.Settle()
		if n := len(cards.DeadLetters()); n != 0 {
			t.Errorf("%d dead letters, though nothing is wrong with the messages", n)
		}
		if n := len(s.Payments.Items()); n != 2 {
			t.Errorf("2 cards, %d charged", n)
		}
	}
}
