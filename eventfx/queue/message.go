package queue

import (
	"net/url"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
)

// The types of events that are nothing but the message of a queue. Any other
// event has its own meaning and came in the body of a message.
const (
	sqsMessage      = "com.amazonaws.sqs.message"
	snsNotification = "com.amazonaws.sns.Notification"
	plainMessage    = "dev.eventfx.message" // of brokers that are not AWS's
)

// The extension attributes that keep what is not in the body.
const (
	queueARN        = "sqsqueuearn"       // of the SQS queue that delivered the event
	queueName       = "eventfxqueue"      // of the queue of another broker that delivered the event
	sqsAttributes   = "sqsattributes"     // the messageAttributes of the SQS record, as JSON
	plainAttributes = "eventfxattributes" // the metadata of a plain message, as a JSON object of strings
)

// isQueue reports whether m was delivered by the queue; "" stands for all.
func isQueue(m *eventfx.Message, queue string) bool {
	if m.Context == nil {
		return false
	}
	if !isMessage(m.Context.GetType()) && extension(m, queueARN) == "" && extension(m, queueName) == "" {
		return false
	}
	return queue == "" || nameOf(m) == queue
}

func isMessage(typ string) bool {
	switch typ {
	case sqsMessage, snsNotification, plainMessage:
		return true
	}
	return false
}

// nameOf returns the name of the queue that delivered m: as the host knows it,
// as the event says, or as the event's source is called.
func nameOf(m *eventfx.Message) string {
	if m.Origin.Name != "" {
		return m.Origin.Name
	}
	if arn := extension(m, queueARN); arn != "" {
		return afterLast(arn, ":")
	}
	if name := extension(m, queueName); name != "" {
		return name
	}
	source := opaqueSource(m)
	if m.Type() == snsNotification {
		// aws:sns:REGION:ACCOUNT:TOPIC, and for a subscription :ID.
		topic := source
		for range 4 {
			_, topic, _ = strings.Cut(topic, ":")
		}
		if topic, _, _ = strings.Cut(topic, ":"); topic != "" {
			return topic
		}
	}
	return afterLast(source, ":/")
}

// afterLast returns what stands behind the last of the characters in s.
func afterLast(s, characters string) string {
	return s[strings.LastIndexAny(s, characters)+1:]
}

// opaqueSource returns the event's source, of an ARN what follows "arn:". It
// does not write out a URL that it can avoid to, which allocates.
func opaqueSource(m *eventfx.Message) string {
	ec, ok := m.Context.(*event.EventContextV1)
	if !ok {
		return strings.TrimPrefix(m.Source(), "arn:")
	}
	if u := &ec.Source.URL; u.Opaque != "" && u.RawQuery == "" && u.Fragment == "" {
		return u.Opaque
	}
	return pathOf(&ec.Source.URL)
}

// pathOf returns the last part that a URL has: nats://host/subject, /subject,
// mem://topic.
func pathOf(u *url.URL) string {
	if path := strings.TrimRight(u.Path, "/"); path != "" {
		return path
	}
	return u.Host
}

// extension returns an extension attribute that is a string. It does not go
// through the event's methods, which copy the whole map.
func extension(m *eventfx.Message, name string) string {
	ec, ok := m.Context.(*event.EventContextV1)
	if !ok {
		return ""
	}
	value, _ := ec.Extensions[name].(string)
	return value
}
