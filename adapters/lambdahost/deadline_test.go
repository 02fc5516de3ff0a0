package lambdahost_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// TestDeadline takes batches of four messages: the first is done at once, the
// second takes what time there is, and nothing is left for the others.
func TestDeadline(t *testing.T) {
	tests := []struct {
		name    string
		timeout time.Duration
		grace   time.Duration // Router.Grace
		ignores bool          // the handler ignores its context
		want    time.Duration // when the answer is there
		reason  string
	}{
		{name: "long", timeout: 15 * time.Minute, want: 15*time.Minute - 500*time.Millisecond, reason: "the margin is 500 ms"},
		{name: "long, ignores", timeout: 15 * time.Minute, ignores: true, want: 15*time.Minute - 250*time.Millisecond, reason: "half of the margin is grace"},
		{name: "long, ignores, patient router", timeout: 15 * time.Minute, ignores: true, grace: time.Hour, want: 15*time.Minute - 250*time.Millisecond, reason: "the grace stays inside the margin"},
		{name: "long, ignores, hasty router", timeout: 15 * time.Minute, ignores: true, grace: time.Millisecond, want: 15*time.Minute - 499*time.Millisecond, reason: "the router's own grace is shorter"},
		{name: "one second", timeout: time.Second, want: 900 * time.Millisecond, reason: "the margin is a tenth"},
		{name: "one second, ignores", timeout: time.Second, ignores: true, want: 950 * time.Millisecond, reason: "half of the margin is grace"},
		{name: "one second, ignores, patient router", timeout: time.Second, ignores: true, grace: time.Hour, want: 950 * time.Millisecond, reason: "the answer has to be written"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Rule G1, Rule C5.7
				end := make(chan struct{})
				defer close(end)
				r := router(func(ctx context.Context, e eventfx.Event[string]) error {
					switch e.Data {
					case "done":
						return nil
					case "long":
						if tt.ignores {
							<-end
							return nil
						}
						<-ctx.Done()
						return ctx.Err()
					}
					t.Errorf("%s was started after its time", e.Data)
					return nil
				})
				r.Grace = tt.grace
				ctx := within(t, tt.timeout)
				began := time.Now()
				answer, err := lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true}).Invoke(ctx, sqs("done", "long", "late", "later"))
				if err != nil {
					t.Fatal(err)
				}
				if got := time.Since(began); got != tt.want {
					t.Errorf("the answer is there after %v, want %v: %s", got, tt.want, tt.reason)
				}
				if diff := cmp.Diff([]string{"m-1", "m-2", "m-3"}, listed(t, answer)); diff != "" {
					t.Errorf("failures (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestUnfinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Rule C5.7
		r := router(func(ctx context.Context, _ eventfx.Event[string]) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			return nil
		})
		_, err := lambdahost.Handler(r, nil).Invoke(within(t, time.Second), sqs("a", "b"))
		unfinished, ok := errors.AsType[*lambdahost.UnfinishedMessagesError](err)
		if !ok || len(unfinished.Failures) != 2 || !errors.Is(unfinished.Cause, context.DeadlineExceeded) {
			t.Fatalf("error %#v, want both messages unfinished for lack of time", err)
		}
		if want := "2 of 2 messages from sqs were not finished: orders/m-0: "; !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
		time.Sleep(time.Minute) // the handlers end
	})
}

func TestNoDeadline(t *testing.T) {
	r := router(func(ctx context.Context, _ eventfx.Event[string]) error {
		if deadline, ok := ctx.Deadline(); ok {
			t.Errorf("the deadline is %v, want none", deadline)
		}
		return nil
	})
	if _, err := lambdahost.Handler(r, nil).Invoke(t.Context(), sqs("a")); err != nil {
		t.Error(err)
	}
}
