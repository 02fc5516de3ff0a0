package awsevents

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// Types of the events that this package makes itself. Those of a source are in
// the package documentation.
const (
	// TypeInvocation is a payload of unknown shape: its data is the payload.
	TypeInvocation = "com.amazonaws.lambda.invocation"
	// TypeRaw is a record that could not be read: its data is the record's
	// bytes, and its Message has an Err.
	TypeRaw = "dev.eventfx.deadletter.raw"
)

// A Format turns payloads into messages. The zero Format works. It may be used
// by any number of goroutines, if it is not changed.
type Format struct {
	// Unwrap says by name for which queues and topics the events inside the
	// messages are taken out; a name that is not in the map is unwrapped.
	// Set a queue to false when its users' documents resemble AWS's envelopes.
	Unwrap map[string]bool

	// StrictS3IDs follows the CloudEvents adapter for S3 to the letter: the id
	// has no suffix, so that several records of one request share it; the
	// subject is the encoded key; and there is no partitionkey or sequence.
	StrictS3IDs bool

	// OmitSequence leaves the extension sequence out. AWS's order holds for
	// one group, item or key, which is narrower than one source, as the
	// extension has it: who compares sequences must also compare partition
	// keys.
	OmitSequence bool

	// Lanes groups the records of a DynamoDB stream by item instead of by
	// stream, so that a router's Concurrency has an effect. A failure still
	// makes Lambda send every later record again.
	Lanes bool
}

// A Payload is one payload that was opened.
type Payload struct {
	// Messages are the events of the payload in its order. A record that
	// could not be read is one with Err. A test event of S3 gives none.
	Messages []*eventfx.Message

	// Acknowledged are the records that were done when they were opened, in
	// the payload's order: messages that carry a test event of S3.
	Acknowledged []Acknowledged

	// Source names what was detected: see the package documentation. It is
	// "opaque" for a payload of unknown shape.
	Source string

	// Partial says that the payload comes from an event source mapping that
	// understands an answer about single records, if it is set up with
	// ReportBatchItemFailures: SQS and DynamoDB streams. Every other source
	// takes only the whole, done or failed.
	Partial bool

	// Opaque says that nothing was taken out of the payload: it is the data of
	// the one message, of TypeInvocation.
	Opaque bool

	items   []item
	records []string // identifiers of the records, "" where there is none
	stream  bool
	window  bool
	state   []byte // of a tumbling window, as it came
}

// An Acknowledged is a record without a message: there is nothing to handle,
// and an answer never names it.
type Acknowledged struct {
	Record int            // its index, as of [Payload.Record]
	Origin eventfx.Origin // without Attributes
	Group  string
}

// Record returns the index, from 0, of the record that m came from: that in
// Records, or in a batch of CloudEvents. It is 0 where the payload is one event
// or one envelope. Several messages are of one record when its message carried
// several events; they are done or fail together. It is -1 unless m is one of
// Messages: a clone is none.
func (p *Payload) Record(m *eventfx.Message) int {
	for i := range p.items {
		if m == &p.items[i].msg {
			return p.items[i].record
		}
	}
	return -1
}

// Open reads one payload. The request id names payloads that have no stable
// identifier of their own; it may be empty.
//
// The payload is copied once: neither Open nor a message changes or keeps it.
// The error is an *InputError when the payload is no JSON or no UTF-8, and a
// *ShapeError when it is, looks like a known source's, and cannot be that.
// Anything else that is wrong with a record is the Err of its message.
func (f Format) Open(payload []byte, requestID string) (*Payload, error) {
	if !utf8.Valid(payload) {
		return nil, &InputError{Offset: invalidUTF8(payload), Msg: "not UTF-8"}
	}
	o := opener{format: f, payload: payload, buf: bytes.Clone(payload), requestID: requestID}
	shape, err := o.openPayload()
	if err != nil {
		return nil, err
	}
	return o.finish(shape), nil
}

// openPayload reads the payload itself, as against what is nested in it.
func (o *opener) openPayload() (shape, error) {
	s := jsonscan.New(o.buf)
	var t top
	switch s.Kind() {
	case '{':
		o.readTop(&s, &t, document{text: o.buf, pristine: o.payload}, 0)
	default:
		s.Skip()
	}
	if err := s.End(); err != nil {
		return 0, inputError(err)
	}
	switch o.payload[firstByte(o.payload)] {
	case '{':
		return o.openTop(&t)
	case '[':
		if events, ok := eventBatch(o.buf); ok {
			o.openBatch(events, 0)
			return shapeCloudEvents, nil
		}
	}
	o.openOpaque()
	return shapeOpaque, nil
}

// openTop opens an object by what detection says about it.
func (o *opener) openTop(t *top) (shape, error) {
	shape := detect(t)
	if err := unusable(t, shape); err != nil {
		return 0, err
	}
	if !shape.hasRecords() {
		o.reset(0)
		o.records, o.late, o.acknowledged = nil, nil, nil
		copy(o.buf, o.payload) // bodies may have been unescaped in place
	}
	o.resolve(shape) // a window may tell what none of its records did
	if t.at[memberWindow] != nil && t.at[memberFinalInvoke] != nil {
		o.window, o.state = true, bytes.Clone(t.at[memberState])
		o.shard(t)
	}
	o.openShape(shape, t, document{text: o.buf, pristine: o.payload}, 0)
	if len(o.items) == 0 && shape.needsEvent(t) && !o.acked {
		o.openOpaque()
	}
	return shape, nil
}

// openOpaque makes the whole payload one event.
func (o *opener) openOpaque() {
	o.opaque = true
	id := o.requestID
	if id == "" || !attributeText(id) {
		id = hash(bytes.TrimSpace(o.payload))
	}
	it := o.add()
	it.ctx.ID = id
	it.ctx.Type = TypeInvocation
	it.ctx.Source = o.uri("aws:lambda")
	it.contentType = "application/json"
	data := bytes.TrimSpace(o.buf) // the JSON value: what stands around it does not survive a replay
	it.msg.DataEncoded = data[:len(data):len(data)]
	it.msg.Origin.ID = id
	it.msg.Origin.Address = "aws:lambda"
}

// hash names bytes that have no identifier.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

func firstByte(doc []byte) int {
	i := 0
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\t' || doc[i] == '\n' || doc[i] == '\r') {
		i++
	}
	return i
}
