package pubsubhost_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/adapters/hosttest"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
)

// TestLawsOnAQueue: a standard queue of memcloud, ordered by key.
func TestLawsOnAQueue(t *testing.T) {
	for _, batch := range []int{1, 5} {
		t.Run(fmt.Sprintf("BatchSize=%d", batch), func(t *testing.T) {
			features := hosttest.Features{Groups: true, Counts: true, Delays: true, Observes: true, Stops: true}
			hosttest.Run(t, features, func(t testing.TB, s hosttest.Setup) *hosttest.Host {
				q := memcloud.New(t).Queue("orders", nil)
				o := options(s)
				o.Queue, o.Lease, o.Key, o.BatchSize = q.ARN(), leaseOn(q, 0), hosttest.GroupOf, batch
				return host(t, s, portable.Subscription(q), o, &hosttest.Host{
					Send: func(messages ...hosttest.Message) {
						for _, m := range messages {
							q.Send(m.Body)
						}
					},
					Left:    func() int { return len(q.Messages()) },
					Waiting: func() int { return len(q.Receive(10)) },
				})
			})
		})
	}
}

// TestLawsOnAFIFOQueue: the queue has the order, and keeps it.
func TestLawsOnAFIFOQueue(t *testing.T) {
	// Rule C2.11
	features := hosttest.Features{Groups: true, Blocks: true, Counts: true, Delays: true, Observes: true, Stops: true}
	hosttest.Run(t, features, func(t testing.TB, s hosttest.Setup) *hosttest.Host {
		q := memcloud.New(t).Queue("orders.fifo", nil)
		o := options(s)
		o.Queue, o.Lease = q.ARN(), leaseOn(q, 0)
		sent := 0
		return host(t, s, portable.Subscription(q), o, &hosttest.Host{
			Send: func(messages ...hosttest.Message) {
				for _, m := range messages {
					sent++
					id := fmt.Sprint("d", sent)
					if m.Group == "" {
						m.Group = id // one of its own
					}
					q.SendBatch(memcloud.Message{Body: m.Body, Group: m.Group, DeduplicationID: id})
				}
			},
			Left: func() int { return len(q.Messages()) },
			Waiting: func() int {
				n := 0 // the queue gives out nothing behind one in flight: none of these was received
				for _, m := range q.Messages() {
					if m.Receives == 0 {
						n++
					}
				}
				return n
			},
		})
	})
}

// TestLawsWithoutALease: delays are kept in the process.
func TestLawsWithoutALease(t *testing.T) {
	features := hosttest.Features{Groups: true, Observes: true, Stops: true}
	hosttest.Run(t, features, func(t testing.TB, s hosttest.Setup) *hosttest.Host {
		q := memcloud.New(t).Queue("orders", nil)
		o := options(s)
		o.Queue, o.Key = "orders", hosttest.GroupOf
		return host(t, s, portable.Subscription(q), o, &hosttest.Host{
			Send: func(messages ...hosttest.Message) {
				for _, m := range messages {
					q.Send(m.Body)
				}
			},
			Left:    func() int { return len(q.Messages()) },
			Waiting: func() int { return len(q.Receive(10)) },
		})
	})
}

// TestLawsOnMempubsub: gocloud's broker in memory, which has no order.
func TestLawsOnMempubsub(t *testing.T) {
	hosttest.Run(t, hosttest.Features{Stops: true}, func(t testing.TB, s hosttest.Setup) *hosttest.Host {
		topic := mempubsub.NewTopic()
		subscription := mempubsub.NewSubscriptionWithOptions(topic, time.Minute, &mempubsub.SubscriptionOptions{
			ReceiveBatcherOptions: batcher.Options{MaxBatchSize: 1, MaxHandlers: 1},
		})
		t.Cleanup(func() { topic.Shutdown(context.Background()) })
		return host(t, s, subscription, options(s), &hosttest.Host{
			Send: func(messages ...hosttest.Message) {
				for _, m := range messages {
					if err := topic.Send(context.Background(), &pubsub.Message{Body: []byte(m.Body)}); err != nil {
						t.Error(err)
					}
				}
			},
		})
	})
}

// TestLawsOnABrokerThatTakesNothingBack: as NATS and Kafka.
func TestLawsOnABrokerThatTakesNothingBack(t *testing.T) {
	hosttest.Run(t, hosttest.Features{Groups: true, Blocks: true}, func(t testing.TB, s hosttest.Setup) *hosttest.Host {
		b := newBroker(false)
		subscription, err := b.open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		o := options(s)
		o.Key = hosttest.GroupOf
		return host(t, s, subscription, o, &hosttest.Host{
			Send: func(messages ...hosttest.Message) {
				for _, m := range messages {
					b.send(m.Body)
				}
			},
		})
	})
}

func options(s hosttest.Setup) *pubsubhost.Options {
	return &pubsubhost.Options{Concurrency: s.Concurrency, Deadline: s.Deadline, Drain: s.Drain}
}

// host runs the worker by the law's Go, and ends it with the test.
func host(t testing.TB, s hosttest.Setup, subscription *pubsub.Subscription, o *pubsubhost.Options, h *hosttest.Host) *hosttest.Host {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s.Go(func() { done <- pubsubhost.Run(ctx, subscription, s.Router, o) })
	stopped := false
	h.Stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(h.Stop)
	return h
}
