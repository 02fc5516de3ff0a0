package attributevalue

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// unmarshal decodes a whole document into v.
func unmarshal(data string, v any) error {
	s := jsonscan.New([]byte(data))
	if err := Decode(&s, "Item", v); err != nil {
		return err
	}
	return s.End()
}

// equal compares decoded values, also the fields of embedded structs that are
// not exported.
var equal = cmp.Options{
	cmp.Exporter(func(reflect.Type) bool { return true }),
	cmp.Comparer(func(a, b big.Int) bool { return a.Cmp(&b) == 0 }),
	cmp.Comparer(func(a, b big.Float) bool { // -0 is 0, as it is to DynamoDB
		return a.Sign() == 0 && b.Sign() == 0 || a.Text('g', 60) == b.Text('g', 60)
	}),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

// level is a number that has names.
type level int

func (l *level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return errors.New("no such level")
	}
	return nil
}

// point reads text and binary.
type point struct{ X, Y int }

func (p *point) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%d/%d", &p.X, &p.Y)
	return err
}

func (p *point) UnmarshalBinary(data []byte) error {
	if len(data) != 2 {
		return errors.New("want 2 bytes")
	}
	p.X, p.Y = int(data[0]), int(data[1])
	return nil
}

// sticky adds what it reads to what it has.
type sticky struct{ text string }

func (s *sticky) UnmarshalText(text []byte) error {
	s.text += string(text)
	return nil
}

type (
	name   string
	octets []byte
	octet  byte
	stamp  time.Time
	tree   struct {
		Value int
		Left  *tree
		More  []tree
		Named map[string]*tree
	}
)

// anything is what TestValues wants in an empty interface.
type anything struct{ value any }

func inAny(v any) anything { return anything{v} }

func ptr[T any](v T) *T { return &v }

func bigFloat(text string) *big.Float {
	f, _, err := big.ParseFloat(text, 10, bigPrec, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	return f
}

func bigInt(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		panic(text)
	}
	return n
}

const digits38 = "12345678901234567890123456789012345678"

// TestValues decodes the item {"v": in} into a map of the type of want.
func TestValues(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 5000, time.UTC)
	tests := []struct {
		rule   string
		in     string
		want   any
		reason string
	}{
		{rule: "D2.5", in: `{"S":"a\u00e9\n"}`, want: "aé\n", reason: "text is unescaped"},
		{rule: "D2.7", in: `{"S":""}`, want: "", reason: "empty text is allowed"},
		{rule: "D2.5", in: `{"S":"x"}`, want: name("x"), reason: "a type made from string"},
		{rule: "D2.5", in: `{"S":"x"}`, want: ptr("x"), reason: "pointers are made"},
		{rule: "D2.5", in: `{"S":"x"}`, want: ptr(ptr("x")), reason: "pointers to pointers too"},
		{rule: "D2.5", in: ` { "S" : "x" } `, want: inAny("x"), reason: "space is JSON's"},
		{rule: "D2.5", in: `{"S":"high"}`, want: level(2), reason: "text goes to UnmarshalText"},
		{rule: "D2.5", in: `{"N":"2"}`, want: level(2), reason: "but a number into a kind of number is that number"},
		{rule: "D2.5", in: `{"S":"3/4"}`, want: point{3, 4}, reason: "UnmarshalText of a struct"},
		{rule: "D2.5", in: `{"B":"AwQ="}`, want: point{3, 4}, reason: "UnmarshalBinary"},
		{rule: "D2.5", in: `{"M":{"X":{"N":"3"},"Y":{"N":"4"}}}`, want: point{3, 4}, reason: "a map goes to the fields, whatever the methods"},
		{rule: "D2.6", in: `{"N":"1.5"}`, want: *big.NewRat(3, 2), reason: "a number goes to UnmarshalText"},

		{rule: "D2.6", in: `{"N":"127"}`, want: int8(127), reason: "the largest"},
		{rule: "D2.6", in: `{"N":"-128"}`, want: int8(-128), reason: "the least"},
		{rule: "D2.6", in: `{"N":"9223372036854775807"}`, want: int64(1<<63 - 1), reason: "no detour over a float"},
		{rule: "D2.6", in: `{"N":"18446744073709551615"}`, want: uint64(1<<64 - 1), reason: "no detour over a float"},
		{rule: "D2.6", in: `{"N":"1E+2"}`, want: uint8(100), reason: "a whole number, however it is written"},
		{rule: "D2.6", in: `{"N":"-1.50e1"}`, want: int(-15), reason: "a whole number, however it is written"},
		{rule: "D2.6", in: `{"N":"-0"}`, want: uint(0), reason: "zero has no sign"},
		{rule: "D2.6", in: `{"N":"0.1"}`, want: 0.1, reason: "a float takes the nearest"},
		{rule: "D2.6", in: `{"N":"0.1"}`, want: float32(0.1), reason: "a float takes the nearest, once rounded"},
		{rule: "D2.6", in: `{"N":"` + digits38 + `"}`, want: 1.2345678901234568e37, reason: "a float takes the nearest"},
		{rule: "D2.6", in: `{"N":"` + digits38 + `"}`, want: *bigInt(digits38), reason: "38 digits"},
		{rule: "D2.6", in: `{"N":"9.9999999999999999999999999999999999999E+125"}`, want: bigInt(strings.Repeat("9", 38) + strings.Repeat("0", 88)), reason: "the largest number"},
		{rule: "D2.6", in: `{"N":"0.` + digits38 + `"}`, want: *bigFloat("0." + digits38), reason: "38 digits"},
		{rule: "D2.6", in: `{"N":"1E-130"}`, want: bigFloat("1E-130"), reason: "the least number"},
		{rule: "D2.6", in: `{"N":"0.` + digits38 + `"}`, want: "0." + digits38, reason: "text keeps all"},
		{rule: "D2.6", in: `{"N":"1.0"}`, want: json.Number("1.0"), reason: "text keeps all"},
		{rule: "D2.6", in: `{"N":"1.0"}`, want: inAny(json.Number("1.0")), reason: "any keeps all"},
		{rule: "D2.6", in: `{"S":"-17"}`, want: bigInt("-17"), reason: "docstore writes a big.Int as text"},

		{rule: "D2.5", in: `{"B":"AAEqQQ=="}`, want: []byte{0, 1, 42, 65}, reason: "base64"},
		{rule: "D2.7", in: `{"B":""}`, want: []byte{}, reason: "empty binary is not nil"},
		{rule: "D2.5", in: `{"B":"AAE="}`, want: octets{0, 1}, reason: "a type made from []byte"},
		{rule: "D2.5", in: `{"B":"AAE="}`, want: []octet{0, 1}, reason: "a slice of a type made from byte"},
		{rule: "D2.5", in: `{"B":"AAE="}`, want: [2]byte{0, 1}, reason: "an array"},
		{rule: "D2.5", in: `{"B":"AAE="}`, want: [3]octet{0, 1, 0}, reason: "what is left of an array is zero"},
		{rule: "D2.5", in: `{"L":[{"N":"1"},{"N":"2"}]}`, want: [2]byte{1, 2}, reason: "docstore writes an array of bytes as a list"},
		{rule: "D2.5", in: `{"B":"AAE="}`, want: inAny([]byte{0, 1}), reason: "any"},

		{rule: "D2.5", in: `{"BOOL":true}`, want: true, reason: "BOOL"},
		{rule: "D2.5", in: `{"BOOL":false}`, want: inAny(false), reason: "any"},
		{rule: "D2.5", in: `{"NULL":true}`, want: (*string)(nil), reason: "nil"},
		{rule: "D2.5", in: `{"NULL":true}`, want: []string(nil), reason: "nil"},
		{rule: "D2.5", in: `{"NULL":true}`, want: "", reason: "docstore writes empty text as NULL"},
		{rule: "D2.5", in: `{"NULL":true}`, want: point{}, reason: "zero, no method is called"},

		{rule: "D2.7", in: `{"SS":["a","b\u0041"]}`, want: []string{"a", "bA"}, reason: "a set into a slice"},
		{rule: "D2.7", in: `{"SS":["a","b"]}`, want: map[string]struct{}{"a": {}, "b": {}}, reason: "a set into the keys of a map"},
		{rule: "D2.7", in: `{"SS":["a","b"]}`, want: map[name]bool{"a": true, "b": true}, reason: "a set into the keys of a map"},
		{rule: "D2.7", in: `{"SS":["low","high"]}`, want: map[level]bool{1: true, 2: true}, reason: "by UnmarshalText"},
		{rule: "D2.7", in: `{"SS":[]}`, want: []string{}, reason: "samples have empty sets, though DynamoDB has none"},
		{rule: "D2.7", in: `{"SS":["a"]}`, want: [2]string{"a"}, reason: "a set into an array"},
		{rule: "D2.7", in: `{"SS":["a"]}`, want: inAny([]string{"a"}), reason: "any"},
		{rule: "D2.7", in: `{"SS":["a"]}`, want: []any{"a"}, reason: "any as the element"},
		{rule: "D2.7", in: `{"SS":["a"]}`, want: map[any]bool{"a": true}, reason: "any as the key"},
		{rule: "D2.7", in: `{"NS":["1","2"]}`, want: []int{1, 2}, reason: "a set of numbers"},
		{rule: "D2.7", in: `{"NS":["1","2.5"]}`, want: map[float64]struct{}{1: {}, 2.5: {}}, reason: "a set of numbers"},
		{rule: "D2.7", in: `{"NS":["1","2.5"]}`, want: inAny([]json.Number{"1", "2.5"}), reason: "any"},
		{rule: "D2.7", in: `{"NS":["1"]}`, want: []*big.Int{big.NewInt(1)}, reason: "pointers in sets"},
		{rule: "D2.7", in: `{"BS":["AQ==","Ag=="]}`, want: [][]byte{{1}, {2}}, reason: "a set of binary"},
		{rule: "D2.7", in: `{"BS":["AQ==","Ag=="]}`, want: map[[1]byte]bool{{1}: true, {2}: true}, reason: "arrays are keys"},
		{rule: "D2.7", in: `{"BS":["AQ=="]}`, want: inAny([][]byte{{1}}), reason: "any"},

		{rule: "D2.7", in: `{"L":[]}`, want: []int{}, reason: "an empty list is not nil"},
		{rule: "D2.7", in: `{"M":{}}`, want: map[string]int{}, reason: "an empty map is not nil"},
		{rule: "D2.5", in: `{"L":[{"S":"a"},{"NULL":true}]}`, want: []*string{ptr("a"), nil}, reason: "NULL in a list"},
		{rule: "D2.5", in: `{"L":[{"L":[{"N":"1"}]},{"L":[]}]}`, want: [][]int{{1}, {}}, reason: "nested lists"},
		{rule: "D2.5", in: `{"L":[{"N":"1"},{"S":"x"},{"L":[]},{"M":{"a":{"NULL":true}}}]}`,
			want: inAny([]any{json.Number("1"), "x", []any{}, map[string]any{"a": nil}}), reason: "any, nested"},
		{rule: "D2.5", in: `{"M":{"a":{"M":{"b":{"BOOL":true}}}}}`, want: map[string]map[string]bool{"a": {"b": true}}, reason: "nested maps"},
		{rule: "D2.5", in: `{"M":{"1":{"S":"x"},"-2":{"S":"y"}}}`, want: map[int8]string{1: "x", -2: "y"}, reason: "numbers as keys"},
		{rule: "D2.5", in: `{"M":{"a":{"M":{"X":{"N":"1"}}},"b":{"M":{"Y":{"N":"2"}}},"c":{"NULL":true}}}`,
			want: map[sticky]point{{"a"}: {1, 0}, {"b"}: {0, 2}, {"c"}: {}}, reason: "nothing of a member stays for the next"},
		{rule: "D2.7", in: `{"SS":["a","b"]}`, want: map[sticky]bool{{"a"}: true, {"b"}: true}, reason: "nothing of a member stays for the next"},
		{rule: "D2.5", in: `{"M":{"high":{"S":"x"}}}`, want: map[level]string{2: "x"}, reason: "names by UnmarshalText"},
		{rule: "D2.5", in: `{"M":{"a":{"S":"x"}}}`, want: inAny(map[string]any{"a": "x"}), reason: "any"},
		{rule: "D2.5", in: `{"M":{"Value":{"N":"1"},"Left":{"M":{"Value":{"N":"2"}}},"More":{"L":[{"M":{"Left":{"NULL":true}}}]},"Named":{"M":{"n":{"M":{}}}}}}`,
			want: tree{Value: 1, Left: &tree{Value: 2}, More: []tree{{}}, Named: map[string]*tree{"n": {}}}, reason: "a recursive type"},

		{rule: "D2.5", in: `{"S":"2026-11-23T12:00:00.000005Z"}`, want: noon, reason: "RFC 3339"},
		{rule: "D2.5", in: `{"S":"2026-11-23T13:00:00.000005+01:00"}`, want: &noon, reason: "RFC 3339"},
		{rule: "D2.5", in: `{"S":"2026-11-23T12:00:00.000005Z"}`, want: stamp(noon), reason: "a type made from time.Time"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s into %T", tt.in, tt.want), func(t *testing.T) {
			want, typ := tt.want, reflect.TypeOf(tt.want)
			if a, ok := want.(anything); ok {
				want, typ = a.value, reflect.TypeFor[any]()
			}
			got := reflect.New(reflect.MapOf(reflect.TypeFor[string](), typ))
			if err := unmarshal(`{"v":`+tt.in+`}`, got.Interface()); err != nil {
				t.Fatalf("%v (%s)", err, tt.reason)
			}
			value := got.Elem().MapIndex(reflect.ValueOf("v")).Interface()
			if diff := cmp.Diff(want, value, equal); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
			}
		})
	}
}

// TestMismatches decodes the item {"v": in} into a map of the type of into.
func TestMismatches(t *testing.T) {
	tests := []struct {
		rule string
		in   string
		into any
		want string
	}{
		{rule: "D2.6", in: `{"N":"3.5"}`, into: int(0), want: "Item.v: number 3.5 does not fit int"},
		{rule: "D2.6", in: `{"N":"128"}`, into: int8(0), want: "Item.v: number 128 does not fit int8"},
		{rule: "D2.6", in: `{"N":"256"}`, into: uint8(0), want: "Item.v: number 256 does not fit uint8"},
		{rule: "D2.6", in: `{"N":"-1"}`, into: uint64(0), want: "Item.v: number -1 does not fit uint64"},
		{rule: "D2.6", in: `{"N":"1E30"}`, into: int64(0), want: "Item.v: number 1E30 does not fit int64"},
		{rule: "D2.6", in: `{"N":"1E39"}`, into: float32(0), want: "Item.v: number 1E39 does not fit float32"},
		{rule: "D2.6", in: `{"N":"-1E309"}`, into: float64(0), want: "Item.v: number -1E309 does not fit float64"},
		{rule: "D2.6", in: `{"N":"1.5"}`, into: big.Int{}, want: "Item.v: number 1.5 does not fit big.Int"},
		{rule: "D2.6", in: `{"N":"1E9999999"}`, into: big.Int{}, want: "Item.v: malformed attribute value: not a number of DynamoDB"},
		{rule: "D2.6", in: `{"N":"1` + strings.Repeat("0", 512) + `"}`, into: "", want: "Item.v: malformed attribute value: not a number of DynamoDB"},
		{rule: "D2.6", in: `{"N":"007"}`, into: 0, want: "Item.v: malformed attribute value: not a number of DynamoDB"},
		{rule: "D2.6", in: `{"N":"0x10"}`, into: 0, want: "Item.v: malformed attribute value: not a number of DynamoDB"},
		{rule: "D2.6", in: `{"N":"NaN"}`, into: 0.5, want: "Item.v: malformed attribute value: not a number of DynamoDB"},
		{rule: "D2.6", in: `{"N":""}`, into: "", want: "Item.v: malformed attribute value: not a number of DynamoDB"},
		{rule: "D2.6", in: `{"NS":["1","-"]}`, into: ptr[any](nil), want: "Item.v[1]: malformed attribute value: not a number of DynamoDB"},
		{rule: "D2.5", in: `{"N":"5"}`, into: true, want: "Item.v: number 5 does not fit bool"},
		{rule: "D2.5", in: `{"N":"5"}`, into: time.Time{}, want: "Item.v: number 5 does not fit time.Time: a number is a time only with the option unixtime in the tag"},
		{rule: "D2.5", in: `{"N":"5"}`, into: make(chan int), want: "Item.v: number 5 does not fit chan int"},
		{rule: "D2.5", in: `{"S":"secret"}`, into: 0, want: "Item.v: string does not fit int"},
		{rule: "D2.5", in: `{"S":"middle"}`, into: level(0), want: "Item.v: string does not fit attributevalue.level: no such level"},
		{rule: "D2.5", in: `{"S":"2026-11-23"}`, into: time.Time{}, want: "Item.v: string does not fit time.Time: not a time in RFC 3339"},
		{rule: "D2.5", in: `{"S":"x"}`, into: []byte{}, want: "Item.v: string does not fit []uint8"},
		{rule: "D2.5", in: `{"S":"x"}`, into: ptr[error](nil), want: "Item.v: string does not fit error"},
		{rule: "D2.5", in: `{"B":"AA=="}`, into: "", want: "Item.v: binary does not fit string"},
		{rule: "D2.5", in: `{"B":"AAA="}`, into: [1]byte{}, want: "Item.v: binary does not fit [1]uint8: too long"},
		{rule: "D2.5", in: `{"B":"AA=="}`, into: point{}, want: "Item.v: binary does not fit attributevalue.point: want 2 bytes"},
		{rule: "D2.5", in: `{"B":"*"}`, into: []byte{}, want: "Item.v: malformed attribute value: binary that is not base64"},
		{rule: "D2.5", in: `{"BOOL":true}`, into: "", want: "Item.v: bool does not fit string"},
		{rule: "D2.5", in: `{"SS":["a"]}`, into: "", want: "Item.v: string set does not fit string"},
		{rule: "D2.5", in: `{"SS":["a"]}`, into: map[string]int{}, want: "Item.v: string set does not fit map[string]int"},
		{rule: "D2.5", in: `{"BS":["AA=="]}`, into: map[any]bool{}, want: "Item.v[0]: the key does not fit interface {}: it cannot be compared"},
		{rule: "D2.5", in: `{"SS":["a","b"]}`, into: [1]string{}, want: "Item.v: string set does not fit [1]string: too long"},
		{rule: "D2.5", in: `{"M":{}}`, into: 0, want: "Item.v: map does not fit int"},
		{rule: "D2.5", in: `{"M":{}}`, into: time.Time{}, want: "Item.v: map does not fit time.Time"},
		{rule: "D2.5", in: `{"M":{"x":{"N":"1"}}}`, into: map[int]int{}, want: "Item.v.x: the name does not fit int"},
		{rule: "D2.5", in: `{"M":{}}`, into: map[bool]int{}, want: "Item.v: map does not fit map[bool]int"},
		{rule: "D2.5", in: `{"L":[{"N":"1"},{"N":"x"}]}`, into: []int{}, want: "Item.v[1]: malformed attribute value: not a number of DynamoDB"},
		{rule: "D2.5", in: `{"L":[]}`, into: map[string]bool{}, want: "Item.v: list does not fit map[string]bool"},

		{rule: "D2.5", in: `{}`, into: "", want: "Item.v: malformed attribute value: an object without a type"},
		{rule: "D2.5", in: `{"S":"a","N":"1"}`, into: "", want: "Item.v: malformed attribute value: several types"},
		{rule: "D2.5", in: `{"S":"a","S":"a"}`, into: "", want: "Item.v: malformed attribute value: several types"},
		{rule: "D2.5", in: `{"X":"a"}`, into: "", want: "Item.v: malformed attribute value: unknown type"},
		{rule: "D2.5", in: `{"s":"a"}`, into: "", want: "Item.v: malformed attribute value: unknown type"},
		{rule: "D2.5", in: `{"N":1}`, into: 0, want: "Item.v: malformed attribute value: the content is not of its type"},
		{rule: "D2.5", in: `{"NS":[1]}`, into: []int{}, want: "Item.v[0]: malformed attribute value: the content is not of its type"},
		{rule: "D2.5", in: `{"NULL":false}`, into: "", want: "Item.v: malformed attribute value: the content is not of its type"},
		{rule: "D2.5", in: `{"L":{}}`, into: []int{}, want: "Item.v: malformed attribute value: the content is not of its type"},
		{rule: "D2.5", in: `{"L":["a"]}`, into: []string{}, want: "Item.v[0]: malformed attribute value: no object"},
		{rule: "D2.5", in: `null`, into: "", want: "Item.v: malformed attribute value: no object"},
		{rule: "D2.5", in: `"a"`, into: ptr[any](nil), want: "Item.v: malformed attribute value: no object"},
		{rule: "D2.5", in: `{"M":{"a":{"S":""},"a":{"S":""}}}`, into: ptr[any](nil), want: "Item.v.a: the attribute is there twice"},
		{rule: "D2.5", in: `{"M":{"a":{"S":""},"a":{"S":""}}}`, into: map[string]string{}, want: "Item.v.a: the attribute is there twice"},
		{rule: "D2.5", in: `{"M":{"Value":{"N":"1"},"Value":{"N":"1"}}}`, into: tree{}, want: "Item.v.Value: the attribute is there twice"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s into %T", tt.in, tt.into), func(t *testing.T) {
			typ := reflect.TypeOf(tt.into)
			if typ.Kind() == reflect.Pointer { // how the table writes an interface
				typ = typ.Elem()
			}
			v := reflect.New(reflect.MapOf(reflect.TypeFor[string](), typ))
			err := unmarshal(`{"v":`+tt.in+`,"w":{"NULL":true}}`, v.Interface())
			if err == nil || err.Error() != tt.want {
				t.Fatalf("error %v, want %s", err, tt.want)
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%T is not an *Error", err)
			}
		})
	}
}

func TestErrorNamesThePathOfTheFirst(t *testing.T) {
	// Rule D2.5
	type item struct {
		Price int `json:"price"`
	}
	type order struct {
		Items []item                     `json:"items"`
		Sets  map[string]map[string]bool `json:"sets"`
		Odd   map[string]int             `json:"first name"`
	}
	tests := []struct{ in, want string }{
		{`{"items":{"L":[{"M":{"price":{"N":"1"}}},{"M":{}},{"M":{"price":{"N":"3.5"}}}]}}`, "Item.items[2].price"},
		{`{"other":{"L":[{"L":[]}]}, "items" : {"L" : [ {"S":"x"} ]}}`, "Item.items[0]"},
		{`{"items":{"L":[{"M":{"price":{"S":"x"}}},{"M":{"price":{"S":"x"}}}]}}`, "Item.items[0].price"},
		{`{"first name":{"M":{"a.\"b":{"S":"x"}}}}`, `Item["first name"]["a.\"b"]`},
		{`{"first name":{"M":{"a-b_c:d#e":{"S":"x"}}}}`, `Item["first name"].a-b_c:d#e`},
		{`{"sets":{"M":{"a":{"SS":["x",1]}}}}`, "Item.sets.a[1]"},
		{`[]`, "Item"},
	}
	for _, tt := range tests {
		err := unmarshal(tt.in, new(order))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Path != tt.want {
			t.Errorf("%s: error %v, want one at %s", tt.in, err, tt.want)
		}
	}
	err := unmarshal(tests[0].in, new(order))
	want := &Error{Path: "Item.items[2].price", Value: "number 3.5", Type: reflect.TypeFor[int]()}
	if diff := cmp.Diff(want, err, cmp.Comparer(func(a, b reflect.Type) bool { return a == b })); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestBrokenJSONIsTheScannersError(t *testing.T) {
	// Rule D2.5
	for _, in := range []string{``, `{`, `{"a"}`, `{"a":{"S":"x"}`, `{"a":{"S":}}`, `{"a":{"L":[{"S":"x"},]}}`, `{"a":{"SS":["x"`, `{"a":{"N":"1" "S"}}`, `{"unknown":{"S":"\x"}}`} {
		for _, v := range []any{new(map[string]any), new(struct{ A string }), new(map[string][]string)} {
			err := unmarshal(in, v)
			if _, ok := errors.AsType[*jsonscan.SyntaxError](err); !ok {
				t.Errorf("%s into %T: error %v, want a *jsonscan.SyntaxError", in, v, err)
			}
		}
	}
}

func TestDeepNesting(t *testing.T) {
	// Rule D2.5
	nest := func(n int) string {
		return `{"v":` + strings.Repeat(`{"L":[`, n) + strings.Repeat(`]}`, n) + `}`
	}
	type lists []lists
	for _, v := range []any{new(any), new(map[string]any), new(map[string]lists), new(struct{}), new(struct{ V lists })} {
		if err := unmarshal(nest(4000), v); err != nil {
			t.Errorf("4,000 levels into %T: %v", v, err)
		}
		for _, n := range []int{5000, 1e6} {
			if err := unmarshal(nest(n), v); err == nil {
				t.Errorf("%d levels into %T: no error", n, v)
			}
		}
	}
	deep := strings.Repeat(`{"M":{"left":`, 4000) + `{"BOOL":true}` + strings.Repeat(`}}`, 4000)
	if err := unmarshal(`{"left":`+deep+`}`, new(tree)); err == nil || !strings.HasSuffix(err.Error(), "left.left: bool does not fit attributevalue.tree") {
		t.Errorf("4,000 maps with a mismatch at the end: %.40v", err)
	}
}

func TestPointerToItselfTakesOnlyNull(t *testing.T) {
	// Rule D2.5
	type loop *loop
	if err := unmarshal(`{"v":{"NULL":true}}`, new(map[string]loop)); err != nil {
		t.Error(err)
	}
	if err := unmarshal(`{"v":{"S":"x"}}`, new(map[string]loop)); err == nil {
		t.Error("no error")
	}
}

func TestValuesDoNotAliasTheInput(t *testing.T) {
	// Rule D2.8
	const in = `{"s":{"S":"text"},"b":{"B":"AAEqQQ=="},"n":{"N":"12"},"l":{"L":[{"S":"x"}]},"m":{"M":{"k":{"SS":["y"]}}},"e":{"S":"a\nb"}}`
	for _, v := range []func() any{
		func() any { return new(map[string]any) },
		func() any {
			return &struct {
				S, N, E string
				B       []byte
				L       []any
				M       map[string][]string
			}{}
		},
	} {
		want := v()
		if err := unmarshal(in, want); err != nil {
			t.Fatal(err)
		}
		data, got := []byte(in), v()
		s := jsonscan.New(data)
		if err := Decode(&s, "Item", got); err != nil {
			t.Fatal(err)
		}
		for i := range data {
			data[i] = '#'
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after the input was overwritten (-want +got):\n%s", diff)
		}
	}
}

func TestNullReplacesWhatIsThere(t *testing.T) {
	// Rule D2.5
	type item struct {
		S string
		P *int
		L []int
	}
	got := item{"old", new(int), []int{1, 2}}
	if err := unmarshal(`{"S":{"NULL":true},"P":{"NULL":true},"L":{"L":[{"N":"3"}]}}`, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(item{L: []int{3}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTargetMustBeAPointer(t *testing.T) {
	for _, v := range []any{nil, 1, (*int)(nil), map[string]any{}} {
		if err := unmarshal(`{}`, v); err == nil {
			t.Errorf("into %T: no error", v)
		}
	}
}
