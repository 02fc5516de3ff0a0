package portable_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"gocloud.dev/docstore"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
)

// receive returns a message with its receive count, and when it came.
func receive(t *testing.T, s *pubsub.Subscription) (m *pubsub.Message, receives int, at time.Duration) {
	t.Helper()
	start := time.Now()
	m, err := s.Receive(t.Context())
	must(t, err)
	var raw memcloud.Message
	if !m.As(&raw) {
		t.Fatal("a message gives no memcloud.Message")
	}
	return m, raw.Receives, time.Since(start).Round(time.Millisecond)
}

func TestRedelivery(t *testing.T) {
	// Rule C2.1: a message that is not deleted comes back.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 30 * time.Second, MaxReceives: 3})
		s := portable.Subscription(q)
		q.Send("poison")
		steps := []struct {
			nack   bool
			at     time.Duration
			reason string
		}{
			{true, 0, "at once"},
			{false, time.Second, "a nack hides for a second"},
			{true, 30 * time.Second, "without an answer the visibility timeout counts"},
		}
		for i, step := range steps {
			m, receives, at := receive(t, s)
			if receives != i+1 || at != step.at {
				t.Errorf("%s: delivery %d after %v, want %d after %v", step.reason, receives, at, i+1, step.at)
			}
			if step.nack {
				m.Nack()
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := s.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a fourth delivery: %v", err)
		}
		if dead := q.DeadLetters(); len(dead) != 1 || dead[0].Body != "poison" {
			t.Errorf("dead letters: %+v", dead)
		}
	})
}

func TestNothingIsFetchedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		q := cloud.Queue("orders", nil)
		s := portable.Subscription(q)
		q.SendBatch(messages("a", "b", "c", "d", "e", "f", "g", "h")...)
		for range 4 {
			m, _, _ := receive(t, s)
			m.Ack()
		}
		time.Sleep(time.Millisecond)
		for _, m := range q.Messages() {
			if m.Receives > 0 {
				t.Errorf("%s was received %d times, and nobody asked for it", m.Body, m.Receives)
			}
		}
		if n := len(q.Messages()); n != 4 {
			t.Errorf("%d messages are left", n)
		}
	})
}

func messages(bodies ...string) (list []memcloud.Message) {
	for _, body := range bodies {
		list = append(list, memcloud.Message{Body: body})
	}
	return list
}

func TestReceiveEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := portable.Subscription(memcloud.New(t).Queue("orders", nil))
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := s.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if d := time.Since(start); d != 1500*time.Millisecond {
			t.Errorf("after %v", d)
		}
		start = time.Now()
		must(t, s.Shutdown(t.Context()))
		if d := time.Since(start); d > time.Microsecond {
			t.Errorf("Shutdown took %v", d)
		}
		_, err := s.Receive(t.Context())
		wantCode(t, err, gcerrors.FailedPrecondition)
	})
}

// TestLateAnswers has answers that come when the message is somebody else's.
func TestLateAnswers(t *testing.T) {
	// Rule C2.3: each receive has a receipt of its own.
	// Rule C2.13: an expired receipt deletes nothing in a FIFO queue.
	for _, name := range []string{"orders", "orders.fifo"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := memcloud.New(t)
				q := cloud.Queue(name, &memcloud.QueueOptions{Visibility: time.Second, ContentBasedDeduplication: name == "orders.fifo"})
				s := portable.Subscription(q)
				m := memcloud.Message{Body: "x"}
				if name == "orders.fifo" {
					m.Group = "g"
				}
				q.SendBatch(m, m)
				late, _, _ := receive(t, s)
				if name == "orders" {
					other, _, _ := receive(t, s)
					other.Ack()
				}
				again, receives, at := receive(t, s)
				if receives != 2 || at != time.Second {
					t.Errorf("delivery %d after %v", receives, at)
				}
				late.Ack()
				synctest.Wait()
				time.Sleep(time.Millisecond)
				if n := len(q.Messages()); n != 1 {
					t.Errorf("a late ack left %d messages", n)
				}
				again.Ack()
				time.Sleep(time.Millisecond)
				if n := len(q.Messages()); n != 0 {
					t.Errorf("an ack left %d messages", n)
				}
				q.SendBatch(memcloud.Message{Body: "y", Group: m.Group})
				receive(t, s) // the late answer did not end the subscription
			})
		})
	}
}

func TestDeliveriesShareNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		events := cloud.Topic("events")
		var subscriptions []*pubsub.Subscription
		for _, name := range []string{"one", "two"} {
			q := cloud.Queue(name, nil)
			events.Subscribe(q, &memcloud.Subscription{Raw: true})
			subscriptions = append(subscriptions, portable.Subscription(q))
		}
		body, header := []byte("precious"), metadata{"k": "v"}
		must(t, portable.Topic(events).Send(t.Context(), &pubsub.Message{Body: body, Metadata: header}))
		clear(body)
		header["k"] = "scribble"
		for range 2 {
			for _, s := range subscriptions {
				m, _, _ := receive(t, s)
				if string(m.Body) != "precious" || m.Metadata["k"] != "v" {
					t.Fatalf("%q %v", m.Body, m.Metadata)
				}
				clear(m.Body)
				m.Metadata["k"] = "scribble"
				var raw memcloud.Message
				m.As(&raw)
				clear(raw.Attributes)
				m.Nack()
			}
		}
	})
}

func TestClosedCloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		b, topic := portable.Bucket(cloud.Bucket("uploads", nil)), portable.Topic(cloud.Topic("events"))
		rows, s := portable.Collection(cloud.Table("rows", nil), nil), portable.Subscription(cloud.Queue("inbox", nil))
		must(t, cloud.Close())
		_, err := s.Receive(t.Context())
		for _, err := range []error{
			err, b.WriteAll(t.Context(), "key", nil, nil),
			topic.Send(t.Context(), &pubsub.Message{Body: []byte("x")}), rows.Put(t.Context(), doc{"id": "a"}),
		} {
			if list, ok := err.(docstore.ActionListError); ok {
				err = list[0].Err
			}
			wantCode(t, err, gcerrors.FailedPrecondition)
		}
	})
}

// TestAnswersAreSeenAfterShutdown: Shutdown sends the answers, and who looks
// then sees what they did, in the same instant.
func TestAnswersAreSeenAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		q.Send("a")
		s := portable.Subscription(q)
		m, err := s.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m.Ack()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(q.Messages()); n != 0 {
			t.Errorf("%d messages after the acknowledgement", n)
		}
	})
}
