package pubsubhost

import (
	"os"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

const ordersARN = "arn:aws:sqs:eu-west-1:123456789012:orders"

func opened(t testing.TB, o Options, m *pubsub.Message) []*eventfx.Message {
	t.Helper()
	c, err := o.settings(new(pubsub.Subscription))
	if err != nil {
		t.Fatal(err)
	}
	return c.open(m)
}

type seen struct {
	ID, Source, Type, ContentType, Data, Queue, Group string
	Receives                                          int
	Binary, Err                                       bool
}

func look(messages []*eventfx.Message) (all []seen) {
	for _, m := range messages {
		queue, _ := m.Extensions()["eventfxqueue"].(string)
		if arn, ok := m.Extensions()["sqsqueuearn"].(string); ok {
			queue = arn
		}
		all = append(all, seen{
			ID: m.ID(), Source: m.Source(), Type: m.Type(), ContentType: m.DataContentType(), Data: string(m.DataEncoded), Queue: queue,
			Group: m.Group, Receives: m.Origin.Receives, Binary: m.DataBase64, Err: m.Err != nil,
		})
	}
	return all
}

func TestOpen(t *testing.T) {
	// Rules A3.1, A3.4, C7.1, C7.2, F3.6 and F3.8
	const event = `{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","data":{"n":1}}`
	told := func(*pubsub.Message) Received { return Received{ID: "id-7", Receives: 3, Group: "g"} }
	orders := Options{Queue: "nats://host/orders?x=1", Received: told}
	tests := []struct {
		name     string
		o        Options
		body     string
		metadata map[string]string
		want     []seen
		reason   string
	}{
		{"text", orders, "hello", nil, []seen{{ID: "id-7", Source: "nats://host/orders", Type: "dev.eventfx.message", ContentType: "text/plain", Data: "hello", Receives: 3, Group: "g"}}, "a plain body"},
		{"json", Options{Queue: "orders", Received: told}, `{"n":1}`, nil, []seen{{ID: "id-7", Source: "/orders", Type: "dev.eventfx.message", ContentType: "application/json", Data: `{"n":1}`, Receives: 3, Group: "g"}}, "a document"},
		{"json twice", orders, `{"n":1,"n":2}`, nil, []seen{{ID: "id-7", Source: "nats://host/orders", Type: "dev.eventfx.message", ContentType: "text/plain", Data: `{"n":1,"n":2}`, Receives: 3, Group: "g"}}, "parsers would not agree"},
		{"bytes", orders, "\xff\x00", nil, []seen{{ID: "id-7", Source: "nats://host/orders", Type: "dev.eventfx.message", ContentType: "application/octet-stream", Data: "\xff\x00", Receives: 3, Group: "g", Binary: true}}, "no text"},
		{"said", orders, "a,b", map[string]string{"Content-Type": "text/csv"}, []seen{{ID: "id-7", Source: "nats://host/orders", Type: "dev.eventfx.message", ContentType: "text/csv", Data: "a,b", Receives: 3, Group: "g"}}, "its sender says"},
		{"said json, is none", orders, "a,b", map[string]string{"content-type": "application/json"}, []seen{{ID: "id-7", Source: "nats://host/orders", Type: "dev.eventfx.message", ContentType: "text/plain", Data: "a,b", Receives: 3, Group: "g"}}, "an event with it could not be written"},
		{"structured", orders, event, nil, []seen{{ID: "1", Source: "/shop", Type: "order.placed", ContentType: "", Data: `{"n":1}`, Queue: "orders", Receives: 3, Group: "g"}}, "a CloudEvent"},
		{"binary", orders, `{"n":1}`, map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "order.placed", "content-type": "application/json"}, []seen{{ID: "1", Source: "/shop", Type: "order.placed", ContentType: "application/json", Data: `{"n":1}`, Queue: "orders", Receives: 3, Group: "g"}}, "a CloudEvent"},
		{"batch", orders, "[" + event + "," + strings.Replace(event, `"1"`, `"2"`, 1) + "]", map[string]string{"content-type": "application/cloudevents-batch+json"}, []seen{
			{ID: "1", Source: "/shop", Type: "order.placed", Data: `{"n":1}`, Queue: "orders", Receives: 3, Group: "g"},
			{ID: "2", Source: "/shop", Type: "order.placed", Data: `{"n":1}`, Queue: "orders", Receives: 3, Group: "g"},
		}, "several"},
		{"an invalid event", orders, strings.Replace(event, `"1"`, `""`, 1), map[string]string{"content-type": "application/cloudevents+json"}, []seen{{ID: "id-7", Source: "nats://host/orders", Type: "dev.eventfx.message", ContentType: "application/cloudevents+json", Data: strings.Replace(event, `"1"`, `""`, 1), Receives: 3, Group: "g", Err: true}}, "its bytes are kept"},
		{"a test of S3", orders, `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b","RequestId":"r","HostId":"h"}`, nil, nil, "nothing to handle"},
		{"no queue", Options{Received: told}, "hello", nil, []seen{{ID: "id-7", Source: "/", Type: "dev.eventfx.message", ContentType: "text/plain", Data: "hello", Receives: 3, Group: "g"}}, "it has no name"},
		{"SQS", Options{Queue: ordersARN}, "hello", nil, []seen{{ID: "m-1", Source: ordersARN, Type: "com.amazonaws.sqs.message", ContentType: "text/plain", Data: "hello"}}, "as on Lambda"},
		{"SQS, event", Options{Queue: ordersARN, Received: told}, event, nil, []seen{{ID: "1", Source: "/shop", Type: "order.placed", Data: `{"n":1}`, Queue: ordersARN, Receives: 3}}, "as on Lambda"},
		{"SQS, binary", Options{Queue: ordersARN, Received: told}, `{"n":1}`, map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "order.placed", "content-type": "application/json"}, []seen{{ID: "1", Source: "/shop", Type: "order.placed", ContentType: "application/json", Data: `{"n":1}`, Queue: ordersARN, Receives: 3}}, "what a Publisher wrote"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &pubsub.Message{LoggableID: "m-1", Body: []byte(tt.body), Metadata: tt.metadata}
			got := opened(t, tt.o, m)
			if diff := cmp.Diff(tt.want, look(got)); diff != "" {
				t.Errorf("%s\n%s", tt.reason, diff)
			}
			for _, message := range got {
				if message.Err == nil {
					if err := message.Validate(); err != nil {
						t.Errorf("the event is invalid: %v", err)
					}
				}
				if name := message.Origin.Name; tt.o.Queue != "" && name != "orders" {
					t.Errorf("Origin.Name %q", name)
				}
				clear(message.DataEncoded[:cap(message.DataEncoded)])
			}
			if string(m.Body) != tt.body {
				t.Error("the message shares its data with the broker, which may give it to others")
			}
		})
	}
}

// TestOpenGivesNewIDs: a plain message that nobody names is never taken for
// another one.
func TestOpenGivesNewIDs(t *testing.T) {
	m := &pubsub.Message{LoggableID: "unknown", Body: []byte("x")}
	first, second := opened(t, Options{Queue: "orders"}, m), opened(t, Options{Queue: "orders"}, m)
	if first[0].ID() == second[0].ID() || first[0].ID() == "" {
		t.Errorf("ids %q and %q", first[0].ID(), second[0].ID())
	}
}

// TestKindsOnAnyBroker: the sources match as on Lambda, also when the event is
// written and read again.
func TestKindsOnAnyBroker(t *testing.T) {
	s3, err := os.ReadFile("../awsevents/testdata/payloads/s3_put.json")
	if err != nil {
		t.Fatal(err)
	}
	type order struct{ N int }
	binary, err := pubsubevents.Encode(*newEvent(t), pubsubevents.Binary)
	if err != nil {
		t.Fatal(err)
	}
	orders := queue.JSON[order]{Queue: "orders"}
	tests := []struct {
		name     string
		m        *pubsub.Message
		match    func(*eventfx.Message) bool
		decoded  func(*eventfx.Message) (any, error)
		wantText string
	}{
		{"a document", &pubsub.Message{Body: []byte(`{"n":1}`)}, orders.Match, func(m *eventfx.Message) (any, error) { return orders.Decode(m) }, "{1}"},
		{"an event", binary, orders.Match, func(m *eventfx.Message) (any, error) { return orders.Decode(m) }, "{1}"},
		{"a type in the metadata", &pubsub.Message{Body: []byte(`{"n":1}`), Metadata: map[string]string{"type": "placed"}}, queue.JSON[order]{Queue: "orders", Type: "placed"}.Match, func(m *eventfx.Message) (any, error) { return orders.Decode(m) }, "{1}"},
		{"a notification of S3", &pubsub.Message{Body: s3}, object.Created{}.Match, nil, ""},
	}
	for _, address := range []string{"orders", "rabbit://orders", ordersARN} {
		for _, tt := range tests {
			t.Run(address+"/"+tt.name, func(t *testing.T) {
				tt.m.LoggableID = "m-1"
				m := opened(t, Options{Queue: address}, tt.m)[0]
				text, err := m.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				again := new(eventfx.Message)
				if err := again.UnmarshalJSON(text); err != nil {
					t.Fatal(err)
				}
				for _, m := range []*eventfx.Message{m, again} {
					if !tt.match(m) {
						t.Errorf("no match for %s", text)
					}
				}
				if tt.decoded == nil {
					return
				}
				for _, m := range []*eventfx.Message{m, again} {
					if v, err := tt.decoded(m); err != nil || v != (order{1}) {
						t.Errorf("decoded %v, %v", v, err)
					}
				}
			})
		}
	}
}

func newEvent(t testing.TB) *event.Event {
	e := event.New()
	e.SetID("1")
	e.SetSource("/shop")
	e.SetType("order.placed")
	if err := e.SetData(event.ApplicationJSON, map[string]int{"n": 1}); err != nil {
		t.Fatal(err)
	}
	return &e
}

func TestAttributesText(t *testing.T) {
	// Rule A1.7
	got := attributesText(map[string]string{"a": "x\u0001\u007f\u0085\ufffe\U0001fffe\"ü"})
	want := `{"a":"x\u0001\u007f\u0085\ufffe` + "\ufffd" + `\"ü"}`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
