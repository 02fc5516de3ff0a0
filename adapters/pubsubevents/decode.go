package pubsubevents

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// ErrNoEvent says that a message carries no CloudEvent: it is an ordinary
// message, and what it means is for its receiver to know.
var ErrNoEvent = errors.New("pubsubevents: the message carries no CloudEvent")

const (
	structuredType = "application/cloudevents+json"
	contentTypeKey = "content-type"
)

// Decode returns the event that m carries, as a message for a router. The
// package documentation says how it is found. The error is ErrNoEvent when
// there is none; any other error says why the event is invalid, and receiving
// it again will not make it valid.
//
// Nothing in the result shares memory with m, of which some drivers give every
// receiver the same. Origin.ID is m.LoggableID, and Origin.Attributes is the
// metadata that is not part of the event.
func Decode(m *pubsub.Message) (*eventfx.Message, error) {
	contentType, _ := lookup(m.Metadata, contentTypeKey)
	switch media := strings.ToLower(mediaType(contentType)); {
	case strings.HasPrefix(media, "application/cloudevents-batch"):
		return nil, fmt.Errorf("pubsubevents: decode: %s: a message carries one event, not a batch", media)
	case media == structuredType:
		return decodeStructured(m)
	case strings.HasPrefix(media, "application/cloudevents"):
		return nil, fmt.Errorf("pubsubevents: decode: %s: of the event formats only JSON is known", media)
	}
	for _, b := range bindings {
		if b.carries(m.Metadata) {
			return decodeBinary(m, b, contentType)
		}
	}
	if contentType == "" || cloudevent.IsJSON(contentType) {
		if looksStructured(m.Body) {
			return decodeStructured(m)
		}
	}
	return nil, ErrNoEvent
}

func decodeStructured(m *pubsub.Message) (*eventfx.Message, error) {
	if !utf8.Valid(m.Body) {
		return nil, errors.New("pubsubevents: decode: the body is not UTF-8")
	}
	body := slices.Clone(m.Body)
	ec := new(event.EventContextV1)
	data, binary, err := cloudevent.Decode(body, ec)
	if err != nil {
		return nil, fmt.Errorf("pubsubevents: decode the body: %w", err)
	}
	return message(m, event.Event{Context: ec, DataEncoded: data, DataBase64: binary}, maps.Clone(m.Metadata)), nil
}

func decodeBinary(m *pubsub.Message, b binding, contentType string) (*eventfx.Message, error) {
	ec := new(event.EventContextV1)
	rest := make(map[string]string)
	for key, value := range m.Metadata {
		name, ok := b.name(key)
		if !ok {
			if !strings.EqualFold(key, contentTypeKey) {
				rest[key] = value
			}
			continue
		}
		if name == "datacontenttype" {
			return nil, fmt.Errorf("pubsubevents: decode metadata %s: the content type belongs into %s", key, contentTypeKey)
		}
		if err := cloudevent.Set(ec, name, b.unescape(value)); err != nil {
			return nil, fmt.Errorf("pubsubevents: decode metadata %s: %w", key, err)
		}
	}
	if contentType != "" {
		if err := cloudevent.Set(ec, "datacontenttype", contentType); err != nil {
			return nil, fmt.Errorf("pubsubevents: decode metadata %s: %w", contentTypeKey, err)
		}
	}
	if len(rest) == 0 {
		rest = nil
	}
	e := event.Event{Context: ec}
	if len(m.Body) > 0 {
		e.DataEncoded = slices.Clip(slices.Clone(m.Body))
		e.DataBase64 = !isText(contentType, m.Body)
	}
	return message(m, e, rest), nil
}

func message(m *pubsub.Message, e event.Event, attributes map[string]string) *eventfx.Message {
	return &eventfx.Message{
		Event:  e,
		Origin: eventfx.Origin{ID: m.LoggableID, Attributes: attributes},
	}
}

// isText reports whether data of this content type can stand in the JSON
// format as it is. What cannot becomes data_base64 there.
func isText(contentType string, data []byte) bool {
	if contentType == "" || !utf8.Valid(data) {
		return false
	}
	if cloudevent.IsJSON(contentType) {
		s := jsonscan.New(data)
		return s.Skip() != nil && s.End() == nil
	}
	media := strings.ToLower(mediaType(contentType))
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "/xml") || strings.HasSuffix(media, "+xml")
}

// looksStructured reports whether body is a JSON object with the four required
// attributes as strings, and none of its keys twice: a document that merely
// resembles an event stays a document.
func looksStructured(body []byte) bool {
	s := jsonscan.New(body)
	if s.Kind() != '{' || !s.Object() {
		return false
	}
	found := 0
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		switch string(key) {
		case "specversion", "id", "source", "type":
			if s.Kind() == '"' {
				found++
			}
		}
		s.Skip()
	}
	if s.End() != nil || found != 4 {
		return false
	}
	_, unique := jsonscan.Unique(body, nil)
	return unique
}

// lookup returns the value of key, whatever its capitals: some brokers keep
// those of HTTP.
func lookup(metadata map[string]string, key string) (string, bool) {
	if v, ok := metadata[key]; ok {
		return v, true
	}
	for k, v := range metadata {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return "", false
}

func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(media)
}
