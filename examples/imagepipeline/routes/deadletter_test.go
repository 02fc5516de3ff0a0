package routes

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/pipeline"
)

// TestDeadLetter: the event stays as it was; the story stands beside it.
func TestDeadLetter(t *testing.T) {
	// Rule H3: same source and id, with the story in extensions.
	ctx := t.Context()
	topic := mempubsub.NewTopic()
	defer topic.Shutdown(ctx)
	subscription := mempubsub.NewSubscription(topic, 1e9)
	defer subscription.Shutdown(ctx)

	e := event.New()
	e.SetID("id-1")
	e.SetSource("arn:aws:sqs:eu-west-1:123456789012:orders")
	e.SetType("com.amazonaws.sqs.message")
	if err := e.SetData(event.ApplicationJSON, map[string]int{"copies": 0}); err != nil {
		t.Fatal(err)
	}
	message := &eventfx.Message{Event: e, Origin: eventfx.Origin{Receives: 2}}
	err := deadLetterTo(topic)(ctx, &eventfx.Dead{
		Message: message, Route: Orders.String(), Reason: "retriesexhausted",
		Err:      errors.New("line 1\nline\x00 2 " + strings.Repeat("ü", 1000)),
		Attempts: make([]eventfx.Attempt, 3),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(message.Extensions()) != 0 {
		t.Errorf("the message was changed: %v", message.Extensions())
	}

	m, err := subscription.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m.Ack()
	got, err := ReadDeadLetter(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got.Event.ID() != e.ID() || got.Event.Source() != e.Source() || got.Event.Type() != e.Type() ||
		string(got.Event.Data()) != `{"copies":0}` {
		t.Errorf("the event is %v", got.Event)
	}
	if got.Reason != "retriesexhausted" || got.Attempts != 3 || got.Receives != 2 {
		t.Errorf("got %+v", got)
	}
	want := "line 1 line  2 " + strings.Repeat("ü", 504)
	if diff := cmp.Diff(want, got.Error); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// TestDeadLetterNotKept: what the topic did not take must not count as kept.
func TestDeadLetterNotKept(t *testing.T) {
	e := event.New()
	e.SetID("id-1")
	e.SetSource("/test")
	e.SetType("test")
	if err := e.SetData(event.ApplicationJSON, "x"); err != nil {
		t.Fatal(err)
	}
	dead := &eventfx.Dead{Message: &eventfx.Message{Event: e}, Reason: "permanent", Err: errors.New("no")}
	topic := mempubsub.NewTopic()
	keep := deadLetterTo(topic)
	if err := keep(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	if err := topic.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := keep(t.Context(), dead); err == nil {
		t.Error("no error from a topic that is closed")
	}
}

// TestNew: the sources are distinct, and registering them does not panic.
func TestNew(t *testing.T) {
	topic := mempubsub.NewTopic()
	defer topic.Shutdown(t.Context())
	r := New(&pipeline.App{}, topic)
	failures := r.Deliver(t.Context(), nil)
	if len(failures) != 0 {
		t.Errorf("failures of nothing: %v", failures)
	}
}
