package frommocks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A program that receives from a queue by itself, as a daemon outside of
// Lambda does.

// [port]
type delivery struct{ ID, Body, Receipt string }

// inbox is what the consumer wants of SQS. In production a type with the SDK's
// client is behind it.
type inbox interface {
	Receive(ctx context.Context) ([]delivery, error)
	Remove(ctx context.Context, receipt string) error
}

// [/port]

// consume handles what comes, in several loops, until ctx is done. What a
// handler refuses comes again when its visibility timeout has passed.
func consume(ctx context.Context, in inbox, loops int, handle func(delivery) error) {
	var running sync.WaitGroup
	for range loops {
		running.Go(func() {
			for ctx.Err() == nil {
				deliveries, err := in.Receive(ctx)
				if err != nil {
					time.Sleep(time.Second)
					continue
				}
				for _, d := range deliveries {
					if handle(d) == nil {
						// Also when the program is being stopped: it is done.
						_ = in.Remove(context.WithoutCancel(ctx), d.Receipt)
					}
				}
			}
		})
	}
	running.Wait()
}

// [memory]
type memoryInbox struct{ queue *memcloud.Queue }

func (m memoryInbox) Receive(ctx context.Context) (list []delivery, err error) {
	messages, err := m.queue.ReceiveMessage(ctx, 10, 20*time.Second)
	for _, message := range messages {
		list = append(list, delivery{message.ID, message.Body, message.Receipt})
	}
	return list, err
}

func (m memoryInbox) Remove(ctx context.Context, receipt string) error {
	return m.queue.DeleteMessage(ctx, receipt)
}

// [/memory]

func TestFetchAndRemove(t *testing.T) {
	// [fetch]
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		jobs := cloud.Queue("jobs", nil)
		var want []string
		for i := range 20 {
			want = append(want, fmt.Sprintf(`{"job":%02d}`, i))
			jobs.Send(want[i])
		}

		var mu sync.Mutex
		var got []string
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		consume(ctx, memoryInbox{jobs}, 5, func(d delivery) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, d.Body)
			return nil
		})

		// An hour is over: each job was handled once, and none is left.
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" || len(jobs.Messages()) > 0 {
			t.Errorf("handled (-want +got), and %d left:\n%s", len(jobs.Messages()), diff)
		}
	})
	// [/fetch]
}

// TestRefused: what none of the emulator's tests waits for.
func TestRefused(t *testing.T) {
	// [refused]
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		jobs := cloud.Queue("jobs", &memcloud.QueueOptions{Visibility: 30 * time.Second, MaxReceives: 5})
		jobs.Send("one")

		start, tries := time.Now(), []time.Duration(nil)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		consume(ctx, memoryInbox{jobs}, 1, func(delivery) error {
			tries = append(tries, time.Since(start).Round(time.Second))
			return errors.New("not today")
		})

		want := []time.Duration{0, 30 * time.Second, 60 * time.Second, 90 * time.Second, 120 * time.Second}
		if diff := cmp.Diff(want, tries); diff != "" || len(jobs.DeadLetters()) != 1 {
			t.Errorf("tries (-want +got), and %d dead letters:\n%s", len(jobs.DeadLetters()), diff)
		}
	})
	// [/refused]
}
