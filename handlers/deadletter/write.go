package deadletter

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/redact"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/deadstory"
)

// A letter is a dead message on its way to a sink.
type letter struct {
	event   event.Event // as it was, without what was removed and without extensions of a letter
	story   Story
	claimed bool // the data is where dataref says
}

// The extensions of a letter.
const (
	extReason    = "dlreason"
	extError     = "dlerror"
	extErrorType = "dlerrortype"
	extAttempts  = "dlattempts"
	extReceives  = "dlreceives"
	extFirstTime = "dlfirsttime"
	extTime      = "dltime"
	extHandler   = "dlhandler"
	extSource    = "dlsource"
	extRequestID = "dlrequestid"
	extStory     = "dlstory"
)

var extensions = [...]string{
	extReason, extError, extErrorType, extAttempts, extReceives, extFirstTime, extTime, extHandler, extSource, extRequestID, extStory,
}

func newLetter(ctx context.Context, d *eventfx.Dead, r *redact.Redactor, requestID func(context.Context) string) *letter {
	e, scrub := r.Event(sound(d.Message.Event))
	id := ""
	if requestID != nil {
		id = requestID(ctx)
	}
	l := &letter{event: withoutStory(e), story: newStory(d, time.Now().UTC(), id, scrub)}
	l.story.Redacted = string(e.DataEncoded) != string(d.Message.DataEncoded)
	return l
}

// sound returns e in a form that can be written. What cannot be an event is
// kept as bytes in another one: nothing is lost for being invalid.
func sound(e event.Event) event.Event {
	if cloudevent.Check(e) == nil {
		return e
	}
	asBytes := e
	asBytes.DataBase64 = true
	if cloudevent.Check(asBytes) == nil {
		return asBytes
	}
	raw := event.New()
	raw.SetType(rawType)
	raw.SetSource("eventfx:deadletter")
	raw.SetID(digest(e.Source(), e.ID(), string(e.DataEncoded)))
	if id := strings.TrimSpace(oneLine(e.ID())); id != "" {
		raw.SetSubject(cut(id, maxText))
	}
	raw.DataEncoded, raw.DataBase64 = e.DataEncoded, true
	return raw
}

// rawType is that of events whose data is what could not be read.
const rawType = "dev.eventfx.deadletter.raw"

// withoutStory returns a copy of e that has no extension of a letter.
func withoutStory(e event.Event) event.Event {
	c := *e.Context.(*event.EventContextV1) // sound has seen to that
	c.Extensions = maps.Clone(c.Extensions)
	for _, name := range extensions {
		delete(c.Extensions, name)
	}
	if len(c.Extensions) == 0 {
		c.Extensions = nil
	}
	e.Context = &c
	return e
}

// wire is a story as it is written.
type wire struct {
	Story
	Claimed bool            `json:"claimed,omitempty"` // dataref is ours
	Event   json.RawMessage `json:"event,omitempty"`   // native form: the event without its data
}

// cloudEvent returns the letter as the event with its story in extensions.
func (l *letter) cloudEvent(storySize int) (event.Event, error) {
	e := withoutStory(l.event)
	story := l.story.within(storySize, func(s Story) any { return wire{Story: s, Claimed: l.claimed} })
	s := l.story
	set := map[string]any{
		extReason: s.Reason, extError: s.Error, extErrorType: s.ErrorType,
		extAttempts: s.Runs, extFirstTime: types.Timestamp{Time: s.FirstTime}, extTime: types.Timestamp{Time: s.Time},
		extHandler: oneLine(s.Route), extSource: oneLine(s.Origin.Address), extRequestID: oneLine(s.RequestID),
		extStory: string(story),
	}
	if s.Receives > 0 {
		set[extReceives] = s.Receives
	}
	ec := e.Context.(*event.EventContextV1)
	for name, value := range set {
		if value == "" {
			continue // an attribute is not empty; without a route there is no handler
		}
		if err := ec.SetExtension(name, value); err != nil {
			return e, err
		}
	}
	return e, nil
}

// native returns the letter as the message that it was, with one attribute
// more, or nil when it cannot be: it was none, or there is no room.
func (l *letter) native(room, storySize int) *pubsub.Message {
	if !isNative(l.event) {
		return nil
	}
	context := l.event
	context.DataEncoded = nil
	first, err := cloudevent.Append(nil, context)
	if err != nil {
		return nil
	}
	metadata, ok := sentMetadata(l.event)
	if !ok || len(metadata) >= room {
		return nil
	}
	// The event is the story's largest part, and the one that cannot be cut.
	story := l.story.within(storySize+len(first), func(s Story) any { return wire{Story: s, Event: first} })
	metadata[deadstory.Attribute] = string(story)
	return &pubsub.Message{Body: l.event.DataEncoded, Metadata: metadata}
}

// sentMetadata returns the attributes that the sender gave the message, as
// gocloud's metadata, which has no types. It reports false when they cannot be
// read.
func sentMetadata(e event.Event) (map[string]string, bool) {
	metadata := map[string]string{}
	text, ok := e.Extensions()[deadstory.SentAttributes].(string)
	if !ok {
		return metadata, true
	}
	var sent map[string]struct{ StringValue, BinaryValue *string }
	if json.Unmarshal([]byte(text), &sent) != nil {
		return nil, false
	}
	for name, a := range sent {
		switch {
		case name == groupKey || name == deduplicationKey:
			// gocloud's FIFO senders leave them there; for a driver they are
			// an order, which a standard queue refuses.
		case a.StringValue != nil && *a.StringValue != "":
			metadata[name] = *a.StringValue
		case a.BinaryValue != nil && *a.BinaryValue != "":
			metadata[name] = *a.BinaryValue
		}
	}
	return metadata, true
}

// What gocloud's drivers for SQS and SNS take for fields of a message.
const (
	groupKey         = "MessageGroupId"
	deduplicationKey = "DeduplicationId"
)

// setFIFO gives m a group, and an id by which it is sent once.
func setFIFO(m *pubsub.Message, e event.Event, once string) {
	group, _ := e.Extensions()["partitionkey"].(string)
	if len(group) > 128 || group == "" || strings.ContainsFunc(group, func(r rune) bool { return r <= ' ' || r > '~' }) {
		group = digest(e.Source(), e.ID(), group)
	}
	m.Metadata[groupKey] = group
	m.Metadata[deduplicationKey] = digest(e.Source(), e.ID(), once)
}

// firstTime returns when m died first, if it has died before.
func firstTime(m *eventfx.Message) (time.Time, bool) {
	switch first := m.Extensions()[extFirstTime].(type) {
	case types.Timestamp:
		return first.UTC(), true
	case string:
		if t, err := types.ParseTime(first); err == nil {
			return t.UTC(), true
		}
	}
	if doc, ok := deadstory.Decode(m.Origin.Attributes[deadstory.Attribute]); ok {
		var s Story
		if json.Unmarshal(doc, &s) == nil && !s.FirstTime.IsZero() {
			return s.FirstTime.UTC(), true
		}
	}
	return time.Time{}, false
}
