package pubsubevents

import (
	"fmt"
	"slices"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

// A Mode is how an event is written into a message.
type Mode int

const (
	// Structured writes the whole event as JSON into the body. It survives
	// every broker and bridge, and is the default.
	Structured Mode = iota
	// Binary writes the data into the body and the attributes into the
	// metadata, as ce-id, ce-type and so on, percent-encoded as over HTTP:
	// NATS and Google Pub/Sub know this form. SQS and SNS allow ten attributes.
	Binary
	// Kafka is Binary by Kafka's rules: ce_id, ce_type and so on, as they are.
	Kafka
)

func (m Mode) String() string {
	switch m {
	case Structured:
		return "structured"
	case Binary:
		return "binary"
	case Kafka:
		return "kafka"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}

// Encode writes e into a message. An event that is invalid, or whose data is
// not of its content type, is an error: sent, it would be one for everybody
// who receives it.
//
// Binary modes carry each extension as text: a reader gets a string.
func Encode(e event.Event, mode Mode) (*pubsub.Message, error) {
	switch mode {
	case Structured:
		body, err := cloudevent.Append(nil, e)
		if err != nil {
			return nil, fmt.Errorf("pubsubevents: encode: %w", err)
		}
		return &pubsub.Message{Body: body, Metadata: map[string]string{contentTypeKey: structuredType}}, nil
	case Binary:
		return encodeBinary(e, cloudevent.HTTP)
	case Kafka:
		return encodeBinary(e, cloudevent.Kafka)
	}
	return nil, fmt.Errorf("pubsubevents: encode: unknown mode %v", mode)
}

func encodeBinary(e event.Event, b cloudevent.Binding) (*pubsub.Message, error) {
	if err := cloudevent.Check(e); err != nil {
		return nil, fmt.Errorf("pubsubevents: encode: %w", err)
	}
	ec := e.Context.(*event.EventContextV1) // by Check
	m := &pubsub.Message{Body: slices.Clone(e.DataEncoded), Metadata: make(map[string]string)}
	set := func(name, value string) { m.Metadata[b.Prefix+name] = b.Escape(value) }
	set("specversion", event.CloudEventsVersionV1)
	set("id", ec.ID)
	set("source", ec.Source.String())
	set("type", ec.Type)
	if ec.Subject != nil {
		set("subject", *ec.Subject)
	}
	if ec.Time != nil {
		set("time", types.FormatTime(ec.Time.Time))
	}
	if ec.DataSchema != nil {
		set("dataschema", ec.DataSchema.String())
	}
	for name, value := range ec.Extensions {
		text, err := types.Format(value)
		if err != nil {
			return nil, fmt.Errorf("pubsubevents: encode extension %s: %w", name, err)
		}
		set(name, text)
	}
	switch {
	case ec.DataContentType != nil:
		m.Metadata[contentTypeKey] = *ec.DataContentType
	case e.DataEncoded != nil && !e.DataBase64:
		// Only the JSON format has this default: elsewhere it must be said.
		m.Metadata[contentTypeKey] = event.ApplicationJSON
	}
	return m, nil
}
