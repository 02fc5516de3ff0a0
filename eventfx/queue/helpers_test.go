package queue_test

import (
	"encoding/json"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
)

type order struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
}

// message makes an event of the type, with its data as JSON.
func message(typ, source, data string, extensions map[string]any) *eventfx.Message {
	e := event.New()
	e.SetID("1")
	e.SetType(typ)
	e.SetSource(source)
	e.SetDataContentType("application/json")
	if !json.Valid([]byte(data)) {
		e.SetDataContentType("text/plain")
	}
	e.DataEncoded = []byte(data)
	for name, value := range extensions {
		e.SetExtension(name, value)
	}
	return &eventfx.Message{Event: e}
}

// sqs makes a message of the queue orders.
func sqs(body string, extensions map[string]any) *eventfx.Message {
	return message("com.amazonaws.sqs.message", "arn:aws:sqs:eu-west-1:123456789012:orders", body, extensions)
}

// attribute is the extension that keeps one string attribute of an SQS message.
func attribute(name, value string) map[string]any {
	return map[string]any{"sqsattributes": `{"` + name + `":{"dataType":"String","stringValue":"` + value + `"}}`}
}

// sns makes a notification of the topic orders. Attributes is a JSON object.
func sns(message_, attributes string) *eventfx.Message {
	text, _ := json.Marshal(message_)
	return message("com.amazonaws.sns.Notification",
		"arn:aws:sns:eu-west-1:123456789012:orders:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55",
		`{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:eu-west-1:123456789012:orders",
		"Message":`+string(text)+`,"MessageAttributes":`+attributes+`}`, nil)
}

// named sets what a host knows about the queue.
func named(m *eventfx.Message, name string) *eventfx.Message {
	m.Origin.Name = name
	return m
}
