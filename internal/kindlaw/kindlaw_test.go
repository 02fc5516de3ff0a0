package kindlaw_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/kindlaw"
)

// A kind whose parts can be broken one by one.
type kind struct {
	match  func(*eventfx.Message) bool
	decode func(*eventfx.Message) ([]byte, error)
	name   func() string
}

func (k kind) Match(m *eventfx.Message) bool             { return k.match(m) }
func (k kind) Decode(m *eventfx.Message) ([]byte, error) { return k.decode(m) }
func (k kind) String() string                            { return k.name() }

// recorder is a testing.TB that keeps what it is told.
type recorder struct {
	testing.TB
	errors strings.Builder
}

func (r *recorder) Helper()                        {}
func (r *recorder) Errorf(format string, a ...any) { fmt.Fprintf(&r.errors, format+"\n", a...) }

func TestCheckFindsBrokenKinds(t *testing.T) {
	var calls int
	for _, tt := range []struct {
		reason string
		broken func(*kind)
		want   string // in the error; "" for none
	}{
		{"the kind is sound", func(*kind) {}, ""},
		{"the name of the queue comes from the transport alone", func(k *kind) {
			k.match = func(m *eventfx.Message) bool { return m.Origin.Name == "orders" }
		}, "Match true, and false after the SDK's JSON"},
		{"the data comes from the payload", func(k *kind) {
			k.decode = func(m *eventfx.Message) ([]byte, error) { return m.Payload.([]byte), nil }
		}, "panic"},
		{"each call of Match gives another answer", func(k *kind) {
			k.match = func(*eventfx.Message) bool { calls++; return calls%2 == 1 }
		}, "when asked again"},
		{"Decode changes the event", func(k *kind) {
			k.decode = func(m *eventfx.Message) ([]byte, error) { m.DataEncoded[0] = ' '; return nil, nil }
		}, "the event was changed"},
		{"Decode returns the event's own bytes", func(k *kind) {
			k.decode = func(m *eventfx.Message) ([]byte, error) { return m.DataEncoded, nil }
		}, "changed with the event's data"},
		{"the error is another one without the transport", func(k *kind) {
			k.decode = func(m *eventfx.Message) ([]byte, error) { return nil, fmt.Errorf("bad data in %q", m.Origin.Name) }
		}, `and bad data in "" after`},
		{"the name varies", func(k *kind) { k.name = func() string { calls++; return fmt.Sprint(calls) } }, "varies"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			k := kind{
				match:  func(m *eventfx.Message) bool { return m.Type() == "t" },
				decode: func(m *eventfx.Message) ([]byte, error) { return []byte(string(m.DataEncoded)), nil },
				name:   func() string { return "kind" },
			}
			tt.broken(&k)
			r := &recorder{}
			func() {
				defer func() {
					if value := recover(); value != nil {
						r.Errorf("panic: %v", value)
					}
				}()
				kindlaw.Check(r, k, message(`{"n": [1, 2]}`))
			}()
			if got := r.errors.String(); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCheckLeavesOutWhatCouldNotBeRead(t *testing.T) {
	m := message(`{}`)
	m.Err = fmt.Errorf("truncated")
	if kindlaw.Check(t, kind{}, m) {
		t.Error("a message that could not be read matched")
	}
}

func message(data string) *eventfx.Message {
	e := event.New()
	e.SetID("1")
	e.SetSource("arn:aws:sqs:eu-west-1:123456789012:orders")
	e.SetType("t")
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(data)
	return &eventfx.Message{Event: e, Origin: eventfx.Origin{Name: "orders"}, Payload: []byte(data)}
}
