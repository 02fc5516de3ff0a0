package eventfx_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

func TestWhenAMessageIsDead(t *testing.T) {
	tests := []struct {
		name, reason string
		retry        eventfx.Retry
		receives     int
		last         bool
		err          error
		want         string // the dead letter's reason; "" when it goes back
	}{
		{"first delivery", "an outage of seconds must not empty a queue into the dead letters", eventfx.Retry{}, 1, false, errBroken, ""},
		{"fourth of five", "5 is the default", eventfx.Retry{}, 4, false, errBroken, ""},
		{"fifth of five", "5 is the default", eventfx.Retry{}, 5, false, errBroken, "retriesexhausted"},
		{"sixth of five", "a console peek counts as a receive (Rule C3.6): the fifth may never be seen", eventfx.Retry{}, 6, false, errBroken, "retriesexhausted"},
		{"at once", "Deliveries 1 is at once", eventfx.Retry{Deliveries: 1}, 1, false, errBroken, "retriesexhausted"},
		{"at once, not counted", "Deliveries 1 needs no count", eventfx.Retry{Deliveries: 1}, 0, false, errBroken, "retriesexhausted"},
		{"second of two", "counted by the source", eventfx.Retry{Deliveries: 2}, 2, false, errBroken, "retriesexhausted"},
		{"not counted", "without a count nobody knows that it is the fifth", eventfx.Retry{}, 0, false, errBroken, ""},
		{"last delivery", "the source will not come again", eventfx.Retry{}, 1, true, errBroken, "retriesexhausted"},
		{"never", "-1 leaves it to the source", eventfx.Retry{Deliveries: -1}, 100, true, errBroken, ""},
		{"permanent", "it cannot succeed, whatever the count", eventfx.Retry{Deliveries: -1}, 1, false, eventfx.Permanent(errBroken), "permanent"},
		{"panic", "the reason tells a panic from an error", eventfx.Retry{Deliveries: 1}, 1, false, &eventfx.PanicError{Value: 1}, "panic"},
		{"not worth a run", "If ends the attempts", eventfx.Retry{Attempts: 3, Deliveries: 1, If: func(error) bool { return false }}, 1, false, errBroken, "retriesexhausted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bin
			r := &eventfx.Router{DeadLetter: b.keep, Retry: tt.retry}
			eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { return tt.err })
			m := message("1")
			m.Origin.Receives, m.Origin.Last = tt.receives, tt.last
			failures := r.Deliver(t.Context(), []*eventfx.Message{m})
			got := ""
			if len(b.dead) > 0 {
				got = b.dead[0].Reason
			}
			if got != tt.want {
				t.Errorf("reason %q, want %q: %s", got, tt.want, tt.reason)
			}
			// Rule H5: it counts as handled when it is kept, and only then.
			if (len(failures) == 0) != (tt.want != "") {
				t.Errorf("dead letter %q, and yet failures %v", tt.want, failed(failures))
			}
		})
	}
}

func TestWithoutDeadLetterEvenPermanentGoesBack(t *testing.T) {
	r := &eventfx.Router{}
	eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { return eventfx.Permanent(errBroken) })
	if diff := cmp.Diff([]string{"1: broken"}, failed(r.Deliver(t.Context(), messages("1")))); diff != "" {
		t.Error(diff)
	}
}

// Rule H5: when the dead letter cannot be written the message stays a failure.
func TestDeadLetterFails(t *testing.T) {
	errSink := errors.New("sink is down")
	tests := []struct {
		name string
		sink eventfx.DeadLetter
		want string
	}{
		{"error", func(context.Context, *eventfx.Dead) error { return errSink }, "1: broken; and the dead letter failed: sink is down"},
		{"panic", func(context.Context, *eventfx.Dead) error { panic("sink") }, "1: broken; and the dead letter failed: panic: sink"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &eventfx.Router{DeadLetter: tt.sink}
			eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { return eventfx.Permanent(errBroken) })
			failures := r.Deliver(t.Context(), messages("1"))
			if diff := cmp.Diff([]string{tt.want}, failed(failures)); diff != "" {
				t.Error(diff)
			}
			// A host that tells its source to drop what is permanent must not
			// drop this.
			if p, ok := errors.AsType[interface {
				error
				Permanent() bool
			}](failures[0].Err); !ok || p.Permanent() {
				t.Errorf("%v is permanent", failures[0].Err)
			}
			if !errors.Is(failures[0].Err, errBroken) {
				t.Errorf("%v hides its cause", failures[0].Err)
			}
		})
	}
}

func TestRoutesWithoutDeadLetter(t *testing.T) {
	var b bin
	none := eventfx.DeadLetter(nil)
	for _, tt := range []struct {
		reason    string
		router, a eventfx.DeadLetter
		override  bool
		want      []string
	}{
		{reason: "nothing has one", want: []string{"orders{a}", "orders{b}", "default", "none"}},
		{reason: "the router's is for all", router: b.keep},
		{reason: "a route may refuse it", router: b.keep, override: true, a: none, want: []string{"orders{a}"}},
		{reason: "a route's own does not help the others", override: true, a: b.keep, want: []string{"orders{b}", "default", "none"}},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			r := &eventfx.Router{DeadLetter: tt.router, Default: eventfx.Ignore}
			var opts []eventfx.RouteOption
			if tt.override {
				opts = append(opts, tt.a)
			}
			h := func(context.Context, eventfx.Event[string]) error { return nil }
			eventfx.On(r, named{orders{}, "orders{a}"}, h, opts...)
			eventfx.On(r, named{orders{}, "orders{b}"}, h)
			if diff := cmp.Diff(tt.want, r.WithoutDeadLetter()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// named is a source of another name.
type named struct {
	orders
	name string
}

func (n named) String() string { return n.name }

// The dead letter is written with a context of its own: the message's may be done.
func TestDeadLetterContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		defer cancel()
		r := &eventfx.Router{}
		r.DeadLetter = func(ctx context.Context, d *eventfx.Dead) error {
			if ctx.Err() != nil || ctx.Value(key{}) != "value" || eventfx.FromContext(ctx) != d.Message {
				t.Errorf("context: %v, value %v, message %v", ctx.Err(), ctx.Value(key{}), eventfx.FromContext(ctx))
			}
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 5*time.Second {
				t.Errorf("deadline in %v, want 5 s", time.Until(deadline))
			}
			return nil
		}
		eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error {
			cancel()
			return eventfx.Permanent(errBroken)
		})
		if failures := r.Deliver(ctx, messages("1")); failures != nil {
			t.Error(failed(failures))
		}
	})
}

func TestDeadTellsItsStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var b bin
		r := &eventfx.Router{DeadLetter: b.keep, Retry: eventfx.Retry{Attempts: 3, Deliveries: 1, Delay: func(int, error) time.Duration { return time.Second }}}
		run := 0
		eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error {
			run++
			time.Sleep(time.Minute)
			return fmt.Errorf("run %d", run)
		})
		r.Deliver(t.Context(), messages("1"))
		d := b.dead[0]
		var got []string
		for _, a := range d.Attempts {
			got = append(got, fmt.Sprintf("%v-%v %v", a.Started.Sub(begin), a.Ended.Sub(begin), a.Err))
		}
		want := []string{"0s-1m0s run 1", "1m1s-2m1s run 2", "2m2s-3m2s run 3"}
		if diff := cmp.Diff(want, got); diff != "" || d.Route != "orders " || d.Err.Error() != "run 3" {
			t.Errorf("route %q, error %v (-want +got):\n%s", d.Route, d.Err, diff)
		}
	})
}

func TestDeadLetterOfOneRoute(t *testing.T) {
	var all, own bin
	r := &eventfx.Router{DeadLetter: all.keep}
	fail := func(context.Context, eventfx.Event[string]) error { return eventfx.Permanent(errBroken) }
	eventfx.On(r, orders{"a"}, fail, eventfx.DeadLetter(own.keep))
	eventfx.On(r, orders{"b"}, fail, eventfx.DeadLetter(nil))
	ms := messages("1", "2")
	ms[0].SetType("a")
	ms[1].SetType("b")
	got := failed(r.Deliver(t.Context(), ms))
	if diff := cmp.Diff([]string{"2: broken"}, got); diff != "" {
		t.Errorf("a nil DeadLetter takes the router's away (-want +got):\n%s", diff)
	}
	if len(own.dead) != 1 || len(all.dead) != 0 {
		t.Errorf("own got %v, the router's %v", own.story(), all.story())
	}
}

// A handler that scribbles over everything that it can reach changes no
// neighbour, not its own later attempts and not its own dead letter.
func TestScribbling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bin
		r := &eventfx.Router{DeadLetter: b.keep, Retry: eventfx.Retry{Attempts: 2, Deliveries: 1}}
		var seen []string
		r.Use = []eventfx.Middleware{func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				err := next(ctx, d)
				d.Messages[0] = nil
				d.Messages = nil
				d.Route = "scribbled"
				return err
			}
		}}
		eventfx.On(r, orders{}, func(ctx context.Context, e eventfx.Event[string]) error {
			seen = append(seen, fmt.Sprintf("%s %s %s %v %v", e.ID(), e.Data, e.Subject(), e.Extensions(), e.Origin.Attributes))
			for i := range e.DataEncoded {
				e.DataEncoded[i] = '#'
			}
			_ = append(e.DataEncoded, "#######"...)
			e.SetID("scribbled")
			ec := e.Context.(*event.EventContextV1)
			*ec.Subject, *ec.DataContentType, *ec.Time, *ec.DataSchema = "scribbled", "scribbled", types.Timestamp{}, types.URI{}
			ec.Extensions["binary"].([]byte)[0] = '#'
			e.SetExtension("traceparent", "scribbled")
			e.Origin.Attributes["a"] = "scribbled"
			e.Origin.Name = "scribbled"
			e.Group = "scribbled"
			*eventfx.FromContext(ctx) = eventfx.Message{}
			return errBroken
		})
		make := func() []*eventfx.Message {
			backing := []byte(`"1""2"`)
			ms := messages("1", "2")
			for i, m := range ms {
				m.DataEncoded = backing[3*i : 3*i+3 : 3*i+3]
				m.SetSubject("subject")
				m.SetDataContentType("application/json")
				m.SetTime(time.Unix(1e9, 0).UTC())
				m.SetDataSchema("https://example.com/order")
				m.SetExtension("binary", []byte("bytes"))
				m.Context.(*event.EventContextV1).Extensions["strange"] = 5 // no CloudEvents type
				m.SetExtension("traceparent", "trace")
				m.Origin.Attributes = map[string]string{"a": "attribute"}
			}
			return ms
		}
		ms, want := make(), make()
		if failures := r.Deliver(t.Context(), ms); failures != nil {
			t.Error(failed(failures))
		}
		var got []*eventfx.Message
		for _, d := range b.dead {
			got = append(got, d.Message)
		}
		slices.SortFunc(got, func(a, b *eventfx.Message) int { return strings.Compare(a.ID(), b.ID()) })
		ignore := cmp.FilterPath(func(p cmp.Path) bool { return strings.HasSuffix(p.String(), "unmarshal") }, cmp.Ignore())
		opts := cmp.Options{ignore, cmp.AllowUnexported(eventfx.Message{}), cmp.Comparer(func(a, b event.Event) bool { return a.String() == b.String() })}
		if diff := cmp.Diff(want, got, opts); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		line := func(id string) string {
			return id + " " + id + " subject map[binary:[98 121 116 101 115] strange:5 traceparent:trace] map[a:attribute]"
		}
		slices.Sort(seen) // the delays of two messages differ
		if diff := cmp.Diff([]string{line("1"), line("1"), line("2"), line("2")}, seen); diff != "" {
			t.Errorf("what the handler saw (-want +got):\n%s", diff)
		}
	})
}
