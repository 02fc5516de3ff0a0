package memcloud_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// TestStop: a local program stops its cloud while another goroutine waits in
// it, and a handler runs. Nobody is left behind, and the message is still
// there.
func TestStop(t *testing.T) {
	cloud := memcloud.Open(nil)
	orders := cloud.Queue("orders", nil)
	began, ended := make(chan struct{}), make(chan struct{})
	cloud.Function("ship", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
		close(began)
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond) // it clears up
		close(ended)
		return nil, ctx.Err()
	}), memcloud.Trigger(orders))
	orders.Send("slow")
	var waiting sync.WaitGroup
	waiting.Go(cloud.Settle)
	waiting.Go(func() { cloud.Advance(time.Hour) })
	<-began

	start := time.Now()
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(func() {
			if err := cloud.Close(); err != nil {
				t.Error(err)
			}
			select {
			case <-ended:
			default:
				t.Error("Close has not waited for the handler")
			}
		})
	}
	closing.Wait()
	waiting.Wait()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	want(t, "messages", bodies(orders.Messages()), "slow")
}
