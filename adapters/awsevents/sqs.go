package awsevents

import (
	"bytes"
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/deadstory"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// sqsAttributes are the system attributes of an SQS record.
type sqsAttributes struct {
	span       span // of the whole object
	receives   text
	sent       text
	group      text
	sequence   text
	trace      text
	deadLetter text // ARN of the queue that the message was moved from
}

func (a *sqsAttributes) scan(s *jsonscan.Scanner, r *record) {
	if s.Kind() != '{' {
		if !s.Null() {
			r.wrongKind(s, "attributes", "an object")
		}
		return
	}
	if a.span != (span{}) {
		r.bad("attributes", "is there twice")
	}
	from := s.Pos()
	s.Object()
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		switch string(key) {
		case "ApproximateReceiveCount":
			r.text(s, &a.receives, "attributes.ApproximateReceiveCount")
		case "SentTimestamp":
			r.text(s, &a.sent, "attributes.SentTimestamp")
		case "MessageGroupId":
			r.text(s, &a.group, "attributes.MessageGroupId")
		case "SequenceNumber":
			r.text(s, &a.sequence, "attributes.SequenceNumber")
		case "AWSTraceHeader":
			r.text(s, &a.trace, "attributes.AWSTraceHeader")
		case "DeadLetterQueueSourceArn":
			r.text(s, &a.deadLetter, "attributes.DeadLetterQueueSourceArn")
		default:
			s.Skip()
		}
	}
	a.span = span{uint32(from), uint32(s.Pos())}
}

// An address is the ARN of a queue or stream and what is derived from it, kept
// from one record to the next.
type address struct {
	arn    string
	source string       // of the events
	uri    types.URIRef // the same
	name   string
	fifo   bool
	legal  bool // the ARN can be an attribute
}

// queue returns the address of the record's queue.
func (o *opener) queue(arn text) *address {
	if !arn.is(o.at.arn) || o.at.arn == "" {
		s := arn.String()
		o.at = address{arn: s, source: s, uri: o.uri(s), name: lastPart(s, ":"), fifo: strings.HasSuffix(s, ".fifo"), legal: attributeText(s)}
	}
	return &o.at
}

// openSQS opens a message of a queue, and what it carries.
func (o *opener) openSQS(r *record, doc document) {
	id := r.identifier(shapeSQS)
	o.records[len(o.records)-1] = id
	switch {
	case id == "":
		r.bad("messageId", "is not there: a failure of the record could not be answered")
	case !attributeText(id):
		r.bad("messageId", "has a control character")
	}
	if !r.body.ok {
		r.bad("body", "is not there")
	}
	at := address{}
	switch {
	case r.arn.empty():
		r.bad("eventSourceARN", "is not there")
	default:
		if at = *o.queue(r.arn); !at.legal {
			r.bad("eventSourceARN", "has a control character")
		}
	}
	receives, sent := r.attributes.numbers(r)
	user, dead := o.userAttributes(r).letter()
	if !o.first(id, doc.pristine[r.body.at:r.body.at+len(r.body.raw)]) {
		r.bad("messageId", "is that of an earlier record with another body")
	}
	group := ""
	if at.fifo {
		group = at.arn + "/" + r.attributes.group.String()
		if r.attributes.group.empty() {
			r.bad("attributes.MessageGroupId", "is not there, though the queue is FIFO")
		}
	}
	mark := len(o.items)
	if r.msg != "" {
		it := o.unreadable(r, doc, shapeSQS, 0)
		it.msg.Origin.Name = at.name
		it.msg.Origin.Receives = receives
		it.msg.Group = group
		return
	}
	body, contentType, nested := o.sqsBody(r, user, at.name)
	if !nested {
		o.plainSQS(r, id, &at, body, contentType, sent, dead)
	} else if len(o.items) == mark { // a test event
		o.acknowledge(eventfx.Origin{ID: id, Address: at.arn, Name: at.name, Receives: receives}, group)
		return
	}
	for i := mark; i < len(o.items); i++ {
		o.deliveredBySQS(&o.items[i], r, id, &at, o.items[i].sent(user), nested)
		if dead.event != nil {
			// Whoever buries the message again wants to know its first death.
			o.items[i].attribute(deadstory.Attribute, dead.value)
		}
		o.items[i].msg.Origin.Receives = receives
		o.items[i].msg.Group = group
	}
}

// numbers reads the system attributes that are numbers.
func (a *sqsAttributes) numbers(r *record) (receives int, sent time.Time) {
	if a.receives.ok {
		n, err := strconv.Atoi(string(a.receives.raw))
		if err != nil || n < 0 {
			r.bad("attributes.ApproximateReceiveCount", "is no number")
		}
		receives = max(n, 0)
	}
	if a.sent.ok {
		ms, err := strconv.ParseInt(string(a.sent.raw), 10, 64)
		if sent = time.UnixMilli(ms).UTC(); err != nil || ms < 0 || sent.Year() > 9999 {
			r.bad("attributes.SentTimestamp", "is no number of milliseconds")
		}
	}
	return receives, sent
}

// first reports whether a record is the only one so far with its identifier,
// or the same message again: a standard queue may deliver one twice. The body
// is what identifies it; it must not be a part of o.buf.
func (o *opener) first(id string, body []byte) bool {
	o.bodies[len(o.records)-1] = body
	if id == "" {
		return true
	}
	i := o.earlier(id)
	return i < 0 || bytes.Equal(o.bodies[i], body)
}

// plainSQS makes the event of a message that carries no other event.
func (o *opener) plainSQS(r *record, id string, at *address, body []byte, contentType string, sent time.Time, dead letter) {
	it := o.add()
	it.ctx.ID = id
	it.ctx.Type = deadstory.MessageType
	it.ctx.Source = at.uri
	elsewhere := false // delivered by another queue than the first
	switch from := r.attributes.deadLetter; {
	case dead.event != nil:
		it.ctx.ID, it.ctx.Source = dead.event.ID, dead.event.Source
		elsewhere = dead.event.Source.String() != at.uri.String()
	case !from.empty():
		it.ctx.Source = o.uri(from.String())
		elsewhere = true
	}
	if elsewhere {
		it.extend("sqsqueuearn", at.arn) // or the event alone would not tell who delivered it
	}
	it.time.Time = sent
	it.contentType = contentType
	it.msg.DataEncoded = body
	if at.fifo {
		it.extend("partitionkey", clean(r.attributes.group.String()))
		if n := r.attributes.sequence; !n.empty() && !o.format.OmitSequence {
			it.extend("sequence", pad(clean(n.String()), 40))
		}
	}
	if !r.attributes.trace.empty() {
		if parent, ok := traceparent(r.attributes.trace.String()); ok {
			it.extend("traceparent", parent)
		}
	}
}

// deliveredBySQS sets what a queue says about the delivery of an event.
func (o *opener) deliveredBySQS(it *item, r *record, id string, at *address, user userAttributes, nested bool) {
	it.msg.Origin.ID = id
	it.msg.Origin.Address = at.arn
	it.msg.Origin.Name = at.name
	inner := it.msg.Origin.Attributes
	it.msg.Origin.Attributes = nil
	for _, a := range user {
		it.attribute(a.name, a.value)
	}
	if !r.attributes.trace.empty() {
		it.attribute("AWSTraceHeader", r.attributes.trace.String())
	}
	it.attributes(inner)
	if nested {
		it.extend("sqsmessageid", id)
		it.extend("sqsqueuearn", clean(at.arn))
	}
	if len(user) > 0 {
		it.extend("sqsattributes", user.json())
	}
	it.delivery = Record{
		doc: o.buf, handle: r.handle.span(), md5: r.md5.span(), md5Attributes: r.md5Attrs.span(), region: r.region.span(),
		attributes: r.attributes.span,
	}
	if r.userAttrs != nil {
		it.delivery.userAttributes = span{uint32(r.userAt), uint32(r.userAt + len(r.userAttrs))}
	}
	it.hasDelivery = true
}

// sqsBody returns the body of a message and its content type; nested is true
// when it carries events, which are items now, or a test event.
func (o *opener) sqsBody(r *record, user userAttributes, queue string) (body []byte, contentType string, nested bool) {
	body = r.body.raw
	if r.body.escaped {
		body = jsonscan.Unescape(body[:0], body)
	}
	body = body[:len(body):len(body)]
	i := firstByte(body)
	first := byte(0)
	if i < len(body) {
		first = body[i]
	}
	var found markers
	isJSON := (first == '{' || first == '[') && found.scan(body)
	contentType = "text/plain"
	if isJSON {
		contentType = "application/json"
	}
	// JSON that is none would make an event that cannot be written.
	if said := user.contentType(); said != "" && (isJSON || !cloudevent.IsJSON(said) || unique(body)) {
		contentType = said
		if !cloudevent.IsJSON(said) {
			return body, contentType, false // its sender says that it is no event
		}
	}
	if unwrap, ok := o.format.Unwrap[queue]; ok && !unwrap {
		return body, contentType, false
	}
	switch {
	case isJSON && found.event(), first == '"':
		nested = o.nested(body, 1)
	}
	return body, contentType, nested
}

// traceparent turns X-Ray's header into the W3C's.
func traceparent(header string) (string, bool) {
	var root, parent, sampled string
	for part := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Root":
			root = value
		case "Parent":
			parent = value
		case "Sampled":
			sampled = value
		}
	}
	if len(root) != 35 || root[:2] != "1-" || root[10] != '-' || !isHex(root[2:10]) || !isHex(root[11:]) || len(parent) != 16 || !isHex(parent) {
		return "", false
	}
	flags := "-01"
	if sampled == "0" {
		flags = "-00"
	}
	return "00-" + strings.ToLower(root[2:10]+root[11:]) + "-" + strings.ToLower(parent) + flags, true
}

func isHex(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}

// pad writes zeros before a decimal number, so that text sorts as numbers do.
func pad(number string, width int) string {
	if len(number) >= width {
		return number
	}
	return strings.Repeat("0", width-len(number)) + number
}

// validMedia returns a content type in a form that CloudEvents accepts, or "".
func validMedia(value string) string {
	// package mime takes a type without a subtype; whoever reads the event does not.
	if media, _, err := mime.ParseMediaType(value); err != nil || !strings.Contains(media, "/") || !attributeText(value) {
		return ""
	}
	return value
}
