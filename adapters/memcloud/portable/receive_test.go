package portable

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// TestReceiveBatchGivesBack has a message arrive at about the instant at which
// the receive is cancelled: either it is handed out, or it is there at once
// for the next who asks.
func TestReceiveBatchGivesBack(t *testing.T) {
	for i := range 300 {
		synctest.Test(t, func(t *testing.T) {
			q := memcloud.New(t).Queue("orders", nil)
			d := newSubscription(q)
			ctx, cancel := context.WithCancel(t.Context())
			received := make(chan int)
			go func() {
				messages, err := d.ReceiveBatch(ctx, 1)
				if err != nil {
					t.Error(err)
				}
				received <- len(messages)
			}()
			time.Sleep(time.Millisecond)
			q.Send("x")
			time.Sleep(time.Duration(i%3) * time.Nanosecond)
			cancel()
			n := <-received
			time.Sleep(time.Millisecond)
			if n += len(q.Receive(1)); n != 1 {
				t.Errorf("cancelled %d ns after the message: there are %d of it", i%3, n)
			}
		})
	}
}
