package pubsubhost

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

const (
	typeMessage = "dev.eventfx.message" // a body that is no event

	// Extensions by which an event alone tells who delivered it.
	extQueue      = "eventfxqueue"
	extAttributes = "eventfxattributes"
	extSQSID      = "sqsmessageid"
	extSQSARN     = "sqsqueuearn"
)

// open returns the messages that m carries; none when there is nothing to
// handle. One that cannot be read has an Err.
func (c *settings) open(m *pubsub.Message) (messages []*eventfx.Message) {
	var told Received
	defer func() {
		if value := recover(); value != nil {
			failed := c.plain(m, told)
			failed.Err = fmt.Errorf("pubsubhost: a function of the Options panicked: %v", value)
			messages = []*eventfx.Message{failed}
		}
	}()
	if c.Received != nil {
		told = c.Received(m)
	}
	messages = c.read(m, told)
	if c.Key != nil {
		for _, message := range messages {
			message.Group = c.Key(message)
		}
	}
	return messages
}

func (c *settings) read(m *pubsub.Message, told Received) []*eventfx.Message {
	if c.sqs {
		return c.readSQS(m, told)
	}
	if said := contentType(m.Metadata); !strings.HasPrefix(strings.ToLower(said), "application/cloudevents-batch") {
		message, err := pubsubevents.Decode(m)
		switch {
		case err == nil:
			c.tell(message, m, told)
			return []*eventfx.Message{message}
		case err != pubsubevents.ErrNoEvent:
			failed := c.plain(m, told)
			failed.Err = err
			return []*eventfx.Message{failed}
		case said != "" && !cloudevent.IsJSON(said):
			return []*eventfx.Message{c.plain(m, told)} // its sender says that it is no event
		}
	}
	p, opened := c.Format.OpenBody(c.name, m.Body)
	if !opened {
		return []*eventfx.Message{c.plain(m, told)}
	}
	for _, message := range p.Messages {
		message.Payload = nil // what SQS would have said
		c.tell(message, m, told)
	}
	return p.Messages
}

// readSQS gives the events that Lambda would have, and those of the binary
// mode, which gocloud's topics can write and Lambda does not know.
func (c *settings) readSQS(m *pubsub.Message, told Received) []*eventfx.Message {
	for key := range m.Metadata {
		if strings.EqualFold(key, "ce-specversion") || strings.EqualFold(key, "ce_specversion") {
			message, err := pubsubevents.Decode(m)
			if err != nil {
				break // an event that is none is data
			}
			c.tell(message, m, told)
			message.SetExtension(extSQSID, m.LoggableID)
			message.SetExtension(extSQSARN, c.Queue)
			message.Group = "" // a standard queue's is a label for fair queues
			if strings.HasSuffix(c.Queue, ".fifo") {
				message.Group = c.Queue + "/" + told.Attributes["MessageGroupId"]
			}
			return []*eventfx.Message{message}
		}
	}
	system := told.Attributes
	if _, ok := system["ApproximateReceiveCount"]; !ok && told.Receives > 0 {
		system = maps.Clone(system)
		if system == nil {
			system = make(map[string]string)
		}
		system["ApproximateReceiveCount"] = strconv.Itoa(told.Receives)
	}
	id := told.ID
	if id == "" {
		id = m.LoggableID
	}
	return c.Format.OpenReceived(&awsevents.Received{
		ID: id, QueueARN: c.Queue, Body: m.Body, Handle: told.Handle, System: system, Attributes: m.Metadata,
	}).Messages
}

// tell adds what is known of the delivery.
func (c *settings) tell(message *eventfx.Message, m *pubsub.Message, told Received) {
	if c.name != "" && message.Type() != typeMessage && !c.sqs {
		message.SetExtension(extQueue, c.name)
	}
	o := &message.Origin
	o.ID, o.Address, o.Name, o.Receives = told.ID, c.Queue, c.name, told.Receives
	if o.ID == "" {
		o.ID = m.LoggableID
	}
	if o.Attributes == nil {
		o.Attributes = maps.Clone(m.Metadata)
	}
	for name, value := range told.Attributes {
		if o.Attributes == nil {
			o.Attributes = make(map[string]string)
		}
		if _, ok := o.Attributes[name]; !ok {
			o.Attributes[name] = value
		}
	}
	message.Group = told.Group
}

// plain makes the event of a body that is none.
func (c *settings) plain(m *pubsub.Message, told Received) *eventfx.Message {
	ec := &event.EventContextV1{ID: told.ID, Type: typeMessage}
	if ec.ID == "" {
		// What drivers call the id of a message may be given to another: of the
		// two ways to be wrong this one loses nothing.
		ec.ID = rand.Text()
	}
	if source := types.ParseURIRef(c.source); source != nil {
		ec.Source = *source
	} else {
		ec.Source = *types.ParseURIRef("/")
	}
	media := "text/plain"
	said := contentType(m.Metadata)
	text := utf8.Valid(m.Body)
	isJSON := text && isDocument(m.Body)
	switch _, _, err := mime.ParseMediaType(said); {
	case said != "" && err == nil && (isJSON || !cloudevent.IsJSON(said)):
		media = said
	case isJSON:
		media = event.ApplicationJSON
	case !text:
		media = "application/octet-stream"
	}
	ec.DataContentType = &media
	if len(m.Metadata) > 0 {
		ec.Extensions = map[string]any{extAttributes: attributesText(m.Metadata)}
	}
	message := &eventfx.Message{Event: event.Event{Context: ec, DataEncoded: slices.Clip(slices.Clone(m.Body)), DataBase64: !text}}
	c.tell(message, m, told)
	return message
}

func contentType(metadata map[string]string) string {
	for key, value := range metadata {
		if strings.EqualFold(key, "content-type") {
			return value
		}
	}
	return ""
}

// isDocument reports whether body is a JSON object or array that all parsers
// read alike.
func isDocument(body []byte) bool {
	s := jsonscan.New(body)
	if kind := s.Kind(); kind != '{' && kind != '[' {
		return false
	}
	_, unique := jsonscan.Unique(body, nil)
	return unique
}

// attributesText returns metadata as JSON that an attribute of an event may
// hold: without the characters that CloudEvents forbids.
func attributesText(metadata map[string]string) string {
	text, err := json.Marshal(metadata)
	if err != nil {
		return "{}" // strings always have one
	}
	var b strings.Builder
	for _, r := range string(text) {
		if 0x7f <= r && r <= 0x9f || 0xfdd0 <= r && r <= 0xfdef || r&0xfffe == 0xfffe && r <= 0xffff {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else if r&0xfffe == 0xfffe {
			b.WriteRune(utf8.RuneError) // no character at all
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
