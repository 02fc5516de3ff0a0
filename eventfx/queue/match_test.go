package queue_test

import (
	"testing"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/internal/kindlaw"
)

func TestMatchName(t *testing.T) {
	// Rule A8
	const dlq = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"
	for _, tt := range []struct {
		reason  string
		message *eventfx.Message
		name    string // "": no message of a queue
	}{
		{"the queue of the source", sqs("{}", nil), "orders"},
		{"a FIFO queue", message("com.amazonaws.sqs.message", "arn:aws:sqs:eu-west-1:123456789012:o.fifo", "{}", nil), "o.fifo"},
		{"the queue that delivered it goes before the first queue", sqs("{}", map[string]any{"sqsqueuearn": dlq}), "orders-dlq"},
		{"any event in a queue", message("order.placed", "/shop", "{}", map[string]any{"sqsqueuearn": dlq}), "orders-dlq"},
		{"no event of a queue", message("order.placed", "/shop", "{}", nil), ""},
		{"any event in a queue of another broker", message("order.placed", "/shop", "{}", map[string]any{"eventfxqueue": "orders"}), "orders"},
		{"an extension that is no text", message("order.placed", "/shop", "{}", map[string]any{"sqsqueuearn": 7}), ""},
		{"the topic of a subscription", sns("{}", "{}"), "orders"},
		{"the topic itself", message("com.amazonaws.sns.Notification", "arn:aws:sns:eu-west-1:123456789012:orders", `{"Message":"{}"}`, nil), "orders"},
		{"another kind of SNS message", message("com.amazonaws.sns.SubscriptionConfirmation", "arn:aws:sns:eu-west-1:123456789012:orders", "{}", nil), ""},
		{"another broker's path", message("dev.eventfx.message", "nats://127.0.0.1:4222/shop/orders", "{}", nil), "orders"},
		{"another broker's topic", message("dev.eventfx.message", "kafka:shop:orders", "{}", nil), "orders"},
		{"another broker's host", message("dev.eventfx.message", "mem://orders", "{}", nil), "orders"},
		{"a relative source", message("dev.eventfx.message", "orders", "{}", nil), "orders"},
		{"no event at all", &eventfx.Message{}, ""},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			for _, name := range []string{"", "orders", "orders-dlq", "o.fifo", "order", "Orders", "orders:orders"} {
				want := tt.name != "" && (name == "" || name == tt.name)
				if tt.message.Context == nil {
					if (queue.Text{Queue: name}).Match(tt.message) || (queue.JSON[int]{Queue: name, Type: "x"}).Match(tt.message) || (queue.JSON[int]{Type: "x"}).Match(tt.message) {
						t.Errorf("%q matched", name)
					}
					continue
				}
				for kind, got := range map[string]bool{
					"JSON": kindlaw.Check(t, queue.JSON[map[string]any]{Queue: name}, tt.message),
					"Text": kindlaw.Check(t, queue.Text{Queue: name}, tt.message),
					"Raw":  kindlaw.Check(t, queue.Raw{Queue: name}, tt.message),
				} {
					if got != want {
						t.Errorf("%s of %q: %v", kind, name, got)
					}
				}
			}
		})
	}
}

func TestMatchOriginFirst(t *testing.T) {
	m := named(sqs("{}", nil), "orders-dlq")
	if (queue.Text{Queue: "orders"}).Match(m) || !(queue.Text{Queue: "orders-dlq"}).Match(m) {
		t.Error("the name that the host knows does not count")
	}
}

func TestMatchType(t *testing.T) {
	inQueue := map[string]any{"sqsqueuearn": "arn:aws:sqs:eu-west-1:123456789012:orders"}
	for _, tt := range []struct {
		reason  string
		message *eventfx.Message
		want    string // the type, of "order.placed", "user.created" and none
	}{
		{"the type of the event that was in the body", message("order.placed", "/shop", `{"type":"user.created"}`, inQueue), "order.placed"},
		{"an attribute goes before the body", sqs(`{"type":"user.created"}`, attribute("type", "order.placed")), "order.placed"},
		{"the field of the body", sqs(`{"id":"1", "type" : "order.placed"}`, nil), "order.placed"},
		{"the body is not read further than the field", sqs(`{"type":"order.placed","x":`, nil), "order.placed"},
		{"the first of two fields", sqs(`{"type":"order.placed","type":"user.created"}`, nil), "order.placed"},
		{"escapes in the field and its name", sqs(`{"\u0074ype":"order\u002eplaced"}`, nil), "order.placed"},
		{"a field further in", sqs(`{"order":{"type":"order.placed"}}`, nil), ""},
		{"a field with capitals", sqs(`{"Type":"order.placed"}`, nil), ""},
		{"a field that is no text", sqs(`{"type":["order.placed"]}`, nil), ""},
		{"null", sqs(`{"type":null}`, nil), ""},
		{"a list of bodies", sqs(`[{"type":"order.placed"}]`, nil), ""},
		{"text", sqs(`order.placed`, nil), ""},
		{"nothing", sqs(``, nil), ""},
		{"another attribute", sqs(`{"type":"order.placed"}`, attribute("kind", "user.created")), "order.placed"},
		{"an attribute of another case", sqs(`{}`, attribute("Type", "order.placed")), ""},
		{
			"a binary attribute has no text", sqs(`{"type":"order.placed"}`,
				map[string]any{"sqsattributes": `{"type":{"binaryValue":"b3JkZXI=","dataType":"Binary"}}`}), "order.placed",
		},
		{"attributes that are none", sqs(`{"type":"order.placed"}`, map[string]any{"sqsattributes": `[`}), "order.placed"},
		{"the field of the Message", sns(`{"type":"order.placed"}`, `{}`), "order.placed"},
		{
			"an attribute of the notification", sns(`{"type":"user.created"}`, `{"type":{"Type":"String","Value":"order.placed"}}`),
			"order.placed",
		},
		{
			"a member of the notification is no field of the body", message("com.amazonaws.sns.Notification",
				"arn:aws:sns:eu-west-1:123456789012:orders", `{"type":"order.placed","Message":"{}"}`, nil), "",
		},
		{"a notification without a Message", message("com.amazonaws.sns.Notification", "arn:aws:sns:eu-west-1:123456789012:orders", `{}`, nil), ""},
		{
			"metadata of another broker", message("dev.eventfx.message", "mem://orders", `{"type":"user.created"}`,
				map[string]any{"eventfxattributes": `{"a":"b","type":"order.placed"}`}), "order.placed",
		},
	} {
		// Rule F3.2
		t.Run(tt.reason, func(t *testing.T) {
			for _, typ := range []string{"order.placed", "user.created"} {
				for _, name := range []string{"", "orders"} {
					src := queue.JSON[map[string]any]{Queue: name, Type: typ}
					if got := src.Match(tt.message); got != (typ == tt.want) {
						t.Errorf("%v: %v", src, got)
					}
				}
				if (queue.JSON[order]{Queue: "others", Type: typ}).Match(tt.message) {
					t.Errorf("%s of another queue matched", typ)
				}
			}
		})
	}
}

func TestMatchTypeElsewhere(t *testing.T) {
	m := sqs(`{"kind":"order.placed"}`, nil)
	if !kindlaw.Check(t, queue.JSON[order]{Type: "order.placed", TypeField: "kind"}, m) {
		t.Error("the field that was asked for was not read")
	}
	m = sqs(`{"type":"user.created"}`, attribute("event-type", "order.placed"))
	if !kindlaw.Check(t, queue.JSON[order]{Type: "order.placed", TypeAttribute: "event-type"}, m) {
		t.Error("the attribute that was asked for was not read")
	}
	if kindlaw.Check(t, queue.JSON[order]{Type: "user.created", TypeAttribute: "event-type"}, m) {
		t.Error("the field was read beside the attribute")
	}
}

// Over HTTP and in direct invocations there is no queue to name.
func TestMatchEventsOutsideQueues(t *testing.T) {
	m := message("order.placed", "/shop", `{"id":"1"}`, nil)
	for src, want := range map[queue.JSON[order]]bool{
		{Type: "order.placed"}:                  true,
		{Type: "user.created"}:                  false,
		{}:                                      false,
		{Type: "order.placed", Queue: "orders"}: false,
		{Type: "order.placed", Queue: "shop"}:   false,
	} {
		if got := kindlaw.Check(t, src, m); got != want {
			t.Errorf("%v: %v", src, got)
		}
	}
}

func TestString(t *testing.T) {
	for want, got := range map[string]string{
		`queue.Text{}`:                                   queue.Text{}.String(),
		`queue.Text{Queue: "orders"}`:                    queue.Text{Queue: "orders"}.String(),
		`queue.Raw{Queue: "orders"}`:                     queue.Raw{Queue: "orders"}.String(),
		`queue.JSON[queue_test.order]{}`:                 queue.JSON[order]{}.String(),
		`queue.JSON[*queue_test.order]{Queue: "a\"b"}`:   queue.JSON[*order]{Queue: `a"b`}.String(),
		`queue.JSON[int]{Queue: "q", Type: "t"}`:         queue.JSON[int]{Queue: "q", Type: "t"}.String(),
		`queue.JSON[int]{Type: "t"}`:                     queue.JSON[int]{Type: "t", TypeAttribute: "type", TypeField: "type"}.String(),
		`queue.JSON[int]{Type: "t", TypeField: "k"}`:     queue.JSON[int]{Type: "t", TypeField: "k"}.String(),
		`queue.JSON[int]{Type: "t", TypeAttribute: "k"}`: queue.JSON[int]{Type: "t", TypeAttribute: "k"}.String(),
		`queue.JSON[bool]{Queue: "q"}`:                   queue.JSON[bool]{Queue: "q", TypeAttribute: "k"}.String(),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Most messages that a router asks about are for another route.
func TestMatchAllocatesNothing(t *testing.T) {
	typed := queue.JSON[order]{Queue: "orders", Type: "order.placed"}
	for _, m := range []*eventfx.Message{
		sqs(`{"id":"1","type":"order.placed"}`, nil),
		sqs(`{"id":"1","type":"user.created"}`, nil),
		named(sqs(`{"id":"1","type":"user.created"}`, nil), "orders"),
		named(message("order.placed", "/shop", "{}", nil), "orders"),
		sns(`order.placed`, `{"type":{"Type":"String","Value":"order.placed"}}`),
	} {
		if n := testing.AllocsPerRun(100, func() { typed.Match(m) }); n != 0 {
			t.Errorf("%s: %v allocations", m.Type(), n)
		}
	}
}
