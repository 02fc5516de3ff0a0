package eventfx_test

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Rule H8.4: the policy of a router (recover, retry, timeouts of the host, the
// bookkeeping of failures) adds less than a microsecond to a message that
// succeeds, against a loop that calls the handler. A call of Deliver costs one
// more: the goroutine that lets it return in time.
//
// The two run in turns, and the best of many short rounds counts: what else the
// machine does makes rounds longer and never shorter.
func TestPolicyIsCheap(t *testing.T) {
	slow := time.Duration(1)
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		slow = 50 // the detector watches every access
	}
	tests := []struct {
		name   string
		size   int // messages in one call of Deliver
		most   time.Duration
		router eventfx.Router
	}{
		{"the zero Router", 100, time.Microsecond, eventfx.Router{}},
		{"three attempts, so that handlers get copies", 100, time.Microsecond, eventfx.Router{Retry: eventfx.Retry{Attempts: 3}}},
		{"a dead letter, too", 100, time.Microsecond, eventfx.Router{Retry: eventfx.Retry{Attempts: 3}, DeadLetter: new(bin).keep}},
		{"one message", 1, 3 * time.Microsecond, eventfx.Router{Retry: eventfx.Retry{Attempts: 3}, DeadLetter: new(bin).keep}},
		{"ten messages", 10, time.Microsecond, eventfx.Router{Retry: eventfx.Retry{Attempts: 3}, DeadLetter: new(bin).keep}},
	}
	var all []*eventfx.Message
	for i := range 100 {
		m := message(fmt.Sprint(i))
		m.SetSubject("subject")
		m.SetTime(time.Unix(1e9, 0))
		m.SetDataContentType("application/json")
		m.SetExtension("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		m.Origin = eventfx.Origin{ID: m.ID(), Name: "orders", Receives: 1, Attributes: map[string]string{"AWSTraceHeader": "Root=1"}}
		all = append(all, m)
	}
	ran := 0
	handle := func(context.Context, eventfx.Event[[]byte]) error { ran++; return nil }
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			eventfx.On(&tt.router, raw{}, handle)
			ms, size := all[:tt.size], time.Duration(tt.size)
			bare := func() {
				for _, m := range ms {
					data, err := raw{}.Decode(m)
					if err == nil {
						err = handle(ctx, eventfx.Event[[]byte]{Message: m, Data: data})
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
			policy := func() {
				if failures := tt.router.Deliver(ctx, ms); failures != nil {
					t.Error(failed(failures))
				}
			}
			rounds := 2000
			if slow > 1 {
				rounds = 100
			}
			var bares, policies, added []time.Duration
			for range rounds {
				a, b := timed(bare), timed(policy)
				bares, policies, added = append(bares, a), append(policies, b), append(added, b-a)
			}
			slices.Sort(added)
			best := slices.Min(policies) - slices.Min(bares)
			t.Logf("a message: bare %v, policy %v, added %v (median %v), allocations %.1f",
				slices.Min(bares)/size, slices.Min(policies)/size, best/size, added[len(added)/2]/size, testing.AllocsPerRun(20, policy)/float64(tt.size))
			if best/size >= tt.most*slow {
				t.Errorf("the policy adds %v to a message, want under %v", best/size, tt.most*slow)
			}
		})
	}
	if ran == 0 {
		t.Error("nothing ran")
	}
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
