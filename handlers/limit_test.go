package handlers_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func TestLimit(t *testing.T) {
	byID := func(_ string, m *eventfx.Message) string { return m.ID() }
	byRoute := func(route string, _ *eventfx.Message) string { return route }
	tests := []struct {
		name, reason string
		limit        *handlers.Limit
		ids          []string
		deadline     time.Duration
		runs         []string
		failures     []string
	}{
		{
			name: "waits", reason: "a burst of one second's tokens, then one every half second",
			limit: &handlers.Limit{Rate: 2}, ids: []string{"a", "b", "c", "d"}, deadline: time.Minute,
			runs: []string{"a 0s", "b 0s", "c 500ms", "d 1s"},
		},
		{
			name: "slower than one a second", reason: "the bucket holds one token at least",
			limit: &handlers.Limit{Rate: 0.5}, ids: []string{"a", "b"}, deadline: time.Minute,
			runs: []string{"a 0s", "b 2s"},
		},
		{
			name: "half of the time is the handler's", reason: "a handler that starts right before its deadline only fails",
			limit: &handlers.Limit{Rate: 1}, ids: []string{"a", "b", "c", "d"}, deadline: 3 * time.Second,
			runs:     []string{"a 0s", "b 1s", "c 2s"},
			failures: []string{"d: handlers: the rate limit is reached: eventfx: message not finished (after 1s)"},
		},
		{
			name: "turned away one behind the other", reason: "all that come back at once would be turned away again",
			limit: &handlers.Limit{Rate: 1, Wait: -1}, ids: []string{"a", "b", "c", "d"}, deadline: time.Minute,
			runs: []string{"a 0s"},
			failures: []string{
				"b: handlers: the rate limit is reached: eventfx: message not finished (after 1s)",
				"c: handlers: the rate limit is reached: eventfx: message not finished (after 2s)",
				"d: handlers: the rate limit is reached: eventfx: message not finished (after 3s)",
			},
		},
		{
			name: "keys", reason: "each key has a bucket of its own",
			limit: &handlers.Limit{Rate: 1, Key: byID}, ids: []string{"a", "b", "a"}, deadline: time.Minute,
			runs: []string{"a 0s", "b 0s", "a 1s"},
		},
		{
			name: "routes", reason: "the route may be the key",
			limit: &handlers.Limit{Rate: 1, Key: byRoute}, ids: []string{"a", "b"}, deadline: time.Minute,
			runs: []string{"a 0s", "b 1s"},
		},
		{
			name: "a forgotten key", reason: "memory is bounded: a starts anew, its bucket full",
			limit: &handlers.Limit{Rate: 0.1, Key: byID, Keys: 2}, ids: []string{"a", "b", "c", "a"}, deadline: time.Minute,
			runs: []string{"a 0s", "b 0s", "c 0s", "a 0s"},
		},
		{
			name: "next to never", reason: "no overflow",
			limit: &handlers.Limit{Rate: 1e-300}, ids: []string{"a", "b"}, deadline: time.Minute,
			runs:     []string{"a 0s"},
			failures: []string{"b: handlers: the rate limit is reached: eventfx: message not finished (after 8760h0m0s)"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				r := &eventfx.Router{Use: []eventfx.Middleware{tt.limit.Wrap}}
				var runs []string
				eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
					runs = append(runs, fmt.Sprint(e.Data, " ", time.Since(begin)))
					return nil
				})
				failures := failed(r.Deliver(ctx, messages(tt.ids...)))
				want(t, "runs: "+tt.reason, tt.runs, runs)
				want(t, "failures: "+tt.reason, tt.failures, failures)
			})
		})
	}
}

// What is turned away has taken no token: the next that comes in time finds it.
func TestTurnedAwayTakesNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := &handlers.Limit{Rate: 1, Wait: -1}
		r := &eventfx.Router{Use: []eventfx.Middleware{limit.Wrap}}
		eventfx.On(r, text{}, nop)
		if got := len(r.Deliver(t.Context(), messages("a", "b", "c", "d"))); got != 3 {
			t.Errorf("%d of 4 were turned away, want 3", got)
		}
		for range 3 {
			time.Sleep(time.Second)
			want(t, "a second later", []string(nil), failed(r.Deliver(t.Context(), messages("b"))))
		}
	})
}

// A batch takes a token for each message; what has none goes back, and in a
// group what follows it.
func TestLimitOfABatch(t *testing.T) {
	for _, group := range []string{"", "g"} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			limit := &handlers.Limit{Rate: 1, Burst: 2, Wait: 2 * time.Second}
			r := &eventfx.Router{Use: []eventfx.Middleware{limit.Wrap}}
			var runs []string
			eventfx.OnBatch(r, text{}, func(_ context.Context, b *eventfx.Batch[string]) error {
				runs = append(runs, fmt.Sprint(b.Len(), " ", time.Since(begin)))
				return nil
			})
			failures := failed(r.Deliver(t.Context(), inGroup(group, "a", "b", "c", "d", "e", "f")))
			want(t, "runs", []string{"4 2s"}, runs)
			all := []string{
				"e: handlers: the rate limit is reached: eventfx: message not finished (after 3s)",
				"f: handlers: the rate limit is reached: eventfx: message not finished (after 4s)",
			}
			if group != "" {
				all[1] = "f: an earlier message of its group failed: eventfx: message not finished"
			}
			want(t, "failures", all, failures)
		})
	}
}

// One Limit is shared by everything that runs in the process.
func TestLimitIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		limit := &handlers.Limit{Rate: 10, Burst: 1}
		var runs atomic.Int32
		done := make(chan struct{})
		for range 4 {
			r := &eventfx.Router{Concurrency: 5, Use: []eventfx.Middleware{limit.Wrap}}
			eventfx.On(r, text{}, func(context.Context, eventfx.Event[string]) error { runs.Add(1); return nil })
			go func() {
				r.Deliver(context.Background(), messages("1", "2", "3", "4", "5"))
				done <- struct{}{}
			}()
		}
		for range 4 {
			<-done
		}
		if took := time.Since(begin); runs.Load() != 20 || took != 1900*time.Millisecond {
			t.Errorf("%d runs in %v, want 20 in 1.9s", runs.Load(), took)
		}
	})
}

func TestLimitNeedsARate(t *testing.T) {
	want(t, "panic", "handlers: Limit.Rate is 0: set it to messages per second", mustPanic(t, func() { (&handlers.Limit{}).Wrap(nil) }))
}

// The memory of keys is bounded, and what Limit.Keys says of it is true.
func TestLimitKeepsFewKeys(t *testing.T) {
	limit := &handlers.Limit{Rate: 1, Wait: -1, Keys: 10_000, Key: func(_ string, m *eventfx.Message) string { return m.ID() }}
	h := limit.Wrap(func(context.Context, *eventfx.Delivery) error { return nil })
	m := message("")
	d := &eventfx.Delivery{Messages: []*eventfx.Message{m}}
	before := heap()
	for i := range 50_000 {
		m.SetID(fmt.Sprintf("key %010d", i))
		_ = h(t.Context(), d)
	}
	each := int(heap()-before) / 10_000
	t.Logf("%d bytes a key", each)
	if each > 300 {
		t.Errorf("a key takes %d bytes, want some 230", each)
	}
	runtime.KeepAlive(limit)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
