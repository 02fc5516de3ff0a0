package pubsubhost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// keyOf takes what stands before the dash: "a-1" is of key a.
func keyOf(m *eventfx.Message) string {
	key, _, _ := strings.Cut(string(m.DataEncoded), "-")
	return key
}

func TestOrderByKey(t *testing.T) {
	for _, size := range []int{1, 3} {
		t.Run(fmt.Sprintf("BatchSize=%d", size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := memcloud.New(t).Queue("orders", nil)
				running := map[string]int{}
				got := map[string][]string{}
				log := &journal{}
				r := router(func(_ context.Context, e eventfx.Event[string]) error {
					key := keyOf(e.Message)
					log.mu.Lock()
					running[key]++
					if running[key] > 1 {
						t.Errorf("two of key %s run at once", key)
					}
					got[key] = append(got[key], e.Data)
					log.mu.Unlock()
					time.Sleep(100 * time.Millisecond)
					log.mu.Lock()
					running[key]--
					log.mu.Unlock()
					return nil
				})
				r.Concurrency = 4
				want := map[string][]string{}
				for i := range 60 {
					body := fmt.Sprintf("%c-%d", 'a'+i%3*i%4, i)
					key, _, _ := strings.Cut(body, "-")
					want[key] = append(want[key], body)
					q.Send(body)
				}
				w := onQueue(t, q, r, pubsubhost.Options{Key: keyOf, BatchSize: size, Concurrency: 4})
				time.Sleep(2 * time.Minute)
				w.end()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("order within the keys:\n%s", diff)
				}
			})
		})
	}
}

// TestFailureHoldsItsKey: nothing of the key overtakes a message that goes back.
func TestFailureHoldsItsKey(t *testing.T) {
	for _, lease := range []bool{true, false} {
		t.Run(fmt.Sprintf("lease=%t", lease), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := memcloud.New(t).Queue("orders", nil)
				log := &journal{}
				r := router(func(_ context.Context, e eventfx.Event[string]) error {
					log.note(e.Data)
					time.Sleep(time.Second)
					if e.Data == "a-1" && log.count("a-1") == 1 {
						return eventfx.RetryAfter(errors.New("not yet"), 5*time.Second)
					}
					return nil
				})
				o := pubsubhost.Options{Key: keyOf}
				if lease {
					o.Lease = leaseOn(q, 0)
				}
				onQueue(t, q, r, o)
				for _, body := range []string{"a-1", "a-2", "b-1", "a-3"} {
					q.Send(body)
				}
				time.Sleep(time.Minute)
				// b-1 runs beside a-1; a-2 and a-3 come back behind it.
				if diff := cmp.Diff([]string{"a-1", "b-1", "a-1", "a-2", "a-3"}, log.texts()); diff != "" {
					t.Errorf("runs:\n%s", diff)
				}
				if n := len(q.Messages()); n != 0 {
					t.Errorf("%d are left", n)
				}
			})
		})
	}
}

func TestFIFO(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Rule C2.11
		q := memcloud.New(t).Queue("orders.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true})
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			log.note(e.Data)
			if e.Data == "a-2" && log.count("a-2") < 3 {
				return eventfx.RetryAfter(errors.New("not yet"), time.Second)
			}
			return nil
		})
		onQueue(t, q, r, pubsubhost.Options{Lease: leaseOn(q, 0)})
		for i := range 5 {
			q.SendBatch(memcloud.Message{Body: fmt.Sprintf("a-%d", i), Group: "a"})
		}
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"a-0", "a-1", "a-2", "a-2", "a-2", "a-3", "a-4"}, log.texts()); diff != "" {
			t.Errorf("runs:\n%s", diff)
		}
	})
}

// TestKeyPanics: a function of the user's fails a message, not the worker.
func TestKeyPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			log.note(e.Data)
			return nil
		})
		var dead []string
		r.DeadLetter = func(_ context.Context, d *eventfx.Dead) error {
			dead = append(dead, string(d.Message.DataEncoded)+": "+d.Err.Error())
			return nil
		}
		w := onQueue(t, q, r, pubsubhost.Options{Key: func(m *eventfx.Message) string {
			if string(m.DataEncoded) == "bad" {
				panic("no key")
			}
			return ""
		}})
		q.Send("bad")
		q.Send("good")
		time.Sleep(time.Minute)
		w.end()
		if len(dead) != 1 || !strings.Contains(dead[0], "bad: ") || !strings.Contains(dead[0], "no key") || log.count("good") != 1 {
			t.Errorf("dead letters %q, handled %q", dead, log.texts())
		}
	})
}
