package pubsubhost_test

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/driver"

	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// endless is a broker that always has a message, and costs nothing.
type endless struct{ next int }

func (e *endless) ReceiveBatch(context.Context, int) ([]*driver.Message, error) {
	e.next++
	id := strconv.Itoa(e.next)
	return []*driver.Message{{LoggableID: id, AckID: id, Body: []byte(`{"ID":"order-1"}`), AsFunc: func(any) bool { return false }}}, nil
}
func (e *endless) SendAcks(context.Context, []driver.AckID) error  { return nil }
func (e *endless) SendNacks(context.Context, []driver.AckID) error { return nil }
func (e *endless) CanNack() bool                                   { return true }
func (e *endless) IsRetryable(error) bool                          { return false }
func (e *endless) As(any) bool                                     { return false }
func (e *endless) ErrorAs(error, any) bool                         { return false }
func (e *endless) ErrorCode(error) gcerrors.ErrorCode              { return gcerrors.Unknown }
func (e *endless) Close() error                                    { return nil }

// cpu is the time of all processors that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func decodeByHand(body []byte) (order Order, err error) {
	err = json.Unmarshal(body, &order)
	return order, err
}

// BenchmarkMessage compares the worker with a loop that is written by hand: it
// receives, decodes, handles in one of eight goroutines, and acknowledges. The
// metric to look at is cpu-ns/op, the time of all processors.
func BenchmarkMessage(b *testing.B) {
	one := &batcher.Options{MaxBatchSize: 1, MaxHandlers: 1}
	measure := func(b *testing.B, f func(*pubsub.Subscription, func() bool)) {
		b.ReportAllocs()
		s := pubsub.NewSubscription(&endless{}, one, nil)
		var mu sync.Mutex
		n := 0
		began := cpu()
		f(s, func() bool {
			mu.Lock()
			defer mu.Unlock()
			n++
			return n >= b.N
		})
		b.ReportMetric(float64(cpu()-began)/float64(b.N), "cpu-ns/op")
	}
	b.Run("by hand", func(b *testing.B) {
		measure(b, func(s *pubsub.Subscription, enough func() bool) {
			ctx, stop := context.WithCancel(b.Context())
			defer stop()
			places := make(chan struct{}, 8)
			var all sync.WaitGroup
			for {
				places <- struct{}{}
				m, err := s.Receive(ctx)
				if err != nil {
					break
				}
				all.Go(func() {
					defer func() { <-places }()
					deadline, cancel := context.WithTimeout(ctx, time.Minute)
					defer cancel()
					_ = deadline
					if _, err := decodeByHand(m.Body); err != nil {
						m.Nack()
						return
					}
					m.Ack()
					if enough() {
						stop()
					}
				})
			}
			all.Wait()
			_ = s.Shutdown(context.Background())
		})
	})
	b.Run("worker", func(b *testing.B) {
		measure(b, func(s *pubsub.Subscription, enough func() bool) {
			ctx, stop := context.WithCancel(b.Context())
			defer stop()
			r := &eventfx.Router{}
			eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, func(context.Context, eventfx.Event[Order]) error {
				if enough() {
					stop()
				}
				return nil
			})
			if err := pubsubhost.Run(ctx, s, r, &pubsubhost.Options{Queue: "orders"}); err != nil {
				b.Fatal(err)
			}
		})
	})
}
