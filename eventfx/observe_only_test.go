package eventfx_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/delivery"
)

// Rule H8.3: observers only observe. Whatever they do to what they get and
// whatever they return, each message has the runs, at the times, and the end
// that it has without them.
func TestObserversOnlyObserve(t *testing.T) {
	type hooks struct {
		begin func(context.Context) context.Context
		end   func()
		spoil func([]*eventfx.Message, *eventfx.Delivery)
	}
	same := func(ctx context.Context) context.Context { return ctx }
	nothing := func() {}
	leave := func([]*eventfx.Message, *eventfx.Delivery) {}
	tests := []struct {
		name string
		hooks
	}{
		{"panics at the begin", hooks{func(context.Context) context.Context { panic("observer") }, nothing, leave}},
		{"panics at the end", hooks{same, func() { panic("observer") }, leave}},
		{"returns a context that is done", hooks{func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}, nothing, leave}},
		{"returns a context with a deadline", hooks{func(ctx context.Context) context.Context {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			time.AfterFunc(time.Hour, cancel)
			return ctx
		}, nothing, leave}},
		{"returns a context that never ends", hooks{context.WithoutCancel, nothing, leave}},
		{"returns another context", hooks{func(context.Context) context.Context { return context.Background() }, nothing, leave}},
		{"changes what it gets", hooks{same, nothing, func(ms []*eventfx.Message, d *eventfx.Delivery) {
			slices.Reverse(ms)
			clear(ms)
			if d != nil {
				clear(d.Messages)
				*d = eventfx.Delivery{Route: "spoilt"}
			}
		}}},
	}
	run := func(observer eventfx.Observer) (lines []string) {
		synctest.Test(t, func(t *testing.T) {
			var j journal
			var kept bin
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			ctx = delivery.WithGrace(ctx, 10*time.Millisecond)
			r := &eventfx.Router{
				Observer: observer, DeadLetter: kept.keep, Concurrency: 20, Timeout: eventfx.Timeout(2 * time.Second),
				Retry: eventfx.Retry{Attempts: 3, Deliveries: 1, Delay: func(int, error) time.Duration { return 4 * time.Second }},
				Once:  func(next eventfx.Handler) eventfx.Handler { return next },
			}
			eventfx.On(r, orders{"order"}, func(ctx context.Context, e eventfx.Event[string]) error {
				deadline, _ := ctx.Deadline()
				j.add("%s at %v until %v, %s", e.Data, time.Since(begin), deadline.Sub(begin), eventfx.FromContext(ctx).ID())
				switch e.Data {
				case "fails":
					return errBroken
				case "panics":
					panic("handler")
				case "poison":
					return eventfx.Permanent(errBroken)
				case "slow":
					<-ctx.Done()
					return ctx.Err()
				case "waits":
					return eventfx.RetryAfter(errBroken, 20*time.Second)
				}
				return nil
			})
			eventfx.OnBatch(r, orders{"other"}, func(_ context.Context, b *eventfx.Batch[string]) error {
				j.add("batch of %d at %v", b.Len(), time.Since(begin))
				for e := range b.All() {
					if e.Data == "b2" {
						b.Fail(e, errBroken)
					}
				}
				return nil
			})
			ms := messages("good", "fails", "panics", "poison", "slow", "waits")
			ms = append(ms, inGroup("g", "g1", "poison", "g3", "fails", "g5")...)
			ms = append(ms, other("", "b1"), other("", "b2"), message("no route"))
			ms[len(ms)-1].SetType("unknown")
			failures := r.Deliver(ctx, ms)
			j.add("took %v", time.Since(begin))
			lines = slices.Sorted(slices.Values(slices.Concat(j.all(), failed(failures), kept.story())))
		})
		return lines
	}
	want := run(eventfx.Observer{Message: func(context.Context, string, *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
		return nil, nil
	}})
	if len(want) < 30 {
		t.Fatalf("too little happened: %q", want)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(eventfx.Observer{
				Batch: func(ctx context.Context, ms []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
					tt.spoil(ms, nil)
					return tt.begin(ctx), func([]eventfx.Failure) { tt.end() }
				},
				Message: func(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
					return tt.begin(ctx), func(error, *eventfx.Dead) { tt.end() }
				},
				Attempt: func(ctx context.Context, d *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
					tt.spoil(d.Messages, d)
					return tt.begin(ctx), func(error, time.Duration) { tt.end() }
				},
			})
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-without +with the observer:\n%s", d)
			}
		})
	}
}

// What an observer puts into the context reaches the handler, over what was
// there before.
func TestObserversGiveValues(t *testing.T) {
	level := func(ctx context.Context) string { return fmt.Sprint(ctx.Value(key("span"))) }
	span := func(ctx context.Context, name string) context.Context {
		return context.WithValue(ctx, key("span"), level(ctx)+" > "+name)
	}
	r := &eventfx.Router{Observer: eventfx.Observer{
		Batch: func(ctx context.Context, _ []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
			return span(ctx, "batch"), nil
		},
		Message: func(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
			return span(ctx, "message"), nil
		},
		Attempt: func(ctx context.Context, _ *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
			return span(ctx, "attempt"), nil
		},
	}}
	got := ""
	eventfx.On(r, orders{}, func(ctx context.Context, _ eventfx.Event[string]) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		got = level(ctx)
		return nil
	})
	r.Deliver(context.WithValue(t.Context(), key("span"), "host"), messages("1"))
	if want := "host > batch > message > attempt"; got != want {
		t.Errorf("the handler sees %q, want %q", got, want)
	}
}
