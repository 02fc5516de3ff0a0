package pubsubhost_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
)

func TestEveryMessageOnce(t *testing.T) {
	for _, lease := range []bool{false, true} {
		t.Run(fmt.Sprintf("lease=%t", lease), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := memcloud.New(t).Queue("orders", nil)
				log := &journal{}
				r := router(func(_ context.Context, e eventfx.Event[string]) error {
					log.note(e.Data)
					return nil
				})
				o := pubsubhost.Options{}
				if lease {
					o.Lease = leaseOn(q, 30*time.Second)
				}
				w := onQueue(t, q, r, o)
				var want []string
				for i := range 100 {
					body := fmt.Sprintf("m%02d", i)
					want = append(want, body)
					q.Send(body)
				}
				time.Sleep(time.Minute)
				got := log.texts()
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("handled:\n%s", diff)
				}
				if n := len(q.Messages()); n != 0 {
					t.Errorf("%d messages are left in the queue", n)
				}
				if err := w.end(); err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		})
	}
}

// TestBackPressure: what has no place is not received, so that others get it.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		var running, most atomic.Int32
		go1 := make(chan struct{})
		r := router(func(context.Context, eventfx.Event[string]) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			<-go1
			return nil
		})
		for i := range 20 {
			q.Send(fmt.Sprint(i))
		}
		onQueue(t, q, r, pubsubhost.Options{Concurrency: 3})
		time.Sleep(20 * time.Second)
		received := 0
		for _, m := range q.Messages() {
			received += m.Receives
		}
		if received != 3 || running.Load() != 3 {
			t.Errorf("%d received, %d running, want 3: nothing is fetched ahead", received, running.Load())
		}
		close(go1)
		time.Sleep(10 * time.Second)
		if n := len(q.Messages()); n != 0 || most.Load() != 3 {
			t.Errorf("%d left; at most %d ran at once, want 3", n, most.Load())
		}
	})
}

// TestAcknowledgedAfterwards: a message is the queue's until its handler, or
// its dead letter, is done.
func TestAcknowledgedAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			time.Sleep(time.Second)
			if len(q.Messages()) != 1 {
				t.Error("the message is gone while its handler runs")
			}
			return eventfx.Permanent(errors.New("no such article"))
		})
		letters := 0
		r.DeadLetter = func(context.Context, *eventfx.Dead) error {
			time.Sleep(time.Second)
			if len(q.Messages()) != 1 {
				t.Error("the message is gone before its dead letter is written")
			}
			if letters++; letters == 1 {
				return errors.New("the dead letters are full")
			}
			return nil
		}
		w := onQueue(t, q, r, pubsubhost.Options{})
		q.Send("x")
		time.Sleep(time.Minute)
		w.end()
		if n := len(q.Messages()); letters != 2 || n != 0 {
			t.Errorf("%d tries of a dead letter, %d messages left; want a second try, and none left", letters, n)
		}
	})
}

func TestReceiveCountsEndInDeadLetters(t *testing.T) {
	// Rules C2.1 and C2.2
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			log.note(fmt.Sprintf("%s %d", e.Data, e.Origin.Receives))
			return errors.New("out of stock")
		})
		dead := make(chan string, 1)
		r.DeadLetter = func(_ context.Context, d *eventfx.Dead) error {
			dead <- d.Reason
			return nil
		}
		onQueue(t, q, r, pubsubhost.Options{Lease: leaseOn(q, 0)})
		q.Send("x")
		began := time.Now()
		select {
		case <-dead:
		case <-time.After(time.Hour):
			t.Fatalf("no dead letter after the deliveries %q", log.texts())
		}
		if diff := cmp.Diff([]string{"x 1", "x 2", "x 3", "x 4", "x 5"}, log.texts()); diff != "" {
			t.Errorf("deliveries:\n%s", diff)
		}
		// The lease's timeout between them, as under Lambda.
		if took := time.Since(began).Round(5 * time.Second); took != 2*time.Minute {
			t.Errorf("it took %v, want four times 30 s", took)
		}
	})
}

func TestDelay(t *testing.T) {
	tests := []struct {
		name   string
		asked  time.Duration
		o      pubsubhost.Options
		lease  bool
		want   time.Duration
		reason string
	}{
		{"asked, lease", time.Hour, pubsubhost.Options{}, true, time.Hour, "SQS hides it"},
		{"asked, no lease", 10 * time.Second, pubsubhost.Options{}, false, 11 * time.Second, "kept here, then gocloud's second"},
		{"asked for too long, no lease", time.Hour, pubsubhost.Options{}, false, 26 * time.Second, "kept here as long as the broker waits"},
		{"not asked, lease", 0, pubsubhost.Options{}, true, 30 * time.Second, "the lease's timeout"},
		{"not asked, no lease", 0, pubsubhost.Options{}, false, 2 * time.Second, "a second, then gocloud's"},
		{"Options.Delay, lease", 0, pubsubhost.Options{Delay: 5 * time.Second}, true, 5 * time.Second, "as set"},
		{"none", 0, pubsubhost.Options{Delay: -1}, true, 0, "as set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Rule C2.2
				q := memcloud.New(t).Queue("orders", nil)
				log := &journal{}
				r := router(func(_ context.Context, e eventfx.Event[string]) error {
					log.note(e.Data)
					if log.count(e.Data) > 1 {
						return nil
					}
					err := errors.New("not yet")
					if tt.asked > 0 {
						err = eventfx.RetryAfter(err, tt.asked)
					}
					return err
				})
				if tt.lease {
					tt.o.Lease = leaseOn(q, 0)
				}
				onQueue(t, q, r, tt.o)
				q.Send("x")
				time.Sleep(2 * time.Hour)
				if got := log.gap(t, "x").Round(100 * time.Millisecond); got != tt.want {
					t.Errorf("back after %v, want %v: %s", got, tt.want, tt.reason)
				}
			})
		})
	}
}

// TestDelayGivesItsSlotAway: messages that wait here take no place from others,
// and are not too many.
func TestDelayGivesItsSlotAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			log.note(e.Data)
			if strings.HasPrefix(e.Data, "bad") {
				return eventfx.RetryAfter(errors.New("later"), 20*time.Second)
			}
			return nil
		})
		onQueue(t, q, r, pubsubhost.Options{Concurrency: 2})
		q.Send("bad1")
		q.Send("bad2")
		time.Sleep(time.Second)
		q.Send("good")
		time.Sleep(time.Second)
		if log.count("good") != 1 {
			t.Error("a message waits for those that wait for their delay")
		}
		for i := range 10 {
			q.Send(fmt.Sprint("bad", i+3))
		}
		time.Sleep(10 * time.Second)
		if n := len(log.texts()); n != 5 { // two wait beside the slots, two in them
			t.Errorf("%d messages were received, want 5: those that wait are bounded", n)
		}
	})
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Rule C2.2
		q := memcloud.New(t).Queue("orders", nil)
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			log.note(e.Data)
			time.Sleep(5 * time.Minute)
			return nil
		})
		onQueue(t, q, r, pubsubhost.Options{Lease: leaseOn(q, 30*time.Second)})
		q.Send("slow")
		time.Sleep(20 * time.Minute)
		if n := log.count("slow"); n != 1 || len(q.Messages()) != 0 {
			t.Errorf("handled %d times, %d left; want once: the lease is extended", n, len(q.Messages()))
		}
	})
}

func TestLostLeaseEndsTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		lease := leaseOn(q, 30*time.Second)
		lease.Change = func(context.Context, string, time.Duration) error { return errors.New("no network") }
		var took time.Duration
		var cause error
		r := router(func(ctx context.Context, _ eventfx.Event[string]) error {
			if took == 0 {
				began := time.Now()
				<-ctx.Done()
				took, cause = time.Since(began), context.Cause(ctx)
			}
			return ctx.Err()
		})
		w := onQueue(t, q, r, pubsubhost.Options{Lease: lease})
		q.Send("x")
		time.Sleep(time.Minute)
		w.end()
		if took < 20*time.Second || took > 30*time.Second || cause == nil || !strings.Contains(cause.Error(), "lease") {
			t.Errorf("the context ended after %v by %v, want within the 30 s by the lost lease", took, cause)
		}
	})
}

func TestDeadline(t *testing.T) {
	tests := []struct {
		name   string
		o      pubsubhost.Options
		lease  bool
		want   time.Duration
		reason string
	}{
		{"default", pubsubhost.Options{}, false, 25*time.Second - 500*time.Millisecond, "less than SQS's visibility timeout"},
		{"lease", pubsubhost.Options{}, true, 15*time.Minute - 500*time.Millisecond, "the lease is extended so long"},
		{"set", pubsubhost.Options{Deadline: 2 * time.Second}, false, 1800 * time.Millisecond, "a tenth is left for the answer"},
		{"none", pubsubhost.Options{Deadline: -1}, true, -1, "no deadline"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := memcloud.New(t).Queue("orders", nil)
				got := time.Duration(-1)
				r := router(func(ctx context.Context, _ eventfx.Event[string]) error {
					if deadline, ok := ctx.Deadline(); ok {
						got = time.Until(deadline).Round(time.Millisecond)
					}
					return nil
				})
				if tt.lease {
					tt.o.Lease = leaseOn(q, 0)
				}
				w := onQueue(t, q, r, tt.o)
				q.Send("x")
				time.Sleep(time.Minute)
				w.end()
				if got != tt.want {
					t.Errorf("the handler has %v, want %v: %s", got, tt.want, tt.reason)
				}
			})
		})
	}
}

func TestBatches(t *testing.T) {
	tests := []struct {
		name   string
		o      pubsubhost.Options
		send   []time.Duration // pauses before each message
		want   []int           // sizes
		reason string
	}{
		{"full", pubsubhost.Options{BatchSize: 3, BatchWindow: time.Minute}, make([]time.Duration, 6), []int{3, 3}, "six make two"},
		{"window", pubsubhost.Options{BatchSize: 10, BatchWindow: 5 * time.Second}, []time.Duration{0, time.Second, time.Second, 10 * time.Second}, []int{3, 1}, "the window begins with the first"},
		{"no window", pubsubhost.Options{BatchSize: 10}, []time.Duration{0, time.Second, time.Second}, []int{1, 1, 1}, "nobody waits when there is room"},
		{"no batches", pubsubhost.Options{}, make([]time.Duration, 3), []int{1, 1, 1}, "one by one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := memcloud.New(t).Queue("orders", &memcloud.QueueOptions{Visibility: 5 * time.Minute})
				var mu sync.Mutex
				var sizes []int
				seen := func() []int {
					mu.Lock()
					defer mu.Unlock()
					return slices.Clone(sizes)
				}
				r := &eventfx.Router{}
				eventfx.OnBatch(r, text{}, func(_ context.Context, b *eventfx.Batch[string]) error {
					mu.Lock()
					sizes = append(sizes, b.Len())
					mu.Unlock()
					for e := range b.All() {
						if e.Data == "m0" && e.Origin.Receives == 1 {
							b.Fail(e, errors.New("only this one"))
						}
					}
					return nil
				})
				tt.o.Concurrency = 1
				tt.o.Lease = leaseOn(q, 5*time.Minute)
				onQueue(t, q, r, tt.o)
				for i, pause := range tt.send {
					time.Sleep(pause)
					q.Send(fmt.Sprint("m", i))
				}
				time.Sleep(2 * time.Minute)
				if diff := cmp.Diff(tt.want, seen()); diff != "" {
					t.Errorf("sizes of batches: %s\n%s", tt.reason, diff)
				}
				time.Sleep(10 * time.Minute)
				if diff := cmp.Diff(append(tt.want, 1), seen()); diff != "" || len(q.Messages()) != 0 {
					t.Errorf("only the failed one comes back, alone; %d left\n%s", len(q.Messages()), diff)
				}
			})
		})
	}
}

// TestOnAnyBroker runs on gocloud's own broker in memory, which is not ours.
func TestOnAnyBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := mempubsub.NewTopic()
		one := batcher.Options{MaxBatchSize: 1, MaxHandlers: 1}
		s := mempubsub.NewSubscriptionWithOptions(topic, time.Minute, &mempubsub.SubscriptionOptions{ReceiveBatcherOptions: one})
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			log.note(e.Data)
			if log.count(e.Data) < 3 {
				return errors.New("not yet")
			}
			return nil
		})
		w := start(t, s, r, &pubsubhost.Options{Queue: "mem://orders"})
		for i := range 10 {
			if err := topic.Send(t.Context(), &pubsub.Message{Body: []byte(fmt.Sprint(i))}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		for i := range 10 {
			if n := log.count(fmt.Sprint(i)); n != 3 {
				t.Errorf("message %d ran %d times, want 3", i, n)
			}
		}
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if err := topic.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBadOptions(t *testing.T) {
	q := memcloud.Open(nil).Queue("orders.fifo", nil)
	s := portable.Subscription(q)
	defer s.Shutdown(t.Context())
	tests := []struct {
		name string
		s    *pubsub.Subscription
		o    *pubsubhost.Options
		want string
	}{
		{"no subscription", nil, nil, "no subscription"},
		{"negative", s, &pubsubhost.Options{Concurrency: -1}, "Concurrency is -1"},
		{"window", s, &pubsubhost.Options{BatchWindow: -1}, "BatchWindow"},
		{"groups", s, &pubsubhost.Options{Queue: q.ARN()}, "FIFO"},
		{"lease", s, &pubsubhost.Options{Lease: zeroLease{}}, "timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := pubsubhost.Run(t.Context(), tt.s, &eventfx.Router{}, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want something about %q", err, tt.want)
			}
		})
	}
}

type zeroLease struct{}

func (zeroLease) Timeout() time.Duration                                     { return 0 }
func (zeroLease) Hide(context.Context, *pubsub.Message, time.Duration) error { return nil }
