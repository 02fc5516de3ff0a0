package httphost

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// messagePublished is the type of Eventarc's event about a message of Pub/Sub;
// its data is what a push has as its body. See
// https://github.com/googleapis/google-cloudevents, MessagePublishedData.
const messagePublished = "google.cloud.pubsub.topic.v1.messagePublished"

const pubsubService = "//pubsub.googleapis.com/"

var errNoMessage = errors.New("no message of Pub/Sub")

// A pushed is the body of a push:
// https://cloud.google.com/pubsub/docs/push.
type pushed struct {
	id, time, orderingKey string
	data                  []byte
	attributes            map[string]string
	subscription          string
	attempt               int
	message               bool // there is one
}

// openPush opens the body of a push. It returns false for a body that has not
// the form of one.
func (req *request) openPush() (*incoming, *problem, bool) {
	p, err := readPush(req.body)
	if errors.Is(err, errNoMessage) || err == nil && p.subscription == "" {
		return nil, nil, false
	}
	if err != nil {
		return nil, malformed("push of Pub/Sub: %v", err), true
	}
	return req.openMessage(p, pubsubService+p.subscription, p.subscription)
}

// openPublished opens the message in an event of Eventarc, which knows its
// topic. It returns false when there is none.
func (req *request) openPublished(e event.Event) (*incoming, *problem, bool) {
	if !utf8.Valid(e.DataEncoded) {
		return nil, nil, false
	}
	p, err := readPush(e.DataEncoded)
	if errors.Is(err, errNoMessage) {
		return nil, nil, false
	}
	if err != nil {
		return nil, malformed("message of Pub/Sub in event %q: %v", e.ID(), err), true
	}
	return req.openMessage(p, e.Source(), strings.TrimPrefix(e.Source(), pubsubService))
}

// openMessage makes the event of a message: the CloudEvent inside, the event of
// Cloud Storage that it tells of, or the message itself.
func (req *request) openMessage(p *pushed, source, address string) (*incoming, *problem, bool) {
	e, _, err := cloudevent.FromMessage(p.attributes, p.data)
	switch {
	case err == nil:
	case !errors.Is(err, cloudevent.ErrNone):
		return nil, malformed("message %q of Pub/Sub: %v", p.id, err), true
	default:
		var skip bool
		if e, skip, err = p.storage(); skip {
			return &incoming{}, nil, true
		}
		if errors.Is(err, cloudevent.ErrNone) {
			e, err = p.plain(source)
		}
		if err != nil {
			return nil, malformed("message %q of Pub/Sub: %v", p.id, err), true
		}
	}
	m := &eventfx.Message{Event: e, Origin: eventfx.Origin{
		ID:         p.id,
		Address:    address,
		Name:       address[strings.LastIndexByte(address, '/')+1:],
		Receives:   p.attempt,
		Attributes: req.attributes(),
	}}
	for name, value := range p.attributes {
		if m.Origin.Attributes == nil {
			m.Origin.Attributes = make(map[string]string)
		}
		m.Origin.Attributes[name] = value
	}
	if p.orderingKey != "" {
		m.Group = address + "/" + p.orderingKey
	}
	return &incoming{messages: []*eventfx.Message{m}}, nil, true
}

// plain is the event of a message that has no other meaning, as of other
// brokers: package queue knows it.
func (p *pushed) plain(source string) (event.Event, error) {
	ec := new(event.EventContextV1)
	e := event.Event{Context: ec}
	for _, a := range [...][2]string{{"id", p.id}, {"source", source}, {"type", "dev.eventfx.message"}, {"time", p.time}, {"partitionkey", p.orderingKey}} {
		if a[1] == "" {
			continue
		}
		if err := cloudevent.Set(ec, a[0], a[1]); err != nil {
			return e, err
		}
	}
	if len(p.attributes) > 0 {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(p.attributes); err != nil {
			return e, err
		}
		// Attributes may have characters that an event's may not.
		if err := cloudevent.Set(ec, "eventfxattributes", escapeControls(strings.TrimSpace(b.String()))); err != nil {
			return e, err
		}
	}
	if len(p.data) > 0 {
		contentType := p.contentType()
		if contentType != "" {
			ec.DataContentType = &contentType
		}
		e.DataEncoded, e.DataBase64 = p.data, !cloudevent.IsText(contentType, p.data)
	}
	return e, nil
}

// contentType is what the message says about its data, or what it looks like.
func (p *pushed) contentType() string {
	for name, value := range p.attributes {
		if strings.EqualFold(name, "content-type") && cloudevent.Set(new(event.EventContextV1), "datacontenttype", value) == nil {
			return value
		}
	}
	if !utf8.Valid(p.data) {
		return ""
	}
	s := jsonscan.New(p.data)
	if k := s.Kind(); (k == '{' || k == '[') && s.Skip() != nil && s.End() == nil {
		return event.ApplicationJSON
	}
	return "text/plain"
}

// escapeControls writes as JSON escapes what no attribute of an event may hold.
// Within text that encoding/json wrote, these are DEL and the C1 controls, and
// noncharacters.
func escapeControls(text string) string {
	forbidden := func(r rune) bool {
		return 0x7f <= r && r <= 0x9f || 0xfdd0 <= r && r <= 0xfdef || r&0xfffe == 0xfffe
	}
	if !strings.ContainsFunc(text, forbidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !forbidden(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return b.String()
}

// readPush reads {"message": {...}, "subscription": "..."}. Some members are
// there in two spellings. It returns errNoMessage for another document.
func readPush(doc []byte) (*pushed, error) {
	p := &pushed{}
	var err error
	s := jsonscan.New(doc)
	if s.Kind() != '{' || !s.Object() {
		return nil, errNoMessage
	}
	for key, ok := s.Key(); ok && err == nil; key, ok = s.Key() {
		switch string(key) {
		case "message":
			if s.Kind() != '{' {
				return nil, errNoMessage
			}
			if p.message {
				return nil, errors.New("message is there twice")
			}
			p.message = true
			err = p.readMessage(&s)
		case "subscription":
			p.subscription, _ = text(&s)
		case "deliveryAttempt":
			n, parseErr := strconv.ParseUint(string(s.Skip()), 10, 31)
			if parseErr == nil {
				p.attempt = int(n)
			}
		default:
			s.Skip()
		}
	}
	switch {
	case err != nil:
		return nil, err
	case s.End() != nil, !p.message:
		return nil, errNoMessage
	case p.id == "":
		return nil, errors.New("message has no messageId")
	}
	return p, nil
}

func (p *pushed) readMessage(s *jsonscan.Scanner) error {
	s.Object()
	var known bool
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		name := string(key)
		if s.Null() {
			continue
		}
		known = true
		switch name {
		case "messageId", "message_id":
			p.id, known = text(s)
		case "publishTime", "publish_time":
			p.time, known = text(s)
		case "orderingKey", "ordering_key":
			p.orderingKey, known = text(s)
		case "data":
			var encoded string
			encoded, known = text(s)
			data, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				return fmt.Errorf("data is not base64: %w", err)
			}
			p.data = data[:len(data):len(data)]
		case "attributes":
			p.attributes = make(map[string]string)
			s.Object()
			for key, ok := s.Key(); ok; key, ok = s.Key() {
				name := string(key)
				if _, ok := p.attributes[name]; ok {
					return fmt.Errorf("attribute %q is there twice", name)
				}
				if p.attributes[name], ok = text(s); !ok {
					return fmt.Errorf("attribute %q is no text", name)
				}
			}
		default:
			s.Skip()
		}
		if !known {
			return fmt.Errorf("%s is no text", name)
		}
	}
	return s.Err()
}
