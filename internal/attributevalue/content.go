package attributevalue

import (
	"encoding/base64"
	"encoding/json"
)

// any decodes an attribute value into what stands for it in an empty
// interface; nil also if it is malformed.
func (d *decoder) any() (v any) {
	if at, l, ok := d.open(); ok {
		v = d.content(at, l)
		d.close(at)
	}
	return v
}

// content is any for a value that is open.
func (d *decoder) content(at int, l letters) any {
	switch l {
	case typeS, typeN, typeB:
		if text, ok := d.text(at); ok {
			return d.scalarContent(at, l, text)
		}
		return ""
	case typeBOOL:
		return d.s.Bool()
	case typeM:
		return d.mapContent()
	case typeL:
		list := []any{}
		d.s.Array()
		for d.s.Elem() {
			list = append(list, d.any())
		}
		return list
	case typeSS:
		return members(d, func(_ int, text []byte) string { return string(text) })
	case typeNS:
		return members(d, d.decimal)
	case typeBS:
		return members(d, d.bytes)
	}
	d.s.Bool() // NULL
	return nil
}

func (d *decoder) mapContent() map[string]any {
	m := map[string]any{}
	d.s.Object()
	for name, more := d.s.Key(); more; name, more = d.s.Key() {
		key := string(name)
		if _, twice := m[key]; twice {
			d.report(d.place(), &Error{Err: errTwice})
		}
		m[key] = d.any()
	}
	return m
}

func (d *decoder) scalarContent(at int, l letters, text []byte) any {
	switch l {
	case typeS:
		return string(text)
	case typeN:
		return d.decimal(at, text)
	}
	return d.bytes(at, text)
}

// decimal returns the text of a number, which keeps all of its digits.
func (d *decoder) decimal(at int, text []byte) json.Number {
	if !isDecimal(text) {
		d.report(at, &Error{Err: errNumber})
	}
	return json.Number(text)
}

// bytes returns what base64 text stands for.
func (d *decoder) bytes(at int, text []byte) []byte {
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text)
	if err != nil {
		d.report(at, &Error{Err: errBase64})
	}
	return data[:n:n]
}

// members decodes the members of a set.
func members[T any](d *decoder, member func(at int, text []byte) T) []T {
	set := []T{}
	d.s.Array()
	for d.s.Elem() {
		at := d.place()
		if text, ok := d.text(at); ok {
			set = append(set, member(at, text))
		}
	}
	return set
}
