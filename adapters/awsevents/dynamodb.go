package awsevents

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// A streamChange is the member dynamodb of a stream record.
type streamChange struct {
	there    bool
	created  []byte // ApproximateCreationDateTime
	keys     []byte
	sequence text
}

func (c *streamChange) scan(s *jsonscan.Scanner, r *record) {
	if s.Kind() != '{' {
		if !s.Null() {
			r.wrongKind(s, "dynamodb", "an object")
		}
		return
	}
	if c.there {
		r.bad("dynamodb", "is there twice")
	}
	c.there = true
	s.Object()
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		switch string(key) {
		case "ApproximateCreationDateTime":
			if s.Kind() == '0' {
				c.created = s.Number()
			} else if !s.Null() {
				r.wrongKind(s, "dynamodb.ApproximateCreationDateTime", "a number of seconds")
			}
		case "Keys":
			r.object(s, &c.keys, "dynamodb.Keys")
		case "SequenceNumber":
			r.text(s, &c.sequence, "dynamodb.SequenceNumber")
		default:
			s.Skip()
		}
	}
}

// isTTL reports whether userIdentity is that of a delete by time to live.
func isTTL(raw []byte) bool {
	v := object(raw, "type", "principalId")
	return textOf(v[0]).is("Service") && textOf(v[1]).is("dynamodb.amazonaws.com")
}

// stream returns the address of the record's stream. A stream read by its own
// API gives no ARN: then the events' source is aws:dynamodb.
func (o *opener) stream(arn text) *address {
	if !arn.is(o.at.arn) || o.at.arn == "" {
		s := arn.String()
		table, _, _ := strings.Cut(s, "/stream/")
		if s == "" {
			s, table = "aws:dynamodb", "aws:dynamodb"
		}
		_, name, _ := strings.Cut(table, ":table/")
		o.at = address{arn: s, source: table, uri: o.uri(table), name: name}
	}
	return &o.at
}

// shard adds the shard of a tumbling window to the groups of its records.
func (o *opener) shard(t *top) {
	id := t.text(memberShardID)
	if id.empty() || o.format.Lanes {
		return
	}
	for i := range o.items {
		o.items[i].msg.Group += "/" + id.String()
	}
}

// openDynamoDB opens one record of a table's stream.
func (o *opener) openDynamoDB(r *record, doc document) {
	id := r.identifier(shapeDynamoDB)
	o.records[len(o.records)-1] = id
	if r.arn.ok && !attributeText(r.arn.String()) {
		r.bad("eventSourceARN", "is empty or has a control character")
		r.arn = text{}
	}
	eventID, name := r.eventID.String(), r.name.String()
	switch {
	case !r.change.there:
		r.bad("dynamodb", "is not there")
	case id == "":
		r.bad("dynamodb.SequenceNumber", "is no decimal number: a failure of the record could not be answered")
	case o.repeated(id):
		r.bad("dynamodb.SequenceNumber", "is that of an earlier record")
	case !attributeText(eventID):
		r.bad("eventID", "is not there, or has a control character")
	case name != "INSERT" && name != "MODIFY" && name != "REMOVE":
		r.bad("eventName", "is no INSERT, MODIFY or REMOVE")
	case r.change.keys == nil:
		r.bad("dynamodb.Keys", "is not there")
	}
	var created time.Time
	if r.change.created != nil {
		var ok bool
		if created, ok = epoch(r.change.created); !ok {
			r.bad("dynamodb.ApproximateCreationDateTime", "is no time")
		}
	}
	var key string
	if r.change.keys != nil {
		var wrong string
		if o.scratch, wrong = canonicalKey(o.scratch[:0], r.change.keys); wrong != "" {
			r.bad("dynamodb.Keys", wrong)
		}
		key = string(o.scratch)
	}
	at := o.stream(r.arn)
	group := at.arn
	if o.format.Lanes && key != "" {
		group += "/" + key
	}
	if r.msg != "" {
		it := o.unreadable(r, doc, shapeDynamoDB, 0)
		it.msg.Origin.Address = at.arn
		it.msg.Origin.Name = at.name
		it.msg.Group = group
		return
	}
	it := o.add()
	it.ctx.ID = eventID
	it.ctx.Source = at.uri
	it.ctx.Type = streamType(name)
	it.subject = key
	it.time.Time = created
	it.contentType = "application/json"
	it.msg.DataEncoded = doc.text[r.from:r.to:r.to]
	it.msg.Origin.ID = id
	it.msg.Origin.Address = at.arn
	it.msg.Origin.Name = at.name
	it.msg.Group = group
	it.extend("partitionkey", key)
	if !o.format.OmitSequence {
		it.extend("sequence", pad(id, 40))
	}
	if r.service && name == "REMOVE" {
		it.extend("dynamodbttl", true)
	}
}

// repeated reports whether an earlier record has the sequence number. Those of
// one shard rise, so that there is nothing to look up.
func (o *opener) repeated(id string) bool {
	if below(o.highest, id) {
		o.highest = id
		return false
	}
	return o.earlier(id) >= 0
}

// below compares decimal numbers of any length, "" being the lowest.
func below(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

func streamType(name string) string {
	switch name {
	case "INSERT":
		return "com.amazonaws.dynamodb.INSERT"
	case "MODIFY":
		return "com.amazonaws.dynamodb.MODIFY"
	}
	return "com.amazonaws.dynamodb.REMOVE"
}

// canonicalKey appends the item's key as JSON that is equal for equal keys:
// names in byte order, values with their types, no space. What a CloudEvents
// attribute cannot hold is escaped.
func canonicalKey(dst, raw []byte) (key []byte, wrong string) {
	type attribute struct{ name, kind, value []byte }
	var room [2]attribute
	all := room[:0]
	s := jsonscan.New(raw)
	s.Object()
	for name, escaped, ok := s.RawKey(); ok; name, escaped, ok = s.RawKey() {
		a := attribute{name: name}
		if escaped {
			a.name = jsonscan.Unescape(nil, name)
		}
		value := jsonscan.New(s.Skip())
		if value.Kind() != '{' {
			return dst, "has an attribute that is no object"
		}
		value.Object()
		kind, ok := value.Key()
		if !ok || len(kind) != 1 || strings.IndexByte("SNB", kind[0]) < 0 {
			return dst, "has an attribute that is no string, number or binary"
		}
		a.kind = kind
		text, escapes := value.String()
		if value.Err() != nil {
			return dst, "has an attribute whose value is no JSON string"
		}
		if a.value = text; escapes {
			a.value = jsonscan.Unescape(nil, text)
		}
		if _, more := value.Key(); more {
			return dst, "has an attribute with several types"
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return dst, "is empty"
	}
	slices.SortFunc(all, func(a, b attribute) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for i, a := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, a.name), ':', '{', '"', a.kind[0], '"', ':')
		dst = append(appendString(dst, a.value), '}')
	}
	return append(dst, '}'), ""
}

func digits(raw []byte) bool {
	for _, c := range raw {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(raw) > 0
}

// epoch reads a number of seconds, which may have a fraction and an exponent,
// without the loss of a float.
func epoch(number []byte) (time.Time, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(number)), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift < -40 || shift > 40 {
			return time.Time{}, false
		}
	}
	if shift > 0 {
		fraction += strings.Repeat("0", max(0, shift-len(fraction)))
		whole, fraction = whole+fraction[:shift], fraction[shift:]
	} else if shift < 0 {
		whole = strings.Repeat("0", max(0, 1-shift-len(whole))) + whole
		whole, fraction = whole[:len(whole)+shift], whole[len(whole)+shift:]+fraction
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds < 0 || strings.HasPrefix(whole, "-") {
		return time.Time{}, false
	}
	nanos, _ := strconv.Atoi((fraction + "000000000")[:9])
	t := time.Unix(seconds, int64(nanos)).UTC()
	return t, t.Year() <= 9999
}
