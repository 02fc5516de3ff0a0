package pubsubhost_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
)

func TestStopDrains(t *testing.T) {
	tests := []struct {
		name    string
		o       pubsubhost.Options
		takes   time.Duration
		obeys   bool // the handler heeds its context
		stopped time.Duration
		done    bool
		reason  string
	}{
		{"in time", pubsubhost.Options{Drain: 10 * time.Second}, 5 * time.Second, true, 4 * time.Second, true, "handlers finish"},
		{"too slow", pubsubhost.Options{Drain: 10 * time.Second}, time.Hour, true, 10 * time.Second, false, "its context ends at the limit"},
		{"deaf", pubsubhost.Options{Drain: 10 * time.Second}, 30 * time.Second, false, 10*time.Second + 250*time.Millisecond, false, "it is left behind after the router's grace"},
		{"default", pubsubhost.Options{}, time.Hour, true, 20 * time.Second, false, "20 s"},
		{"at once", pubsubhost.Options{Drain: -1}, time.Hour, true, 0, false, "no time at all"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := memcloud.New(t).Queue("orders", nil)
				var cause error
				r := router(func(ctx context.Context, _ eventfx.Event[string]) error {
					timer := time.NewTimer(tt.takes)
					defer timer.Stop()
					if !tt.obeys {
						<-timer.C
						return nil
					}
					select {
					case <-timer.C:
						return nil
					case <-ctx.Done():
						cause = context.Cause(ctx)
						return ctx.Err()
					}
				})
				tt.o.Lease = leaseOn(q, 0)
				w := onQueue(t, q, r, tt.o)
				q.Send("x")
				time.Sleep(time.Second)
				began := time.Now()
				if err := w.end(); err != nil {
					t.Errorf("Run: %v", err)
				}
				if got := time.Since(began).Truncate(250 * time.Millisecond); got != tt.stopped {
					t.Errorf("it took %v, want %v: %s", got, tt.stopped, tt.reason)
				}
				left := q.Receive(10) // at once: it is not hidden any more
				if done := len(left) == 0; done != tt.done {
					t.Errorf("%d messages are back, want done %t (%v): %s", len(left), tt.done, cause, tt.reason)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestStopReleases: what was fetched and not started goes back at once, in all
// the places where it may be.
func TestStopReleases(t *testing.T) {
	for _, lease := range []bool{true, false} {
		for _, o := range []pubsubhost.Options{
			{Key: func(*eventfx.Message) string { return "one" }, Concurrency: 4}, // held
			{BatchSize: 5, BatchWindow: time.Minute, Concurrency: 1},              // gathered
			{Concurrency: 1, BatchSize: 3},                                        // gathered behind a batch
			{Concurrency: 5},                                                      // none
		} {
			t.Run(fmt.Sprintf("lease=%t/%d-%d", lease, o.Concurrency, o.BatchSize), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					q := memcloud.New(t).Queue("orders", nil)
					log := &journal{}
					r := router(func(context.Context, eventfx.Event[string]) error {
						log.note("run")
						time.Sleep(10 * time.Second)
						return nil
					})
					if lease {
						o.Lease = leaseOn(q, 0)
					}
					w := onQueue(t, q, r, o)
					for i := range 4 {
						q.Send(fmt.Sprint("m", i))
					}
					time.Sleep(time.Second)
					started := len(log.texts())
					w.stop()
					time.Sleep(2 * time.Second) // gocloud's Nack takes one
					if back := q.Receive(10); len(back) != 4-started {
						t.Errorf("%d are back at once, want the %d that were not started", len(back), 4-started)
					}
					if err := w.end(); err != nil {
						t.Error(err)
					}
					if n := len(q.Messages()); n != 4-started || len(log.texts()) != started {
						t.Errorf("%d are left and %d were run, of 4 with %d started at the stop", n, len(log.texts()), started)
					}
				})
			})
		}
	}
}

// TestStopWhileReceiving stops at about the instant at which a message comes.
func TestStopWhileReceiving(t *testing.T) {
	for i := range 200 {
		synctest.Test(t, func(t *testing.T) {
			q := memcloud.New(t).Queue("orders", nil)
			log := &journal{}
			r := router(func(context.Context, eventfx.Event[string]) error {
				log.note("run")
				return nil
			})
			w := onQueue(t, q, r, pubsubhost.Options{Lease: leaseOn(q, 0)})
			time.Sleep(time.Second)
			q.Send("x")
			time.Sleep(time.Duration(i%10) * time.Nanosecond)
			if err := w.end(); err != nil {
				t.Error(err)
			}
			time.Sleep(1100 * time.Millisecond)
			if n := len(q.Receive(1)) + log.count("run"); n != 1 {
				t.Errorf("stopped %d ns after the message: it is there %d times", i%10, n)
			}
		})
	}
}

func TestStopEndsDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		r := router(func(context.Context, eventfx.Event[string]) error {
			return eventfx.RetryAfter(errors.New("later"), 20*time.Second)
		})
		w := onQueue(t, q, r, pubsubhost.Options{Concurrency: 1})
		for i := range 3 {
			q.Send(fmt.Sprint(i))
		}
		time.Sleep(time.Second)
		began := time.Now()
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v: a delay is no work", took)
		}
		time.Sleep(1100 * time.Millisecond)
		if n := len(q.Receive(10)); n != 3 {
			t.Errorf("%d messages are back, want 3", n)
		}
	})
}

func TestStoppedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		q.Send("x")
		w := onQueue(t, q, router(succeed), pubsubhost.Options{})
		w.stop()
		if err := w.end(); err != nil {
			t.Error(err)
		}
	})
}

func succeed(context.Context, eventfx.Event[string]) error { return nil }
