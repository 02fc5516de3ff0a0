package eventfx_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/delivery"
)

// Rule C5.7: when the deadline is near, what was not attempted goes back.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := &eventfx.Router{}
		eventfx.On(r, orders{}, func(ctx context.Context, e eventfx.Event[string]) error {
			j.add("%s at %v", e.Data, time.Since(begin))
			select {
			case <-time.After(4 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		failures := r.Deliver(ctx, messages("1", "2", "3", "4"))
		if diff := cmp.Diff([]string{"1 at 0s", "2 at 4s", "3 at 8s"}, j.all()); diff != "" {
			t.Error(diff)
		}
		want := []string{"3: context deadline exceeded", "4: eventfx: message not finished"}
		if diff := cmp.Diff(want, failed(failures)); diff != "" {
			t.Error(diff)
		}
		if !errors.Is(failures[1].Err, eventfx.ErrUnfinished) {
			t.Error("what never ran is not ErrUnfinished")
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("Deliver took %v, want 10s", took)
		}
	})
}

// Nothing new starts when the context is done, within a group either.
func TestNothingNewStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := &eventfx.Router{}
		eventfx.On(r, orders{}, func(ctx context.Context, e eventfx.Event[string]) error {
			j.add("%s", e.Data)
			<-ctx.Done()
			return nil
		})
		failures := r.Deliver(ctx, append(inGroup("g", "1", "2"), messages("3")...))
		if diff := cmp.Diff([]string{"1"}, j.all()); diff != "" {
			t.Error(diff)
		}
		want := []string{"2: eventfx: message not finished", "3: eventfx: message not finished"}
		if diff := cmp.Diff(want, failed(failures)); diff != "" {
			t.Error(diff)
		}
	})
}

// Running out of deadline is never exhaustion: the message goes back.
func TestDeadlineIsNotExhaustion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bin
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := &eventfx.Router{DeadLetter: b.keep, Retry: eventfx.Retry{Deliveries: 1}}
		eventfx.On(r, orders{}, func(ctx context.Context, _ eventfx.Event[string]) error {
			<-ctx.Done()
			return ctx.Err()
		})
		failures := r.Deliver(ctx, messages("1"))
		if diff := cmp.Diff([]string{"1: context deadline exceeded"}, failed(failures)); diff != "" || b.story() != nil {
			t.Errorf("dead letters %v (-want +got):\n%s", b.story(), diff)
		}
	})
}

// A handler that ignores its context delays Deliver by the grace alone.
func TestGrace(t *testing.T) {
	tests := []struct {
		name  string
		grace time.Duration
		limit time.Duration // of the host
		want  time.Duration
	}{
		{name: "default", want: 250 * time.Millisecond},
		{name: "longer", grace: 2 * time.Second, want: 2 * time.Second},
		{name: "shortened by the host", grace: 2 * time.Second, limit: 50 * time.Millisecond, want: 50 * time.Millisecond},
		{name: "not lengthened by the host", limit: time.Hour, want: 250 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if tt.limit != 0 {
					ctx = delivery.WithGrace(ctx, tt.limit)
				}
				r := &eventfx.Router{Grace: tt.grace}
				end := make(chan struct{})
				defer close(end)
				eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error {
					<-end
					return nil
				})
				failures := r.Deliver(ctx, messages("1", "2"))
				if took := time.Since(begin); took != time.Second+tt.want {
					t.Errorf("Deliver took %v, want 1s and the grace of %v", took, tt.want)
				}
				want := []string{"1: eventfx: message not finished", "2: eventfx: message not finished"}
				if diff := cmp.Diff(want, failed(failures)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// What comes after Deliver has returned is refused: no success, no dead
// letter, no commit.
func TestLateResults(t *testing.T) {
	for _, late := range []error{nil, errBroken, eventfx.Permanent(errBroken)} {
		synctest.Test(t, func(t *testing.T) {
			var b bin
			var committed []error
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r := &eventfx.Router{DeadLetter: b.keep, Retry: eventfx.Retry{Attempts: 3, Deliveries: 1}}
			r.Once = func(next eventfx.Handler) eventfx.Handler {
				return func(ctx context.Context, d *eventfx.Delivery) error {
					err := next(ctx, d)
					committed = append(committed, err)
					return err
				}
			}
			runs := 0
			eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error {
				runs++
				time.Sleep(time.Minute)
				return late
			})
			if got := len(r.Deliver(ctx, messages("1"))); got != 1 {
				t.Errorf("%d failures, want 1", got)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if runs != 1 || b.story() != nil {
				t.Errorf("%d runs, dead letters %v", runs, b.story())
			}
			if len(committed) != 1 || !errors.Is(committed[0], eventfx.ErrUnfinished) {
				t.Errorf("the Once saw %v, want ErrUnfinished", committed)
			}
		})
	}
}

// Waiting for a retry ends with the context.
func TestCancelEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 2, Delay: func(int, error) time.Duration { return time.Hour }}}
		eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { return errBroken })
		failures := r.Deliver(ctx, messages("1", "2"))
		if diff := cmp.Diff([]string{"1: broken", "2: broken"}, failed(failures)); diff != "" {
			t.Error(diff)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("Deliver took %v, want 1s", took)
		}
	})
}

func TestDoneBeforeTheStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &eventfx.Router{Concurrency: 4}
	eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error {
		t.Error("it ran")
		return nil
	})
	if got := len(r.Deliver(ctx, append(messages("1", "2"), inGroup("g", "3", "4")...))); got != 4 {
		t.Errorf("%d failures, want 4", got)
	}
}
