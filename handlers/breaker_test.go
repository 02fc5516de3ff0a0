package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

// bench is a route behind a breaker, and what happened to it.
type bench struct {
	router *eventfx.Router
	begin  time.Time
	runs   []string
	answer func(id string) error
}

func newBench(b *handlers.Breaker, retry eventfx.Retry) *bench {
	s := &bench{begin: time.Now(), answer: func(string) error { return nil }}
	s.router = &eventfx.Router{Retry: retry, Use: []eventfx.Middleware{b.Wrap}}
	eventfx.On(s.router, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		s.runs = append(s.runs, fmt.Sprint(e.Data, " ", time.Since(s.begin)))
		return s.answer(e.Data)
	})
	return s
}

func (s *bench) deliver(t *testing.T, ids ...string) []string {
	return failed(s.router.Deliver(t.Context(), messages(ids...)))
}

func always(err error) func(string) error { return func(string) error { return err } }

func TestBreakerOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		s := newBench(&handlers.Breaker{Name: "payments", Failures: 2, Open: 10 * time.Second, Changed: func(from, to string) {
			changes = append(changes, from+" > "+to)
		}}, eventfx.Retry{})
		s.answer = always(errBroken)
		want(t, "while it opens", []string{
			"1: broken", "2: broken",
			"3: handlers: the breaker is open: payments: eventfx: message not finished (after 10.001s)",
		}, s.deliver(t, "1", "2", "3"))
		time.Sleep(4 * time.Second)
		want(t, "later", []string{"4: handlers: the breaker is open: payments: eventfx: message not finished (after 6.001s)"}, s.deliver(t, "4"))
		time.Sleep(6001 * time.Millisecond)
		want(t, "the probe, and behind it", []string{
			"5: broken", "6: handlers: the breaker is open: payments: eventfx: message not finished (after 10.001s)",
		}, s.deliver(t, "5", "6"))
		time.Sleep(10001 * time.Millisecond)
		s.answer = always(nil)
		want(t, "when it is back", []string(nil), s.deliver(t, "7", "8"))
		want(t, "runs", []string{"1 0s", "2 0s", "5 10.001s", "7 20.002s", "8 20.002s"}, s.runs)
		want(t, "changes", []string{"closed > open", "open > half-open", "half-open > open", "open > half-open", "half-open > closed"}, changes)
	})
}

// An open breaker's error does not burn the attempts of this process at once:
// the delay is kept, and then the message runs. One whose deadline leaves no
// room for it goes back without another run, and is not dead of it.
func TestBreakerIsNotSpunOn(t *testing.T) {
	for _, deadline := range []time.Duration{time.Minute, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := &handlers.Breaker{Failures: 1, Open: 30 * time.Second}
			s := newBench(b, eventfx.Retry{Attempts: 3, Deliveries: 1, Delay: func(int, error) time.Duration { return 0 }})
			refused := 0
			s.router.Use = append([]eventfx.Middleware{func(next eventfx.Handler) eventfx.Handler {
				return func(ctx context.Context, d *eventfx.Delivery) error {
					err := next(ctx, d)
					if errors.Is(err, handlers.ErrOpen) {
						refused++
					}
					return err
				}
			}}, s.router.Use...)
			s.router.DeadLetter = func(_ context.Context, d *eventfx.Dead) error {
				t.Errorf("%s is dead: %v", d.Message.ID(), d.Err)
				return nil
			}
			fail := true
			s.answer = func(string) error {
				if fail {
					fail = false
					return errBroken
				}
				return nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			m := message("1")
			m.Origin.Receives = 50
			failures := failed(s.router.Deliver(ctx, []*eventfx.Message{m}))
			if deadline == time.Minute {
				want(t, "runs", []string{"1 0s", "1 30.001s"}, s.runs)
				want(t, "failures", []string(nil), failures)
			} else {
				want(t, "runs", []string{"1 0s"}, s.runs)
				want(t, "failures", []string{"1: handlers: the breaker is open: eventfx: message not finished (after 30.001s)"}, failures)
			}
			if refused != 1 {
				t.Errorf("turned away %d times, want once", refused)
			}
		})
	}
}

func TestWhatBreakersCount(t *testing.T) {
	tests := []struct {
		name, reason string
		breaker      handlers.Breaker
		answers      []error // of messages one after the other
		open         bool
	}{
		{"failures in a row", "they speak against the dependency", handlers.Breaker{Failures: 3}, []error{errBroken, errBroken, errBroken}, true},
		{"a success between", "the row is broken", handlers.Breaker{Failures: 3}, []error{errBroken, errBroken, nil, errBroken}, false},
		{"permanent errors", "the message is bad, not the dependency", handlers.Breaker{Failures: 3}, []error{eventfx.Permanent(errBroken), eventfx.Permanent(errBroken), eventfx.Permanent(errBroken)}, false},
		{"a permanent error between", "it does not speak for the dependency either", handlers.Breaker{Failures: 2}, []error{errBroken, eventfx.Permanent(errBroken), errBroken}, true},
		{"turned away inside", "an inner limit says nothing about the dependency", handlers.Breaker{Failures: 1}, []error{eventfx.ErrUnfinished}, false},
		{"cancelled", "the host stops", handlers.Breaker{Failures: 1}, []error{fmt.Errorf("call: %w", context.Canceled)}, false},
		{"too slow", "a time-out is a failure", handlers.Breaker{Failures: 1}, []error{context.DeadlineExceeded}, true},
		{"of one's own choice", "IsFailure decides", handlers.Breaker{Failures: 1, IsFailure: func(err error) bool { return !errors.Is(err, errBroken) }}, []error{errBroken, errBroken}, false},
		{"five", "the default", handlers.Breaker{}, []error{errBroken, errBroken, errBroken, errBroken}, false},
		{"five in full", "the default", handlers.Breaker{}, []error{errBroken, errBroken, errBroken, errBroken, errBroken}, true},
		{"a panic", "nobody knows why", handlers.Breaker{Failures: 1}, []error{&eventfx.PanicError{}}, true},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			s := newBench(&tt.breaker, eventfx.Retry{})
			for _, err := range tt.answers {
				s.answer = func(string) error {
					if _, ok := err.(*eventfx.PanicError); ok {
						panic("handler")
					}
					return err
				}
				s.deliver(t, "x")
			}
			s.answer = always(nil)
			if open := s.deliver(t, "last") != nil; open != tt.open {
				t.Errorf("open %v, want %v: %s", open, tt.open, tt.reason)
			}
		})
	}
}

// A probe that says nothing, good or bad, leaves its place to the next.
func TestProbeThatCountsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBench(&handlers.Breaker{Failures: 1, Open: time.Second}, eventfx.Retry{})
		s.answer = always(errBroken)
		s.deliver(t, "1")
		time.Sleep(2 * time.Second)
		s.answer = always(eventfx.Permanent(errBroken))
		want(t, "bad messages", []string{"2: broken", "3: broken"}, s.deliver(t, "2", "3"))
		s.answer = always(nil)
		want(t, "a good one", []string(nil), s.deliver(t, "4", "5"))
	})
}

// While one probe runs, others are asked to come soon.
func TestProbesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &handlers.Breaker{Failures: 1, Open: 10 * time.Second}
		s := newBench(b, eventfx.Retry{})
		s.router.Concurrency = 3
		s.answer = always(errBroken)
		s.deliver(t, "1")
		time.Sleep(11 * time.Second)
		s.answer = func(string) error { time.Sleep(time.Second); return nil }
		if got := s.deliver(t, "2", "3", "4"); len(got) != 2 || got[0][3:] != "handlers: the breaker is open: eventfx: message not finished (after 1s)" {
			t.Errorf("failures: %q", got)
		}
	})
}

// A batch counts once.
func TestBreakerOfABatch(t *testing.T) {
	tests := []struct {
		reason string
		errs   map[string]error
		open   bool
	}{
		{"one is a failure", map[string]error{"b": errBroken}, true},
		{"the permanent one is none", map[string]error{"b": eventfx.Permanent(errBroken)}, false},
		{"one of each", map[string]error{"a": eventfx.Permanent(errBroken), "b": errBroken}, true},
	}
	for _, tt := range tests {
		b := &handlers.Breaker{Failures: 1}
		r := &eventfx.Router{Use: []eventfx.Middleware{b.Wrap}}
		eventfx.OnBatch(r, text{}, func(_ context.Context, b *eventfx.Batch[string]) error {
			for e := range b.All() {
				if err := tt.errs[e.Data]; err != nil {
					b.Fail(e, err)
				}
			}
			return nil
		})
		r.Deliver(t.Context(), messages("a", "b", "c"))
		if open := r.Deliver(t.Context(), messages("d")) != nil; open != tt.open {
			t.Errorf("open %v, want %v: %s", open, tt.open, tt.reason)
		}
	}
}
