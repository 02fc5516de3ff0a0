package handlers_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

// lines is a logger into memory, without times.
type lines struct{ bytes.Buffer }

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&l.Buffer, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, slog.MessageKey, "type", "source":
			return slog.Attr{}
		case "stack":
			return slog.Int("stack", strings.Count(a.Value.String(), "log_test.go"))
		}
		return a
	}}))
}

func (l *lines) all() []string { return strings.Split(strings.TrimSpace(l.String()), "\n") }

// Each message has exactly one line, with the outcome that the source hears of.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, other lines
		defer setDefault(other.logger())()
		errSink := errors.New("sink is down")
		known := eventfx.Once(func(eventfx.Handler) eventfx.Handler {
			return func(context.Context, *eventfx.Delivery) error { return nil }
		})
		r := &eventfx.Router{
			Observer: handlers.Log{Logger: out.logger()}.Observer(),
			Retry:    eventfx.Retry{Attempts: 3, Delay: func(int, error) time.Duration { return time.Second }},
			DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
				if d.Message.ID() == "unkept" {
					return errSink
				}
				return nil
			},
		}
		tries := map[string]int{}
		answer := func(id string) error {
			time.Sleep(100 * time.Millisecond)
			switch tries[id]++; id {
			case "second":
				if tries[id] == 1 {
					return errBroken
				}
			case "fails", "old":
				return errBroken
			case "poison", "unkept":
				return eventfx.Permanent(errBroken)
			case "panics":
				panic("handler")
			}
			return nil
		}
		eventfx.On(r, text{"order.placed"}, func(_ context.Context, e eventfx.Event[string]) error { return answer(e.Data) })
		eventfx.On(r, text{"known"}, nop, known)
		eventfx.OnBatch(r, text{"batched"}, func(_ context.Context, b *eventfx.Batch[string]) error {
			for e := range b.All() {
				if err := answer(e.Data); err != nil {
					b.Fail(e, err)
				}
			}
			return nil
		})
		kind := func(kind string, ms ...*eventfx.Message) []*eventfx.Message {
			for _, m := range ms {
				m.SetType(kind)
			}
			return ms
		}
		unread := message("unread")
		unread.Err = errors.New("not JSON")
		old := message("old")
		old.Origin.Receives = 7
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, ms := range [][]*eventfx.Message{
			messages("good"), messages("second"), messages("fails"), {old}, messages("poison"), messages("unkept"),
			messages("panics"), kind("unknown", messages("no route")...), {unread}, kind("known", messages("skipped")...),
			kind("batched", messages("good", "second", "poison")...), inGroup("g", "fails", "behind"),
			kind("batched", inGroup("g", "poison", "good")...),
		} {
			clear(tries)
			out.WriteString("--\n")
			r.Deliver(ctx, ms)
		}
		want(t, "lines", []string{
			`--`, `level=INFO id=good route="text order.placed" receives=0 attempt=1 outcome=done duration=100ms`,
			`--`, `level=INFO id=second route="text order.placed" receives=0 attempt=2 outcome=done duration=1.2s`,
			`--`, `level=WARN id=fails route="text order.placed" receives=0 attempt=3 outcome=back duration=2.3s error=broken`,
			`--`, `level=ERROR id=old route="text order.placed" receives=7 attempt=3 outcome=dead reason=retriesexhausted duration=2.3s error=broken`,
			`--`, `level=ERROR id=poison route="text order.placed" receives=0 attempt=1 outcome=dead reason=permanent duration=100ms error=broken`,
			`--`, `level=WARN id=unkept route="text order.placed" receives=0 attempt=1 outcome=back duration=100ms error="broken; and the dead letter failed: sink is down"`,
			`--`, `level=WARN id=panics route="text order.placed" receives=0 attempt=3 outcome=back duration=2.3s error="panic: handler" stack=2`,
			`--`, `level=ERROR id="no route" route="" receives=0 attempt=0 outcome=dead reason=permanent duration=0s error="eventfx: no route for the message"`,
			`--`, `level=ERROR id=unread route="" receives=0 attempt=0 outcome=dead reason=decode duration=0s error="decode: not JSON"`,
			`--`, `level=INFO id=skipped route="text known" receives=0 attempt=0 outcome=done duration=0s`,
			`--`, `level=INFO id=good route="text batched" receives=0 attempt=1 outcome=done duration=1.4s`,
			`level=INFO id=second route="text batched" receives=0 attempt=2 outcome=done duration=1.4s`,
			`level=ERROR id=poison route="text batched" receives=0 attempt=1 outcome=dead reason=permanent duration=1.4s error=broken`,
			`--`, `level=WARN id=fails route="text order.placed" receives=0 attempt=3 outcome=back duration=2.3s error=broken`,
			`level=WARN id=behind route="" receives=0 attempt=0 outcome=back duration=2.3s error="an earlier message of its group failed: eventfx: message not finished"`,
			`--`, `level=ERROR id=poison route="text batched" receives=0 attempt=1 outcome=dead reason=permanent duration=200ms error=broken`,
			`level=INFO id=good route="text batched" receives=0 attempt=1 outcome=done duration=300ms`,
		}, out.all())
		want(t, "lines of the router's own", "", other.String())
	})
}

// What is cut off by the deadline has its line, once, and what comes later has
// none.
func TestLogAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		r := &eventfx.Router{Observer: handlers.Log{Logger: out.logger()}.Observer(), Retry: eventfx.Retry{Attempts: 3}}
		eventfx.On(r, text{}, func(context.Context, eventfx.Event[string]) error {
			time.Sleep(time.Minute)
			return errBroken
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.Deliver(ctx, messages("1", "2"))
		time.Sleep(time.Hour)
		want(t, "lines", []string{
			`level=WARN id=1 route="text " receives=0 attempt=1 outcome=back duration=1.25s error="eventfx: message not finished"`,
			`level=WARN id=2 route="" receives=0 attempt=0 outcome=back duration=1.25s error="eventfx: message not finished"`,
		}, out.all())
	})
}

func TestLogRedacts(t *testing.T) {
	tests := []struct {
		name   string
		redact func(string) string
		want   string
	}{
		{"redacts", func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") }, `error="panic: password ***"`},
		{"panics", func(string) string { panic("hunter2") }, `error="(not logged: Log.Redact panicked, a string)"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			r := &eventfx.Router{Observer: handlers.Log{Logger: slog.New(slog.NewTextHandler(&out, nil)), Redact: tt.redact}.Observer()}
			eventfx.On(r, text{}, func(context.Context, eventfx.Event[string]) error { panic("password hunter2") })
			r.Deliver(t.Context(), messages("1"))
			if got := out.String(); !strings.Contains(got, tt.want) || strings.Contains(got, "hunter2") || !strings.Contains(got, "stack=") {
				t.Errorf("want %s and no secret in %s", tt.want, got)
			}
		})
	}
}
