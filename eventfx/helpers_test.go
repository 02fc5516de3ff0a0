package eventfx_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
)

// TestMain keeps the ERROR lines of failed messages out of the test's output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

var errBroken = errors.New("broken")

// message returns a message of type "order" with the given id.
func message(id string) *eventfx.Message {
	e := event.New()
	e.SetID(id)
	e.SetSource("test:orders")
	e.SetType("order")
	m := &eventfx.Message{Event: e}
	m.DataEncoded = []byte(`"` + id + `"`)
	return m
}

func inGroup(group string, ids ...string) []*eventfx.Message {
	var ms []*eventfx.Message
	for _, id := range ids {
		m := message(id)
		m.Group = group
		ms = append(ms, m)
	}
	return ms
}

func messages(ids ...string) []*eventfx.Message { return inGroup("", ids...) }

// orders is a source of messages of one type; its data is a JSON string.
type orders struct{ kind string }

func (s orders) Match(m *eventfx.Message) bool { return s.kind == "" || m.Type() == s.kind }
func (s orders) String() string                { return "orders " + s.kind }
func (s orders) Decode(m *eventfx.Message) (string, error) {
	var text string
	err := m.Unmarshal(&text)
	return text, err
}

// A journal notes what happened, from any goroutine.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines...)
}

// script is a handler that notes each run and answers by the id of its message.
func (j *journal) script(answers map[string]func(context.Context) error) func(context.Context, eventfx.Event[string]) error {
	return func(ctx context.Context, e eventfx.Event[string]) error {
		j.add("%s", e.Data)
		if answer := answers[e.Data]; answer != nil {
			return answer(ctx)
		}
		return nil
	}
}

func always(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// times answers err to the first n runs and nil afterwards.
func times(n int, err error) func(context.Context) error {
	return func(context.Context) error {
		if n--; n >= 0 {
			return err
		}
		return nil
	}
}

// bin is a dead letter that keeps what it gets.
type bin struct {
	mu   sync.Mutex
	dead []*eventfx.Dead
	err  error
}

func (b *bin) keep(_ context.Context, d *eventfx.Dead) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.dead = append(b.dead, d)
	return nil
}

// story tells what is in the bin, a line a dead letter.
func (b *bin) story() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	for _, d := range b.dead {
		lines = append(lines, fmt.Sprintf("%s %s after %d: %v", d.Message.ID(), d.Reason, len(d.Attempts), d.Err))
	}
	return lines
}

// failed tells failures, a line each.
func failed(failures []eventfx.Failure) []string {
	var lines []string
	for _, f := range failures {
		line := fmt.Sprintf("%s: %v", f.Message.ID(), f.Err)
		if f.After != 0 {
			line += fmt.Sprintf(" (after %v)", f.After)
		}
		lines = append(lines, line)
	}
	return lines
}
