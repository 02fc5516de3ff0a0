package table_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/table"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// record makes the message of a stream record of the table accounts.
func record(eventName, data string) *eventfx.Message {
	e := event.New()
	e.SetID("1")
	e.SetSource("arn:aws:dynamodb:eu-west-1:123456789012:table/accounts")
	e.SetType("com.amazonaws.dynamodb." + eventName)
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(data)
	return &eventfx.Message{Event: e}
}

type item struct {
	ID string `dynamodbav:"id"`
	N  int    `dynamodbav:"n"`
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestMatch(t *testing.T) {
	sources := map[string]eventfx.Source[table.Change[item]]{
		"INSERT": table.Inserted[item]{Table: "accounts"},
		"MODIFY": table.Modified[item]{Table: "accounts"},
		"REMOVE": table.Removed[item]{Table: "accounts"},
	}
	for name, src := range sources {
		for _, other := range []string{"INSERT", "MODIFY", "REMOVE", "insert", "", "OTHER"} {
			// Rule A8, Rule D2.1
			m := record(other, `{}`)
			if got, want := src.Match(m), name == other; got != want {
				t.Errorf("%v matches %q: %t", src, other, got)
			}
			_, known := sources[other]
			if got := (table.Any[item]{}).Match(m); got != known {
				t.Errorf("Any matches %q: %t", other, got)
			}
		}
	}
	if (table.Any[item]{}).Match(&eventfx.Message{}) {
		t.Error("a message without an event matches")
	}
}

func TestMatchTable(t *testing.T) {
	tests := []struct {
		table, source, origin string
		want                  bool
		reason                string
	}{
		{"accounts", "arn:aws:dynamodb:eu-west-1:123456789012:table/accounts", "", true, "the table of the ARN"},
		{"accounts", "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/accounts", "", true, "any partition"},
		{"accounts", "arn:aws:dynamodb:eu-west-1:123456789012:table/accounts/stream/2026-11-23T00:00:00.000", "", true, "the ARN of the stream"},
		{"account", "arn:aws:dynamodb:eu-west-1:123456789012:table/accounts", "", false, "the whole name"},
		{"Accounts", "arn:aws:dynamodb:eu-west-1:123456789012:table/accounts", "", false, "names have case"},
		{"accounts", "arn:aws:dynamodb:eu-west-1:123456789012:table/accounts", "orders-queue", true, "a queue that carried the event on is not its table"},
		{"orders", "arn:aws:dynamodb:eu-west-1:123456789012:table/accounts", "orders", false, "the source outranks the transport"},
		{"accounts", "/local", "accounts", true, "a source that names no table"},
		{"accounts", "/local", "", false, "no name at all"},
		{"", "/local", "", true, "no name asked for"},
	}
	for _, tt := range tests {
		// Rule A8
		m := record("INSERT", `{}`)
		m.SetSource(tt.source)
		m.Origin.Name = tt.origin
		if got := (table.Inserted[item]{Table: tt.table}).Match(m); got != tt.want {
			t.Errorf("%q matches %s from %q: %t: %s", tt.table, tt.source, tt.origin, got, tt.reason)
		}
	}
}

func TestDecode(t *testing.T) {
	const (
		keys   = `"Keys":{"id":{"S":"a"}}`
		newer  = `"NewImage":{"id":{"S":"a"},"n":{"N":"2"}}`
		older  = `"OldImage":{"id":{"S":"a"},"n":{"N":"1"}}`
		expiry = `"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}`
	)
	key, n1, n2 := item{ID: "a"}, &item{"a", 1}, &item{"a", 2}
	tests := []struct {
		rule, eventName, data string
		want                  table.Change[item]
		reason                string
	}{
		{"D1.4", "INSERT", `{"dynamodb":{` + keys + `,` + newer + `}}`, table.Change[item]{Kind: table.Insert, New: n2, Keys: key}, "no old image"},
		{"D1.4", "MODIFY", `{"dynamodb":{` + older + `,` + newer + `,` + keys + `}}`, table.Change[item]{Kind: table.Modify, Old: n1, New: n2, Keys: key}, "both, in any order"},
		{"D1.4", "REMOVE", `{"dynamodb":{` + keys + `,` + older + `}}`, table.Change[item]{Kind: table.Remove, Old: n1, Keys: key}, "no new image"},
		{"D1.4", "MODIFY", `{"dynamodb":{` + keys + `,"StreamViewType":"KEYS_ONLY"}}`, table.Change[item]{Kind: table.Modify, Keys: key}, "keys only"},
		{"D1.4", "INSERT", `{"dynamodb":{` + keys + `,"NewImage":{},"OldImage":null}}`, table.Change[item]{Kind: table.Insert, New: &item{}, Keys: key}, "an empty image is there, null is not"},
		{"D2.1", "INSERT", `{"eventID":"1","eventVersion":"9.9","new":[{}],"dynamodb":{"Other":{"x":1},` + keys + `}}`, table.Change[item]{Kind: table.Insert, Keys: key}, "other members are skipped"},
		{"F2.1", "INSERT", `{"Dynamodb":5,"dynamodb":{` + keys + `,"newImage":{"id":{"S":"no"}}}}`, table.Change[item]{Kind: table.Insert, Keys: key}, "the record's own keys are exact"},
		{"D2.4", "REMOVE", `{` + expiry + `,"dynamodb":{` + older + `}}`, table.Change[item]{Kind: table.Remove, Old: n1, Expired: true}, "time to live"},
		{"D2.4", "INSERT", `{` + expiry + `,"dynamodb":{` + newer + `}}`, table.Change[item]{Kind: table.Insert, New: n2}, "the identity alone is not enough"},
		{"D2.4", "REMOVE", `{"userIdentity":{"type":"Service","principalId":"replication.dynamodb.amazonaws.com"},"dynamodb":{}}`, table.Change[item]{Kind: table.Remove}, "another service"},
		{"D2.4", "REMOVE", `{"userIdentity":null,"dynamodb":{}}`, table.Change[item]{Kind: table.Remove}, "no identity"},
		{"D2.4", "REMOVE", `{"userIdentity":{"type":5,"principalId":"dynamodb.amazonaws.com"},"dynamodb":{}}`, table.Change[item]{Kind: table.Remove}, "an odd identity"},
	}
	for _, tt := range tests {
		got, err := table.Any[item]{}.Decode(record(tt.eventName, tt.data))
		if err != nil {
			t.Errorf("%s: %v", tt.reason, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
		}
	}
}

func TestExpiredByExtension(t *testing.T) {
	for value, want := range map[any]bool{true: true, "true": true, false: false, "false": false, nil: false} {
		// Rule D2.4, Rule A8
		for _, eventName := range []string{"REMOVE", "MODIFY"} {
			m := record(eventName, `{"dynamodb":{}}`)
			m.SetExtension("dynamodbttl", value)
			got, err := table.Any[item]{}.Decode(m)
			if want := want && eventName == "REMOVE"; err != nil || got.Expired != want {
				t.Errorf("%s with %v: expired %t, error %v", eventName, value, got.Expired, err)
			}
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct{ rule, data, want, reason string }{
		{"D2.6", `{"dynamodb":{"NewImage":{"n":{"N":"3.5"}}}}`, "table: NewImage.n: number 3.5 does not fit int", "the path begins with the image"},
		{"D2.5", `{"dynamodb":{"OldImage":{"n":{}}}}`, "table: OldImage.n: malformed attribute value: an object without a type", "malformed"},
		{"D2.5", `{"dynamodb":{"Keys":[]}}`, "table: Keys: malformed map of attributes: no object", "malformed"},
		{"D2.1", `{"dynamodb":{`, "table: record: invalid JSON at offset 13: ", "truncated"},
		{"D2.1", `{"dynamodb":{}}{}`, "table: record: invalid JSON at offset 15: a value after the end of the document", "trailing bytes"},
		{"D2.1", `{"dynamodb":{"NewImage":}}`, "table: record: invalid JSON at offset 24: want a value", "no value"},
		{"D2.1", `[]`, "table: the record is not a JSON object", "another value"},
		{"D2.1", ``, "table: the record is not a JSON object", "nothing"},
		{"D2.1", `{"dynamodb":null}`, `table: the record has no object "dynamodb"`, "no change"},
		{"D2.1", "{\"dynamodb\":{\"Keys\":{\"id\":{\"S\":\"\xff\"}}}}", "table: the record is not UTF-8", "not UTF-8"},
	}
	for _, tt := range tests {
		got, err := table.Any[item]{}.Decode(record("INSERT", tt.data))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", tt.reason, err, tt.want)
		}
		if got != (table.Change[item]{}) {
			t.Errorf("%s: %+v beside the error", tt.reason, got)
		}
	}
	_, err := table.Any[item]{}.Decode(record("COMPACT", `{}`))
	if want := `table: "com.amazonaws.dynamodb.COMPACT" is not the type of a change`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	// Rule D2.6
	_, err := table.Any[item]{}.Decode(record("INSERT", `{"dynamodb":{"NewImage":{"n":{"N":"3.5"}}}}`))
	e, ok := errors.AsType[*table.DecodeError](err)
	if !ok || e.Path != "NewImage.n" || e.Value != "number 3.5" || e.Type != reflect.TypeFor[int]() || e.Err != nil {
		t.Errorf("error %#v", err)
	}
	_, err = table.Any[item]{}.Decode(record("INSERT", `{"dynamodb":{]`))
	if _, ok := errors.AsType[*jsonscan.SyntaxError](err); !ok {
		t.Errorf("error %#v", err)
	}
	type at struct{ At time.Time }
	_, err = table.Any[at]{}.Decode(record("INSERT", `{"dynamodb":{"NewImage":{"At":{"S":"today"}}}}`))
	if e, ok := errors.AsType[*table.DecodeError](err); !ok || errors.Unwrap(e) == nil || !strings.HasSuffix(e.Error(), "does not fit time.Time: not a time in RFC 3339") {
		t.Errorf("error %#v", err)
	}
}

// all has a field for each type of attribute in testdata/all_types.json.
type all struct {
	PK   string `dynamodbav:"pk"`
	SK   int64  `dynamodbav:"sk"`
	Num  *big.Float
	B    []byte
	Bool bool
	Nul  *string
	L    []any
	M    map[string]string
	SS   map[string]bool
	NS   []int
	BS   [][]byte
	TTL  time.Time `dynamodbav:"ttl,unixtime"`
}

func TestAllTypes(t *testing.T) {
	// Rule D2.5, Rule D2.6, Rule D2.7
	data := readFile(t, "all_types.json")
	num, _, err := big.ParseFloat("12345678901234567890123456789.123456789", 10, 512, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	want := &all{
		PK: "a", SK: 1, Num: num, B: []byte{0, 255}, Bool: true, L: []any{"q", json.Number("1"), nil}, M: map[string]string{"k": "v"},
		SS: map[string]bool{"a": true, "b": true}, NS: []int{1, 2}, BS: [][]byte{{1}}, TTL: time.Unix(1795403344, 0).UTC(),
	}
	got, err := table.Inserted[all]{}.Decode(record("INSERT", data))
	if err != nil {
		t.Fatal(err)
	}
	byText := cmp.Comparer(func(a, b *big.Float) bool { return a == b || a != nil && b != nil && a.Text('f', 9) == b.Text('f', 9) })
	if diff := cmp.Diff(want, got.New, byText); diff != "" {
		t.Errorf("new image (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all{PK: "a", SK: 1}, got.Keys, byText); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}

	// A source without a struct takes the same record, and loses no digit.
	loose, err := table.Inserted[map[string]any]{}.Decode(record("INSERT", data))
	if err != nil {
		t.Fatal(err)
	}
	if got := (*loose.New)["num"]; got != json.Number("12345678901234567890123456789.123456789") {
		t.Errorf("num is %#v", got)
	}
}

// The law of kinds: the CloudEvent alone is enough.
func TestEventAlone(t *testing.T) {
	for file, eventName := range map[string]string{"all_types.json": "INSERT", "modify_account.json": "MODIFY", "expired.json": "REMOVE"} {
		// Rule A2.3, Rule A8
		m := record(eventName, readFile(t, file))
		m.Origin.Name, m.Payload = "accounts", "something"
		if file == "expired.json" {
			m.SetExtension("dynamodbttl", true)
		}
		text, err := json.Marshal(m.Event)
		if err != nil {
			t.Fatal(err)
		}
		var again eventfx.Message
		if err := json.Unmarshal(text, &again.Event); err != nil {
			t.Fatal(err)
		}
		src := table.Any[map[string]any]{Table: "accounts"}
		if !src.Match(m) || !src.Match(&again) {
			t.Errorf("%s: matches %t, from JSON %t", file, src.Match(m), src.Match(&again))
		}
		want, err := src.Decode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := src.Decode(&again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s from JSON (-want +got):\n%s", file, diff)
		}
		if want.Expired != (file == "expired.json") {
			t.Errorf("%s: expired %t", file, want.Expired)
		}
	}
}

func TestString(t *testing.T) {
	for _, tt := range []struct {
		src  interface{ String() string }
		want string
	}{
		{table.Inserted[item]{Table: "users"}, `table.Inserted[table_test.item]{Table: "users"}`},
		{table.Modified[*item]{}, `table.Modified[*table_test.item]{}`},
		{table.Removed[map[string]any]{Table: "users"}, `table.Removed[map[string]interface {}]{Table: "users"}`},
		{table.Any[item]{Table: `a"b`}, `table.Any[table_test.item]{Table: "a\"b"}`},
	} {
		if got := tt.src.String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// A handler may do as it likes with what it got: nothing of it is the message's.
func TestDecodedSharesNothing(t *testing.T) {
	// Rule D2.8
	data := readFile(t, "modify_account.json")
	m := record("MODIFY", data)
	src := table.Modified[map[string]any]{}
	want, err := src.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := src.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	clear(m.DataEncoded)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the data was overwritten (-want +got):\n%s", diff)
	}
	m.DataEncoded = []byte(data)
	clear(*got.New)
	got, err = src.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded again (-want +got):\n%s", diff)
	}
}
