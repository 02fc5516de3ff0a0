package redact

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
)

// A Redactor removes values from events. The zero value and nil remove
// nothing. Its methods may be called from many goroutines at once; its fields
// must not be changed then.
type Redactor struct {
	// Pointers are JSON pointers (RFC 6901) into the data, such as
	// "/cards/*/number": * is any member or element. A value that is no text
	// is removed as well, with all that is in it.
	Pointers []string

	// Types are values of struct types. Members with the name of a field that
	// has the tag redact:"true" are removed wherever they stand in the data,
	// whatever their capitals; structs in the fields count, too. The names are
	// those of the tags dynamodbav, docstore and json, and the field's own
	// where it has none.
	Types []any

	// Func says whether to remove a value. path is its JSON pointer; numbers
	// and booleans come as their text. A key of an object is asked about with
	// the pointer of its member and the key itself as value: to remove a key
	// is to give the member another name. nil removes nothing.
	Func func(path, value string) bool

	once  sync.Once
	rules rules
	err   error
}

// Removed stands in place of what was removed.
const Removed = "[redacted]"

// rules are what a Redactor selects by, ready for use.
type rules struct {
	pointers [][]string
	names    map[string]bool // in small letters
	ask      func(path, value string) bool
}

// Check returns what is wrong with the Redactor: a pointer that is none, a type
// that has no field to remove. The other methods panic then: a redactor that
// removes nothing must not go unnoticed.
func (r *Redactor) Check() error {
	if r == nil {
		return nil
	}
	r.once.Do(func() { r.rules, r.err = r.compile() })
	return r.err
}

// ready returns the rules.
func (r *Redactor) ready() *rules {
	if err := r.Check(); err != nil {
		panic(err)
	}
	return &r.rules
}

func (r *Redactor) compile() (rules, error) {
	c := rules{names: map[string]bool{}, ask: r.Func}
	for _, pointer := range r.Pointers {
		if pointer == "" {
			c.pointers = append(c.pointers, nil) // the whole document
			continue
		}
		rest, ok := strings.CutPrefix(pointer, "/")
		if !ok {
			return c, fmt.Errorf("redact: Pointers: %q is no JSON pointer: it must begin with /", pointer)
		}
		segments := strings.Split(rest, "/")
		for i, s := range segments {
			if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(s), "~") {
				return c, fmt.Errorf("redact: Pointers: %q is no JSON pointer: ~ is written ~0, and / in a name ~1", pointer)
			}
			segments[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
		}
		c.pointers = append(c.pointers, segments)
	}
	for _, value := range r.Types {
		t := reflect.TypeOf(value)
		known := len(c.names)
		if t != nil {
			c.addNames(t, map[reflect.Type]bool{})
		}
		if len(c.names) == known && !tagged(t, map[reflect.Type]bool{}) {
			return c, fmt.Errorf(`redact: Types: %v has no field with the tag redact:"true"`, t)
		}
	}
	return c, nil
}

// addNames adds the names of the tagged fields of t, and of what is in t.
func (c *rules) addNames(t reflect.Type, seen map[reflect.Type]bool) {
	for f := range fields(t, seen) {
		if f.Tag.Get("redact") == "true" {
			for _, name := range namesOf(f) {
				c.names[strings.ToLower(name)] = true
			}
		}
		c.addNames(f.Type, seen)
	}
}

// tagged reports whether t has a tagged field whose name was known before.
func tagged(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == nil {
		return false
	}
	for f := range fields(t, seen) {
		if f.Tag.Get("redact") == "true" || tagged(f.Type, seen) {
			return true
		}
	}
	return false
}

// fields iterates over the fields of the struct that t is, points to or has as
// elements, unless that was seen.
func fields(t reflect.Type, seen map[reflect.Type]bool) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// namesOf returns the names that a field has in documents.
func namesOf(f reflect.StructField) []string {
	var names []string
	for _, key := range [...]string{"dynamodbav", "docstore", "json"} {
		if name, _, _ := strings.Cut(f.Tag.Get(key), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	if names == nil || f.Tag.Get("json") == "" {
		names = append(names, f.Name)
	}
	return names
}

// Event returns a copy of e without what is to be removed, and a function that
// removes the same from a text that may repeat it, such as the error of its
// handler. Texts must not be cut before: half of a value is not found.
func (r *Redactor) Event(e event.Event) (event.Event, func(string) string) {
	if r == nil {
		return e, func(s string) string { return s }
	}
	found := secrets{}
	data, selected := r.ready().remove(e.DataEncoded, found)
	if !selected {
		return e, func(s string) string { return s }
	}
	scrub := found.scrubber()
	scrubbed := scrub.document(data)
	e.DataEncoded = scrubbed
	if !utf8.Valid(scrubbed) {
		e.DataBase64 = true
	}
	if ec, ok := e.Context.(*event.EventContextV1); ok {
		c := *ec
		if c.Subject != nil {
			subject := scrub.text(*c.Subject)
			c.Subject = &subject
		}
		c.Extensions = maps.Clone(c.Extensions)
		for name, value := range c.Extensions {
			switch value := value.(type) {
			case string:
				c.Extensions[name] = string(scrub.document([]byte(value)))
			case []byte:
				c.Extensions[name] = scrub.document(value)
			}
		}
		e.Context = &c
	}
	return e, scrub.text
}
