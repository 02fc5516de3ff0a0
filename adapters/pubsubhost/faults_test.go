package pubsubhost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

// TestNothingIsLost works through a queue whose messages come twice, late and
// out of order, whose calls fail, and whose leases and answers get lost, while
// handlers fail and the worker is stopped and started again.
func TestNothingIsLost(t *testing.T) {
	// Rules C2.1, C2.4 and C2.5
	memcloud.Explore(t, &memcloud.Exploration{
		Seeds: 100,
		Faults: memcloud.Faults{
			Kinds: []memcloud.Fault{memcloud.Duplicate, memcloud.Reorder, memcloud.Delay, memcloud.CallFails, memcloud.CallSlow, memcloud.CallAnswerLost},
			Rate:  0.1,
		},
	}, func(t testing.TB, cloud *memcloud.Cloud) {
		const n = 12
		q := cloud.Queue("orders", nil)
		var mu sync.Mutex
		done := map[string]int{}
		tries := map[string]int{}
		r := router(func(ctx context.Context, e eventfx.Event[string]) error {
			mu.Lock()
			tries[e.Data]++
			try := tries[e.Data]
			mu.Unlock()
			if strings.HasSuffix(e.Data, "3") && try < 3 {
				return errors.New("not yet")
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return ctx.Err()
			}
			mu.Lock()
			done[e.Data]++
			mu.Unlock()
			return nil
		})
		guard := &idempotency.Guard{Store: &idempotency.Memory{}}
		r.Once = guard.Once
		r.Retry.Deliveries = -1
		o := &pubsubhost.Options{
			Queue: q.ARN(), Concurrency: 3, Drain: 500 * time.Millisecond, Lease: leaseOn(q, 0),
			Open: func(context.Context) (*pubsub.Subscription, error) { return portable.Subscription(q), nil },
		}
		for i := range n {
			q.Send(fmt.Sprint("m", i))
		}
		for range 3 { // stopped in the middle of its work
			run := start(t, nil, r, o)
			time.Sleep(2500 * time.Millisecond)
			if err := run.end(); err != nil {
				t.Errorf("Run: %v", err)
			}
		}
		run := start(t, nil, r, o)
		for i := 0; i < 3600 && len(q.Messages()) > 0; i++ {
			time.Sleep(time.Second)
		}
		if err := run.end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range n {
			// With idempotency once, whatever comes twice.
			if body := fmt.Sprint("m", i); done[body] != 1 {
				t.Errorf("%s was done %d times", body, done[body])
			}
		}
		if left := q.Messages(); len(left) != 0 {
			t.Errorf("%d messages are left", len(left))
		}
	})
}
