package eventfx_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

// runTimes delivers one message whose handler always fails, and returns when
// its runs began.
func runTimes(t *testing.T, r *eventfx.Router, ctx context.Context, err error) (starts []time.Duration, failures []eventfx.Failure) {
	t.Helper()
	begin := time.Now()
	eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error {
		starts = append(starts, time.Since(begin))
		return err
	})
	failures = r.Deliver(ctx, messages("1"))
	return starts, failures
}

func TestRetryDelays(t *testing.T) {
	t.Run("jitter", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			retry := eventfx.Retry{Attempts: 8, Base: time.Second, Max: 10 * time.Second}
			starts, _ := runTimes(t, &eventfx.Router{Retry: retry}, t.Context(), errBroken)
			again, _ := runTimes(t, &eventfx.Router{Retry: retry}, t.Context(), errBroken)
			if diff := cmp.Diff(starts, again); diff != "" {
				t.Errorf("the same delivery waited otherwise: it cannot be repeated exactly:\n%s", diff)
			}
			if len(starts) != 8 {
				t.Fatalf("%d runs, want 8", len(starts))
			}
			for n := 1; n < len(starts); n++ {
				ceiling := min(time.Second<<(n-1), 10*time.Second)
				if d := starts[n] - starts[n-1]; d < 0 || d > ceiling {
					t.Errorf("delay %d is %v, want within %v", n, d, ceiling)
				}
			}
		})
	})
	t.Run("messages spread", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			seen := map[time.Duration]bool{}
			begin := time.Now()
			r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 2, Base: time.Second}, Concurrency: 100}
			second := make(chan time.Duration, 100)
			runs := make(chan string, 200)
			eventfx.On(r, orders{}, func(_ context.Context, e eventfx.Event[string]) error {
				if time.Since(begin) > 0 {
					second <- time.Since(begin)
				}
				runs <- e.Data
				return errBroken
			})
			var ids []string
			for i := range 100 {
				ids = append(ids, fmt.Sprint(i))
			}
			r.Deliver(t.Context(), messages(ids...))
			close(second)
			for d := range second {
				seen[d] = true
			}
			if len(seen) < 95 {
				t.Errorf("100 messages came back at %d times: they would meet again", len(seen))
			}
		})
	})
	t.Run("never overflows", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			retry := eventfx.Retry{Attempts: 200, Base: time.Hour, Max: math.MaxInt64}
			ctx, cancel := context.WithTimeout(t.Context(), 10*365*24*time.Hour)
			defer cancel()
			starts, _ := runTimes(t, &eventfx.Router{Retry: retry}, ctx, errBroken)
			for n := 1; n < len(starts); n++ {
				if starts[n] < starts[n-1] {
					t.Errorf("run %d is before run %d", n, n-1)
				}
			}
		})
	})
	t.Run("own delays, once for each failed run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			retry := eventfx.Retry{Attempts: 4, Delay: func(n int, err error) time.Duration {
				calls++
				if !errors.Is(err, errBroken) {
					t.Errorf("the delay is asked for %v", err)
				}
				return time.Duration(n) * time.Second
			}}
			starts, _ := runTimes(t, &eventfx.Router{Retry: retry}, t.Context(), errBroken)
			if diff := cmp.Diff([]time.Duration{0, 1e9, 3e9, 6e9}, starts); diff != "" || calls != 3 {
				t.Errorf("%d calls of Delay, want 3 (-want +got):\n%s", calls, diff)
			}
		})
	})
	t.Run("asked by the error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			starts, failures := runTimes(t, &eventfx.Router{Retry: eventfx.Retry{Attempts: 2}}, t.Context(), eventfx.RetryAfter(errBroken, time.Minute))
			if diff := cmp.Diff([]time.Duration{0, time.Minute}, starts); diff != "" {
				t.Error(diff)
			}
			if failures[0].After != time.Minute {
				t.Errorf("the source is asked for %v, want a minute", failures[0].After)
			}
		})
	})
	t.Run("negative", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			starts, _ := runTimes(t, &eventfx.Router{Retry: eventfx.Retry{Attempts: 3}}, t.Context(), eventfx.RetryAfter(errBroken, -time.Minute))
			if diff := cmp.Diff([]time.Duration{0, 0, 0}, starts); diff != "" {
				t.Error(diff)
			}
		})
	})
}

func TestRetryIf(t *testing.T) {
	r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 3, If: func(err error) bool { return !errors.Is(err, errBroken) }}}
	starts, failures := runTimes(t, r, t.Context(), errBroken)
	if len(starts) != 1 || len(failures) != 1 {
		t.Errorf("%d runs and %d failures, want 1 and 1", len(starts), len(failures))
	}
}

func TestRetryOfOneRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 5}}
		eventfx.On(r, orders{}, j.script(map[string]func(context.Context) error{"1": always(errBroken)}), eventfx.Retry{Attempts: 2})
		r.Deliver(t.Context(), messages("1"))
		if got := len(j.all()); got != 2 {
			t.Errorf("%d runs, want the route's 2", got)
		}
	})
}

// A run is only started when its delay fits the deadline, and running out of
// deadline is never exhaustion.
func TestRetryFitsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bin
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := &eventfx.Router{DeadLetter: b.keep, Retry: eventfx.Retry{Attempts: 3, Deliveries: 1}}
		begin := time.Now()
		starts, failures := runTimes(t, r, ctx, eventfx.RetryAfter(errBroken, 6*time.Second))
		if diff := cmp.Diff([]time.Duration{0, 6 * time.Second}, starts); diff != "" {
			t.Error(diff)
		}
		if took := time.Since(begin); took != 6*time.Second {
			t.Errorf("Deliver took %v: it waited for a delay that does not fit", took)
		}
		if diff := cmp.Diff([]string{"1: broken (after 6s)"}, failed(failures)); diff != "" {
			t.Error(diff)
		}
		if b.story() != nil {
			t.Errorf("dead for want of time: %v", b.story())
		}
	})
}

// A message that waits for its retry does not keep others from running, also
// when they run one after the other.
func TestWaitingFreesTheSlot(t *testing.T) {
	for _, concurrency := range []int{0, 1, 3} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				begin := time.Now()
				running, most := 0, 0
				r := &eventfx.Router{Concurrency: concurrency, Retry: eventfx.Retry{Attempts: 2, Delay: func(int, error) time.Duration { return time.Minute }}}
				fails := times(1, errBroken)
				guard := make(chan struct{}, 1)
				eventfx.On(r, orders{}, func(ctx context.Context, e eventfx.Event[string]) error {
					guard <- struct{}{}
					running++
					most = max(most, running)
					<-guard
					j.add("%s at %v", e.Data, time.Since(begin))
					time.Sleep(time.Second)
					guard <- struct{}{}
					running--
					<-guard
					if e.Data == "1" {
						return fails(ctx)
					}
					return nil
				})
				if failures := r.Deliver(t.Context(), messages("1", "2", "3")); failures != nil {
					t.Error(failed(failures))
				}
				if limit := max(1, concurrency); most > limit {
					t.Errorf("%d ran at once, want at most %d", most, limit)
				}
				lines := j.all()
				if got, want := lines[len(lines)-1], "1 at 1m1s"; got != want {
					t.Errorf("the last run is %q, want %q", got, want)
				}
				if concurrency < 3 {
					if diff := cmp.Diff([]string{"1 at 0s", "2 at 1s", "3 at 2s", "1 at 1m1s"}, lines); diff != "" {
						t.Error(diff)
					}
				}
			})
		})
	}
}

// When the retry is due while another message runs, it waits for its slot.
func TestRetryWaitsForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		begin := time.Now()
		fails := times(1, errBroken)
		r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 2, Delay: func(int, error) time.Duration { return time.Second }}}
		eventfx.On(r, orders{}, func(ctx context.Context, e eventfx.Event[string]) error {
			j.add("%s at %v", e.Data, time.Since(begin))
			if e.Data == "1" {
				return fails(ctx)
			}
			time.Sleep(5 * time.Second)
			return nil
		})
		r.Deliver(t.Context(), messages("1", "2", "3"))
		if diff := cmp.Diff([]string{"1 at 0s", "2 at 0s", "1 at 5s", "3 at 5s"}, j.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var j journal
		r := &eventfx.Router{Timeout: eventfx.Timeout(time.Second), Retry: eventfx.Retry{Attempts: 2, Delay: func(int, error) time.Duration { return 0 }}}
		eventfx.On(r, orders{}, func(ctx context.Context, e eventfx.Event[string]) error {
			j.add("begin at %v", time.Since(begin))
			<-ctx.Done()
			time.Sleep(time.Second) // it is waited for: it never runs beside its retry
			j.add("end at %v", time.Since(begin))
			return ctx.Err()
		})
		failures := r.Deliver(t.Context(), messages("1"))
		if diff := cmp.Diff([]string{"1: context deadline exceeded"}, failed(failures)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"begin at 0s", "end at 2s", "begin at 2s", "end at 4s"}, j.all()); diff != "" {
			t.Error(diff)
		}
	})
}
