package cloudevent

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// with returns a valid event with these further members.
func with(members string) string {
	doc := `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	if members != "" {
		doc += "," + members
	}
	return doc + "}"
}

func TestDecodeAccepts(t *testing.T) {
	text := func(s string) *string { return &s }
	cases := []struct {
		rule, reason string
		doc          string
		change       func(*event.EventContextV1)
		data         string
		none, binary bool
	}{
		{rule: "A1.1", reason: "four attributes are enough", doc: with(""), none: true},
		{rule: "A1.5", reason: "a long name with a digit in front is only bad taste", doc: with(`"1averyveryverylongextensionname":"x"`), none: true,
			change: func(ec *event.EventContextV1) {
				ec.Extensions = map[string]any{"1averyveryverylongextensionname": "x"}
			}},
		{rule: "A1.6", reason: "the ends of the range", doc: with(`"a":2147483647,"b":-2147483648`), none: true,
			change: func(ec *event.EventContextV1) {
				ec.Extensions = map[string]any{"a": int32(2147483647), "b": int32(-2147483648)}
			}},
		{rule: "A1.7", reason: "a replacement character that was sent is text", doc: with(`"subject":"�"`), none: true,
			change: func(ec *event.EventContextV1) { ec.Subject = text("\uFFFD") }},
		{rule: "A1.7", reason: "whole surrogate pairs, and escapes around them", doc: with(`"subject":"\\\ud83d\ude00\/"`), none: true,
			change: func(ec *event.EventContextV1) { ec.Subject = text(`\😀/`) }},
		{rule: "A1.9", reason: "any offset, and the small letters that RFC 3339 allows", doc: with(`"time":"2026-11-23t10:00:00.5+02:00"`), none: true,
			change: func(ec *event.EventContextV1) {
				ec.Time = &types.Timestamp{Time: time.Date(2026, 11, 23, 8, 0, 0, 5e8, time.UTC)}
			}},
		{rule: "A1.10", reason: "an absolute schema", doc: with(`"dataschema":"https://example.com/s"`), none: true,
			change: func(ec *event.EventContextV1) { ec.DataSchema = types.ParseURI("https://example.com/s") }},
		{rule: "A2.2", reason: "binary data", doc: with(`"data_base64":"AP8="`), data: "\x00\xff", binary: true},
		{rule: "A2.3", reason: "JSON is the value itself, byte for byte", doc: with(`"data": {"a" : 1.50}`), data: `{"a" : 1.50}`},
		{rule: "A2.3", reason: "also before its content type, and by suffix", doc: with(`"data":[1],"datacontenttype":"application/cloud+JSON; v=1"`), data: `[1]`,
			change: func(ec *event.EventContextV1) { ec.DataContentType = text("application/cloud+JSON; v=1") }},
		{rule: "A2.4", reason: "a JSON string stays a JSON string", doc: with(`"data":"{\"a\":1}"`), data: `"{\"a\":1}"`},
		{rule: "A2.5", reason: "no content type is JSON", doc: with(`"data":true`), data: `true`},
		{rule: "A2.6", reason: "a null attribute is absent", doc: with(`"subject":null,"ext":null,"data_base64":null`), none: true},
		{rule: "A2.6", reason: "null data is data", doc: with(`"data":null`), data: `null`},
		{rule: "A2.7", reason: "text is unquoted", doc: with(`"datacontenttype":"text/xml","data":"<a b=\"c\"\/>\n"`), data: "<a b=\"c\"/>\n",
			change: func(ec *event.EventContextV1) { ec.DataContentType = text("text/xml") }},
		{rule: "A2.9", reason: "booleans and integers keep their type", doc: with(`"yes":true,"no":false,"n":7`), none: true,
			change: func(ec *event.EventContextV1) {
				ec.Extensions = map[string]any{"yes": true, "no": false, "n": int32(7)}
			}},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.reason, func(t *testing.T) {
			want := event.EventContextV1{ID: "1", Source: *types.ParseURIRef("/s"), Type: "t"}
			if c.change != nil {
				c.change(&want)
			}
			var got event.EventContextV1
			data, binary, err := Decode([]byte(c.doc), &got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
			if string(data) != c.data || (data == nil) != c.none || binary != c.binary {
				t.Errorf("data = %q (nil %t), binary %t; want %q (nil %t), %t", data, data == nil, binary, c.data, c.none, c.binary)
			}
			if cap(data) != len(data) {
				t.Errorf("cap(data) = %d, len %d: an append would write into the document", cap(data), len(data))
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	cases := []struct {
		rule, reason string
		doc          string
		want         string // a part of the error
	}{
		{"A1.1", "no id", `{"specversion":"1.0","source":"/s","type":"t"}`, "id: missing"},
		{"A1.1", "no source", `{"specversion":"1.0","id":"1","type":"t"}`, "source: missing"},
		{"A1.1", "no type", `{"specversion":"1.0","id":"1","source":"/s"}`, "type: missing"},
		{"A1.1", "no version", `{"id":"1","source":"/s","type":"t"}`, "specversion: missing"},
		{"A1.1", "null is absent, and so it is missing", `{"specversion":null,"id":"1","source":"/s","type":"t"}`, "specversion: missing"},
		{"A1.1", "an empty id", `{"specversion":"1.0","id":"","source":"/s","type":"t"}`, "id: empty"},
		{"A1.2", "an older version", `{"specversion":"0.3","id":"1","source":"/s","type":"t"}`, `specversion: "0.3", want 1.0`},
		{"A1.2", "a patch release", `{"specversion":"1.0.2","id":"1","source":"/s","type":"t"}`, "want 1.0"},
		{"A1.5", "a capital", with(`"traceParent":"x"`), "traceParent: a name"},
		{"A1.5", "an underscore", with(`"event_source":null`), "event_source: a name"},
		{"A1.5", "an empty name", with(`"":"x"`), "at least one"},
		{"A1.6", "one too many", with(`"n":2147483648`), "32 bits"},
		{"A1.7", "a tab", with(`"subject":"a\tb"`), "U+0009"},
		{"A1.7", "a C1 control", with(`"ext":"\u0085"`), "U+0085"},
		{"A1.7", "a noncharacter", with(`"ext":"\uffff"`), "U+FFFF"},
		{"A1.7", "a noncharacter of a higher plane", with(`"ext":"\ud83f\udffe"`), "U+1FFFE"},
		{"A1.7", "half a pair", with(`"ext":"\ud83d"`), "surrogate"},
		{"A1.7", "the second half alone", with(`"ext":"\ude00"`), "surrogate"},
		{"A1.7", "two first halves", with(`"ext":"\ud83d\ud83d\ude00"`), "surrogate"},
		{"A1.7", "halves with a letter between", with(`"ext":"\ud83dx\ude00"`), "surrogate"},
		{"A1.8", "a space in the source", `{"specversion":"1.0","id":"1","source":"a b","type":"t"}`, "source: not a URI"},
		{"A1.8", "a broken escape in the source", `{"specversion":"1.0","id":"1","source":"a%2","type":"t"}`, "source: not a URI"},
		{"A1.8", "a colon in front", `{"specversion":"1.0","id":"1","source":":a","type":"t"}`, "source: not a URI"},
		{"A1.9", "no offset", with(`"time":"2026-11-23T10:00:00"`), "RFC 3339"},
		{"A1.9", "an hour of one digit", with(`"time":"2026-11-23T1:00:00Z"`), "RFC 3339"},
		{"A1.9", "a comma before the fraction", with(`"time":"2026-11-23T10:00:00,5Z"`), "RFC 3339"},
		{"A1.9", "an offset of a day", with(`"time":"2026-11-23T10:00:00+24:00"`), "RFC 3339"},
		{"A1.9", "a number", with(`"time":1700000000`), "want string"},
		{"A1.10", "an empty subject", with(`"subject":""`), "subject: empty"},
		{"A1.10", "a relative schema", with(`"dataschema":"/s"`), "absolute"},
		{"A1.11", "no media type", with(`"datacontenttype":"json"`), "not a media type"},
		{"A1.14", "two ids", with(`"id":"2"`), "id: there twice"},
		{"A1.14", "two ids, by an escape", with(`"i\u0064":"2"`), "id: there twice"},
		{"A1.14", "the second is null", with(`"id":null`), "id: there twice"},
		{"A1.14", "both are null", with(`"a":null,"a":null`), "a: there twice"},
		{"A1.14", "the first is null", with(`"subject":null,"subject":"x"`), "subject: there twice"},
		{"A1.14", "two versions", with(`"specversion":"1.0"`), "specversion: there twice"},
		{"A1.14", "two extensions", with(`"a":"1","a":true`), "a: there twice"},
		{"A1.14", "two data", with(`"data":1,"data":1`), "data: there twice"},
		{"A1.14", "two binary data", with(`"data_base64":"","data_base64":null`), "data_base64: there twice"},
		{"A2.1", "data beside data_base64", with(`"data":1,"data_base64":"AA=="`), "beside data"},
		{"A2.1", "null data is data too", with(`"data_base64":"AA==","data":null`), "beside data"},
		{"A2.2", "no padding", with(`"data_base64":"AA"`), "not base64"},
		{"A2.2", "a line end", with(`"data_base64":"AA=\n="`), "not base64"},
		{"A2.2", "no string", with(`"data_base64":1`), "want string"},
		{"A2.7", "an object as text", with(`"datacontenttype":"text/plain","data":{}`), "data: not a string"},
		{"A2.7", "half a pair in text", with(`"datacontenttype":"text/plain","data":"\ud83d"`), "data: half of a surrogate pair"},
		{"A2.8", "extensions in an object", with(`"extensions":{"a":"b"}`), "extensions: an extension is a string"},
		{"A2.9", "a fraction", with(`"n":1.5`), "n: 1.5 is no integer"},
		{"A2.9", "an exponent", with(`"n":1e2`), "n: 1e2 is no integer"},
		{"A2.9", "an array", with(`"n":[]`), "not an object or array"},
		{"A2.10", "an array is a batch", `[]`, "want object"},
		{"A2.10", "bytes after the event", with("") + "x", "invalid JSON"},
		{"A2.10", "cut off", `{"specversion":"1.0"`, "invalid JSON"},
		{"A2.10", "cut off in a value", `{"ext":`, "invalid JSON"},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.reason, func(t *testing.T) {
			var ec event.EventContextV1
			_, _, err := Decode([]byte(c.doc), &ec)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Decode(%s) = %v, want an error with %q", c.doc, err, c.want)
			}
		})
	}
}

func TestDecodeKeepsNoText(t *testing.T) {
	doc := []byte(with(`"subject":"sub","ext":"value","data":{"a":1}`))
	var ec event.EventContextV1
	data, _, err := Decode(doc, &ec)
	if err != nil {
		t.Fatal(err)
	}
	if i := strings.Index(string(doc), `{"a":1}`); &doc[i] != &data[0] {
		t.Error("the data is a copy")
	}
	for i := range doc {
		doc[i] = '!'
	}
	want := event.EventContextV1{ID: "1", Source: *types.ParseURIRef("/s"), Type: "t", Subject: new("sub"), Extensions: map[string]any{"ext": "value"}}
	if diff := cmp.Diff(want, ec); diff != "" {
		t.Errorf("attributes share memory with the document (-want +got):\n%s", diff)
	}
}

// FuzzDecode holds Decode against the SDK, which accepts more: what is
// accepted here reads the same there, can be sent, and is itself afterwards.
func FuzzDecode(f *testing.F) {
	for _, members := range []string{
		``, `"data":{"a":[1,"\u00e9"]}`, `"data":null`, `"data_base64":"AP8="`, `"datacontenttype":"text/plain","data":"a\nb"`,
		`"subject":"x","time":"2026-11-23T10:00:00.123456789Z","ext":true,"n":-7,"dataschema":"https://e/s"`, `"subject":null`, `"a":1,"a":2`,
	} {
		f.Add([]byte(with(members)))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !utf8.Valid(doc) {
			t.Skip("the caller's duty")
		}
		var ec event.EventContextV1
		data, binary, err := Decode(doc, &ec)
		if err != nil {
			return
		}
		e := event.Event{Context: &ec, DataEncoded: data, DataBase64: binary}
		if err := Check(e); err != nil {
			t.Fatalf("Check refuses what Decode accepts: %v", err)
		}
		var sdk event.Event
		if err := sdk.UnmarshalJSON(doc); err != nil && strings.Contains(err.Error(), "RFC3339") {
			return // it does not know the small t and z
		} else if err != nil {
			t.Fatalf("the SDK refuses what Decode accepts: %v", err)
		}
		if sdk.ID() != e.ID() || sdk.Source() != e.Source() || sdk.Type() != e.Type() || sdk.Subject() != e.Subject() || !sdk.Time().Equal(e.Time()) {
			t.Errorf("the SDK reads\n%v, we\n%v", sdk, e)
		}
		text, err := Append(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(text) {
			t.Fatalf("Append wrote no JSON: %s", text)
		}
		var again event.EventContextV1
		data2, binary2, err := Decode(text, &again)
		if err != nil {
			t.Fatalf("not read back: %v\n%s", err, text)
		}
		if diff := cmp.Diff(ec, again, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b types.URIRef) bool { return a.String() == b.String() }),
			cmp.Comparer(func(a, b types.URI) bool { return a.String() == b.String() })); diff != "" {
			t.Errorf("read back (-first +second):\n%s", diff)
		}
		if binary != binary2 || !sameData(&ec, data, data2) {
			t.Errorf("data %q (%t), read back %q (%t)", data, binary, data2, binary2)
		}
	})
}

// sameData compares JSON as a value, for its spaces may be gone.
func sameData(ec *event.EventContextV1, a, b []byte) bool {
	if string(a) == string(b) {
		return (a == nil) == (b == nil)
	}
	var va, vb any
	return jsonContent(ec) && json.Unmarshal(a, &va) == nil && json.Unmarshal(b, &vb) == nil && cmp.Equal(va, vb)
}

func TestAppend(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 5e6, time.FixedZone("", 3600))
	whole := func(contentType, data string, binary bool) event.Event {
		return event.Event{
			Context: &event.EventContextV1{
				ID: "1", Source: *types.ParseURIRef("arn:aws:sqs:eu-west-1:123456789012:q"), Type: "t", Subject: new(`a"\\é`),
				Time: &types.Timestamp{Time: at}, DataSchema: types.ParseURI("https://e/s"), DataContentType: &contentType,
				Extensions: map[string]any{"z": true, "b": []byte{1}, "a": int32(-1), "t": types.Timestamp{Time: at}, "u": types.URI{URL: types.ParseURI("https://e").URL}},
			},
			DataEncoded: []byte(data), DataBase64: binary,
		}
	}
	const head = `{"specversion":"1.0","id":"1","source":"arn:aws:sqs:eu-west-1:123456789012:q","type":"t","subject":"a\"\\\\é",` +
		`"time":"2026-11-23T09:00:00.005Z","dataschema":"https://e/s","datacontenttype":`
	const extensions = `,"a":-1,"b":"AQ==","t":"2026-11-23T09:00:00.005Z","u":"https://e","z":true,`
	cases := []struct {
		rule, reason string
		e            event.Event
		want         string
	}{
		{"A2.2", "binary data", whole("image/png", "\xff", true), head + `"image/png"` + extensions + `"data_base64":"/w=="}`},
		{"A2.3", "JSON of a type that the SDK would quote", whole("application/problem+json", `{"a":1}`, false), head + `"application/problem+json"` + extensions + `"data":{"a":1}}`},
		{"A2.7", "text, with everything that needs an escape", whole("text/plain", "a\n\r\t\x01\"\\é", false), head + `"text/plain"` + extensions + `"data":"a\n\r\t\u0001\"\\é"}`},
		{"A1.10", "nothing that is not there", event.Event{Context: &event.EventContextV1{ID: "1", Source: *types.ParseURIRef("/s"), Type: "t"}}, with("")},
		{"A2.6", "empty text is data", event.Event{Context: &event.EventContextV1{ID: "1", Source: *types.ParseURIRef("/s"), Type: "t", DataContentType: new("text/plain")}, DataEncoded: []byte{}},
			with(`"datacontenttype":"text/plain","data":""`)},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.reason, func(t *testing.T) {
			got, err := Append([]byte("before"), c.e)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("before"+c.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	valid := func(change func(*event.Event)) event.Event {
		e := event.New()
		e.SetID("1")
		e.SetSource("/s")
		e.SetType("t")
		change(&e)
		return e
	}
	cases := []struct {
		rule, reason string
		e            event.Event
		name         string // of the attribute at fault; "" is valid
	}{
		{"A1.1", "complete", valid(func(*event.Event) {}), ""},
		{"A1.1", "no context", event.Event{}, "specversion"},
		{"A1.2", "an old version", event.New("0.3"), "specversion"},
		{"A1.1", "no id", valid(func(e *event.Event) { e.Context.(*event.EventContextV1).ID = "" }), "id"},
		{"A1.7", "a newline in the subject", valid(func(e *event.Event) { e.SetSubject("a\nb") }), "subject"},
		{"A1.7", "bytes that are no text", valid(func(e *event.Event) { e.SetExtension("ext", "\xff") }), "ext"},
		{"A1.5", "a name that the SDK lets pass", valid(func(e *event.Event) {
			e.Context.(*event.EventContextV1).Extensions = map[string]any{"my-ext": "x"}
		}), "my-ext"},
		{"A1.8", "a space in the source is escaped by the SDK", valid(func(e *event.Event) { e.SetSource("a b") }), ""},
		{"A1.9", "a year that RFC 3339 cannot write", valid(func(e *event.Event) { e.SetTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) }), "time"},
		{"A1.5", "the name data", valid(func(e *event.Event) {
			e.Context.(*event.EventContextV1).Extensions = map[string]any{"data": "x"}
		}), "data"},
		{"A1.6", "a value of no CloudEvents type", valid(func(e *event.Event) {
			e.Context.(*event.EventContextV1).Extensions = map[string]any{"ext": map[string]any{}}
		}), "ext"},
		{"A1.10", "a relative schema", valid(func(e *event.Event) { e.SetDataSchema("s") }), "dataschema"},
		{"A1.11", "no media type", valid(func(e *event.Event) { e.SetDataContentType("json") }), "datacontenttype"},
		{"A2.3", "no JSON", valid(func(e *event.Event) { e.DataEncoded = []byte("{") }), "data"},
		{"A2.2", "binary", valid(func(e *event.Event) { e.DataEncoded, e.DataBase64 = []byte{0xff}, true }), ""},
		{"A2.7", "no text", valid(func(e *event.Event) { e.SetDataContentType("text/plain"); e.DataEncoded = []byte{0xff} }), "data"},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.reason, func(t *testing.T) {
			err := Check(c.e)
			invalid, ok := errors.AsType[*Error](err)
			if ok != (c.name != "") || ok && invalid.Name != c.name {
				t.Errorf("Check = %v, want one of %q", err, c.name)
			}
		})
	}
}

func TestIsJSON(t *testing.T) {
	// Rule A2.3, Rule A1.11
	for contentType, want := range map[string]bool{
		"application/json":                true,
		"Application/JSON; charset=utf-8": true,
		"text/json":                       true,
		"application/problem+json":        true,
		"application/problem+JSON ;a=b":   true,
		"application/xjson":               false,
		"application/json+xml":            false,
		"application/jsonl":               false,
		"text/plain; format=json":         false,
		"json":                            false,
		"":                                false,
	} {
		if got := IsJSON(contentType); got != want {
			t.Errorf("IsJSON(%q) = %t, want %t", contentType, got, want)
		}
	}
}
