package httphost

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// maxEvents is how many events a batch may have.
const maxEvents = 10_000

// typeRaw is the type of an event that could not be read: its data is what was
// to be one, and the message has an Err.
const typeRaw = "dev.eventfx.deadletter.raw"

// An incoming is what a request came to: messages, none for a request with
// nothing to handle, or a question of Event Grid.
type incoming struct {
	messages   []*eventfx.Message
	validation string // the code to be sent back
	topic      string // that asks
}

// open turns a request into messages. Its problems are about the request alone.
func (req *request) open() (*incoming, *problem) {
	switch req.mode {
	case cloudevent.Batched:
		return req.openBatch()
	case cloudevent.Structured:
		if !utf8.Valid(req.body) {
			return nil, malformed("the body is not UTF-8")
		}
		e, err := structured(req.body)
		if err != nil {
			return nil, malformed("%v", err)
		}
		return req.one(e)
	}
	if req.hasEvent() {
		e, err := req.binary()
		if err != nil {
			return nil, malformed("%v", err)
		}
		return req.one(e)
	}
	if !utf8.Valid(req.body) {
		return nil, malformed("the body is not UTF-8")
	}
	if req.header.Get("Aeg-Event-Type") != "" {
		return req.openEventGrid()
	}
	if in, p, ok := req.openPush(); ok {
		return in, p
	}
	if len(req.attributeHeaders()) > 0 {
		return nil, malformed("%s", req.missing())
	}
	return nil, malformed("no CloudEvent: send Content-Type %s, or the headers ce-specversion, ce-id, ce-source and ce-type", cloudevent.MediaType)
}

// one is the request of a single event. An event of Eventarc that has a
// message of Pub/Sub inside is opened like a push.
func (req *request) one(e event.Event) (*incoming, *problem) {
	if e.Type() == messagePublished {
		if in, p, ok := req.openPublished(e); ok {
			return in, p
		}
	}
	return &incoming{messages: []*eventfx.Message{req.message(e)}}, nil
}

func (req *request) message(e event.Event) *eventfx.Message {
	return &eventfx.Message{
		Event:  e,
		Origin: eventfx.Origin{ID: e.ID(), Receives: req.receives(), Attributes: req.attributes()},
	}
}

func structured(doc []byte) (event.Event, error) {
	ec := new(event.EventContextV1)
	data, binary, err := cloudevent.Decode(doc, ec)
	if err != nil {
		return event.Event{}, err
	}
	return event.Event{Context: ec, DataEncoded: data, DataBase64: binary}, nil
}

// binary reads the event of the headers. A name that is there twice, which
// only HTTP allows, has no one value.
func (req *request) binary() (event.Event, error) {
	ec := new(event.EventContextV1)
	for key, values := range req.header {
		name, ok := cloudevent.HTTP.Name(key)
		if !ok {
			continue
		}
		if len(values) != 1 {
			return event.Event{}, &cloudevent.Error{Name: name, Reason: "there twice"}
		}
		if err := cloudevent.HTTP.Set(ec, name, values[0]); err != nil {
			return event.Event{}, err
		}
	}
	if req.contentType != "" {
		if err := cloudevent.Set(ec, "datacontenttype", req.contentType); err != nil {
			return event.Event{}, err
		}
	}
	e := event.Event{Context: ec}
	if len(req.body) > 0 {
		e.DataEncoded = req.body[:len(req.body):len(req.body)]
		e.DataBase64 = !cloudevent.IsText(req.contentType, req.body)
	}
	return e, nil
}

// openBatch opens an array of events. One that cannot be read is a message
// with its error: the others are not to blame.
func (req *request) openBatch() (*incoming, *problem) {
	return req.each(func(raw []byte) (*eventfx.Message, error) {
		e, err := structured(raw)
		if err != nil {
			return nil, err
		}
		return req.message(e), nil
	})
}

// each opens the elements of the array that is the body.
func (req *request) each(open func(raw []byte) (*eventfx.Message, error)) (*incoming, *problem) {
	if !utf8.Valid(req.body) {
		return nil, malformed("the body is not UTF-8")
	}
	in := &incoming{}
	s := jsonscan.New(req.body)
	attributes := req.attributes()
	for more := s.Array() && s.Elem(); more; more = s.Elem() {
		raw := s.Skip()
		if raw == nil {
			break
		}
		if len(in.messages) == maxEvents {
			return nil, &problem{status: http.StatusRequestEntityTooLarge, text: "a batch has at most 10000 events"}
		}
		m, err := open(raw)
		if err != nil {
			m = unreadable(raw, "", err.Error())
			m.Origin.Receives, m.Origin.Attributes = req.receives(), maps.Clone(attributes)
		}
		in.messages = append(in.messages, m)
	}
	err := s.Err()
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return nil, malformed("the body: %v", err)
	}
	return in, nil
}

// A malformedError is the Err of a message that could not be read.
type malformedError struct {
	text       string
	id, source string // as far as they could be read
}

func (e *malformedError) Error() string { return "httphost: " + e.text }

// unreadable is the message for a request that is no valid event. What of it
// stands in headers is in its Origin.
func (req *request) unreadable(p *problem) *eventfx.Message {
	attributes := req.attributes()
	var headers strings.Builder
	for _, key := range slices.Sorted(maps.Keys(req.header)) {
		if _, ok := cloudevent.HTTP.Name(key); !ok && key != "Content-Type" {
			continue
		}
		if attributes == nil {
			attributes = make(map[string]string)
		}
		value := strings.Join(req.header[key], ", ")
		attributes[strings.ToLower(key)] = value
		headers.WriteString(key + ": " + value + "\n")
	}
	m := unreadable(req.body, headers.String(), p.text)
	m.Origin.Receives, m.Origin.Attributes = req.receives(), attributes
	return m
}

// unreadable is the message for bytes that are no valid event. Its identity is
// that of the bytes, so that it is the same when it comes again.
func unreadable(raw []byte, headers, reason string) *eventfx.Message {
	err := &malformedError{text: reason}
	s := jsonscan.New(raw)
	if s.Kind() == '{' && s.Object() {
		for key, ok := s.Key(); ok; key, ok = s.Key() {
			switch string(key) {
			case "id":
				err.id, _ = text(&s)
			case "source":
				err.source, _ = text(&s)
			default:
				s.Skip()
			}
		}
	}
	hash := sha256.New()
	hash.Write([]byte(headers))
	hash.Write(raw)
	ec := &event.EventContextV1{ID: hex.EncodeToString(hash.Sum(nil)[:16]), Type: typeRaw}
	ec.Source.Path = "/eventfx/httphost"
	e := event.Event{Context: ec}
	if len(raw) > 0 {
		e.DataEncoded, e.DataBase64 = raw[:len(raw):len(raw)], true
	}
	return &eventfx.Message{Event: e, Origin: eventfx.Origin{ID: ec.ID}, Err: err}
}

// text reads a string. It returns false for anything else, which it skips.
func text(s *jsonscan.Scanner) (string, bool) {
	if s.Kind() != '"' {
		s.Skip()
		return "", false
	}
	raw, escaped := s.String()
	if !escaped {
		return string(raw), true
	}
	return string(jsonscan.Unescape(nil, raw)), true
}
