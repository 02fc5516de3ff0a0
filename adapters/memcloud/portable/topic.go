package portable

import (
	"context"
	"encoding/base64"
	"net/url"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/driver"
)

// Metadata with these names sets the fields of a FIFO queue's message, too.
const (
	groupKey         = "MessageGroupId"
	deduplicationKey = "DeduplicationId"
)

// base64Key is the attribute that says that the body is base64.
const base64Key = "base64encoded"

// Topic returns a topic, or a queue that is written to directly, as gocloud's
// portable topic. Metadata becomes string attributes, and a body that is not
// UTF-8 is sent as base64, as gocloud's drivers for SNS and SQS do.
//
// Each message is a request of its own, so that what is sent at one instant
// has one order. gocloud does not give drivers the sender's context: the
// cloud cannot tell a message of an invocation that is over from another.
//
// As gives a **memcloud.Topic or a **memcloud.Queue; BeforeSend and AfterSend
// give the **memcloud.Notice or **memcloud.Message that is sent, which
// BeforeSend may change.
func Topic[D *memcloud.Topic | *memcloud.Queue](to D) *pubsub.Topic {
	// One batch at a time would have the first of simultaneous messages go
	// alone and the rest after it: who is first would be luck.
	options := &batcher.Options{MaxBatchSize: 1, MaxHandlers: 1000}
	if q, ok := any(to).(*memcloud.Queue); ok {
		return pubsub.NewTopic(&queueTopic{q: q}, options)
	}
	return pubsub.NewTopic(&topic{t: any(to).(*memcloud.Topic)}, options)
}

// topicFace is what the drivers of topics and queues have in common.
type topicFace struct{ errorFace }

func (topicFace) IsRetryable(error) bool { return false }

func (topicFace) Close() error { return nil }

type topic struct {
	topicFace
	t *memcloud.Topic // nil: there is none
}

func (t *topic) As(target any) bool { return as(target, t.t) }

func (t *topic) SendBatch(ctx context.Context, messages []*driver.Message) error {
	if t.t == nil {
		return failure(gcerrors.NotFound, "the topic does not exist")
	}
	for _, m := range messages {
		n := &memcloud.Notice{}
		n.Message, n.Attributes = encode(m)
		if err := send(m, n, func() error {
			_, err := t.t.Publish(ctx, *n)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

type queueTopic struct {
	topicFace
	q *memcloud.Queue // nil: there is none
}

func (t *queueTopic) As(target any) bool { return as(target, t.q) }

func (t *queueTopic) SendBatch(ctx context.Context, messages []*driver.Message) error {
	if t.q == nil {
		return failure(gcerrors.NotFound, "the queue does not exist")
	}
	for _, m := range messages {
		sent := &memcloud.Message{Group: m.Metadata[groupKey], DeduplicationID: m.Metadata[deduplicationKey]}
		sent.Body, sent.Attributes = encode(m)
		if err := send(m, sent, func() (err error) {
			sent.ID, err = t.q.SendMessage(ctx, *sent)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// send calls the message's hooks around f, which sends the request.
func send[R any](m *driver.Message, request *R, f func() error) error {
	show := func(target any) bool { return as(target, request) }
	if m.BeforeSend != nil {
		if err := m.BeforeSend(show); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	if m.AfterSend != nil {
		return m.AfterSend(show)
	}
	return nil
}

// encode returns a message's body and metadata as they go over the wire.
func encode(m *driver.Message) (string, map[string]memcloud.Attribute) {
	attributes := make(map[string]memcloud.Attribute, len(m.Metadata))
	for name, v := range m.Metadata {
		attributes[attributeName(name)] = memcloud.Attribute{Type: "String", Value: url.PathEscape(v)}
	}
	if utf8.Valid(m.Body) {
		return string(m.Body), attributes
	}
	attributes[base64Key] = memcloud.Attribute{Type: "String", Value: "true"}
	return base64.StdEncoding.EncodeToString(m.Body), attributes
}

// decode takes encode back. Attributes of other senders are read the same
// way; of those that are not strings the name is kept, as gocloud's driver for
// SQS does.
func decode(body string, attributes map[string]memcloud.Attribute) ([]byte, map[string]string) {
	metadata := make(map[string]string, len(attributes))
	for name, a := range attributes {
		if name != base64Key {
			metadata[hexUnescape(name)] = pathUnescape(a.Value)
		}
	}
	if _, ok := attributes[base64Key]; ok {
		if b, err := base64.StdEncoding.DecodeString(body); err == nil {
			return b, metadata
		}
	}
	return []byte(body), metadata
}
