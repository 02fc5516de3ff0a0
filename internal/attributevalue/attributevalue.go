// Package attributevalue decodes DynamoDB's attribute values, in the JSON that
// streams deliver, straight into Go values: no tree is built in between.
//
//	var user User
//	s := jsonscan.New([]byte(`{"id":{"S":"u1"},"logins":{"N":"3"}}`))
//	err := attributevalue.Decode(&s, "NewImage", &user)
//
// What decodes into what, the tags, and the treatment of numbers, sets, times
// and NULL are documented by the package eventfx/table, which shows them to
// users.
//
// # How it works
//
// The first decode into a type makes a plan of it: its fields by attribute
// name, and for each type that it reaches, how it takes a value. Plans are kept
// for the life of the process, one for each type decoded into. A decode walks
// the scanner and the plan together. A value that does not fit is recorded and
// walked over, so that the scanner always stands behind what was read; the path
// of the first such value is worked out afterwards, from its offset, so that
// paths cost nothing until one is needed.
//
// The nesting is bounded by the scanner's limit, and nothing decoded shares
// memory with the input.
package attributevalue

import (
	"errors"
	"reflect"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// An Error is an attribute that does not fit the Go value, or that is no
// attribute value.
type Error struct {
	// Path names the attribute: NewImage.items[2].price. An attribute whose
	// name has other characters than letters, digits, '_', '-', ':' and '#' is
	// quoted, as in NewImage["first name"].
	Path string
	// Value says what was there: "list", or "number 3.5". Text and binary are
	// not repeated, for errors end in logs.
	Value string
	// Type is the Go type that the value does not fit; nil if nothing could
	// take it, because it is malformed or ambiguous: Err then says why.
	Type reflect.Type
	// Err is the reason, where there is more to say. It may be nil.
	Err error
}

func (e *Error) Error() string {
	s := e.Path + ": "
	if e.Type != nil {
		s += e.Value + " does not fit " + e.Type.String()
		if e.Err == nil {
			return s
		}
		s += ": "
	}
	return s + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Decode decodes the map of attributes that is next in s into what v, a
// pointer that is not nil, points to, and consumes it. Paths in errors begin
// with root.
//
// A value that does not fit gives an *Error, and what was decoded until then
// stays in v; JSON that is broken gives the error of s. The text must be UTF-8:
// it is not looked at here, for the caller knows about the whole document.
func Decode(s *jsonscan.Scanner, root string, v any) error {
	ptr := reflect.ValueOf(v)
	if ptr.Kind() != reflect.Pointer || ptr.IsNil() {
		return errors.New("attributevalue: decode into something other than a pointer")
	}
	start := *s
	d := decoder{s: s}
	d.item(planOf(ptr.Type().Elem()), ptr.Elem())
	if err := s.Err(); err != nil {
		return err
	}
	if d.err != nil {
		d.err.Path = pathOf(&start, root, d.at)
		return d.err
	}
	return nil
}
