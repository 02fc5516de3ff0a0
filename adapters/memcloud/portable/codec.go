package portable

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/docstore/driver"
	"gocloud.dev/gcerrors"
)

var timeType = reflect.TypeFor[time.Time]()

// encodeDocument returns a document as the item that DynamoDB would hold.
func encodeDocument(doc driver.Document) (memcloud.Item, error) {
	var e encoder
	if err := doc.Encode(&e); err != nil {
		return nil, err
	}
	return e.v.(memcloud.Item), nil // documents are maps and structs
}

// encodeValue returns a Go value as an attribute value.
func encodeValue(v any) (any, error) {
	var e encoder
	err := driver.Encode(reflect.ValueOf(v), &e)
	return e.v, err
}

// encoder holds the value that was encoded last, as an attribute value in
// memcloud's form.
type encoder struct{ v any }

func (e *encoder) EncodeNil()            { e.v = nil }
func (e *encoder) EncodeBool(x bool)     { e.v = x }
func (e *encoder) EncodeInt(x int64)     { e.v = json.Number(strconv.FormatInt(x, 10)) }
func (e *encoder) EncodeUint(x uint64)   { e.v = json.Number(strconv.FormatUint(x, 10)) }
func (e *encoder) EncodeFloat(x float64) { e.v = json.Number(strconv.FormatFloat(x, 'f', -1, 64)) }
func (e *encoder) EncodeBytes(x []byte)  { e.v = x } // the table copies it

// EncodeString makes NULL of the empty string, as gocloud's driver for
// DynamoDB does since the time when an S could not be empty.
func (e *encoder) EncodeString(x string) {
	e.v = nil
	if x != "" {
		e.v = x
	}
}

func (e *encoder) EncodeSpecial(v reflect.Value) (bool, error) {
	if v.Type() != timeType {
		return false, nil
	}
	e.EncodeString(v.Interface().(time.Time).Format(time.RFC3339Nano))
	return true, nil
}

func (e *encoder) EncodeList(n int) driver.Encoder {
	list := make([]any, n)
	e.v = list
	return &listEncoder{list: list}
}

func (e *encoder) EncodeMap(n int) driver.Encoder {
	item := make(memcloud.Item, n)
	e.v = item
	return &mapEncoder{item: item}
}

func (e *encoder) ListIndex(int) { panic("portable: a list index outside of a list") }
func (e *encoder) MapKey(string) { panic("portable: a map key outside of a map") }

type listEncoder struct {
	encoder
	list []any
}

func (e *listEncoder) ListIndex(i int) { e.list[i] = e.v }

type mapEncoder struct {
	encoder
	item memcloud.Item
}

func (e *mapEncoder) MapKey(name string) { e.item[name] = e.v }

// decoder decodes an attribute value, which the caller owns.
type decoder struct{ v any }

func (d decoder) String() string { return typeName(d.v) + " " + fmt.Sprint(d.v) }

func (d decoder) AsNull() bool { return d.v == nil }

func (d decoder) AsBool() (bool, bool) {
	b, ok := d.v.(bool)
	return b, ok
}

// AsString takes NULL for the empty string, see EncodeString.
func (d decoder) AsString() (string, bool) {
	s, ok := d.v.(string)
	return s, ok || d.v == nil
}

func (d decoder) AsInt() (int64, bool) {
	n, ok := d.v.(json.Number)
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, ok && err == nil
}

func (d decoder) AsUint() (uint64, bool) {
	n, ok := d.v.(json.Number)
	u, err := strconv.ParseUint(string(n), 10, 64)
	return u, ok && err == nil
}

func (d decoder) AsFloat() (float64, bool) {
	n, ok := d.v.(json.Number)
	f, err := strconv.ParseFloat(string(n), 64)
	return f, ok && err == nil
}

func (d decoder) AsBytes() ([]byte, bool) {
	b, ok := d.v.([]byte)
	return b, ok
}

func (d decoder) ListLen() (int, bool) {
	list, ok := d.v.([]any)
	return len(list), ok
}

func (d decoder) DecodeList(f func(int, driver.Decoder) bool) {
	list, _ := d.v.([]any)
	for i, v := range list {
		if !f(i, decoder{v}) {
			return
		}
	}
}

func (d decoder) MapLen() (int, bool) {
	item, ok := d.v.(memcloud.Item)
	return len(item), ok
}

func (d decoder) DecodeMap(f func(string, driver.Decoder, bool) bool) {
	item, _ := d.v.(memcloud.Item)
	for name, v := range item {
		if !f(name, decoder{v}, true) {
			return
		}
	}
}

// AsInterface decodes into an any: a number becomes an int64, a uint64 or a
// float64, the first that holds it.
func (d decoder) AsInterface() (any, error) {
	switch v := d.v.(type) {
	case json.Number:
		if i, ok := d.AsInt(); ok {
			return i, nil
		}
		if u, ok := d.AsUint(); ok {
			return u, nil
		}
		return strconv.ParseFloat(string(v), 64)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			x, err := decoder{e}.AsInterface()
			if err != nil {
				return nil, err
			}
			list[i] = x
		}
		return list, nil
	case memcloud.Item:
		m := make(map[string]any, len(v))
		for name, e := range v {
			x, err := decoder{e}.AsInterface()
			if err != nil {
				return nil, err
			}
			m[name] = x
		}
		return m, nil
	case memcloud.StringSet, memcloud.NumberSet, memcloud.BinarySet:
		return nil, setError(v)
	}
	return d.v, nil
}

func (d decoder) AsSpecial(v reflect.Value) (bool, any, error) {
	switch d.v.(type) {
	case memcloud.StringSet, memcloud.NumberSet, memcloud.BinarySet:
		return true, nil, setError(d.v)
	}
	if v.Type() != timeType {
		return false, nil, nil
	}
	s, ok := d.v.(string)
	if !ok {
		return true, nil, failure(gcerrors.InvalidArgument, "a time is an S, not %s", typeName(d.v))
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return true, t, err
}

// setError refuses sets, which gocloud's driver for DynamoDB does not read.
func setError(v any) error {
	return failure(gcerrors.InvalidArgument, "docstore does not read %s of DynamoDB: read it with memcloud's Table", typeName(v))
}

// typeName returns DynamoDB's name for the type of an attribute value.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "NULL"
	case bool:
		return "BOOL"
	case string:
		return "S"
	case json.Number:
		return "N"
	case []byte:
		return "B"
	case []any:
		return "L"
	case memcloud.Item:
		return "M"
	case memcloud.StringSet:
		return "SS"
	case memcloud.NumberSet:
		return "NS"
	case memcloud.BinarySet:
		return "BS"
	}
	return fmt.Sprintf("%T", v)
}
