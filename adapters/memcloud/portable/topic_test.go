package portable_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
)

type metadata = map[string]string

func attribute(v string) memcloud.Attribute { return memcloud.Attribute{Type: "String", Value: v} }

// events are messages that must arrive as they were sent.
var events = []struct {
	body       string
	metadata   metadata
	attributes map[string]memcloud.Attribute // in the queue
	reason     string
}{
	{
		`{"specversion":"1.0","id":"1","source":"/app","type":"t","data":{}}`, metadata{"content-type": "application/cloudevents+json"},
		map[string]memcloud.Attribute{"content-type": attribute("application%2Fcloudevents+json")}, "a structured CloudEvent",
	},
	{
		`{"a":1}`, metadata{"content-type": "application/json", "ce-id": "a b%", "ce-source": "/app", "ce-specversion": "1.0", "ce_type": "t"},
		map[string]memcloud.Attribute{
			"content-type": attribute("application%2Fjson"), "ce-id": attribute("a%20b%25"), "ce-source": attribute("%2Fapp"),
			"ce-specversion": attribute("1.0"), "ce_type": attribute("t"),
		}, "a binary CloudEvent",
	},
	{
		"\xff\x00\xfe", nil, map[string]memcloud.Attribute{"base64encoded": attribute("true")}, "a body that is not UTF-8",
	},
	{
		"text", metadata{"ä b.c": "ü", "..": "x", "__0x20__": "y"},
		map[string]memcloud.Attribute{"__0xe4____0x20__b.c": attribute("%C3%BC"), "__0x2e____0x2e__": attribute("x"), "__0x5f___0x20__": attribute("y")}, "names that SQS refuses",
	},
	{"plain", nil, nil, "no metadata"},
}

func TestMessagesSurvive(t *testing.T) {
	ways := []struct {
		name string
		wire func(*memcloud.Cloud, *memcloud.Queue) *pubsub.Topic
	}{
		{"queue", func(_ *memcloud.Cloud, q *memcloud.Queue) *pubsub.Topic { return portable.Topic(q) }},
		{"raw topic", func(c *memcloud.Cloud, q *memcloud.Queue) *pubsub.Topic {
			topic := c.Topic("events")
			topic.Subscribe(q, &memcloud.Subscription{Raw: true})
			return portable.Topic(topic)
		}},
		{"topic", func(c *memcloud.Cloud, q *memcloud.Queue) *pubsub.Topic {
			topic := c.Topic("events")
			topic.Subscribe(q, nil)
			return portable.Topic(topic)
		}},
	}
	for _, way := range ways {
		for _, tc := range events {
			t.Run(way.name+"/"+tc.reason, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := memcloud.New(t)
					q := cloud.Queue("inbox", nil)
					must(t, way.wire(cloud, q).Send(t.Context(), &pubsub.Message{Body: []byte(tc.body), Metadata: tc.metadata}))
					if stored := q.Messages()[0]; way.name != "topic" {
						if diff := cmp.Diff(tc.attributes, stored.Attributes, cmp.Comparer(sameAttributes)); diff != "" {
							t.Errorf("in the queue: %s", diff)
						}
					}
					m, err := portable.Subscription(q).Receive(t.Context())
					must(t, err)
					m.Ack()
					if diff := cmp.Diff([]any{tc.body, tc.metadata}, []any{string(m.Body), m.Metadata}); diff != "" {
						t.Error(diff)
					}
				})
			})
		}
	}
}

func sameAttributes(a, b map[string]memcloud.Attribute) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func TestForeignMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("inbox", nil)
		s := portable.Subscription(q)
		q.SendBatch(
			memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{"n": {Type: "Number", Value: "1"}, "b": {Type: "Binary", Binary: []byte{1}}, "odd": attribute("100%")}},
			memcloud.Message{Body: "no base64", Attributes: map[string]memcloud.Attribute{"base64encoded": attribute("true")}},
			memcloud.Message{Body: `{"Type":"Notification","Message":"no topic"}`},
		)
		want := [][]any{
			{"a", metadata{"n": "1", "b": "", "odd": "100%"}},
			{"no base64", metadata(nil)},
			{`{"Type":"Notification","Message":"no topic"}`, metadata(nil)},
		}
		for _, w := range want {
			m, err := s.Receive(t.Context())
			must(t, err)
			m.Ack()
			if diff := cmp.Diff(w, []any{string(m.Body), m.Metadata}); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestFIFOMessages(t *testing.T) {
	// Rule C2.10: a message of a FIFO queue has a group, and is taken once.
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders.fifo", nil)
		topic := portable.Topic(q)
		m := &pubsub.Message{Body: []byte("x"), Metadata: metadata{"MessageGroupId": "g", "DeduplicationId": "d"}}
		must(t, topic.Send(t.Context(), m))
		must(t, topic.Send(t.Context(), m))
		if got := q.Messages(); len(got) != 1 || got[0].Group != "g" || got[0].DeduplicationID != "d" {
			t.Errorf("in the queue: %+v", got)
		}
		wantCode(t, topic.Send(t.Context(), &pubsub.Message{Body: []byte("x")}), gcerrors.InvalidArgument)
	})
}

func TestRefusedMessages(t *testing.T) {
	// Rule C2.7: a body has a character at least, and a size at most.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		q, topic := portable.Topic(cloud.Queue("inbox", nil)), portable.Topic(cloud.Topic("events"))
		for _, to := range []*pubsub.Topic{q, topic} {
			err := to.Send(t.Context(), &pubsub.Message{})
			wantCode(t, err, gcerrors.InvalidArgument)
			var refused *memcloud.Error
			if !to.ErrorAs(err, &refused) {
				t.Errorf("%v gives no memcloud.Error", err)
			}
			wantCode(t, to.Send(t.Context(), &pubsub.Message{Body: []byte(strings.Repeat("x", 2<<20))}), gcerrors.InvalidArgument)
		}
		wantCode(t, q.Send(t.Context(), &pubsub.Message{Body: []byte("\x00")}), gcerrors.InvalidArgument) // as on AWS: UTF-8, but not XML
	})
}

func TestBeforeSendChangesTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("inbox", nil)
		var id string
		must(t, portable.Topic(q).Send(t.Context(), &pubsub.Message{
			Body: []byte("x"),
			BeforeSend: func(as func(any) bool) error {
				var m *memcloud.Message
				as(&m)
				m.TraceHeader = "Root=1"
				return nil
			},
			AfterSend: func(as func(any) bool) error {
				var m *memcloud.Message
				as(&m)
				id = m.ID
				return nil
			},
		}))
		if m := q.Messages()[0]; m.TraceHeader != "Root=1" || m.ID != id {
			t.Errorf("in the queue: %+v, not %s", m, id)
		}
	})
}

// TestSimultaneousSends has goroutines that send at one instant: which of them
// runs first must make no difference.
func TestSimultaneousSends(t *testing.T) {
	timelines := map[string]int{}
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			cloud := memcloud.New(t)
			events, inbox := cloud.Topic("events"), cloud.Queue("inbox", nil)
			events.Subscribe(inbox, nil)
			topic, s := portable.Topic(events), portable.Subscription(inbox)
			var wg sync.WaitGroup
			for n := range 20 {
				wg.Go(func() {
					if err := topic.Send(t.Context(), &pubsub.Message{Body: fmt.Append(nil, "message ", n)}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			var received []*pubsub.Message
			for range 20 {
				m, err := s.Receive(t.Context())
				must(t, err)
				received = append(received, m)
			}
			for n, m := range received {
				wg.Go(func() {
					if n%3 == 0 {
						m.Nack()
					} else {
						m.Ack()
					}
				})
			}
			wg.Wait()
			synctest.Wait()
			must(t, s.Shutdown(t.Context()))
			cloud.Settle()
			timelines[cloud.Timeline()]++
		})
	}
	if len(timelines) != 1 {
		t.Errorf("%d timelines", len(timelines))
		for timeline := range timelines {
			t.Log(timeline)
		}
	}
}
