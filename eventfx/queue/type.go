package queue

import (
	"fmt"
	"slices"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// isType reports whether m is of the type: by the type of the event if the
// message's body was one, else by the attribute, else by the body's field.
func isType(m *eventfx.Message, typ, attribute, field string) bool {
	if m.Context == nil {
		return false
	}
	eventType := m.Context.GetType()
	if !isMessage(eventType) {
		return eventType == typ
	}
	if eventType == snsNotification {
		// Message and attributes stand side by side in the notification.
		s := jsonscan.New(m.DataEncoded)
		if seek(&s, "MessageAttributes") && seek(&s, attribute) && seek(&s, "Value") && s.Kind() == '"' {
			return is(&s, typ)
		}
	}
	if text := extension(m, sqsAttributes); text != "" {
		s := jsonscan.New([]byte(text))
		if seek(&s, attribute) && seek(&s, "stringValue") && s.Kind() == '"' {
			return is(&s, typ)
		}
	}
	if text := extension(m, plainAttributes); text != "" && eventType == plainMessage {
		s := jsonscan.New([]byte(text))
		if seek(&s, attribute) && s.Kind() == '"' {
			return is(&s, typ)
		}
	}
	content, err := body(m)
	if err != nil {
		return false
	}
	s := jsonscan.New(content)
	return seek(&s, field) && s.Kind() == '"' && is(&s, typ)
}

// seek moves s into the object that is next, to the value of its first member
// of the name, and reports whether there is one. It reads no further.
func seek(s *jsonscan.Scanner, name string) bool {
	if s.Kind() != '{' || !s.Object() {
		return false
	}
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		if string(key) == name {
			return true
		}
		s.Skip()
	}
	return false
}

// is consumes a string and reports whether it is the text.
func is(s *jsonscan.Scanner, text string) bool {
	raw, escaped := s.String()
	if escaped {
		raw = jsonscan.Unescape(nil, raw)
	}
	return string(raw) == text
}

// body returns the body of the message: the data of the event, or the Message
// of a notification, which is JSON text within a string. It may be a part of m.
func body(m *eventfx.Message) ([]byte, error) {
	if m.Context == nil || m.Context.GetType() != snsNotification {
		return m.DataEncoded, nil
	}
	s := jsonscan.New(m.DataEncoded)
	if seek(&s, "Message") && s.Kind() == '"' {
		raw, escaped := s.String()
		if escaped {
			raw = jsonscan.Unescape(make([]byte, 0, len(raw)), raw)
		}
		if s.Err() == nil {
			return slices.Clip(raw), nil
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("queue: data of SNS notification %q: %w", m.ID(), err)
	}
	return nil, fmt.Errorf("queue: SNS notification %q has no text as its Message", m.ID())
}
