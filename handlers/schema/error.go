package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with the data of an event. It is permanent.
type Error struct {
	// Fields are the first 20 things that are wrong, in the order of their
	// pointers.
	Fields []Field
	// More is how many there are beyond them.
	More int

	cause error
}

// Field is one thing that is wrong with the data. It is an error itself, for
// Validate methods to return, alone or by errors.Join. Any other error with a
// method JSONPointer() string serves as well.
type Field struct {
	// Pointer says where, as a JSON pointer (RFC 6901): "/items/0/sku". It is
	// empty for the data as a whole, and names a member that is missing, too.
	Pointer string
	// Reason says what, in the form "must be positive".
	Reason string
}

const mostFields = 20

// Error names the fields and what is wrong with them.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("schema: ")
	for i, f := range e.Fields {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Error())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "; and %d more", e.More)
	}
	return b.String()
}

// Permanent reports true: the same data will not become valid.
func (e *Error) Permanent() bool { return true }

// Unwrap returns what a Validate method returned, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Error returns "pointer: reason".
func (f Field) Error() string {
	if f.Pointer == "" {
		return "data: " + f.Reason
	}
	return f.Pointer + ": " + f.Reason
}

// JSONPointer returns Pointer.
func (f Field) JSONPointer() string { return f.Pointer }

// newError makes an error of fields, the first of them by pointer.
func newError(fields []Field) *Error {
	slices.SortFunc(fields, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Reason, b.Reason))
	})
	fields = slices.Compact(fields)
	most := min(len(fields), mostFields)
	return &Error{Fields: slices.Clone(fields[:most]), More: len(fields) - most}
}

// pointer makes a JSON pointer of tokens, each of which a sender may have
// chosen.
func pointer(tokens ...string) string {
	const most = 32
	if len(tokens) > most {
		tokens = append(slices.Clone(tokens[:most]), "...")
	}
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escape.Replace(clip(t)))
	}
	return b.String()
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// clip keeps the beginning of what is too long for a line in a log.
func clip(s string) string {
	const most = 120
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= most {
		return s
	}
	end := most
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}
