// Package deadstory reads the message attribute by which a dead letter in a
// queue tells of the message that it was.
//
// Such a letter has the body and the attributes of the message, and one
// attribute more: a JSON object whose member event is the message's CloudEvent
// without its data. A redrive makes a new message of it, with another id; the
// attribute is how the first id is found again.
package deadstory

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

const (
	// Attribute is the name of the attribute.
	Attribute = "eventfx-deadletter"

	// MessageType is the type of the events that have such letters.
	MessageType = "com.amazonaws.sqs.message"

	// SentAttributes is the extension that holds the attributes that the
	// sender gave a message: messageAttributes of its record, as JSON.
	SentAttributes = "sqsattributes"
)

// Decode returns the JSON document that a value of the attribute holds.
// gocloud's drivers percent-encode values, and not everything that takes
// messages out of a queue decodes them: both forms are read.
func Decode(value string) (doc []byte, ok bool) {
	if strings.HasPrefix(value, "%7B") || strings.HasPrefix(value, "%7b") {
		text, err := url.PathUnescape(value)
		if err != nil {
			return nil, false
		}
		value = text
	}
	if !strings.HasPrefix(value, "{") || !utf8.ValidString(value) {
		return nil, false
	}
	doc = []byte(value)
	_, unique := jsonscan.Unique(doc, nil)
	return doc, unique
}

// Event returns the attributes of the event in doc, which Decode has accepted.
// It reports false when there is none, or not a valid one of MessageType.
func Event(doc []byte) (*event.EventContextV1, bool) {
	s := jsonscan.New(doc)
	s.Object()
	for key, more := s.Key(); more; key, more = s.Key() {
		if string(key) != "event" {
			s.Skip()
			continue
		}
		ec := new(event.EventContextV1)
		_, _, err := cloudevent.Decode(s.Skip(), ec)
		return ec, err == nil && ec.Type == MessageType
	}
	return nil, false
}
