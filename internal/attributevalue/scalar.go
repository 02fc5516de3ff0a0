package attributevalue

import (
	"encoding"
	"errors"
	"reflect"
	"time"
)

var (
	errBase64   = errors.New("malformed attribute value: binary that is not base64")
	errUnixTime = errors.New("a number is a time only with the option unixtime in the tag")
	errTime     = errors.New("not a time in RFC 3339")
	errYear     = errors.New("seconds outside of the years 1 to 9999")
)

// scalar decodes the text of a string, number or binary.
func (d *decoder) scalar(at int, l letters, p *plan, opts options, v reflect.Value, text []byte) {
	switch {
	case p.special == isAny:
		v.Set(reflect.ValueOf(d.scalarContent(at, l, text)))
	case l == typeS:
		d.string(at, p, opts, v, text)
	case l == typeN:
		d.number(at, p, opts, v, text)
	default:
		d.binary(at, p, v, text)
	}
}

func (d *decoder) string(at int, p *plan, opts options, v reflect.Value, text []byte) {
	switch {
	case p.special == isTime:
		d.time(at, p, v, text)
	case p.special == isBigInt || p.special == isBigFloat:
		d.number(at, p, opts, v, text)
	case p.text:
		d.unmarshalText(at, typeS, p, v, text)
	case p.kind == reflect.String:
		v.SetString(string(text))
	case opts&asString != 0 && p.isNumber():
		d.number(at, p, opts, v, text)
	default:
		d.mismatch(at, words[typeS], p, nil)
	}
}

func (d *decoder) time(at int, p *plan, v reflect.Value, text []byte) {
	var t time.Time
	if t.UnmarshalText(text) != nil { // strict, unlike time.Parse
		d.mismatch(at, words[typeS], p, errTime)
		return
	}
	setTime(p, v, t)
}

func setTime(p *plan, v reflect.Value, t time.Time) {
	if p.typ == timeType {
		*v.Addr().Interface().(*time.Time) = t
		return
	}
	v.Set(reflect.ValueOf(t).Convert(p.typ))
}

func (d *decoder) number(at int, p *plan, opts options, v reflect.Value, text []byte) {
	if !isDecimal(text) {
		d.report(at, &Error{Err: errNumber})
		return
	}
	fits, why := true, error(nil)
	switch {
	case p.special == isTime:
		var seconds int64
		switch seconds, fits = parseInt(text); {
		case opts&unixTime == 0:
			fits, why = false, errUnixTime
		case fits && (seconds < minSeconds || seconds > maxSeconds):
			fits, why = false, errYear
		case fits:
			setTime(p, v, time.Unix(seconds, 0).UTC())
		}
	case p.special == isBigInt:
		fits = setBigInt(v, text)
	case p.special == isBigFloat:
		setBigFloat(v, text)
	case p.isNumber():
		// Before the methods of the type: a number stands for the number that
		// it is in Go, and only text for a name of it.
		fits = setNumber(v, text)
	case p.text:
		d.unmarshalText(at, typeN, p, v, text)
	case p.kind == reflect.String:
		v.SetString(string(text))
	default:
		fits = false
	}
	if !fits {
		d.mismatch(at, "number "+string(text), p, why)
	}
}

func (d *decoder) binary(at int, p *plan, v reflect.Value, text []byte) {
	data := d.bytes(at, text)
	switch {
	case p.binary:
		if err := v.Addr().Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(data); err != nil {
			d.mismatch(at, words[typeB], p, err)
		}
	case !p.isBytes():
		d.mismatch(at, words[typeB], p, nil)
	case p.kind == reflect.Slice:
		v.SetBytes(data)
	case len(data) > v.Len():
		d.mismatch(at, words[typeB], p, errLength)
	default:
		v.SetZero()
		copy(v.Bytes(), data)
	}
}

func (d *decoder) bool(at int, p *plan, v reflect.Value) {
	b := d.s.Bool()
	if p.kind != reflect.Bool {
		d.mismatch(at, words[typeBOOL], p, nil)
		return
	}
	v.SetBool(b)
}

// unmarshalText gives a copy of text to the method of the type.
func (d *decoder) unmarshalText(at int, l letters, p *plan, v reflect.Value, text []byte) {
	err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(string(text)))
	if err != nil {
		d.mismatch(at, words[l], p, err)
	}
}

// isMapKey reports whether the names of attributes can be keys of the type.
func (p *plan) isMapKey() bool {
	return p.text || p.kind == reflect.String || p.isNumber()
}

// mapKey decodes the name of the attribute at an offset into the key of a map.
func (d *decoder) mapKey(at int, p *plan, v reflect.Value, name string) {
	switch {
	case p.text:
		d.unmarshalText(at, typeS, p, v, []byte(name))
	case p.kind == reflect.String:
		v.SetString(name)
	case !isDecimal([]byte(name)) || !setNumber(v, []byte(name)):
		d.mismatch(at, "the name", p, nil)
	}
}
