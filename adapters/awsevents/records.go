package awsevents

import (
	"bytes"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// maxRecords is the largest batch size that a mapping can have.
const maxRecords = 10000

// A batch is what the scan of Records found out about them as a whole.
type batch struct {
	shape  shape
	source string // the eventSource of the first record that has one
	mixed  string // two sources, if there are two
	count  int    // -1: some, of no known source
}

// A record is one element of Records, its members as they stand there. It is
// of no source yet: the member that tells may come last.
type record struct {
	from, to   int // in the document
	source     text
	upper      bool // EventSource: SNS
	hasS3      bool
	arn        text // eventSourceARN, or SNS's EventSubscriptionArn
	region     text
	name       text // eventName
	version    text // eventVersion
	time       text // eventTime
	messageID  text
	handle     text
	body       text
	md5        text
	md5Attrs   text
	eventID    text
	attributes sqsAttributes
	userAttrs  []byte // messageAttributes
	userAt     int    // where they begin
	s3         []byte
	response   []byte // responseElements
	sns        []byte
	change     streamChange
	service    bool // userIdentity is that of DynamoDB's time to live
	field, msg string
}

// bad keeps the first thing that is wrong with the record.
func (r *record) bad(field, msg string) {
	if r.msg == "" {
		r.field, r.msg = field, msg
	}
}

// openRecords scans Records and opens each when its end is reached. At depth 0
// records of every source are opened, deeper those of S3.
func (o *opener) openRecords(s *jsonscan.Scanner, doc document, depth int) batch {
	var b batch
	r := &o.rec
	if depth > 0 {
		r = new(record) // o.rec is the one that this is nested in
	}
	for more := s.Array() && s.Elem(); more; more = s.Elem() {
		b.count++
		s.Kind() // to where the record begins
		*r = record{from: s.Pos()}
		if s.Kind() == '{' {
			r.scan(s)
		} else {
			r.bad("", "is no object")
			s.Skip()
		}
		if s.Err() != nil {
			break
		}
		r.to = s.Pos()
		b.see(r)
		if b.mixed != "" || b.count > maxRecords {
			continue // only to see whether it is JSON
		}
		if depth == 0 {
			if b.shape != shapeOpaque {
				o.resolve(b.shape)
			}
			o.reserve(r.to-r.from, len(doc.text))
			o.records = append(o.records, "")
			o.bodies = append(o.bodies, nil)
		}
		o.openRecord(r, doc, b.shape, depth)
	}
	if b.shape == shapeOpaque && b.count > 0 {
		b.count = -1 // not empty, and not of a source
	}
	return b
}

// see takes the source of a record into account.
func (b *batch) see(r *record) {
	if r.source.ok {
		switch {
		case b.source == "":
			b.source = r.source.String()
		case !r.source.is(b.source) && b.mixed == "":
			b.mixed = b.source + " and " + clean(r.source.String())
		}
	}
	s := r.shape()
	switch {
	case b.shape == shapeOpaque:
		b.shape = s
	case s == shapeOpaque:
		r.bad("eventSource", "is not there")
	case s != b.shape && b.mixed == "":
		b.mixed = b.shape.String() + " and " + s.String()
	}
}

// shape returns the source of a record.
func (r *record) shape() shape {
	if r.hasS3 || r.source.is("aws:s3") {
		return shapeS3
	}
	if r.upper {
		if r.source.is("aws:sns") && r.sns != nil {
			return shapeSNS
		}
		return shapeOpaque
	}
	switch {
	case r.source.is("aws:sqs"):
		return shapeSQS
	case r.source.is("aws:dynamodb"):
		return shapeDynamoDB
	case r.source.is("aws:kinesis"):
		return shapeKinesis
	case r.source.is("aws:ses"):
		return shapeSES
	case r.source.is("aws:codecommit"):
		return shapeCodeCommit
	}
	return shapeOpaque
}

// openRecord makes the items of one record.
func (o *opener) openRecord(r *record, doc document, s shape, depth int) {
	switch {
	case depth > 0 && s != shapeS3:
	case s == shapeSQS:
		o.openSQS(r, doc)
	case s == shapeS3:
		o.openS3(r, doc, depth)
	case s == shapeDynamoDB:
		o.openDynamoDB(r, doc)
	case s == shapeSNS:
		o.openSNSRecord(r, doc)
	case s == shapeOpaque:
		// Its neighbours may yet show what it should have been.
		r.bad("eventSource", "is not there")
		o.unreadable(r, doc, shapeOpaque, depth)
		o.late = append(o.late, lateRecord{
			item: len(o.items) - 1, messageID: r.identifier(shapeSQS), sequence: r.identifier(shapeDynamoDB),
		})
	}
}

// identifier returns that by which a record of the source is answered, or "".
// What only another source's records are known by says nothing.
func (r *record) identifier(s shape) string {
	switch {
	case s == shapeSQS:
		return r.messageID.String()
	case s == shapeDynamoDB && digits(r.change.sequence.raw):
		return string(r.change.sequence.raw)
	}
	return ""
}

// A lateRecord is one that could not be read before its source was known.
type lateRecord struct {
	item                int
	messageID, sequence string
}

// resolve gives the late records the identifiers that they have at the source.
func (o *opener) resolve(s shape) {
	for _, l := range o.late {
		id := ""
		switch s {
		case shapeSQS:
			id = l.messageID
		case shapeDynamoDB:
			id = l.sequence
		}
		it := &o.items[l.item]
		o.records[it.record] = id
		it.nameRaw(id)
		it.msg.Origin.ID = id
		if e, ok := it.msg.Err.(*RecordError); ok {
			e.ID = id
		}
	}
	o.late = nil
}

// scan reads the members of a record.
func (r *record) scan(s *jsonscan.Scanner) {
	s.Object()
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		switch string(key) {
		case "messageId":
			r.text(s, &r.messageID, "messageId")
		case "receiptHandle":
			r.text(s, &r.handle, "receiptHandle")
		case "body":
			r.text(s, &r.body, "body")
		case "attributes":
			r.attributes.scan(s, r)
		case "messageAttributes":
			r.object(s, &r.userAttrs, "messageAttributes")
			r.userAt = s.Pos() - len(r.userAttrs)
		case "md5OfBody":
			r.text(s, &r.md5, "md5OfBody")
		case "md5OfMessageAttributes":
			r.text(s, &r.md5Attrs, "md5OfMessageAttributes")
		case "eventSource":
			r.text(s, &r.source, "eventSource")
		case "EventSource":
			r.upper = true
			r.text(s, &r.source, "EventSource")
		case "eventSourceARN":
			r.text(s, &r.arn, "eventSourceARN")
		case "EventSubscriptionArn":
			r.text(s, &r.arn, "EventSubscriptionArn")
		case "awsRegion":
			r.text(s, &r.region, "awsRegion")
		case "eventName":
			r.text(s, &r.name, "eventName")
		case "eventVersion":
			r.text(s, &r.version, "eventVersion")
		case "eventTime":
			r.text(s, &r.time, "eventTime")
		case "eventID":
			r.text(s, &r.eventID, "eventID")
		case "userIdentity":
			r.service = isTTL(s.Skip())
		case "s3":
			r.hasS3 = true
			r.object(s, &r.s3, "s3")
		case "responseElements":
			r.object(s, &r.response, "responseElements")
		case "Sns":
			r.object(s, &r.sns, "Sns")
		case "dynamodb":
			r.change.scan(s, r)
		default:
			s.Skip()
		}
	}
}

// text reads a member that is a string, or null for none.
func (r *record) text(s *jsonscan.Scanner, t *text, field string) {
	if raw, escaped, ok := s.TryString(); ok {
		if t.ok {
			r.bad(field, "is there twice")
		}
		*t = text{raw: raw, escaped: escaped, ok: true, at: s.Pos() - 1 - len(raw)}
		return
	}
	if !s.Null() {
		r.wrongKind(s, field, "a string")
	}
}

// object reads a member that is an object, or null for none.
func (r *record) object(s *jsonscan.Scanner, raw *[]byte, field string) {
	if s.Kind() == '{' {
		if *raw != nil {
			r.bad(field, "is there twice")
		}
		*raw = s.Skip()
		return
	}
	if !s.Null() {
		r.wrongKind(s, field, "an object")
	}
}

func (r *record) wrongKind(s *jsonscan.Scanner, field, want string) {
	got := "boolean"
	switch s.Kind() {
	case '{':
		got = "object"
	case '[':
		got = "array"
	case '0':
		got = "number"
	case '"':
		got = "string"
	case 'n':
		got = "null"
	}
	s.Skip()
	r.bad(field, "is of the wrong type: "+got+", want "+want)
}

// unreadable keeps a record that cannot be read, as a message with Err.
func (o *opener) unreadable(r *record, doc document, s shape, depth int) *item {
	raw := bytes.Clone(doc.pristine[r.from:r.to])
	it := o.add()
	id := ""
	if len(o.records) > 0 {
		id = o.records[len(o.records)-1]
	}
	source := "aws:lambda"
	if !r.arn.empty() && attributeText(r.arn.String()) {
		source = r.arn.String()
	}
	it.raw(raw, id, o.uri(source))
	if depth > 0 {
		it.ctx.ID = hash(raw) // the record that carries it may carry others
	}
	it.msg.Err = &RecordError{Source: s.String(), Index: it.record, ID: id, Field: r.field, Msg: r.msg}
	it.msg.Origin.ID = id
	it.msg.Origin.Address = source
	return it
}
