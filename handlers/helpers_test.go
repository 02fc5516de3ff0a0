package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

// TestMain keeps the lines of failed messages out of the test's output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

var errBroken = errors.New("broken")

func message(id string) *eventfx.Message {
	e := event.New()
	e.SetID(id)
	e.SetSource("/shop")
	e.SetType("order.placed")
	e.DataEncoded = []byte(id)
	return &eventfx.Message{Event: e}
}

func messages(ids ...string) (ms []*eventfx.Message) {
	for _, id := range ids {
		ms = append(ms, message(id))
	}
	return ms
}

func inGroup(group string, ids ...string) []*eventfx.Message {
	ms := messages(ids...)
	for _, m := range ms {
		m.Group = group
	}
	return ms
}

// text is a source of messages of one type, "" of all.
type text struct{ kind string }

func (s text) Match(m *eventfx.Message) bool             { return s.kind == "" || m.Type() == s.kind }
func (s text) Decode(m *eventfx.Message) (string, error) { return string(m.DataEncoded), nil }
func (s text) String() string                            { return "text " + s.kind }
func nop(context.Context, eventfx.Event[string]) error   { return nil }

// failed tells failures, a line each.
func failed(failures []eventfx.Failure) (lines []string) {
	for _, f := range failures {
		line := fmt.Sprintf("%s: %v", f.Message.ID(), f.Err)
		if f.After != 0 {
			line += fmt.Sprintf(" (after %v)", f.After.Round(time.Microsecond))
		}
		lines = append(lines, line)
	}
	return lines
}

func want(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// mustPanic returns what f panics with, as text.
func mustPanic(t *testing.T, f func()) (text string) {
	t.Helper()
	defer func() {
		if text = fmt.Sprint(recover()); text == "<nil>" {
			t.Error("no panic")
		}
	}()
	f()
	return ""
}

// setDefault sets the default logger until the function that it returns is called.
func setDefault(l *slog.Logger) (reset func()) {
	before := slog.Default()
	slog.SetDefault(l)
	return func() { slog.SetDefault(before) }
}
