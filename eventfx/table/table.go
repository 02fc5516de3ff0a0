package table

import (
	"fmt"
	"reflect"

	"github.com/eventfx/eventfx-go/eventfx"
)

// A Change is what happened to one item of a table.
type Change[T any] struct {
	Kind Kind

	// Old and New are the item before and after the change. Each is nil if
	// there was no such item, or if the stream's view leaves that image out;
	// a stream of keys alone has neither.
	Old, New *T

	// Keys holds the item's key attributes, and zero values besides. It is
	// there in every view.
	Keys T

	// Expired says that the item was not removed by a request but by its time
	// to live.
	Expired bool
}

// A Kind is a kind of change.
type Kind string

const (
	Insert Kind = "insert" // a new item
	Modify Kind = "modify" // an item was changed
	Remove Kind = "remove" // an item was removed, or has expired
)

// Inserted is the source of new items.
type Inserted[T any] struct {
	// Table is the name of the table; "" matches every table.
	Table string
}

// Modified is the source of changed items.
type Modified[T any] struct {
	// Table is the name of the table; "" matches every table.
	Table string
}

// Removed is the source of items that were removed or have expired:
// Change.Expired tells which.
type Removed[T any] struct {
	// Table is the name of the table; "" matches every table.
	Table string
}

// Any is the source of all changes.
type Any[T any] struct {
	// Table is the name of the table; "" matches every table.
	Table string
}

// Match reports whether m is a new item of the table.
func (s Inserted[T]) Match(m *eventfx.Message) bool {
	return kindOf(m) == Insert && isTable(m, s.Table)
}

// Match reports whether m is a changed item of the table.
func (s Modified[T]) Match(m *eventfx.Message) bool {
	return kindOf(m) == Modify && isTable(m, s.Table)
}

// Match reports whether m is a removed item of the table.
func (s Removed[T]) Match(m *eventfx.Message) bool { return kindOf(m) == Remove && isTable(m, s.Table) }

// Match reports whether m is a change in the table.
func (s Any[T]) Match(m *eventfx.Message) bool { return kindOf(m) != "" && isTable(m, s.Table) }

// Decode decodes the images of the item. Its errors are a *DecodeError for an
// attribute that does not fit T.
func (s Inserted[T]) Decode(m *eventfx.Message) (Change[T], error) { return decode[T](m) }

// Decode decodes the images of the item. Its errors are a *DecodeError for an
// attribute that does not fit T.
func (s Modified[T]) Decode(m *eventfx.Message) (Change[T], error) { return decode[T](m) }

// Decode decodes the images of the item. Its errors are a *DecodeError for an
// attribute that does not fit T.
func (s Removed[T]) Decode(m *eventfx.Message) (Change[T], error) { return decode[T](m) }

// Decode decodes the images of the item. Its errors are a *DecodeError for an
// attribute that does not fit T.
func (s Any[T]) Decode(m *eventfx.Message) (Change[T], error) { return decode[T](m) }

// String returns the source as it is written in Go.
func (s Inserted[T]) String() string { return name[T]("Inserted", s.Table) }

// String returns the source as it is written in Go.
func (s Modified[T]) String() string { return name[T]("Modified", s.Table) }

// String returns the source as it is written in Go.
func (s Removed[T]) String() string { return name[T]("Removed", s.Table) }

// String returns the source as it is written in Go.
func (s Any[T]) String() string { return name[T]("Any", s.Table) }

func name[T any](source, table string) string {
	if table == "" {
		return fmt.Sprintf("table.%s[%v]{}", source, reflect.TypeFor[T]())
	}
	return fmt.Sprintf("table.%s[%v]{Table: %q}", source, reflect.TypeFor[T](), table)
}

// A DecodeError is an attribute that does not fit the type of the source, or
// that is no attribute value. A handler's observer or dead letter reads it with
//
//	if e, ok := errors.AsType[*table.DecodeError](err); ok {
//		slog.Warn("bad item", "attribute", e.Path)
//	}
type DecodeError struct {
	// Path names the attribute, from the image on: NewImage.items[2].price.
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

func (e *DecodeError) Error() string {
	s := "table: " + e.Path + ": "
	if e.Type != nil {
		s += e.Value + " does not fit " + e.Type.String()
		if e.Err == nil {
			return s
		}
		s += ": "
	}
	return s + e.Err.Error()
}

func (e *DecodeError) Unwrap() error { return e.Err }
