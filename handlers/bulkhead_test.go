package handlers_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func TestBulkhead(t *testing.T) {
	const full = "handlers: as many handlers run as the bulkhead allows: eventfx: message not finished"
	tests := []struct {
		name, reason string
		bulkhead     *handlers.Bulkhead
		deadline     time.Duration // 0: none
		took         time.Duration // of each handler
		ran          []string
		failures     []string
	}{
		{"waits for a place", "two at a time", &handlers.Bulkhead{Max: 2, Wait: time.Minute}, 0, 10 * time.Second,
			[]string{"0s", "0s", "10s", "10s", "20s"}, nil},
		{"waits for a second", "the default", &handlers.Bulkhead{Max: 2}, 0, 10 * time.Second,
			[]string{"0s", "0s"}, []string{full + " (after 5s)", full + " (after 5s)", full + " (after 5s)"}},
		{"does not wait", "-1 is none", &handlers.Bulkhead{Max: 4, Wait: -1, Delay: time.Minute}, 0, time.Second,
			[]string{"0s", "0s", "0s", "0s"}, []string{full + " (after 1m0s)"}},
		{"half of the time is the handler's", "a place at the end is of no use", &handlers.Bulkhead{Max: 2, Wait: time.Hour}, 30 * time.Second, 10 * time.Second,
			[]string{"0s", "0s", "10s", "10s"}, []string{full + " (after 5s)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, begin := t.Context(), time.Now()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				r := &eventfx.Router{Concurrency: 5, Use: []eventfx.Middleware{tt.bulkhead.Wrap}}
				var mu sync.Mutex
				var ran, failures []string
				running, most := 0, 0
				eventfx.On(r, text{}, func(context.Context, eventfx.Event[string]) error {
					mu.Lock()
					ran = append(ran, fmt.Sprint(time.Since(begin)))
					running++
					most = max(most, running)
					mu.Unlock()
					time.Sleep(tt.took)
					mu.Lock()
					running--
					mu.Unlock()
					return nil
				})
				for _, line := range failed(r.Deliver(ctx, messages("1", "2", "3", "4", "5"))) {
					failures = append(failures, line[3:]) // which of them it is, chance decides
				}
				slices.Sort(ran)
				want(t, "runs: "+tt.reason, tt.ran, ran)
				want(t, "failures: "+tt.reason, tt.failures, failures)
				if most > tt.bulkhead.Max {
					t.Errorf("%d ran at once", most)
				}
			})
		})
	}
}

// A panic gives its place back.
func TestBulkheadSurvivesPanics(t *testing.T) {
	b := &handlers.Bulkhead{Max: 1, Wait: -1}
	r := &eventfx.Router{Use: []eventfx.Middleware{b.Wrap}}
	eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		if e.Data == "1" {
			panic("handler")
		}
		return nil
	})
	want(t, "failures", []string{"1: panic: handler"}, failed(r.Deliver(t.Context(), messages("1", "2"))))
}

func TestBulkheadNeedsAMaximum(t *testing.T) {
	want(t, "panic", "handlers: Bulkhead.Max is 0: set it to how many may run at once", mustPanic(t, func() { (&handlers.Bulkhead{}).Wrap(nil) }))
}
