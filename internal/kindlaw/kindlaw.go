// Package kindlaw holds the law that every kind keeps, as a check for tests.
//
// A kind recognises and decodes a message from its CloudEvent alone. So a dead
// letter that is replayed, an event sent again over HTTP and a CloudEvent in a
// queue reach the same handler with the same data. A test of an adapter runs
// every kind over every message that the adapter makes:
//
//	for _, m := range messages {
//		kindlaw.Check(t, object.Created{}, m)
//		kindlaw.Check(t, queue.Text{}, m)
//	}
package kindlaw

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

// Check fails t unless src judges and decodes m as it does what is left of m
// after a journey: the event, through JSON, without Origin, Group and Payload.
// Match and Decode must also be repeatable and change nothing, what Decode
// returns must not share memory with the event, and String must not vary.
//
// Check returns whether src matches m; if it does not, what src makes of m has
// no meaning, but it must not panic. Check says nothing about a message that
// could not be read, which no kind gets to see.
func Check[T any](t testing.TB, src eventfx.Source[T], m *eventfx.Message, opts ...cmp.Option) (matched bool) {
	t.Helper()
	if m.Err != nil {
		return false
	}
	opts = append(opts, cmp.Exporter(func(reflect.Type) bool { return true }))
	what := fmt.Sprintf("%s on event %q of type %q", src, m.ID(), m.Type())
	before := m.Clone()

	matched = src.Match(m)
	if name := src.String(); name == "" || name != src.String() {
		t.Errorf("%s: the name is empty or varies", what)
	}
	want, wantErr := src.Decode(m)
	check := func(when string, m *eventfx.Message) {
		t.Helper()
		if got := src.Match(m); got != matched {
			t.Errorf("%s: Match %v, and %v %s", what, matched, got, when)
		}
		if !matched {
			return
		}
		got, err := src.Decode(m)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: error %v, and %v %s", what, wantErr, err, when)
		} else if diff := diffOf(want, got, opts); err == nil && diff != "" {
			t.Errorf("%s: decodes differently %s (-before +after):\n%s", what, when, diff)
		}
	}
	check("when asked again", m)
	if diff := diffOf(before.Event, m.Event, opts[len(opts)-1:]); diff != "" {
		t.Errorf("%s: the event was changed (-before +after):\n%s", what, diff)
	}
	for name, journey := range journeys {
		e, err := journey(before.Event)
		if err != nil {
			t.Errorf("%s: the event did not survive %s: %v", what, name, err)
			continue
		}
		check("after "+name, &eventfx.Message{Event: e})
	}
	if !matched {
		return false
	}

	scribbled := m.Clone()
	got, err := src.Decode(scribbled)
	for i := range scribbled.DataEncoded {
		scribbled.DataEncoded[i] ^= 0xff
	}
	if diff := diffOf(want, got, opts); err == nil && diff != "" {
		t.Errorf("%s: what was decoded changed with the event's data (-before +after):\n%s", what, diff)
	}
	return true
}

// diffOf asks go-cmp, which takes its time, only about what may differ.
func diffOf(a, b any, opts []cmp.Option) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return cmp.Diff(a, b, opts...)
}

// journeys are the ways through JSON that an event takes.
var journeys = map[string]func(event.Event) (event.Event, error){
	"the SDK's JSON": func(e event.Event) (back event.Event, err error) {
		doc, err := e.MarshalJSON()
		if err != nil {
			return back, err
		}
		return back, back.UnmarshalJSON(doc)
	},
	"our JSON": func(e event.Event) (back event.Event, err error) {
		doc, err := cloudevent.Append(nil, e)
		if err != nil {
			return back, err
		}
		ec := &event.EventContextV1{}
		back.Context = ec
		back.DataEncoded, back.DataBase64, err = cloudevent.Decode(doc, ec)
		return back, err
	},
	"no journey, without its transport": func(e event.Event) (event.Event, error) { return e, nil },
}
