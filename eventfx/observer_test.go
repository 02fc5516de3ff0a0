package eventfx_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

type key string

// noting returns an observer that notes all it is told, and derives contexts.
func noting(j *journal) eventfx.Observer {
	return eventfx.Observer{
		Batch: func(ctx context.Context, ms []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
			j.add("batch of %d", len(ms))
			return context.WithValue(ctx, key("batch"), true), func(fs []eventfx.Failure) { j.add("batch: %d failed", len(fs)) }
		},
		Message: func(ctx context.Context, route string, m *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
			j.add("message %s on %q, in batch %v", m.ID(), route, ctx.Value(key("batch")))
			return context.WithValue(ctx, key("message"), m.ID()), func(err error, d *eventfx.Dead) {
				j.add("message %s: %v, dead %v", m.ID(), err, d != nil)
			}
		},
		Attempt: func(ctx context.Context, d *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
			j.add("attempt %d in message %v", d.Attempt, ctx.Value(key("message")))
			return context.WithValue(ctx, key("attempt"), d.Attempt), func(err error, in time.Duration) {
				j.add("attempt %d: %v, again in %v", d.Attempt, err, in)
			}
		},
	}
}

func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var b bin
		r := &eventfx.Router{
			Observer:   noting(&j),
			DeadLetter: b.keep,
			Retry:      eventfx.Retry{Attempts: 2, Delay: func(int, error) time.Duration { return time.Second }},
		}
		eventfx.On(r, orders{"order"}, func(ctx context.Context, e eventfx.Event[string]) error {
			if ctx.Value(key("batch")) != true || ctx.Value(key("message")) != e.Data || ctx.Value(key("attempt")) == nil {
				t.Error("the observer's contexts did not reach the handler")
			}
			switch e.Data {
			case "2":
				return errBroken
			case "3":
				return eventfx.Permanent(errBroken)
			}
			return nil
		})
		for _, m := range messages("1", "2", "3", "4") {
			if m.ID() == "4" {
				m.SetType("unknown")
			}
			j.add("--")
			r.Deliver(t.Context(), []*eventfx.Message{m})
		}
		want := []string{
			"--", "batch of 1", `message 1 on "orders order", in batch true`,
			"attempt 1 in message 1", "attempt 1: <nil>, again in -1ns",
			"message 1: <nil>, dead false", "batch: 0 failed",
			"--", "batch of 1", `message 2 on "orders order", in batch true`,
			"attempt 1 in message 2", "attempt 1: broken, again in 1s",
			"attempt 2 in message 2", "attempt 2: broken, again in -1ns",
			"message 2: broken, dead false", "batch: 1 failed",
			"--", "batch of 1", `message 3 on "orders order", in batch true`,
			"attempt 1 in message 3", "attempt 1: broken, again in -1ns",
			"message 3: broken, dead true", "batch: 0 failed",
			"--", "batch of 1", `message 4 on "", in batch true`,
			"message 4: eventfx: no route for the message, dead true", "batch: 0 failed",
		}
		if diff := cmp.Diff(want, j.all()); diff != "" {
			t.Error(diff)
		}
	})
}

// The end of a message is told once, also when its handler outlives Deliver
// and when it stood behind a dead message of its group.
func TestObserverEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var b bin
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := &eventfx.Router{DeadLetter: b.keep}
		r.Observer.Message = noting(&j).Message
		eventfx.OnBatch(r, orders{"order"}, func(_ context.Context, batch *eventfx.Batch[string]) error {
			for e := range batch.All() {
				if e.Data == "1" {
					batch.Fail(e, eventfx.Permanent(errBroken))
				}
			}
			return nil
		})
		eventfx.On(r, orders{"other"}, func(context.Context, eventfx.Event[string]) error {
			time.Sleep(time.Hour)
			return nil
		})
		r.Deliver(ctx, append(inGroup("g", "1", "2"), other("", "late"), other("", "unstarted")))
		time.Sleep(2 * time.Hour)
		want := []string{
			`message 1 on "orders order", in batch <nil>`,
			`message 2 on "orders order", in batch <nil>`,
			"message 1: broken, dead true",
			"message 2: <nil>, dead false",
			`message late on "orders other", in batch <nil>`,
			"message late: eventfx: message not finished, dead false",
		}
		if diff := cmp.Diff(want, j.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestObserverMayReturnNil(t *testing.T) {
	r := &eventfx.Router{Observer: eventfx.Observer{
		Batch: func(context.Context, []*eventfx.Message) (context.Context, func([]eventfx.Failure)) { return nil, nil },
		Message: func(context.Context, string, *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
			return nil, nil
		},
		Attempt: func(context.Context, *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
			return nil, nil
		},
	}}
	eventfx.On(r, orders{}, nop)
	if failures := r.Deliver(t.Context(), messages("1", "2")); failures != nil {
		t.Error(failed(failures))
	}
}

// Without an observer each message that is not done is one ERROR line.
func TestFailuresAreLogged(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	var b bin
	r := &eventfx.Router{DeadLetter: b.keep}
	eventfx.On(r, orders{}, func(_ context.Context, e eventfx.Event[string]) error {
		switch e.Data {
		case "2":
			return errBroken
		case "3":
			return eventfx.Permanent(errBroken)
		}
		return nil
	})
	ms := append(messages("1", "2", "3"), inGroup("g", "2", "4")...)
	ms[1].Origin.Receives = 2
	r.Deliver(t.Context(), ms)
	line := func(id string, receives int, outcome, err string) string {
		return fmt.Sprintf(`level=ERROR msg="eventfx: message failed" type=order source=test:orders id=%s route="orders " receives=%d outcome=%q error=%s`, id, receives, outcome, err)
	}
	want := []string{
		line("2", 2, "back to the source", "broken"),
		line("3", 0, "dead letter: permanent", "broken"),
		line("2", 0, "back to the source", "broken"),
		line("4", 0, "back to the source", `"an earlier message of its group failed: eventfx: message not finished"`),
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(out.String()), "\n")); diff != "" {
		t.Error(diff)
	}
}
