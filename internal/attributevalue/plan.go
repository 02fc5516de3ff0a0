package attributevalue

import (
	"encoding"
	"math/big"
	"reflect"
	"sync"
	"time"
)

// A plan says how a Go type takes attribute values. It is never changed once
// planOf has returned it.
type plan struct {
	typ     reflect.Type
	kind    reflect.Kind
	special special
	text    bool // *typ is an encoding.TextUnmarshaler
	binary  bool // *typ is an encoding.BinaryUnmarshaler

	elem   *plan   // of a pointer, slice, array or map
	key    *plan   // of a map
	fields *fields // of a struct
}

// special are the types that are taken by what they mean and not by their
// kind.
type special uint8

const (
	ordinary special = iota
	isTime           // time.Time, and types made from it that do not read text
	isBigInt
	isBigFloat
	isAny // an interface without methods
)

// options are what a field's tag says about the value.
type options uint8

const (
	unixTime options = 1 << iota // a number is a time, in seconds
	asString                     // a string holds a number
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	bigIntType   = reflect.TypeFor[big.Int]()
	bigFloatType = reflect.TypeFor[big.Float]()
	anyMapType   = reflect.TypeFor[map[string]any]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	binaryType   = reflect.TypeFor[encoding.BinaryUnmarshaler]()
)

// plans caches the plan of each type that was decoded into, by its
// reflect.Type.
var plans sync.Map

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	// A recursive type meets itself while its plan is made, so the plans of one
	// build refer to each other before they are complete. They are published
	// only when all of them are.
	b := builder{}
	p, _ := plans.LoadOrStore(t, b.build(t))
	return p.(*plan)
}

// A builder has the plans that are being made.
type builder map[reflect.Type]*plan

func (b builder) build(t reflect.Type) *plan {
	if p, ok := b[t]; ok {
		return p
	}
	ptr := reflect.PointerTo(t)
	p := &plan{
		typ:    t,
		kind:   t.Kind(),
		text:   ptr.Implements(textType),
		binary: ptr.Implements(binaryType),
	}
	p.special = specialOf(t, p.text)
	b[t] = p
	switch {
	case p.special != ordinary:
	case p.kind == reflect.Pointer:
		if endlessPointer(t) {
			p.kind = reflect.Invalid // nothing fits it but NULL
			break
		}
		p.elem = b.build(t.Elem())
	case p.kind == reflect.Slice || p.kind == reflect.Array:
		p.elem = b.build(t.Elem())
	case p.kind == reflect.Map:
		p.key, p.elem = b.build(t.Key()), b.build(t.Elem())
	case p.kind == reflect.Struct:
		p.fields = b.structFields(t)
	}
	return p
}

func specialOf(t reflect.Type, text bool) special {
	switch {
	case t == timeType:
		return isTime
	case t == bigIntType:
		return isBigInt
	case t == bigFloatType:
		return isBigFloat
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		return isAny
	case t.Kind() == reflect.Struct && !text && t.ConvertibleTo(timeType):
		return isTime
	}
	return ordinary
}

// endlessPointer reports whether t is a type P *P, or a ring of such.
func endlessPointer(t reflect.Type) bool {
	seen := map[reflect.Type]bool{}
	for ; t.Kind() == reflect.Pointer; t = t.Elem() {
		if seen[t] {
			return true
		}
		seen[t] = true
	}
	return false
}

// isNumber reports whether the plan's kind is a number.
func (p *plan) isNumber() bool {
	return reflect.Int <= p.kind && p.kind <= reflect.Float64
}

// isBytes reports whether the type is a slice or an array of bytes.
func (p *plan) isBytes() bool {
	return (p.kind == reflect.Slice || p.kind == reflect.Array) && p.elem.kind == reflect.Uint8
}

// isSet reports whether a set decodes into the type as the keys of a map.
func (p *plan) isSet() bool {
	return p.kind == reflect.Map && (p.elem.kind == reflect.Bool || p.elem.typ.Size() == 0 && p.elem.kind == reflect.Struct)
}
