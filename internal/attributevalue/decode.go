package attributevalue

import (
	"errors"
	"reflect"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// letters is the type of an attribute value: the one key of its object.
type letters uint8

const (
	malformed letters = iota
	typeS
	typeN
	typeB
	typeSS
	typeNS
	typeBS
	typeM
	typeL
	typeNULL
	typeBOOL
)

func lettersOf(key []byte) letters {
	switch string(key) {
	case "S":
		return typeS
	case "N":
		return typeN
	case "B":
		return typeB
	case "SS":
		return typeSS
	case "NS":
		return typeNS
	case "BS":
		return typeBS
	case "M":
		return typeM
	case "L":
		return typeL
	case "NULL":
		return typeNULL
	case "BOOL":
		return typeBOOL
	}
	return malformed
}

// words are how errors call values, by their letters.
var words = [...]string{
	typeS: "string", typeN: "number", typeB: "binary", typeSS: "string set", typeNS: "number set",
	typeBS: "binary set", typeM: "map", typeL: "list", typeNULL: "NULL", typeBOOL: "bool",
}

// holds is the first byte of what follows the letters, but for scalars.
var holds = [...]byte{
	typeSS: '[', typeNS: '[', typeBS: '[', typeM: '{', typeL: '[', typeNULL: 't', typeBOOL: 't', // or 'f'
}

// element returns the type of a set's elements.
func (l letters) element() letters { return l - typeSS + typeS }

func (l letters) isSet() bool { return typeSS <= l && l <= typeBS }

// A decoder walks a scanner. Each of its methods consumes the value that it is
// given, whether it fits or not; after an error of the scanner, whatever they
// do no longer counts.
type decoder struct {
	s   *jsonscan.Scanner
	buf []byte // unescaped text, until the next

	err *Error // the first value that does not fit, without its path
	at  int    // its offset
}

// report records that the value at an offset does not fit.
func (d *decoder) report(at int, e *Error) {
	if d.err == nil {
		d.err, d.at = e, at
	}
}

func (d *decoder) mismatch(at int, value string, p *plan, why error) {
	d.report(at, &Error{Value: value, Type: p.typ, Err: why})
}

var (
	errNoObject   = errors.New("malformed attribute value: no object")
	errNoType     = errors.New("malformed attribute value: an object without a type")
	errTypes      = errors.New("malformed attribute value: several types")
	errType       = errors.New("malformed attribute value: unknown type")
	errContent    = errors.New("malformed attribute value: the content is not of its type")
	errNoMap      = errors.New("malformed map of attributes: no object")
	errTwice      = errors.New("the attribute is there twice")
	errAmbiguous  = errors.New("several attributes differ from the field's name in case only: give the field a tag")
	errUnexported = errors.New("the field is in an embedded pointer to a struct type that is not exported")
	errLength     = errors.New("too long")
	errCompare    = errors.New("it cannot be compared")
)

// open consumes the beginning of an attribute value, up to its content, which
// is of the right kind unless it is a scalar's: text looks at that itself, to
// spare a look. If the value is malformed, open consumes and reports it, and ok
// is false.
func (d *decoder) open() (at int, l letters, ok bool) {
	s := d.s
	if !s.Object() {
		s.Forget()
		d.report(s.Pos(), &Error{Err: errNoObject})
		s.Skip()
		return s.Pos(), 0, false
	}
	at = s.Pos() - 1
	key, more := s.Key()
	if !more {
		d.report(at, &Error{Err: errNoType})
		return at, 0, false
	}
	l = lettersOf(key)
	if l != malformed && l <= typeB {
		return at, l, true
	}
	switch kind := s.Kind(); {
	case l == malformed:
		d.report(at, &Error{Err: errType})
	case kind == holds[l] || l == typeBOOL && kind == 'f':
		return at, l, true
	default:
		d.report(at, &Error{Err: errContent})
	}
	s.Skip()
	d.close(at)
	return at, 0, false
}

// close consumes the end of an attribute value.
func (d *decoder) close(at int) {
	for _, more := d.s.Key(); more; _, more = d.s.Key() {
		d.report(at, &Error{Err: errTypes})
		d.s.Skip()
	}
}

// item decodes a map of attributes, as it stands in an image.
func (d *decoder) item(p *plan, v reflect.Value) {
	at := d.place()
	if d.s.Kind() != '{' {
		d.report(at, &Error{Err: errNoMap})
		d.s.Skip()
		return
	}
	p, v = indirect(p, v)
	d.attributes(at, p, v)
}

// value decodes an attribute value.
func (d *decoder) value(p *plan, opts options, v reflect.Value) {
	at, l, ok := d.open()
	if !ok {
		return
	}
	if l == typeNULL {
		d.s.Bool()
		v.SetZero()
		d.close(at)
		return
	}
	p, v = indirect(p, v)
	switch {
	case p.special == isAny:
		v.Set(reflect.ValueOf(d.content(at, l)))
	case l <= typeB:
		if text, ok := d.text(at); ok {
			d.scalar(at, l, p, opts, v, text)
		}
	case l == typeBOOL:
		d.bool(at, p, v)
	case l == typeM:
		d.attributes(at, p, v)
	case p.kind == reflect.Slice:
		d.slice(l, p, v)
	case p.kind == reflect.Array:
		d.array(at, l, p, v)
	case l.isSet() && p.isSet():
		d.set(l, p, v)
	default:
		d.mismatch(at, words[l], p, nil)
		d.s.Skip()
	}
	d.close(at)
}

// indirect follows pointers, and makes what they point to.
func indirect(p *plan, v reflect.Value) (*plan, reflect.Value) {
	for p.kind == reflect.Pointer {
		v.Set(reflect.New(p.elem.typ))
		p, v = p.elem, v.Elem()
	}
	return p, v
}

// attributes decodes the object of a map of attributes, which begins an
// attribute value or item at the offset given.
func (d *decoder) attributes(at int, p *plan, v reflect.Value) {
	switch {
	case p.fields != nil:
		d.struct_(p.fields, v)
	case p.special == isAny:
		v.Set(reflect.ValueOf(d.mapContent()))
	case p.typ == anyMapType:
		v.Set(reflect.ValueOf(d.mapContent()))
	case p.kind == reflect.Map && p.key.isMapKey():
		d.map_(p, v)
	default:
		d.mismatch(at, words[typeM], p, nil)
		d.s.Skip()
	}
}

// map_ decodes attributes into a map that it makes.
func (d *decoder) map_(p *plan, v reflect.Value) {
	m := reflect.MakeMap(p.typ)
	key := reflect.New(p.key.typ).Elem()
	elem := reflect.New(p.elem.typ).Elem()
	d.s.Object()
	for name, more := d.s.Key(); more; name, more = d.s.Key() {
		text := string(name) // for name ends with the next key, which may be inside the value
		at := d.place()
		key.SetZero()
		d.mapKey(at, p.key, key, text)
		elem.SetZero()
		d.value(p.elem, 0, elem)
		before := m.Len()
		if !d.put(at, m, key, elem) {
			continue
		}
		if m.Len() == before {
			d.report(at, &Error{Err: errTwice})
		}
	}
	v.Set(m)
}

// slice decodes a list or set into a slice that it makes.
func (d *decoder) slice(l letters, p *plan, v reflect.Value) {
	v.SetZero()
	d.s.Array()
	for n := 0; d.s.Elem(); n++ {
		if n == v.Cap() {
			v.Grow(max(n, 4))
		}
		v.SetLen(n + 1)
		d.element(l, p.elem, v.Index(n))
	}
	if v.IsNil() {
		v.Set(reflect.MakeSlice(p.typ, 0, 0))
	}
}

// array decodes a list or set into an array, of which what is left becomes
// zero.
func (d *decoder) array(at int, l letters, p *plan, v reflect.Value) {
	v.SetZero()
	d.s.Array()
	for n := 0; d.s.Elem(); n++ {
		if n >= v.Len() {
			d.mismatch(at, words[l], p, errLength)
			d.s.Skip()
			continue
		}
		d.element(l, p.elem, v.Index(n))
	}
}

// element decodes an element of a list or set.
func (d *decoder) element(l letters, p *plan, v reflect.Value) {
	if l == typeL {
		d.value(p, 0, v)
		return
	}
	at := d.place()
	if text, ok := d.text(at); ok {
		p, v = indirect(p, v)
		d.scalar(at, l.element(), p, 0, v, text)
	}
}

// place returns the offset of the next value.
func (d *decoder) place() int {
	d.s.Kind() // moves to it
	return d.s.Pos()
}

// set decodes a set into the keys of a map that it makes.
func (d *decoder) set(l letters, p *plan, v reflect.Value) {
	m := reflect.MakeMap(p.typ)
	in := reflect.New(p.elem.typ).Elem()
	if p.elem.kind == reflect.Bool {
		in.SetBool(true)
	}
	key := reflect.New(p.key.typ).Elem()
	d.s.Array()
	for d.s.Elem() {
		key.SetZero()
		at := d.place()
		text, ok := d.text(at)
		if !ok {
			continue
		}
		kp, kv := indirect(p.key, key)
		d.scalar(at, l.element(), kp, 0, kv, text)
		d.put(at, m, key, in)
	}
	v.Set(m)
}

// put puts an element into a map, unless the key is one that panics: a binary
// in a map[any]bool, or what a method of the key's type has made.
func (d *decoder) put(at int, m, key, elem reflect.Value) bool {
	if kind := key.Kind(); kind > reflect.Float64 && kind != reflect.String && !key.Comparable() {
		d.report(at, &Error{Value: "the key", Type: key.Type(), Err: errCompare})
		return false
	}
	m.SetMapIndex(key, elem)
	return true
}

// text consumes a string, the content of the scalar or the member of a set at
// an offset, and returns its text, which is good until the next and must be
// copied. Anything else is consumed and reported.
func (d *decoder) text(at int) (text []byte, ok bool) {
	raw, escaped := d.s.String()
	if raw == nil { // what is between quotes is never nil
		d.s.Forget()
		d.report(at, &Error{Err: errContent})
		d.s.Skip()
		return nil, false
	}
	if escaped {
		d.buf = jsonscan.Unescape(d.buf[:0], raw)
		return d.buf, true
	}
	return raw, true
}
