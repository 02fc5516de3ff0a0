package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

// A shop handles orders, each once, and counts what happens. What it keeps in
// memory stands for the effects of a handler, which survive its process.
type shop struct {
	mu       sync.Mutex
	repaired bool
	handled  map[string]int
	tries    map[string]int
}

func (s *shop) handle(_ context.Context, e eventfx.Event[string]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries[e.Data]++
	switch {
	case strings.HasPrefix(e.Data, "poison") && !s.repaired:
		return eventfx.Permanent(errors.New("poison"))
	case strings.HasPrefix(e.Data, "shaky") && s.tries[e.Data] == 1:
		return errors.New("once more")
	case strings.HasPrefix(e.Data, "tired") && !s.repaired:
		return errors.New("again and again")
	}
	s.handled[e.Data]++
	return nil
}

// lost returns the orders that are neither handled nor anywhere.
func (s *shop) lost(orders []string, places ...map[string]bool) (lost []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range orders {
		if s.handled[name] == 0 && !slices.ContainsFunc(places, func(p map[string]bool) bool { return p[name] }) {
			lost = append(lost, name)
		}
	}
	return lost
}

// TestNothingIsLost has orders die in a cloud where everything goes wrong that
// can, and replays them, killed and started again, until none is left.
func TestNothingIsLost(t *testing.T) {
	// Rule H5, Rule H7
	for _, sink := range []string{"queue", "bucket"} {
		for _, target := range []string{"queue", "router"} {
			t.Run(sink+" to "+target, func(t *testing.T) {
				captureLog(t) // warnings of locks that stay until they end
				total := map[memcloud.Fault]int{}
				seeds := 200
				if testing.Short() {
					seeds = 50
				}
				memcloud.Explore(t, &memcloud.Exploration{Seeds: seeds}, func(t testing.TB, cloud *memcloud.Cloud) {
					loseNothing(t, cloud, sink, target)
					for _, f := range cloud.Faults() {
						kind, _, _ := strings.Cut(f, "@")
						total[memcloud.Fault(kind)]++
					}
				})
				for _, kind := range []memcloud.Fault{memcloud.Duplicate, memcloud.CrashBefore, memcloud.CrashAfter, memcloud.LostAnswer, memcloud.Overrun, memcloud.CallFails, memcloud.CallAnswerLost} {
					if total[kind] < seeds/20 {
						t.Errorf("%s happened %d times in %d runs: nothing was proved of it", kind, total[kind], seeds)
					}
				}
				for _, kind := range slices.Sorted(maps.Keys(total)) {
					t.Logf("%-18s %d", kind, total[kind])
				}
			})
		}
	}
}

func loseNothing(t testing.TB, cloud *memcloud.Cloud, sink, target string) {
	s := &shop{handled: map[string]int{}, tries: map[string]int{}}
	locks := portable.Collection(cloud.Table("locks", nil), nil)
	guard := &idempotency.Guard{Store: idempotency.Collection(locks, ""), Cache: -1}
	dlq, objects := cloud.Queue("letters", nil), cloud.Bucket("objects", nil)
	keep := deadletter.Topic(portable.Topic(dlq), nil)
	bucket := portable.Bucket(objects)
	if sink == "bucket" {
		keep = deadletter.Bucket(bucket, nil)
	}
	r := &eventfx.Router{
		Once: guard.Once, DeadLetter: keep, Observer: eventfx.Observer{Message: quiet},
		Retry: eventfx.Retry{Attempts: 2, Deliveries: 2},
	}
	eventfx.On(r, queue.Text{Queue: "orders"}, s.handle)
	orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 90 * time.Second, DeadLetters: dlq, MaxReceives: 8})
	cloud.Function("ship", lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true}),
		&memcloud.FunctionOptions{Timeout: 15 * time.Second}, memcloud.Trigger(orders, &memcloud.Mapping{ReportBatchItemFailures: true}))
	var names []string
	for i := range 2 {
		for _, kind := range []string{"good", "poison", "shaky", "tired"} {
			names = append(names, fmt.Sprint(kind, i))
		}
	}
	for _, name := range names {
		orders.Send(name)
	}
	cloud.Settle()

	lettersOf := func() map[string]bool {
		there := map[string]bool{}
		for _, m := range dlq.Messages() {
			there[m.Body] = true
		}
		for _, key := range objects.Keys() {
			data, _ := objects.Get(key)
			for _, name := range names {
				if strings.Contains(string(data), `"data":"`+name+`"`) {
					there[name] = true
				}
			}
		}
		return there
	}
	waiting := func() map[string]bool {
		there := map[string]bool{}
		for _, m := range orders.Messages() {
			there[m.Body] = true
		}
		return there
	}
	if lost := s.lost(names, lettersOf(), waiting()); lost != nil {
		t.Errorf("lost before the replay: %q", lost)
		return
	}

	s.mu.Lock()
	s.repaired = true
	s.mu.Unlock()
	to := deadletter.ToTopic(portable.Topic(orders), nil)
	if target == "router" {
		to = deadletter.ToRouter(r)
	}
	for round := 0; len(lettersOf()) > 0; round++ {
		if round == 30 {
			t.Errorf("30 replays did not end: %v", lettersOf())
			return
		}
		time.Sleep(2 * time.Minute) // what was received and left comes back
		ctx, cancel := context.WithCancel(context.Background())
		// gocloud's subscriptions do not survive an error: a new process has a
		// new one.
		subscription := portable.Subscription(dlq)
		n := 0
		// Each of the first replays is killed at its n-th letter, before or
		// after it was sent.
		kill := func(ctx context.Context, l *deadletter.Letter) error {
			n++
			if round < 3 && n > round {
				cancel()
				if n%2 == 0 {
					return ctx.Err()
				}
			}
			return to(ctx, l)
		}
		// What a queue gave up by itself is in its dead-letter queue, whatever
		// the sink.
		_, _ = deadletter.Replay(ctx, deadletter.FromBucket(bucket, "", nil), kill, nil)
		_, _ = deadletter.Replay(ctx, deadletter.FromSubscription(subscription, &deadletter.ReadOptions{Source: orders.ARN()}), kill, nil)
		cancel()
		_ = subscription.Shutdown(context.Background()) // with the last acknowledgements
		cloud.Settle()
		if lost := s.lost(names, lettersOf(), waiting()); lost != nil {
			t.Errorf("lost after replay %d: %q", round, lost)
			return
		}
	}
	cloud.Settle()
	if lost := s.lost(names); lost != nil {
		t.Errorf("never handled: %q", lost)
	}
	if len(cloud.Faults()) == 0 {
		for name, n := range s.handled {
			if n != 1 {
				t.Errorf("%s was handled %d times, and nothing went wrong", name, n)
			}
		}
	}
}
