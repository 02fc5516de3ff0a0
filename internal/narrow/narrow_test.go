package narrow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Each message is a letter and its group: a passes and succeeds, f passes and
// fails, s is skipped, r is refused; c and g are a and f as copies.
func TestRun(t *testing.T) {
	tests := []struct {
		messages, reason string
		judged, runs     string
		want             string // the failures
	}{
		{"a", "it runs", "a", "a", ""},
		{"s", "it is done without a run", "s", "", ""},
		{"r", "it fails without a run", "r", "", "r: refused"},
		{"f", "its own error", "f", "f", "f: failed"},
		{"c", "a copy runs in its place", "c", "c*", ""},
		{"g", "and fails in its place", "g", "g*", "g: failed"},
		{"a c g", "copies among others", "a c g", "a c* g*", "g: failed"},
		{"a a", "both", "a a", "a a", ""},
		{"a s r f", "each for itself", "a s r f", "a f", "r: refused; f: failed"},
		{"s s", "nothing is left to run", "s s", "", ""},
		{"r r", "nothing is left to run", "r r", "", "r: refused; r: refused"},
		{"a1 r1 a1 s1 r2 s2 a3", "what follows in the group waits, and is not judged", "a1 r1 r2 a3", "a1 a3",
			"r1: refused; a1: eventfx: message not finished; s1: eventfx: message not finished; r2: refused; s2: eventfx: message not finished"},
		{"s1 a1", "what is skipped stops nobody", "s1 a1", "a1", ""},
		{"r r1 a", "no group is no group", "r r1 a", "a", "r: refused; r1: refused"},
	}
	for _, tt := range tests {
		var judged, runs, failures []string
		d := &eventfx.Delivery{Route: "route", Attempt: 2}
		for id := range strings.FieldsSeq(tt.messages) {
			m := &eventfx.Message{Event: event.New(), Group: id[1:]}
			m.SetID(id)
			d.Messages = append(d.Messages, m)
		}
		err := Run(t.Context(), d, func(_ context.Context, d *eventfx.Delivery) error {
			if d.Route != "route" || d.Attempt != 2 {
				t.Errorf("%s: next got route %q, attempt %d", tt.messages, d.Route, d.Attempt)
			}
			e := &eventfx.BatchError{}
			for _, m := range d.Messages {
				if runs = append(runs, m.ID()+m.Subject()); m.ID()[0] == 'f' || m.ID()[0] == 'g' {
					e.Failures = append(e.Failures, eventfx.Failure{Message: m, Err: errors.New("failed")})
				}
			}
			if d.Messages = nil; e.Failures == nil {
				return nil
			}
			return e
		}, func(m *eventfx.Message) (*eventfx.Message, error) {
			judged = append(judged, m.ID())
			switch m.ID()[0] {
			case 's':
				return nil, ErrSkip
			case 'r':
				return nil, errors.New("refused")
			case 'c', 'g':
				m = m.Clone()
				m.SetSubject("*")
			}
			return m, nil
		})
		asked := &eventfx.Delivery{Messages: d.Messages}
		if asked.Messages == nil { // next has scribbled over it
			asked = &eventfx.Delivery{}
			if e, ok := errors.AsType[*eventfx.BatchError](err); ok {
				for _, f := range e.Failures {
					asked.Messages = append(asked.Messages, f.Message)
				}
			}
		}
		for _, f := range asked.Failures(err) {
			failures = append(failures, fmt.Sprintf("%s: %v", f.Message.ID(), f.Err))
		}
		got := []string{strings.Join(judged, " "), strings.Join(runs, " ")}
		if d := cmp.Diff([]string{tt.judged, tt.runs}, got); d != "" {
			t.Errorf("%s: %s: judged and run:\n%s", tt.messages, tt.reason, d)
		}
		// In the order of the messages, whatever the order of the answer.
		if d := cmp.Diff(tt.want, strings.Join(failures, "; ")); d != "" {
			t.Errorf("%s: %s: failures:\n%s", tt.messages, tt.reason, d)
		}
	}
}
