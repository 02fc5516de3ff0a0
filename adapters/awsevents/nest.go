package awsevents

import (
	"bytes"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// maxDepth is how many envelopes inside each other are taken off.
const maxDepth = 4

// markers are the members of a body's outermost object that envelopes have.
type markers uint32

const (
	markSpecVersion = 1 << iota
	markID
	markSource
	markType
	markRecords
	markService
	markEvent
	markDetailType
	markDetail
	markUpperType
	markTopicARN
	markMessageID
	markRequestContext
	markRequestPayload
	markScheduler
	markArray
)

// envelopes are the sets of markers that a body must have to be opened. A
// document of a user has hardly ever one, and is then read only once.
var envelopes = [...]markers{
	markSpecVersion | markID | markSource | markType,
	markRecords,
	markService | markEvent,
	markDetailType | markSource | markDetail,
	markUpperType | markTopicARN | markMessageID,
	markRequestContext | markRequestPayload,
	markScheduler,
	markArray,
}

// scan reports whether body is JSON in which no object has a key twice, and
// notes the markers in it.
func (m *markers) scan(body []byte) bool {
	found, ok := jsonscan.Unique(body, marker)
	if body[firstByte(body)] == '[' && bytes.Contains(body, []byte(`"specversion"`)) {
		found = uint32(markArray)
	}
	*m = markers(found)
	return ok
}

func unique(body []byte) bool {
	_, ok := jsonscan.Unique(body, nil)
	return ok
}

// event reports whether the body may be an envelope.
func (m markers) event() bool {
	for _, e := range envelopes {
		if m&e == e {
			return true
		}
	}
	return false
}

func marker(key []byte) uint32 {
	switch string(key) {
	case "specversion":
		return markSpecVersion
	case "id":
		return markID
	case "source":
		return markSource
	case "type":
		return markType
	case "Records":
		return markRecords
	case "Service":
		return markService
	case "Event":
		return markEvent
	case "detail-type":
		return markDetailType
	case "detail":
		return markDetail
	case "Type":
		return markUpperType
	case "TopicArn":
		return markTopicARN
	case "MessageId":
		return markMessageID
	case "requestContext":
		return markRequestContext
	case "requestPayload":
		return markRequestPayload
	case "scheduler":
		return markScheduler
	}
	return 0
}

// nested opens the events inside body, text that is carried by a record. It
// returns false, and leaves no item, unless there is at least one readable
// event, or a test event of S3, which leaves no item either.
func (o *opener) nested(body []byte, depth int) bool {
	if depth > maxDepth {
		return false
	}
	i := firstByte(body)
	if i == len(body) {
		return false
	}
	if body[i] == '"' {
		return o.nestedString(body[i:], depth)
	}
	if !unique(body) {
		return false
	}
	mark := len(o.items)
	opened := false
	switch body[i] {
	case '{':
		s := jsonscan.New(body)
		var t top
		doc := document{text: body, pristine: body}
		o.readTop(&s, &t, doc, depth)
		opened = o.openNested(&t, doc, mark, depth)
	case '[':
		if events, ok := eventBatch(body); ok && len(events) > 0 {
			o.openBatch(events, depth)
			opened = true
		}
	}
	if !opened || len(o.items) > mark && !o.readable(mark) {
		o.reset(mark)
		return false
	}
	return true
}

// nestedString opens a body that is JSON inside a JSON string.
func (o *opener) nestedString(body []byte, depth int) bool {
	s := jsonscan.New(body)
	raw, escaped := s.String()
	if s.End() != nil || len(raw) == 0 {
		return false
	}
	inner := jsonscan.Unescape(nil, raw)
	if i := firstByte(inner); !escaped || i == len(inner) || inner[i] != '{' && inner[i] != '[' {
		return false
	}
	return o.nested(inner[:len(inner):len(inner)], depth)
}

// nestedText opens what a JSON string of an envelope carries.
func (o *opener) nestedText(t text, depth int) bool {
	if t.empty() {
		return false
	}
	inner := jsonscan.Unescape(make([]byte, 0, len(t.raw)), t.raw)
	return o.nested(inner[:len(inner):len(inner)], depth)
}

// openNested opens a nested object by what detection says about it.
func (o *opener) openNested(t *top, doc document, mark, depth int) bool {
	s := detectNested(t)
	if s != shapeS3 {
		o.reset(mark)
	} else if t.batch.mixed != "" || t.batch.count > maxRecords {
		return false
	}
	if s == shapeOpaque {
		return false
	}
	o.acked = false
	o.openShape(s, t, doc, depth)
	return len(o.items) > mark || o.acked
}

// readable reports whether an item from mark on has no Err.
func (o *opener) readable(mark int) bool {
	for i := range o.items[mark:] {
		if o.items[mark+i].msg.Err == nil {
			return true
		}
	}
	return false
}

// openShape makes the items of a document whose shape is known, but for
// records, which were made when they were scanned.
func (o *opener) openShape(s shape, t *top, doc document, depth int) {
	switch s {
	case shapeCloudEvent:
		o.openCloudEvent(doc)
	case shapeS3Test:
		o.acked = true // S3 tries whether it can send: there is nothing to do
	case shapeSchedule:
		o.openSchedule(t, doc)
	case shapeScheduler:
		o.openScheduler(t, doc)
	case shapeSchedulerInput:
		o.openSchedulerInput(t, doc)
	case shapeS3EventBridge:
		o.openS3EventBridge(t, doc)
	case shapeEventBridge:
		o.openEventBridge(t, doc)
	case shapeSNSEnvelope:
		o.openSNSEnvelope(t, doc, depth)
	case shapeDestination:
		o.openDestination(t, depth)
	}
}

// openDestination opens the event that a function failed to handle, from the
// record that Lambda sends to the failure destination. That of a success is
// left alone: its event has been handled.
func (o *opener) openDestination(t *top, depth int) {
	if textOf(t.context("condition")).is("Success") {
		return
	}
	payload := t.at[memberRequestPayload]
	if textOf(payload).ok {
		o.nestedText(textOf(payload), depth+1)
		return
	}
	o.nested(payload, depth+1)
}
