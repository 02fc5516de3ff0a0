package cloudevent

import (
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// Decode reads one event in the JSON format, doc, into ec, which must be zero.
// doc must be UTF-8. It returns the data:
//
//   - the bytes of the value where the content is JSON. They are part of doc;
//   - the text where the content type is another;
//   - the decoded bytes, with binary true, where doc has data_base64;
//   - nil if there is none. An explicit null is the four bytes of null.
//
// The capacity of the data is its length. No string in ec shares memory with
// doc. A content type that is not given is left so; it means JSON for data, and
// nothing for data_base64.
//
// The error is an *Error, or one of package jsonscan when doc is not a JSON
// object or a member has the wrong JSON type.
func Decode(doc []byte, ec *event.EventContextV1) (data []byte, binary bool, err error) {
	d := decoder{s: jsonscan.New(doc), ec: ec}
	if !d.s.Object() {
		return nil, false, d.s.Err()
	}
	for key, ok := d.s.Key(); ok; key, ok = d.s.Key() {
		if err := d.member(key); err != nil {
			return nil, false, err
		}
	}
	if err := d.s.End(); err != nil {
		return nil, false, err
	}
	if !d.version {
		return nil, false, invalid("specversion", "missing")
	}
	if err := complete(ec); err != nil {
		return nil, false, err
	}
	return d.payload()
}

type decoder struct {
	s       jsonscan.Scanner
	ec      *event.EventContextV1
	version bool            // specversion was there
	data    []byte          // the raw value of data
	base64  []byte          // the raw value of data_base64
	nulls   map[string]bool // attributes that are null
}

// member reads the value of one member.
func (d *decoder) member(key []byte) error {
	switch string(key) {
	case "data":
		if d.data != nil {
			return invalid("data", "there twice")
		}
		d.data = d.s.Skip()
		return d.s.Err()
	case "data_base64":
		return d.memberBase64()
	case "specversion":
		if d.version {
			return invalid("specversion", "there twice")
		}
		d.version = true
	}
	name := string(key)
	if d.nulls[name] {
		return invalid(name, "there twice")
	}
	switch d.s.Kind() {
	case 'n':
		return d.null(name)
	case '"':
		value, err := d.text(name)
		if err != nil {
			return err
		}
		return Set(d.ec, name, value)
	}
	if reserved(name) {
		d.s.String() // an error that says what is there instead
		return d.s.Err()
	}
	value, err := d.extension(name)
	if err != nil {
		return err
	}
	return setExtension(d.ec, name, value)
}

func (d *decoder) memberBase64() error {
	if d.base64 != nil || d.nulls["data_base64"] {
		return invalid("data_base64", "there twice")
	}
	if d.s.Kind() == 'n' {
		return d.null("data_base64")
	}
	raw, escaped := d.s.String()
	if err := d.s.Err(); err != nil {
		return err
	}
	if escaped {
		raw = jsonscan.Unescape(nil, raw)
	}
	d.base64 = raw
	return nil
}

// null takes an attribute that is null: as if it were not there, but for a
// second one of its name.
func (d *decoder) null(name string) error {
	if present(d.ec, name) {
		return invalid(name, "there twice")
	}
	if name == "specversion" {
		d.version = false
	}
	if name != "data_base64" {
		if err := checkName(name); err != nil {
			return err
		}
	}
	d.s.Null()
	if d.nulls == nil {
		d.nulls = make(map[string]bool)
	}
	d.nulls[name] = true
	return d.s.Err()
}

// text reads the value of a text attribute.
func (d *decoder) text(name string) (string, error) {
	raw, escaped := d.s.String()
	if err := d.s.Err(); err != nil {
		return "", err
	}
	if !escaped {
		return string(raw), nil
	}
	if loneSurrogate(raw) {
		return "", invalid(name, "half of a surrogate pair")
	}
	return string(jsonscan.Unescape(nil, raw)), nil
}

// extension reads the value of an extension that is no string.
func (d *decoder) extension(name string) (any, error) {
	switch d.s.Kind() {
	case 't', 'f':
		b := d.s.Bool()
		return b, d.s.Err()
	case '0':
		number := string(d.s.Number())
		if err := d.s.Err(); err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil {
			return nil, invalid(name, "%s is no integer of 32 bits: send it as a string", number)
		}
		return int32(n), nil
	case 0:
		d.s.Skip() // the syntax error
		return nil, d.s.Err()
	}
	return nil, invalid(name, "an extension is a string, a boolean or an integer, not an object or array")
}

// payload returns the data, when the content type is known.
func (d *decoder) payload() (data []byte, binary bool, err error) {
	switch {
	case d.data != nil && d.base64 != nil:
		return nil, false, invalid("data_base64", "there beside data")
	case d.base64 != nil:
		data, err = decodeBase64(d.base64)
		return data, err == nil, err
	case d.data == nil, jsonContent(d.ec):
		return d.data, false, nil
	}
	s := jsonscan.New(d.data)
	raw, escaped := s.String()
	if s.Err() != nil {
		return nil, false, invalid("data", "not a string, though the content type is %s", *d.ec.DataContentType)
	}
	if !escaped {
		return raw, false, nil
	}
	if loneSurrogate(raw) {
		return nil, false, invalid("data", "half of a surrogate pair")
	}
	return slices.Clip(jsonscan.Unescape(nil, raw)), false, nil
}

func decodeBase64(text []byte) ([]byte, error) {
	// DecodeString ignores line ends, which the JSON format has no place for.
	for _, c := range text {
		if c == '\r' || c == '\n' {
			return nil, invalid("data_base64", "not base64: a line end")
		}
	}
	encoding := base64.StdEncoding.Strict()
	data := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(data, text)
	if err != nil {
		return nil, invalid("data_base64", "not base64: %v", err)
	}
	return data[:n:n], nil
}

// loneSurrogate reports whether raw, a JSON string, has an escape of half a
// surrogate pair. Unescaped it would be U+FFFD, and its sender's bug ours.
func loneSurrogate(raw []byte) bool {
	high := false // the escape just before is the first half of a pair
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			if high {
				return true
			}
			i++
			continue
		}
		if raw[i+1] != 'u' {
			if high {
				return true
			}
			i += 2
			continue
		}
		unit, _ := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
		low := 0xdc00 <= unit && unit <= 0xdfff
		if low != high {
			return true
		}
		high = 0xd800 <= unit && unit <= 0xdbff
		i += 6
	}
	return high
}
