package memcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// An Item is a DynamoDB item, as the table gives it back: a string is an S, a
// json.Number an N, []byte a B, a bool a BOOL, nil a NULL, []any an L, an Item
// an M, and StringSet, NumberSet and BinarySet are the sets. When it is
// written, Go's integers and floats are taken for numbers, and
// map[string]any for an Item.
type Item = awspayload.Item

// The sets of DynamoDB. They come back in order.
type (
	StringSet = awspayload.StringSet
	NumberSet = awspayload.NumberSet
	BinarySet = awspayload.BinarySet
)

const maxItemSize = 400 << 10

func (t *Table) invalid(format string, args ...any) error {
	return &Error{t.name, "ValidationException", fmt.Sprintf(format, args...)}
}

// check returns the item in the form in which it is stored, which shares
// nothing with the caller's.
func (t *Table) check(item Item) (Item, error) {
	normal := make(Item, len(item))
	for name, v := range item {
		n, err := normalValue(name, v)
		if err != nil {
			return nil, t.invalid("One or more parameter values were invalid: %v", err)
		}
		normal[name] = n
	}
	if err := t.checkKey(normal); err != nil {
		return nil, err
	}
	if size := awspayload.ItemSize(normal); size > maxItemSize {
		return nil, t.invalid("Item size has exceeded the maximum allowed size: %d bytes, more than 400 KB", size)
	}
	return normal, nil
}

func (t *Table) checkKey(item Item) error {
	for _, k := range t.keys {
		v, ok := item[k.name]
		if !ok {
			return t.invalid("One or more parameter values were invalid: Missing the key %s in the item", k.name)
		}
		actual := ""
		switch v := v.(type) {
		case string:
			actual = "S"
			if v == "" {
				return t.invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", k.name)
			}
		case json.Number:
			actual = "N"
		case []byte:
			actual = "B"
		default:
			actual = fmt.Sprintf("%T", v)
		}
		if actual != k.kind {
			return t.invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", k.name, k.kind, actual)
		}
	}
	return nil
}

// normalKey takes the key out of an item that has at least that.
func (t *Table) normalKey(item Item) (Item, error) {
	key := make(Item, len(t.keys))
	for _, k := range t.keys {
		v, ok := item[k.name]
		if !ok {
			continue // checkKey names it
		}
		n, err := normalValue(k.name, v)
		if err != nil {
			return nil, t.invalid("One or more parameter values were invalid: %v", err)
		}
		key[k.name] = n
	}
	return key, t.checkKey(key)
}

// keyItem makes a key of the values that Get and Delete take.
func (t *Table) keyItem(values []any) (Item, error) {
	if len(values) != len(t.keys) {
		return nil, t.invalid("The provided key element does not match the schema: %d values for a key of %d attributes", len(values), len(t.keys))
	}
	key := Item{}
	for i, v := range values {
		key[t.keys[i].name] = v
	}
	return t.normalKey(key)
}

func (t *Table) keyOf(values []any) (string, error) {
	key, err := t.keyItem(values)
	if err != nil {
		return "", err
	}
	return t.rowKey(key), nil
}

// keyPart returns the key of a normal item.
func (t *Table) keyPart(item Item) Item {
	key := make(Item, len(t.keys))
	for _, k := range t.keys {
		key[k.name] = item[k.name]
	}
	return key
}

// rowKey makes a map key of a normal item's or key's primary key.
func (t *Table) rowKey(item Item) string {
	var b []byte
	for _, k := range t.keys {
		b = awspayload.AppendValue(b, item[k.name])
	}
	return string(b)
}

// describe names an item in the timeline, by its key's values.
func (t *Table) describe(item Item) string {
	var parts []string
	for _, k := range t.keys {
		parts = append(parts, fmt.Sprint(item[k.name]))
	}
	return strings.Join(parts, "/")
}

// maxDepth is how many lists and maps may stand in each other.
const maxDepth = 32

// normalValue copies v into the form in which it is stored.
func normalValue(path string, v any) (any, error) { return normalNested(path, v, 0) }

// normalNested is normalValue inside of depth lists and maps. One that contains
// itself must not be walked for ever.
func normalNested(path string, v any, depth int) (any, error) {
	switch v.(type) {
	case Item, map[string]any, []any:
		if depth >= maxDepth {
			return nil, fmt.Errorf("%s: Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit", clip(path, 60))
		}
	}
	switch v := v.(type) {
	case nil, bool, string:
		return v, nil
	case []byte:
		return append([]byte{}, v...), nil // an empty one is no NULL
	case json.Number:
		return normalNumber(path, string(v))
	case Item:
		return normalMap(path, v, depth)
	case map[string]any:
		return normalMap(path, v, depth)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			n, err := normalNested(fmt.Sprintf("%s[%d]", path, i), e, depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = n
		}
		return list, nil
	case StringSet:
		return normalSet(path, slices.Clone(v), strings.Compare)
	case NumberSet:
		set := slices.Clone(v)
		for i, e := range set {
			n, err := normalNumber(path, string(e))
			if err != nil {
				return nil, err
			}
			set[i] = n
		}
		return normalSet(path, set, func(a, b json.Number) int { return compareKeys(a, b) })
	case BinarySet:
		set := slices.Clone(v)
		for i, e := range set {
			set[i] = bytes.Clone(e)
		}
		return normalSet(path, set, bytes.Compare)
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return json.Number(strconv.FormatInt(r.Int(), 10)), nil
	case r.CanUint():
		return json.Number(strconv.FormatUint(r.Uint(), 10)), nil
	case r.CanFloat():
		return normalNumber(path, strconv.FormatFloat(r.Float(), 'g', -1, r.Type().Bits()))
	}
	return nil, fmt.Errorf("%s: a %T is no attribute value", path, v)
}

func normalMap(path string, m map[string]any, depth int) (Item, error) {
	item := make(Item, len(m))
	for name, v := range m {
		n, err := normalNested(path+"."+name, v, depth+1)
		if err != nil {
			return nil, err
		}
		item[name] = n
	}
	return item, nil
}

// normalSet sorts a set, so that equal sets are equal.
func normalSet[S ~[]E, E any](path string, set S, compare func(a, b E) int) (S, error) {
	if len(set) == 0 {
		return nil, fmt.Errorf("%s: an empty set is not allowed", path)
	}
	slices.SortFunc(set, compare)
	for i := 1; i < len(set); i++ {
		if compare(set[i-1], set[i]) == 0 {
			return nil, fmt.Errorf("%s: input collection contains duplicates", path)
		}
	}
	return set, nil
}

// normalNumber writes a number as DynamoDB gives it back: without exponent,
// plus sign or idle zeros.
func normalNumber(path, s string) (json.Number, error) {
	refuse := func(why string) (json.Number, error) {
		return "", fmt.Errorf("%s: %s: %q", path, why, clip(s, 60))
	}
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
	e := 0
	if scientific {
		var err error
		if e, err = strconv.Atoi(exponent); err != nil || e < -1000 || e > 1000 {
			return refuse("Number overflow or underflow")
		}
	}
	sign := ""
	if rest, ok := strings.CutPrefix(mantissa, "-"); ok {
		sign, mantissa = "-", rest
	} else {
		mantissa = strings.TrimPrefix(mantissa, "+")
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return refuse("The parameter cannot be converted to a numeric value")
	}
	point := len(whole) + e // the digits' decimal point
	trimmed := strings.TrimLeft(digits, "0")
	point -= len(digits) - len(trimmed)
	digits = strings.TrimRight(trimmed, "0")
	switch {
	case digits == "":
		return "0", nil
	case len(digits) > 38:
		return refuse("Attempting to store more than 38 significant digits in a Number")
	case point > 126, point < -129:
		return refuse("Number overflow or underflow: the magnitude must be within 1E-130 and 9.99E+125")
	case point <= 0:
		return json.Number(sign + "0." + strings.Repeat("0", -point) + digits), nil
	case point >= len(digits):
		return json.Number(sign + digits + strings.Repeat("0", point-len(digits))), nil
	}
	return json.Number(sign + digits[:point] + "." + digits[point:]), nil
}

func cloneItem(item Item) Item {
	if item == nil {
		return nil
	}
	clone, _ := normalMap("", item, -1) // it is normal: nothing to complain of
	return clone
}

// compareKeys orders two values of one key attribute.
func compareKeys(a, b any) int {
	switch a := a.(type) {
	case json.Number:
		x, _ := new(big.Rat).SetString(string(a))
		y, _ := new(big.Rat).SetString(string(b.(json.Number)))
		return x.Cmp(y)
	case []byte:
		return bytes.Compare(a, b.([]byte))
	}
	return strings.Compare(a.(string), b.(string))
}
