package portable_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
)

// TestNothingIsLeft stops receivers at awkward instants. A goroutine that is
// left over is a deadlock for the bubble, which ends the test binary.
func TestNothingIsLeft(t *testing.T) {
	for i := range 200 {
		for _, early := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/shut down first=%v", i, early), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { stopReceivers(t, i, early) })
			})
		}
	}
}

// stopReceivers has three receivers, of which each is cancelled i nanoseconds
// after something happened: within the call of the cloud, the poll, or the
// wait for a message that comes back.
func stopReceivers(t *testing.T, i int, early bool) {
	cloud := memcloud.New(t)
	q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 2 * time.Second})
	s := portable.Subscription(q)
	for n := range 5 {
		q.Send(fmt.Sprint("message ", n))
	}
	bases := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}
	var wg sync.WaitGroup
	for n := range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), bases[(i/3+n)%4]+time.Duration(i/4+n))
		defer cancel()
		wg.Go(func() {
			for k := 0; ; k++ {
				m, err := s.Receive(ctx)
				switch {
				case err != nil:
					return
				case (k+i)%3 == 0:
					m.Nack()
				case (k+i)%3 == 1:
					m.Ack()
				}
			}
		})
	}
	wg.Wait()
	if i%2 == 0 {
		q.Send("one more")
		time.Sleep(time.Duration(i) * time.Millisecond)
	}
	if early {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
