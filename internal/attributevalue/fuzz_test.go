package attributevalue

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// wide is a struct with a field for everything.
type wide struct {
	Base
	*Audit
	*private
	Name
	Twice
	embedTagged
	EmbedPlain
	S      string `dynamodbav:"s"`
	B      []byte `docstore:"b"`
	N      int    `json:"n"`
	I8     int8
	U      uint64
	U16    *uint16
	F      float64
	F32    float32
	Big    big.Int
	BigP   *big.Int
	BigF   big.Float
	Num    json.Number
	Str    int `dynamodbav:"str,string"`
	At     time.Time
	Unix   time.Time  `dynamodbav:"unix,unixtime"`
	Stamp  *stamp     `dynamodbav:"stamp,unixtime"`
	Flag   bool       `dynamodbav:"flag"`
	Level  level      `json:"level"`
	Point  point      `json:"point"`
	Any    any        `json:"any"`
	Err    error      `json:"err"`
	Three  [3]string  `json:"three"`
	Octets [2]octet   `json:"octets"`
	Strs   []string   `json:"strs"`
	Ints   []*int     `json:"ints"`
	Bins   [][]byte   `json:"bins"`
	Anys   []any      `json:"anys"`
	Lists  [][]string `json:"lists"`
	Set    map[string]struct{}
	NSet   map[int8]bool
	BSet   map[[2]byte]bool
	ASet   map[any]bool
	LSet   map[level]bool
	Map    map[string]any
	IMap   map[int]string
	FMap   map[float64]*tree
	LMap   map[level]tree
	Bad    map[bool]string
	Tree   tree
	Chan   chan int
	Left   string `dynamodbav:"-"`
	NAME   string
}

// targets are the types that the fuzz test decodes into.
var targets = []func() any{
	func() any { return new(wide) },
	func() any { return new(*tree) },
	func() any { return new(any) },
	func() any { return new(map[string]any) },
	func() any { return new(map[string]string) },
	func() any { return new(map[name]**wide) },
	func() any { return new(map[level][]int) },
	func() any { return new(map[float32]map[string]bool) },
	func() any { return new(int) },
}

// FuzzDecode holds Decode against its twin: both refuse an input, or both
// accept it and agree on the value.
func FuzzDecode(f *testing.F) {
	// Rule D2.5, Rule D2.6, Rule D2.7
	values := []string{
		`{"S":"x"}`, `{"S":"high"}`, `{"S":"3/4"}`, `{"S":"2026-11-23T12:00:00Z"}`, `{"S":"\ud83d\ude00\ud800"}`, `{"N":"12"}`, `{"N":"1.50E1"}`,
		`{"N":"-0.1e-7"}`, `{"N":"` + digits38 + `"}`, `{"B":"AwQ="}`, `{"BOOL":false}`, `{"NULL":true}`, `{"SS":["a","b"]}`, `{"NS":["1","2.5"]}`,
		`{"BS":["AQ==","AgM="]}`, `{"L":[{"S":"a"},{"NULL":true},{"L":[]}]}`, `{"M":{"Value":{"N":"1"},"left":{"M":{}}}}`, `{"M":{"1":{"S":"x"}}}`,
		`{}`, `{"S":"a","N":"1"}`, `{"X":1}`, `{"NULL":false}`, `null`,
	}
	names := []string{"s", "b", "N", "I8", "U16", "F32", "bigP", "bigF", "num", "str", "at", "UNIX", "stamp", "level", "point", "any", "err",
		"three", "octets", "strs", "ints", "bins", "anys", "lists", "set", "nset", "bset", "aset", "lset", "map", "imap", "fmap", "lmap", "tree",
		"Name", "NAME", "name", "id", "Version", "Inside", "C", "V", "unknown", "1", "low"}
	for i, value := range values {
		for k := i % 2; k < len(names); k += 2 {
			f.Add(byte((i+k)/2), []byte(fmt.Sprintf(`{%q:%s}`, names[k], value)))
		}
		f.Add(byte(i), []byte(fmt.Sprintf(`{"a":%s,"name":%[1]s,"Name":%[1]s}`, value)))
	}
	f.Add(byte(2), []byte(`{"v":`+strings.Repeat(`{"L":[`, 20)+strings.Repeat(`]}`, 20)+`}`))
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		if !utf8.Valid(data) {
			t.Skip("the caller has looked")
		}
		target := targets[int(which)%len(targets)]
		got, want := target(), target()
		err, twinErr := unmarshal(string(data), got), twinDecode(data, want)
		if (err == nil) != (twinErr == nil) {
			t.Fatalf("%s into %T: error %v, the twin's %v", data, got, err, twinErr)
		}
		if err != nil {
			return
		}
		if reflect.DeepEqual(want, got) {
			return // as nearly always; cmp needs a thousand times as long
		}
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Errorf("%s into %T (-twin +got):\n%s", data, got, diff)
		}
	})
}
