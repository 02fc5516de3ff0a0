package schema

import (
	"context"
	"slices"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Valid calls Validate on the data of each event before h. An error of it is a
// permanent failure, an *Error: its fields are those of the errors that name
// one by a method JSONPointer() string, and errors.Is and errors.AsType see
// what Validate returned.
//
// Validate may have a pointer as its receiver and then change the data, such as
// by setting defaults; h gets what it left. In the handler of a batch call
// Validate yourself, and fail the event by Batch.Fail and Invalid.
func Valid[T any, P interface {
	*T
	Validate() error
}](h func(context.Context, eventfx.Event[T]) error) func(context.Context, eventfx.Event[T]) error {
	return func(ctx context.Context, e eventfx.Event[T]) error {
		if err := P(&e.Data).Validate(); err != nil {
			return Invalid(err)
		}
		return h(ctx, e)
	}
}

// Invalid makes an *Error of what a Validate method returned. Invalid(nil) is
// nil.
func Invalid(err error) error {
	if err == nil {
		return nil
	}
	fields := fieldsOf(err)
	if fields == nil {
		fields = []Field{{Reason: err.Error()}}
	}
	e := newError(fields)
	e.cause = err
	return e
}

// fieldsOf returns the fields that err names, itself or by what it wraps.
func fieldsOf(err error) (fields []Field) {
	switch err := err.(type) {
	case *Error:
		return slices.Clone(err.Fields)
	case Field:
		return []Field{err}
	case interface {
		error
		JSONPointer() string
	}:
		return []Field{{err.JSONPointer(), err.Error()}}
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			return fieldsOf(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			named := fieldsOf(inner)
			if named == nil {
				named = []Field{{Reason: inner.Error()}} // it names none
			}
			fields = append(fields, named...)
		}
	}
	return fields
}
