package cloudevent

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// The media types of the JSON format.
const (
	MediaType      = "application/cloudevents+json"
	BatchMediaType = "application/cloudevents-batch+json"

	mediaPrefix      = "application/cloudevents" // of all formats, batches among them
	batchMediaPrefix = "application/cloudevents-batch"
	contentTypeKey   = "content-type"
)

// ErrNone says that a message carries no event.
var ErrNone = errors.New("no CloudEvent")

// A Mode is how a message, or a request of HTTP, carries events.
type Mode int

const (
	Binary      Mode = iota // or not at all
	Structured              // the body is an event as JSON
	Batched                 // the body is an array of them
	OtherFormat             // a format that is not JSON
)

// ModeOf reads the mode off a content type. A batch's media type begins with
// that of an event, so it is looked for first.
func ModeOf(contentType string) Mode {
	media := strings.ToLower(Media(contentType))
	switch {
	case media == BatchMediaType:
		return Batched
	case strings.HasPrefix(media, batchMediaPrefix):
		return OtherFormat
	case media == MediaType:
		return Structured
	case strings.HasPrefix(media, mediaPrefix):
		return OtherFormat
	}
	return Binary
}

// Media returns a content type without its parameters.
func Media(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(media)
}

// FromMessage returns the event that a broker's message carries, and the
// metadata that is not part of it. It is found by the first that applies: the
// content type is that of an event; the metadata has the four required
// attributes with ce- or ce_ in front; there is no content type, or one of
// JSON, and the body is an object with those four as strings and no key twice.
//
// The error is ErrNone when there is no event. The event shares no memory with
// the message.
func FromMessage(metadata map[string]string, body []byte) (event.Event, map[string]string, error) {
	contentType, _ := lookup(metadata, contentTypeKey)
	switch ModeOf(contentType) {
	case Batched:
		return event.Event{}, nil, fmt.Errorf("%s: a message carries one event, not a batch", strings.ToLower(Media(contentType)))
	case Structured:
		return fromStructured(metadata, body)
	case OtherFormat:
		return event.Event{}, nil, fmt.Errorf("%s: of the event formats only JSON is known", strings.ToLower(Media(contentType)))
	}
	for _, b := range bindings {
		if b.carries(metadata) {
			return fromBinary(metadata, body, b, contentType)
		}
	}
	if (contentType == "" || IsJSON(contentType)) && looksStructured(body) {
		return fromStructured(metadata, body)
	}
	return event.Event{}, nil, ErrNone
}

func fromStructured(metadata map[string]string, body []byte) (event.Event, map[string]string, error) {
	if !utf8.Valid(body) {
		return event.Event{}, nil, errors.New("the body is not UTF-8")
	}
	ec := new(event.EventContextV1)
	data, binary, err := Decode(slices.Clone(body), ec)
	if err != nil {
		return event.Event{}, nil, fmt.Errorf("the body: %w", err)
	}
	return event.Event{Context: ec, DataEncoded: data, DataBase64: binary}, maps.Clone(metadata), nil
}

func fromBinary(metadata map[string]string, body []byte, b Binding, contentType string) (event.Event, map[string]string, error) {
	ec := new(event.EventContextV1)
	rest := make(map[string]string)
	for key, value := range metadata {
		name, ok := b.Name(key)
		if !ok {
			if !strings.EqualFold(key, contentTypeKey) {
				rest[key] = value
			}
			continue
		}
		if err := b.Set(ec, name, value); err != nil {
			return event.Event{}, nil, fmt.Errorf("metadata %s: %w", key, err)
		}
	}
	if contentType != "" {
		if err := Set(ec, "datacontenttype", contentType); err != nil {
			return event.Event{}, nil, fmt.Errorf("metadata %s: %w", contentTypeKey, err)
		}
	}
	if len(rest) == 0 {
		rest = nil
	}
	e := event.Event{Context: ec}
	if len(body) > 0 {
		e.DataEncoded = slices.Clip(slices.Clone(body))
		e.DataBase64 = !IsText(contentType, body)
	}
	return e, rest, nil
}

// IsText reports whether data of this content type can stand in the JSON
// format as it is. What cannot becomes data_base64 there.
func IsText(contentType string, data []byte) bool {
	if contentType == "" || !utf8.Valid(data) {
		return false
	}
	if IsJSON(contentType) {
		s := jsonscan.New(data)
		return s.Skip() != nil && s.End() == nil
	}
	media := strings.ToLower(Media(contentType))
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
