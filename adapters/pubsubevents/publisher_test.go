package pubsubevents

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/eventfx"
)

// sent publishes each event, and returns what a subscriber receives. With a
// cause it does so from a handler.
func sent(t *testing.T, p *Publisher, cause *eventfx.Message, events ...event.Event) []*eventfx.Message {
	t.Helper()
	ctx := t.Context()
	p.Topic = mempubsub.NewTopic()
	sub := mempubsub.NewSubscription(p.Topic, time.Minute)
	defer p.Topic.Shutdown(ctx)
	defer sub.Shutdown(ctx)
	publish := func(ctx context.Context, _ *eventfx.Delivery) error {
		for _, e := range events {
			if err := p.Publish(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
	if cause == nil {
		if err := publish(ctx, nil); err != nil {
			t.Fatal(err)
		}
	} else {
		r := &eventfx.Router{Default: publish}
		if failures := r.Deliver(ctx, []*eventfx.Message{cause}); len(failures) > 0 {
			t.Fatal(failures[0].Err)
		}
	}
	var received []*eventfx.Message
	for range events {
		m, err := sub.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m.Ack()
		e, err := Decode(m)
		if err != nil {
			t.Fatal(err)
		}
		received = append(received, e)
	}
	return received
}

func cause(id string) *eventfx.Message {
	e := event.New()
	e.SetID(id)
	e.SetSource("/uploads")
	e.SetType("uploaded")
	return &eventfx.Message{Event: e}
}

func TestPublishSetsWhatIsMissing(t *testing.T) {
	// Rule A1.1, Rule A1.2
	before := time.Now().Add(-time.Second)
	e := JSON("image.processed", map[string]int{"n": 1})
	got := sent(t, &Publisher{Source: "/thumbnailer"}, nil, e)[0]
	if got.Source() != "/thumbnailer" || len(got.ID()) < 20 || got.Time().Before(before) || got.SpecVersion() != "1.0" {
		t.Errorf("published\n%v", got.Event)
	}
	if string(got.DataEncoded) != `{"n":1}` || got.DataContentType() != "application/json" {
		t.Errorf("data %s of type %s", got.DataEncoded, got.DataContentType())
	}
	if len(got.Extensions()) != 0 {
		t.Errorf("extensions %v of an event without a cause", got.Extensions())
	}
	if e.ID() != "" || e.Source() != "" {
		t.Error("the caller's event was changed")
	}
}

func TestPublishKeepsWhatIsGiven(t *testing.T) {
	e := JSON("image.processed", 1)
	e.SetID("mine")
	e.SetSource("/mine")
	e.SetTime(time.Unix(1, 0))
	e.SetExtension("correlationid", "flow")
	e.SetExtension("causationid", "before")
	got := sent(t, &Publisher{Source: "/thumbnailer", Mode: Binary}, cause("1"), e)[0]
	want := event.New()
	want.SetID("mine")
	want.SetSource("/mine")
	want.SetType("image.processed")
	want.SetTime(time.Unix(1, 0))
	want.SetData(event.ApplicationJSON, 1)
	want.SetExtension("correlationid", "flow")
	want.SetExtension("causationid", "before")
	if diff := cmp.Diff(want, got.Event, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPublishTellsTheCause(t *testing.T) {
	// Rule A5: correlationid and causationid.
	p := &Publisher{Source: "/thumbnailer"}
	first := sent(t, p, cause("1"), JSON("a", 1))[0]
	if diff := cmp.Diff(map[string]any{"correlationid": "1", "causationid": "1"}, first.Extensions()); diff != "" {
		t.Errorf("caused by the first of a flow (-want +got):\n%s", diff)
	}
	second := sent(t, p, first, JSON("b", 1))[0]
	if diff := cmp.Diff(map[string]any{"correlationid": "1", "causationid": first.ID()}, second.Extensions()); diff != "" {
		t.Errorf("caused by the second (-want +got):\n%s", diff)
	}
}

func TestPublishIDs(t *testing.T) {
	// Rule A1.3, Rule A6.1
	subject := func(s string) event.Event {
		e := JSON("a", 1)
		e.SetSubject(s)
		return e
	}
	ids := func(c *eventfx.Message, events ...event.Event) []string {
		var ids []string
		for _, m := range sent(t, &Publisher{Source: "/thumbnailer"}, c, events...) {
			ids = append(ids, m.ID())
		}
		slices.Sort(ids) // the topic has no order
		return ids
	}
	run := ids(cause("1"), JSON("a", 1), JSON("b", 1), JSON("a", 2), subject("x"))
	again := ids(cause("1"), subject("x"), JSON("a", 2), JSON("b", 1), JSON("a", 1))
	if diff := cmp.Diff(run, again); diff != "" {
		t.Errorf("the handler ran again, in another order (-first +second):\n%s", diff)
	}
	seen := make(map[string]bool)
	for _, id := range append(run, ids(cause("2"), JSON("a", 1))...) {
		if seen[id] {
			t.Errorf("two events with the id %s", id)
		}
		seen[id] = true
	}
	if outside := ids(nil, JSON("a", 1), JSON("a", 1)); outside[0] == outside[1] {
		t.Error("outside a handler two events are two")
	}
}

func TestPublishRefuses(t *testing.T) {
	shut := mempubsub.NewTopic()
	if err := shut.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		reason    string
		p         *Publisher
		e         event.Event
		want      string
		permanent bool
	}{
		{"data that JSON cannot say", &Publisher{Source: "/s"}, JSON("a", func() {}), "unsupported type", true},
		{"no source anywhere", &Publisher{}, JSON("a", 1), "Publisher.Source", true},
		{"no type", &Publisher{Source: "/s"}, JSON("", 1), "type", true},
		{"a subject with a newline", &Publisher{Source: "/s"}, func() event.Event {
			e := JSON("a", 1)
			e.SetSubject("a\nb")
			return e
		}(), "subject", true},
		{"an event that was never made", &Publisher{Source: "/s"}, event.Event{}, "event.New", true},
		{"a topic that is shut", &Publisher{Source: "/s", Topic: shut}, JSON("a", 1), "publish a: ", false},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			err := c.p.Publish(t.Context(), c.e)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Publish = %v, want an error with %q", err, c.want)
			}
			if _, permanent := errors.AsType[*eventfx.PermanentError](err); permanent != c.permanent {
				t.Errorf("permanent = %t: %v", permanent, err)
			}
		})
	}
}

func TestPublishPrepare(t *testing.T) {
	p := &Publisher{Source: "/s", Prepare: func(e event.Event, m *pubsub.Message) {
		m.Metadata["MessageGroupId"] = e.Subject()
		m.Metadata["type"] = e.Type()
	}}
	e := JSON("a", 1)
	e.SetSubject("order-1")
	got := sent(t, p, nil, e)[0].Origin.Attributes
	want := map[string]string{"MessageGroupId": "order-1", "type": "a", "content-type": structuredType}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestPublishInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour)
		want := time.Now()
		if got := sent(t, &Publisher{Source: "/s"}, nil, JSON("a", 1))[0].Time(); !got.Equal(want) {
			t.Errorf("time = %v, want the bubble's %v", got, want)
		}
	})
}
