// Package jsonscan reads JSON in one pass, without building values.
//
// A Scanner is pulled through a document: Object and Key, Array and Elem walk
// its structure; String, Number, Bool and Null take scalars; Skip takes any
// value whole. Everything that is walked over is validated: a document that is
// consumed to its End is one that json.Valid accepts, and no other is. Nothing
// is allocated, except for the unescaped form of keys that have escapes, and
// errors.
//
//	s := jsonscan.New(data)
//	if s.Object() {
//		for key, ok := s.Key(); ok; key, ok = s.Key() {
//			switch string(key) {
//			case "id":
//				id, escaped = s.String()
//			default:
//				s.Skip()
//			}
//		}
//	}
//	err := s.End()
//
// Each member and element must be consumed before the next is asked for.
// Whether the text is UTF-8 is not looked at, as in json.Valid.
package jsonscan

import "strconv"

// maxDepth is the nesting limit of encoding/json.
const maxDepth = 10000

// A Scanner is a position in a document. Copying it remembers the position.
// It must not be used by several goroutines at once.
type Scanner struct {
	data  []byte
	pos   int
	depth int
	first bool // no member or element of the current container was read yet
	err   *SyntaxError
	kind  *KindError
	key   []byte // scratch for keys with escapes
}

// A SyntaxError says where a document stops being JSON. After one, every
// method of the Scanner fails.
type SyntaxError struct {
	Offset int // of the byte that cannot stand there, or the document's length
	Msg    string
}

func (e *SyntaxError) Error() string {
	return "invalid JSON at offset " + strconv.Itoa(e.Offset) + ": " + e.Msg
}

// A KindError says that a value is JSON, but not of the kind asked for. The
// value is not consumed.
type KindError struct {
	Offset    int    // of the value
	Want, Got string // such as "object" and "string"
}

func (e *KindError) Error() string {
	return "JSON " + e.Got + " at offset " + strconv.Itoa(e.Offset) + ": want " + e.Want
}

// New returns a Scanner at the beginning of data, which it never changes.
func New(data []byte) Scanner { return Scanner{data: data} }

// Pos returns the offset of the next byte that is not consumed.
func (s *Scanner) Pos() int { return s.pos }

// Since returns what was consumed since the offset from: the text of a value
// that was walked through, if Kind was called before Pos.
func (s *Scanner) Since(from int) []byte { return s.data[from:s.pos:s.pos] }

// Err returns the SyntaxError that stopped the Scanner, else the first
// KindError since Forget, else nil.
func (s *Scanner) Err() error {
	if s.err != nil {
		return s.err
	}
	if s.kind != nil {
		return s.kind
	}
	return nil
}

// Forget forgets the KindError, for a caller that accepts several kinds.
func (s *Scanner) Forget() { s.kind = nil }

// End returns Err, and an error if anything but space is left.
func (s *Scanner) End() error {
	if s.err == nil && s.space() {
		s.syntax("a value after the end of the document")
	}
	return s.Err()
}

// Kind returns the first byte of the next value: one of '{', '[', '"', 't',
// 'f' and 'n', or '0' for any number. It returns 0 if there is no value.
func (s *Scanner) Kind() byte {
	if s.err != nil || !s.space() {
		return 0
	}
	return kinds[s.data[s.pos]]
}

// kinds are the kinds of values by their first byte.
var kinds = [256]byte{
	'{': '{', '[': '[', '"': '"', 't': 't', 'f': 'f', 'n': 'n', '-': '0', '0': '0', '1': '0', '2': '0',
	'3': '0', '4': '0', '5': '0', '6': '0', '7': '0', '8': '0', '9': '0',
}

// Object consumes the beginning of an object. It returns false, with an error,
// if something else is there.
func (s *Scanner) Object() bool { return s.open('{', "object") }

// Array consumes the beginning of an array. It returns false, with an error,
// if something else is there.
func (s *Scanner) Array() bool { return s.open('[', "array") }

func (s *Scanner) open(c byte, name string) bool {
	if !s.want(c, name) || !s.push() {
		return false
	}
	s.first = true
	return true
}

// Key consumes the next key of the current object and its colon, and returns
// it unescaped; it is valid until the next call of Key. At the end of the
// object, which it consumes, and after an error it returns false.
func (s *Scanner) Key() (key []byte, ok bool) {
	key, escaped, ok := s.RawKey()
	if escaped {
		s.key = Unescape(s.key[:0], key)
		key = s.key
	}
	return key, ok
}

// RawKey is Key, but returns what stands between the quotes, as a part of the
// document, and whether it has escapes: see Unescape.
func (s *Scanner) RawKey() (raw []byte, escaped, ok bool) {
	if !s.next('}', "object") {
		return nil, false, false
	}
	if s.data[s.pos] != '"' {
		s.syntax("want an object key")
		return nil, false, false
	}
	raw, escaped, ok = s.str()
	if !ok {
		return nil, false, false
	}
	if s.pos < len(s.data) && s.data[s.pos] == ':' {
		s.pos++
		return raw, escaped, true
	}
	if !s.space() || s.data[s.pos] != ':' {
		s.syntax("want ':' after an object key")
		return nil, false, false
	}
	s.pos++
	return raw, escaped, true
}

// Elem reports whether another element of the current array follows. At the
// end of the array, which it consumes, and after an error it returns false.
func (s *Scanner) Elem() bool { return s.next(']', "array") }

// next moves to the next member of a container, or consumes its end. After it
// returns true there is a byte at pos.
func (s *Scanner) next(end byte, name string) bool {
	if s.err != nil {
		return false
	}
	if !s.space() {
		s.syntax("want the rest of the " + name)
		return false
	}
	c := s.data[s.pos]
	first := s.first
	s.first = false
	if c == end {
		s.pos++
		s.depth--
		return false
	}
	if first {
		return true
	}
	if c != ',' {
		s.syntax("want ',' or the end of the " + name)
		return false
	}
	s.pos++
	if !s.space() {
		s.syntax("want the rest of the " + name)
		return false
	}
	return true
}

// String consumes a string and returns what stands between its quotes, as a
// part of the document, and whether it has escapes: see Unescape.
func (s *Scanner) String() (raw []byte, escaped bool) {
	if !s.want('"', "string") {
		return nil, false
	}
	raw, escaped, _ = s.str()
	return raw, escaped
}

// TryString is String if a string is next, and otherwise consumes nothing: ok
// is false, which is no error.
func (s *Scanner) TryString() (raw []byte, escaped, ok bool) {
	if s.Kind() != '"' {
		return nil, false, false
	}
	return s.str()
}

// Number consumes a number and returns its text, as a part of the document.
func (s *Scanner) Number() (raw []byte) {
	if !s.want('0', "number") {
		return nil
	}
	from := s.pos
	if !s.number() {
		return nil
	}
	return s.data[from:s.pos:s.pos]
}

// Bool consumes true or false.
func (s *Scanner) Bool() bool {
	if s.Kind() == 't' {
		return s.literal("true")
	}
	if s.want('f', "boolean") {
		s.literal("false")
	}
	return false
}

// Null consumes null if it is next, and reports whether it was.
func (s *Scanner) Null() bool {
	return s.Kind() == 'n' && s.literal("null")
}

// Skip consumes any value and returns its text, as a part of the document, or
// nil after an error.
func (s *Scanner) Skip() (raw []byte) {
	if s.Kind() == 0 {
		s.syntax("want a value")
		return nil
	}
	from := s.pos
	first := s.first
	if !s.skip() {
		return nil
	}
	s.first = first
	return s.data[from:s.pos:s.pos]
}

// want reports whether the next value is of the kind c.
func (s *Scanner) want(c byte, name string) bool {
	k := s.Kind()
	if k == c {
		return true
	}
	if k == 0 {
		s.syntax("want a value")
	} else if s.kind == nil && s.err == nil {
		s.kind = &KindError{Offset: s.pos, Want: name, Got: kindName(k)}
	}
	return false
}

func kindName(k byte) string {
	switch k {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case '0':
		return "number"
	case 'n':
		return "null"
	}
	return "boolean"
}

func (s *Scanner) push() bool {
	if s.depth == maxDepth {
		s.syntax("nested more than 10000 deep")
		return false
	}
	s.depth++
	s.pos++
	return true
}

// syntax stops the Scanner, unless it has stopped before.
func (s *Scanner) syntax(msg string) {
	if s.err == nil {
		if s.pos >= len(s.data) {
			msg = "unexpected end: " + msg
		}
		s.err = &SyntaxError{Offset: s.pos, Msg: msg}
	}
}
