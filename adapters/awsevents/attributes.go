package awsevents

import (
	"bytes"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/internal/deadstory"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// A userAttribute is an attribute that the sender of a message gave it.
type userAttribute struct {
	name, dataType string
	value          string // text, or base64 of a binary
	binary         bool
}

// userAttributes are in the byte order of their names.
type userAttributes []userAttribute

// userAttributes reads messageAttributes of an SQS record.
func (o *opener) userAttributes(r *record) userAttributes {
	return readAttributes(r.userAttrs, r, "messageAttributes", "dataType", "stringValue", "binaryValue")
}

// readAttributes reads the attributes of an SQS record, or those of an SNS
// notification, which has one name for values of all types. What is wrong
// with them is told to r, unless that is nil.
func readAttributes(raw []byte, r *record, field, typeName, stringName, binaryName string) userAttributes {
	if len(raw) <= 2 || raw[0] != '{' {
		return nil
	}
	var all userAttributes
	s := jsonscan.New(raw)
	s.Object()
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		a := userAttribute{name: string(key)}
		values := object(s.Skip(), typeName, stringName, binaryName)
		a.dataType = textOf(values[0]).String()
		// What follows a dot is the sender's own label.
		kind, _, _ := strings.Cut(a.dataType, ".")
		a.binary = kind == "Binary"
		value := textOf(values[1])
		if a.binary {
			value = textOf(values[2])
		}
		if !textOf(values[0]).ok || !value.ok {
			if r != nil {
				r.bad(field+"."+clean(a.name), "is no attribute: want "+typeName+" and a value of that type")
			}
			continue
		}
		a.value = value.String()
		all = append(all, a)
	}
	slices.SortStableFunc(all, func(a, b userAttribute) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(all) && r != nil; i++ {
		if all[i].name == all[i-1].name {
			r.bad(field+"."+clean(all[i].name), "is there twice")
		}
	}
	return all
}

// A letter is what a message tells of the one that died, when it is a dead
// letter or was one: see package deadstory.
type letter struct {
	event *event.EventContextV1 // nil: it tells nothing
	value string                // of the attribute
}

// letter returns the attributes that the first message had: those that a
// letter tells of, for what sends it may have encoded them and lost their
// types. An attribute of that name that is no letter is one like others.
func (all userAttributes) letter() (userAttributes, letter) {
	for _, a := range all {
		if a.name != deadstory.Attribute || a.binary {
			continue
		}
		doc, ok := deadstory.Decode(a.value)
		if !ok {
			break
		}
		first, ok := deadstory.Event(doc)
		if !ok || !attributeText(first.ID) {
			break
		}
		sent, told := first.Extensions[deadstory.SentAttributes].(string)
		if _, unique := jsonscan.Unique([]byte(sent), nil); told && unique {
			return readAttributes([]byte(sent), nil, "", "dataType", "stringValue", "binaryValue"), letter{first, a.value}
		}
		return nil, letter{first, a.value} // it had none
	}
	return all, letter{}
}

// sent returns the attributes that the sender gave the message: those of the
// delivery, but for a queue's message that another carries as a CloudEvent,
// because it died or was forwarded, and that says which it had.
func (it *item) sent(delivery userAttributes) userAttributes {
	if it.ctx.Type == deadstory.MessageType {
		if own, ok := it.ctx.Extensions[deadstory.SentAttributes].(string); ok {
			if _, unique := jsonscan.Unique([]byte(own), nil); unique {
				return readAttributes([]byte(own), nil, "", "dataType", "stringValue", "binaryValue")
			}
		}
	}
	return delivery
}

// contentType returns the content type that the sender gave, or "". gocloud's
// drivers percent-encode it, the slash too, without which it would be none.
func (all userAttributes) contentType() string {
	for _, a := range all {
		if !a.binary && (strings.EqualFold(a.name, "content-type") || strings.EqualFold(a.name, "contentType")) {
			value := a.value
			if decoded, err := url.PathUnescape(value); err == nil && !strings.Contains(value, "/") {
				value = decoded
			}
			return validMedia(value)
		}
	}
	return ""
}

// stringAttributes are attributes of which only the text is known.
func stringAttributes(texts map[string]string) userAttributes {
	all := make(userAttributes, 0, len(texts))
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		all = append(all, userAttribute{name: name, dataType: "String", value: texts[name]})
	}
	return all
}

// appendTexts appends a JSON object of strings.
func appendTexts(dst []byte, texts map[string]string) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(texts)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, []byte(name)), ':')
		dst = appendString(dst, []byte(texts[name]))
	}
	return append(dst, '}')
}

// json returns the attributes as they are in an SQS record, as compact text
// that a CloudEvents attribute can hold.
func (all userAttributes) json() string {
	b := []byte{'{'}
	for i, a := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, []byte(a.name)), ":{"...)
		if a.binary {
			b = append(appendString(append(b, `"binaryValue":`...), []byte(a.value)), ',')
		}
		b = appendString(append(b, `"dataType":`...), []byte(a.dataType))
		if !a.binary {
			b = appendString(append(b, `,"stringValue":`...), []byte(a.value))
		}
		b = append(b, '}')
	}
	return string(append(b, '}'))
}

// A Record is what SQS said about one delivery of a message. It is the Payload
// of the messages that a queue delivered, and is not there after a replay.
// Its methods return copies.
type Record struct {
	doc                                                            []byte // the copy of the payload
	handle, md5, md5Attributes, region, attributes, userAttributes span
}

// A span is a part of a document. Those of a Record are never data of an
// event, so that no handler writes over them.
type span struct{ from, to uint32 }

func (r *Record) raw(s span) []byte { return r.doc[s.from:s.to] }

func (r *Record) text(s span) string {
	return text{raw: r.raw(s), escaped: bytes.IndexByte(r.raw(s), '\\') >= 0}.String()
}

// ReceiptHandle returns the handle by which this delivery can be deleted.
func (r *Record) ReceiptHandle() string { return r.text(r.handle) }

// MD5OfBody returns the sum that SQS gave.
func (r *Record) MD5OfBody() string { return r.text(r.md5) }

// MD5OfMessageAttributes returns the sum that SQS gave, "" for none.
func (r *Record) MD5OfMessageAttributes() string { return r.text(r.md5Attributes) }

// Region returns the record's awsRegion.
func (r *Record) Region() string { return r.text(r.region) }

// Attributes returns the system attributes, such as SentTimestamp.
func (r *Record) Attributes() map[string]string {
	all := make(map[string]string)
	if r.attributes == (span{}) {
		return all
	}
	s := jsonscan.New(r.raw(r.attributes))
	s.Object()
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		name := string(key)
		if value := textOf(s.Skip()); value.ok {
			all[name] = value.String()
		}
	}
	return all
}

// MessageAttributes returns the record's messageAttributes as JSON, nil for
// none.
func (r *Record) MessageAttributes() []byte {
	if r.userAttributes == (span{}) {
		return nil
	}
	return bytes.Clone(r.raw(r.userAttributes))
}
