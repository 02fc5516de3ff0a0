package queue

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
)

// JSON is the source of messages with a JSON body, which it decodes into a T
// by the router's decoder.
type JSON[T any] struct {
	// Queue is the name of the queue, or of the topic; "" matches all. With a
	// Type, "" also matches CloudEvents that no queue delivered.
	Queue string

	// Type is the type of the messages to take; "" takes all. The package
	// documentation says where a message has its type.
	Type string

	// TypeAttribute is the name of the message attribute that holds the type.
	// The default is "type".
	TypeAttribute string

	// TypeField is the name of the member of the body that holds the type. The
	// default is "type".
	TypeField string
}

// Text is the source of messages whose body is text, as it was sent.
type Text struct {
	// Queue is the name of the queue, or of the topic; "" matches all.
	Queue string
}

// Raw is the source of messages whose body is bytes, as they were sent. The
// bytes are a copy: the handler may keep and change them.
type Raw struct {
	// Queue is the name of the queue, or of the topic; "" matches all.
	Queue string
}

// Match reports whether m was delivered by the queue and is of the type.
func (s JSON[T]) Match(m *eventfx.Message) bool {
	if s.Type == "" {
		return isQueue(m, s.Queue)
	}
	if s.Queue != "" && !isQueue(m, s.Queue) {
		return false
	}
	return isType(m, s.Type, orType(s.TypeAttribute), orType(s.TypeField))
}

// Match reports whether m was delivered by the queue.
func (s Text) Match(m *eventfx.Message) bool { return isQueue(m, s.Queue) }

// Match reports whether m was delivered by the queue.
func (s Raw) Match(m *eventfx.Message) bool { return isQueue(m, s.Queue) }

// Decode decodes the body.
func (s JSON[T]) Decode(m *eventfx.Message) (T, error) {
	var value T
	content, err := body(m)
	if err != nil {
		return value, err
	}
	if m.Type() == snsNotification {
		inner := *m // the decoder belongs to the message
		inner.DataEncoded = content
		m = &inner
	}
	if err := m.Unmarshal(&value); err != nil {
		var none T
		return none, fmt.Errorf("queue: body of message %q of queue %q does not fit %v: %w", m.ID(), nameOf(m), reflect.TypeFor[T](), err)
	}
	return value, nil
}

// Decode returns the body.
func (s Text) Decode(m *eventfx.Message) (string, error) {
	content, err := body(m)
	return string(content), err
}

// Decode returns a copy of the body. It is never nil.
func (s Raw) Decode(m *eventfx.Message) ([]byte, error) {
	content, err := body(m)
	if err != nil {
		return nil, err
	}
	return append([]byte{}, content...), nil
}

// String returns the source as it is written in Go.
func (s JSON[T]) String() string {
	var fields []string
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, fmt.Sprintf("%s: %q", name, value))
		}
	}
	add("Queue", s.Queue)
	add("Type", s.Type)
	if s.Type != "" { // else nobody looks there
		if s.TypeAttribute != defaultType {
			add("TypeAttribute", s.TypeAttribute)
		}
		if s.TypeField != defaultType {
			add("TypeField", s.TypeField)
		}
	}
	return fmt.Sprintf("queue.JSON[%v]{%s}", reflect.TypeFor[T](), strings.Join(fields, ", "))
}

// String returns the source as it is written in Go.
func (s Text) String() string { return name("Text", s.Queue) }

// String returns the source as it is written in Go.
func (s Raw) String() string { return name("Raw", s.Queue) }

func name(source, queue string) string {
	if queue == "" {
		return "queue." + source + "{}"
	}
	return fmt.Sprintf("queue.%s{Queue: %q}", source, queue)
}

const defaultType = "type"

func orType(name string) string {
	if name == "" {
		return defaultType
	}
	return name
}
