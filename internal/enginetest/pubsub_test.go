package enginetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var pubsubScripts = []script{
	{"pubsub", portableQueue},
	{"ack", acks},
	{"portablefifo", portableFIFO},
	{"fanout", fanOut},
	{"envelope", envelope},
}

// receive receives a message by gocloud, or nil if there is none.
func receive(r *Run, s *pubsub.Subscription, patience time.Duration) *pubsub.Message {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	m, err := s.Receive(ctx)
	if err != nil && ctx.Err() == nil {
		r.Must(err)
	}
	return m
}

// give acknowledges a message or gives it back, if there is one.
func give(m *pubsub.Message, back bool) {
	switch {
	case m == nil:
	case back:
		m.Nack()
	default:
		m.Ack()
	}
}

// show writes a message of gocloud's.
func show(m *pubsub.Message) string {
	if m == nil {
		return "nothing"
	}
	text := fmt.Sprintf("%q", m.Body)
	for _, name := range slices.Sorted(maps.Keys(m.Metadata)) {
		text += fmt.Sprintf(" %q=%q", name, m.Metadata[name])
	}
	return text
}

// receivesOf returns a message's receive count, by the way out of gocloud's
// types that each driver has.
func receivesOf(m *pubsub.Message) int {
	var inMemory memcloud.Message
	var inSQS types.Message
	switch {
	case m == nil:
	case m.As(&inMemory):
		return inMemory.Receives
	case m.As(&inSQS):
		n, _ := strconv.Atoi(inSQS.Attributes["ApproximateReceiveCount"])
		return n
	}
	return 0
}

func portableQueue(r *Run) {
	q := r.Queue("orders", nil)
	topic, subscription := q.Publisher(), q.Subscription()
	for _, c := range []struct {
		step    string
		message *pubsub.Message
	}{
		{"text", &pubsub.Message{Body: []byte("hello, 世界")}},
		{"JSON", &pubsub.Message{Body: []byte(`{"id":1}`)}},
		{"bytes", &pubsub.Message{Body: []byte{0xff, 0, 0x80}}},
		{"metadata", &pubsub.Message{Body: []byte("x"), Metadata: map[string]string{"kind": "order", "from": "a b/ä%20+"}}},
		{"names", &pubsub.Message{Body: []byte("x"), Metadata: map[string]string{"a b": "1", "ä": "2", "a.b-c_d": "3", "A": "4"}}},
		{"bytes with metadata", &pubsub.Message{Body: []byte{0xfe}, Metadata: map[string]string{"k": "v"}}},
	} {
		err := topic.Send(r.ctx, c.message)
		r.SeeCode(c.step+": send", err)
		if err != nil {
			continue
		}
		m := receive(r, subscription, 5*time.Second)
		r.See(c.step+": received", show(m))
		r.See(c.step+": receives", receivesOf(m))
		give(m, false)
	}
	r.Must(subscription.Shutdown(context.Background())) // which sends the acks
	r.See("acknowledged", r.Count(q))
	// gocloud's driver for SQS has no code for it.
	r.See("an empty body is refused", topic.Send(r.ctx, &pubsub.Message{Metadata: map[string]string{"k": "v"}}) != nil)
	r.Must(topic.Shutdown(context.Background()))

	// How the message looks to somebody else.
	wire := r.Queue("wire", nil)
	topic = wire.Publisher()
	r.Must(topic.Send(r.ctx, &pubsub.Message{Body: []byte{0xff}, Metadata: map[string]string{"a b": "c d", "kind": "x"}}))
	m := r.One(wire)
	r.See("bytes on the wire", m.Body)
	r.See("metadata on the wire", Attributes(m.Attributes))
	r.Must(topic.Shutdown(context.Background()))
}

func acks(r *Run) {
	q := r.Queue("orders", &memcloud.QueueOptions{Visibility: 20 * time.Second, MaxReceives: 3})
	subscription := q.Subscription()
	r.Send(q, "a")
	m := receive(r, subscription, 5*time.Second)
	r.See("received", show(m))
	r.See("receives", receivesOf(m))
	r.See("can be given back", m != nil && m.Nackable())
	give(m, true)
	m = receive(r, subscription, 10*time.Second)
	r.See("given back, it comes again", show(m))
	r.See("with its count", receivesOf(m))
	give(m, false)
	r.Must(subscription.Shutdown(context.Background()))
	r.See("acknowledged, it is gone", r.Count(q))

	// Given back for good.
	subscription = q.Subscription()
	r.Send(q, "poison")
	for i := range 3 {
		m = receive(r, subscription, 10*time.Second)
		r.See(fmt.Sprint("try ", i+1), receivesOf(m))
		give(m, true)
	}
	r.See("no fourth try", show(receive(r, subscription, 3*time.Second)))
	r.Must(subscription.Shutdown(context.Background()))
	r.See("left", r.Count(q))
	r.See("dead letters", r.Receive(q.Dead(), 10))
}

func portableFIFO(r *Run) {
	q := r.Queue("orders.fifo", nil)
	topic := q.Publisher()
	for _, id := range []string{"1", "2", "1"} {
		r.SeeCode("send "+strconv.Itoa(len(r.seen)), topic.Send(r.ctx, &pubsub.Message{
			Body: []byte("order " + id), Metadata: map[string]string{"MessageGroupId": "g", "DeduplicationId": id},
		}))
	}
	got := r.Receive(q, 10)
	r.See("received", got)
	for i, m := range got {
		r.See(fmt.Sprint("group and id ", i+1), m.Group+" "+m.DeduplicationID)
		r.See(fmt.Sprint("attributes ", i+1), Attributes(m.Attributes))
	}
	r.See("refused without a group", topic.Send(r.ctx, &pubsub.Message{Body: []byte("x")}) != nil)
	r.Must(topic.Shutdown(context.Background()))
}

func fanOut(r *Run) {
	news := r.Topic("news")
	enveloped, raw := r.Queue("enveloped", nil), r.Queue("raw", nil)
	r.See("subscribe", news.Subscribe(enveloped, false))
	r.See("subscribe raw", news.Subscribe(raw, true))
	topic := news.Publisher()
	for _, c := range []struct {
		step    string
		message *pubsub.Message
	}{
		{"text", &pubsub.Message{Body: []byte("hello, 世界")}},
		{"bytes", &pubsub.Message{Body: []byte{0xff, 0}}},
		{"metadata", &pubsub.Message{Body: []byte("x"), Metadata: map[string]string{"kind": "order", "a b": "ä"}}},
	} {
		r.SeeCode(c.step+": send", topic.Send(r.ctx, c.message))
		for _, q := range []Queue{enveloped, raw} {
			subscription := q.Subscription()
			m := receive(r, subscription, 5*time.Second)
			r.See(c.step+": in "+r.stable(q.ARN()), show(m))
			give(m, false)
			r.Must(subscription.Shutdown(context.Background()))
		}
	}
	r.Must(topic.Shutdown(context.Background()))
	r.See("enveloped: left", r.Count(enveloped))
	r.See("raw: left", r.Count(raw))
}

func envelope(r *Run) {
	news := r.Topic("news")
	enveloped, raw := r.Queue("enveloped", nil), r.Queue("raw", nil)
	r.Must(news.Subscribe(enveloped, false))
	r.Must(news.Subscribe(raw, true))
	n := memcloud.Notice{Message: `{"id":"1 & 2"}`, Subject: "an order", Attributes: map[string]memcloud.Attribute{
		"kind": {Type: "String", Value: "new"}, "n": {Type: "Number", Value: "5"},
	}}
	id, err := news.Publish(r.ctx, n)
	r.See("publish", err)
	r.Name(id, "id-of-notice")
	m := r.One(enveloped)
	r.SeeMembers("members of the envelope", parse(m.Body))
	r.SeeDocument("envelope", parse(m.Body), "Type", "MessageId", "TopicArn", "Subject", "Message",
		"MessageAttributes.kind.Type", "MessageAttributes.kind.Value", "MessageAttributes.n.Type", "MessageAttributes.n.Value")
	r.See("envelope: attributes of the message", Attributes(m.Attributes))
	m = r.One(raw)
	r.See("raw: body", m.Body)
	r.See("raw: attributes", Attributes(m.Attributes))

	_, err = news.Publish(r.ctx, memcloud.Notice{Message: "plain"})
	r.See("publish without a subject", err)
	plain := parse(r.One(enveloped).Body)
	r.SeeMembers("plain: members", plain)
	r.SeeDocument("plain", plain, "Type", "Message")
	r.See("plain: raw", r.One(raw).Body)
	fifo := r.Queue("orders.fifo", nil)
	r.See("subscribe a FIFO queue", news.Subscribe(fifo, true))
}
