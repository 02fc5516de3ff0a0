package awspayload_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

func TestParseItem(t *testing.T) {
	got, err := awspayload.ParseItem([]byte(`{"id":"7","total":12345678901234567890.50,"paid":true,"note":null,"tags":["a",1],"to":{"zip":"0010","lines":[]}}`))
	want := awspayload.Item{
		"id": "7", "total": json.Number("12345678901234567890.50"), "paid": true, "note": nil,
		"tags": []any{"a", json.Number("1")}, "to": awspayload.Item{"zip": "0010", "lines": []any{}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestParseItemErrors(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, tt := range []struct{ document, want, reason string }{
		{``, "unexpected EOF", "nothing"},
		{`{"a":`, "unexpected EOF", "cut"},
		{`{"a" 1}`, "invalid character '1'", "no JSON"},
		{`[1]`, "not an array", "an item has names"},
		{`7`, "not a number", "an item has names"},
		{`null`, "not null", "an item has names"},
		{`{} {}`, "something follows", "two items"},
		{`{"a":{"b":1,"b":2}}`, "a.b: is there twice", "one would be lost"},
		{`{"a":[{"":1}]}`, "a[0]: an attribute needs a name", "DynamoDB refuses it"},
		{deep, "more than 32 levels", "DynamoDB refuses it"},
		{`{"a":[123456789012345678901234567890123456789]}`, "a[0]: a number of 39 digits", "DynamoDB refuses it"},
	} {
		if item, err := awspayload.ParseItem([]byte(tt.document)); err == nil || item != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40s gave %v, %v; want %q: %s", tt.document, item, err, tt.want, tt.reason)
		}
	}
}

func FuzzParseItem(f *testing.F) {
	f.Add([]byte(`{"id":"7","n":1.50e3,"l":[null,true,{"m":"x"}]}`))
	f.Add([]byte(`{"a":{"a":1,"a":2}}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		item, err := awspayload.ParseItem(document)
		if err != nil {
			return
		}
		if !json.Valid(document) {
			t.Fatalf("%q is an item and no JSON", document)
		}
		if text := awspayload.AppendItem(nil, item); !json.Valid(text) {
			t.Fatalf("%q became %s", document, text)
		}
	})
}
