package awsevents

import (
	"unicode/utf8"
)

// A Received is a message that a program received from SQS itself, as against
// one in a payload of Lambda.
type Received struct {
	ID       string // the messageId
	QueueARN string // of the queue that delivered it; a FIFO queue's ends in ".fifo"
	Body     []byte

	// Handle is the receipt handle. It may be empty.
	Handle string

	// System are the attributes that SQS gives by itself, by its names:
	// ApproximateReceiveCount, MessageGroupId and so on. What is not there is
	// not known; a FIFO queue's MessageGroupId must be.
	System map[string]string

	// Attributes are the sender's, of which a program that receives by
	// gocloud sees the text alone. They count as of type String.
	Attributes map[string]string
}

// OpenReceived opens a message of a queue as Open does one in a batch: the same
// events come out of the same body, with the same identity. A message that
// cannot be read is one with Err.
//
// A body that is not UTF-8, which no payload of Lambda can carry, is data of
// type application/octet-stream unless its sender says otherwise. Nothing of m
// is changed or kept.
func (f Format) OpenReceived(m *Received) *Payload {
	r := &record{body: text{raw: m.Body, ok: true}, to: len(m.Body)}
	binary := !utf8.Valid(m.Body)
	if binary {
		f.Unwrap = map[string]bool{lastPart(m.QueueARN, ":"): false}
	}

	// One buffer holds what a Record points to.
	buf := append(make([]byte, 0, len(m.Body)+512), m.Body...)
	if len(m.Attributes) > 0 {
		r.userAt = len(buf)
		buf = append(buf, stringAttributes(m.Attributes).json()...)
	}
	userEnd := len(buf)
	if len(m.System) > 0 {
		buf = appendTexts(buf, m.System)
		r.attributes.span = span{uint32(userEnd), uint32(len(buf))}
	}
	systemEnd := len(buf)
	buf = append(buf, m.Handle...)
	if r.userAt > 0 {
		r.userAttrs = buf[r.userAt:userEnd]
	}
	r.handle = text{raw: buf[systemEnd:], ok: true, at: systemEnd}

	// The body is nobody's but the messages': a handler may write over it.
	r.body.raw = buf[:len(m.Body):len(m.Body)]
	r.messageID, r.arn = literal(m.ID), literal(m.QueueARN)
	a := &r.attributes
	for name, t := range map[string]*text{
		"ApproximateReceiveCount": &a.receives, "SentTimestamp": &a.sent, "MessageGroupId": &a.group,
		"SequenceNumber": &a.sequence, "AWSTraceHeader": &a.trace, "DeadLetterQueueSourceArn": &a.deadLetter,
	} {
		if value, ok := m.System[name]; ok {
			*t = literal(value)
		}
	}

	o := opener{format: f, payload: m.Body, buf: buf, records: []string{""}, bodies: [][]byte{nil}}
	o.openSQS(r, document{text: r.body.raw, pristine: m.Body})
	if binary {
		for i := range o.items {
			it := &o.items[i]
			it.msg.DataBase64 = true
			if it.contentType == "text/plain" {
				it.contentType = "application/octet-stream"
			}
		}
	}
	return o.finish(shapeSQS)
}

// OpenBody opens the events that a message of any broker carries in its body:
// those of AWS's sources in their envelopes, and CloudEvents in the JSON
// format, as they are taken out of a message of SQS. It reports false when the
// body is none of these, or Unwrap says that it is not to be opened. A test
// event of S3 gives true and no message.
//
// The queue is its short name, for Unwrap.
func (f Format) OpenBody(queue string, body []byte) (*Payload, bool) {
	if unwrap, ok := f.Unwrap[queue]; ok && !unwrap || !utf8.Valid(body) {
		return nil, false
	}
	i := firstByte(body)
	if i == len(body) {
		return nil, false
	}
	var found markers
	if body[i] != '"' && (body[i] != '{' && body[i] != '[' || !found.scan(body) || !found.event()) {
		return nil, false
	}
	buf := append(make([]byte, 0, len(body)), body...)
	o := opener{format: f, payload: body, buf: buf, records: []string{""}, bodies: [][]byte{nil}}
	if !o.nested(buf, 1) {
		return nil, false
	}
	return o.finish(shapeSQS), true
}

// literal is a text that was never written as JSON.
func literal(s string) text { return text{raw: []byte(s), ok: true} }
