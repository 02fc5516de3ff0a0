package attributevalue

import (
	"strconv"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// A finder walks a map of attributes as a decoder does, to learn the path of
// the value at an offset.
type finder struct {
	s    *jsonscan.Scanner
	at   int
	path []byte
}

// pathOf returns the path of the value at an offset in the map of attributes
// that is next in s.
func pathOf(s *jsonscan.Scanner, root string, at int) string {
	f := finder{s: s, at: at, path: []byte(root)}
	if !f.here() {
		f.attributes()
	}
	return string(f.path)
}

// here reports whether the next value is the one.
func (f *finder) here() bool {
	f.s.Kind() // moves to the value
	return f.s.Pos() == f.at
}

// attributes looks into a map of attributes. Once it has found the value, the
// path stays as it is.
func (f *finder) attributes() (found bool) {
	if f.s.Kind() != '{' {
		f.s.Skip()
		return false
	}
	parent := len(f.path)
	f.s.Object()
	for name, more := f.s.Key(); more; name, more = f.s.Key() {
		f.path = appendName(f.path[:parent], name)
		if f.here() || f.value() {
			return true
		}
	}
	f.path = f.path[:parent]
	return false
}

// value looks into an attribute value.
func (f *finder) value() (found bool) {
	if f.s.Kind() != '{' {
		f.s.Skip()
		return false
	}
	f.s.Object()
	for key, more := f.s.Key(); more; key, more = f.s.Key() {
		l := lettersOf(key)
		switch {
		case l == typeM:
			found = f.attributes()
		case (l == typeL || l.isSet()) && f.s.Kind() == '[':
			found = f.elements(l)
		default:
			f.s.Skip()
		}
		if found {
			return true
		}
	}
	return false
}

// elements looks into a list or set.
func (f *finder) elements(l letters) (found bool) {
	parent := len(f.path)
	f.s.Array()
	for i := 0; f.s.Elem(); i++ {
		f.path = append(f.path[:parent], '[')
		f.path = strconv.AppendInt(f.path, int64(i), 10)
		f.path = append(f.path, ']')
		if f.here() || l == typeL && f.value() {
			return true
		}
		if l != typeL {
			f.s.Skip()
		}
	}
	f.path = f.path[:parent]
	return false
}

// appendName appends the name of an attribute to a path.
func appendName(path, name []byte) []byte {
	plain := len(name) > 0
	for _, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '-', c == ':', c == '#':
		default:
			plain = false
		}
	}
	if plain {
		path = append(path, '.')
		return append(path, name...)
	}
	path = append(path, '[')
	path = strconv.AppendQuote(path, string(name))
	return append(path, ']')
}
