package eventfx

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// A Message is one CloudEvent on its way to a handler, with what its transport
// said about the delivery.
//
// Treat a Message as read-only: it may be delivered again, to another attempt
// or to a dead letter. Clone it before a change. It stays valid after the
// handler has returned.
type Message struct {
	// Event is the CloudEvent, complete: DataEncoded always holds its data.
	event.Event

	// Origin is what the source said about this delivery. It is not part of
	// the event, and differs from one delivery to the next.
	Origin Origin

	// Group orders messages: those of one non-empty Group run one after the
	// other, in the order given. Messages without a Group have no order.
	Group string

	// Payload is a decoded form that an adapter kept to save work. It is never
	// the only evidence: a source must be able to decode the Event alone.
	Payload any

	// Err says why the adapter could not read the record. The router fails
	// such a message as permanent and runs no handler for it; the Event then
	// carries the record's bytes.
	Err error

	unmarshal func([]byte, any) error
	original  *Message // what it was cloned from
}

// Origin tells where a message came from and how often it has come.
type Origin struct {
	// ID is the source's own identifier of the record, by which a failure is
	// reported back: an SQS message id, a stream's sequence number.
	ID string
	// Address is the full name of what delivered the message: an ARN or a URL.
	Address string
	// Name is the short name that sources match: the queue's, the table's.
	Name string
	// Receives counts the deliveries by the source so far, this one included;
	// 0 means that the source does not count. It is not Delivery.Attempt,
	// which counts the runs in this process.
	Receives int
	// Last says that the source will not deliver the message again, whatever
	// the answer.
	Last bool
	// Attributes are what the transport carries beside the data, among them
	// the trace headers. It may be nil.
	Attributes map[string]string
}

// Clone returns a copy that shares nothing with m that either could change,
// except for Payload, which is copied as it is. A failure of the copy counts as
// one of m, so that middleware may hand copies on.
func (m *Message) Clone() *Message {
	c := *m
	c.original = m
	c.Context = cloneContext(m.Context)
	c.DataEncoded = slices.Clone(m.DataEncoded)
	c.FieldErrors = maps.Clone(m.FieldErrors)
	c.Origin.Attributes = maps.Clone(m.Origin.Attributes)
	return &c
}

// cloneContext copies the attributes. The SDK's own Clone shares the subject,
// the content type and binary extensions with the original, and panics on an
// extension of a type that CloudEvents does not know.
func cloneContext(ec event.EventContext) event.EventContext {
	v1, ok := ec.(*event.EventContextV1)
	if !ok {
		if ec == nil {
			return nil
		}
		return ec.Clone()
	}
	c := *v1
	c.DataContentType = clonePointer(v1.DataContentType)
	c.Subject = clonePointer(v1.Subject)
	c.Time = clonePointer(v1.Time)
	c.DataSchema = clonePointer(v1.DataSchema)
	if v1.Extensions == nil {
		return &c
	}
	c.Extensions = make(map[string]any, len(v1.Extensions))
	for name, value := range v1.Extensions {
		switch value := value.(type) {
		case []byte:
			c.Extensions[name] = slices.Clone(value)
		case *types.Timestamp:
			c.Extensions[name] = clonePointer(value)
		case *types.URI:
			c.Extensions[name] = clonePointer(value)
		case *types.URIRef:
			c.Extensions[name] = clonePointer(value)
		default:
			c.Extensions[name] = value
		}
	}
	return &c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// Unmarshal decodes the data of the message into v by the decoder of the
// router that delivers it: Router.Unmarshal, or encoding/json.
func (m *Message) Unmarshal(v any) error {
	if m.unmarshal != nil {
		return m.unmarshal(m.DataEncoded, v)
	}
	return json.Unmarshal(m.DataEncoded, v)
}

// FromContext returns the message that ctx runs a handler for. It returns nil
// outside a handler and in the handler of a batch.
func FromContext(ctx context.Context) *Message {
	m, _ := ctx.Value(messageKey{}).(*Message)
	return m
}

type messageKey struct{}
