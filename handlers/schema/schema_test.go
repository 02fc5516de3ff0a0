package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/schema"
)

// TestMain keeps the lines of failed messages out of the test's output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

const order = `{
	"type": "object",
	"required": ["id", "total"],
	"additionalProperties": false,
	"dependentRequired": {"coupon": ["customer"]},
	"properties": {
		"id": {"type": "string", "pattern": "^o-[0-9]+$", "maxLength": 8},
		"total": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01},
		"mail": {"format": "email"},
		"state": {"enum": ["new", "paid"]},
		"version": {"const": 2},
		"coupon": {"type": "string"},
		"customer": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "object", "required": ["name"]}]},
		"never": false,
		"not": {"not": {"type": "null"}},
		"items": {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"$ref": "#/$defs/item"}},
		"labels": {"propertyNames": {"pattern": "^[a-z]+$"}}
	},
	"$defs": {"item": {"required": ["sku"], "properties": {"n": {"type": "integer", "maximum": 9}}}}
}`

func compile(t testing.TB, document string, refs map[string][]byte) *schema.Schema {
	t.Helper()
	s, err := schema.Compile([]byte(document), refs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCheck(t *testing.T) {
	s := compile(t, order, nil)
	tests := []struct{ data, want string }{
		{`{"id":"o-1","total":1.10}`, `<nil>`},
		{`{"id":"o-1","total":1.10,"mail":"a@b.example","items":[{"sku":1},{"sku":2}],"customer":"Ann"}`, `<nil>`},
		{`{}`, `schema: /id: is missing; /total: is missing`},
		{`[]`, `schema: data: got array, want object`},
		{`{"id":7,"total":"x"}`, `schema: /id: got number, want string; /total: got string, want number`},
		{`{"id":"hunter2","total":1}`, `schema: /id: must match ^o-[0-9]+$`},
		{`{"id":"o-1234567890","total":1}`, `schema: /id: maxLength: got 12, want 8`},
		{`{"id":"o-1","total":0}`, `schema: /total: exclusiveMinimum: got 0, want 0`},
		{`{"id":"o-1","total":0.001}`, `schema: /total: multipleOf: got 0.001, want 0.01`},
		{`{"id":"o-1","total":1,"mail":"hunter2"}`, `schema: /mail: is no valid email`},
		{`{"id":"o-1","total":1,"state":"hunter2"}`, `schema: /state: value must be one of 'new', 'paid'`},
		{`{"id":"o-1","total":1,"version":"hunter2"}`, `schema: /version: value must be 2`},
		{`{"id":"o-1","total":1,"a/b~c":1,"x":2}`, `schema: /a~1b~0c: is not allowed; /x: is not allowed`},
		{`{"id":"o-1","total":1,"coupon":"hunter2"}`, `schema: /customer: is missing, beside coupon`},
		{`{"id":"o-1","total":1,"customer":{}}`, `schema: /customer: fits none of the alternatives; /customer: got object, want string; /customer/name: is missing`},
		{`{"id":"o-1","total":1,"never":1}`, `schema: /never: is not allowed`},
		{`{"id":"o-1","total":1,"not":null}`, `schema: /not: is what it must not be`},
		{`{"id":"o-1","total":1,"items":[]}`, `schema: /items: minItems: got 0, want 1`},
		{`{"id":"o-1","total":1,"items":[{"sku":1},{"n":10},{"sku":1}]}`, `schema: /items: items at 0 and 2 are equal; /items/1/n: maximum: got 10, want 9; /items/1/sku: is missing`},
		{`{"id":"o-1","total":1,"labels":{"A":"hunter2"}}`, `schema: /labels/A: the name is not allowed`},
		{`{"id":"o-1","total":1,"labels":{"a":{"A":1},"B":0},"items":[{"sku":{"A":1}}]}`, `schema: /labels/B: the name is not allowed`},
		{`{"id":"o-1","total":1,"labels":{"A":1},"mail":{"A":1}}`, `schema: data: a name inside is not allowed: A`},
		{``, `schema: data: there is none`},
		{`{"id":`, `schema: data: not JSON: unexpected EOF`},
		{`{} {}`, `schema: data: not JSON: invalid character after top-level value`},
		{`{"id":"o-1","total":1,"total":-1}`, `schema: data: an object has a name twice`},
		{`{"id":"o-1","total":1e9999999}`, `schema: /total: the exponent has more than three digits`},
		{`{"id":"o-1","items":[0,{"n":1E-0001000000}],"total":1e0000000002}`, `schema: /items/1/n: the exponent has more than three digits`},
	}
	for i := range 10 * len(tests) { // the order of an object's members is another each time
		tt := tests[i%len(tests)]
		err := s.Check([]byte(tt.data))
		if d := cmp.Diff(tt.want, fmt.Sprint(err)); d != "" {
			t.Errorf("%s\n%s", tt.data, d)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: the error repeats text of the data: %v", tt.data, err)
		}
	}
}

// Whatever a sender does, an error stays short and comes soon.
func TestLargeErrors(t *testing.T) {
	s := compile(t, `{"items": {"type": "string"}, "additionalProperties": {"$ref": "#"}, "propertyNames": {"maxLength": 200}}`, nil)
	many := "[" + strings.Repeat("1,", 100_000) + "1]"
	deep := strings.Repeat(`{"a":`, 1000) + `[1]` + strings.Repeat(`}`, 1000)
	long := `{"` + strings.Repeat("é", 100_000) + `":1}`
	for name, data := range map[string]string{"many": many, "deep": deep, "long": long} {
		began := time.Now()
		err, ok := errors.AsType[*schema.Error](s.Check([]byte(data)))
		if !ok || len(err.Error()) > 4000 {
			t.Errorf("%s: an error of %d bytes", name, len(fmt.Sprint(err)))
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if name == "many" && (len(err.Fields) != 20 || err.More != 100_001-20 || !strings.HasSuffix(err.Error(), "; and 99981 more")) {
			t.Errorf("%d fields and %d more: %v", len(err.Fields), err.More, err)
		}
	}
}

func TestCompile(t *testing.T) {
	item := []byte(`{"required": ["sku"]}`)
	tests := []struct {
		name, document string
		refs           map[string][]byte
		want           string // of Compile, else of Check
	}{
		{"own definitions", `{"$ref": "#/$defs/item", "$defs": {"item": {"required": ["sku"]}}}`, nil, "schema: /sku: is missing"},
		{"a relative document", `{"$ref": "item.json"}`, map[string][]byte{"item.json": item}, "schema: /sku: is missing"},
		{"a relative document, with an id", `{"$id": "https://shop.example/schemas/order.json", "$ref": "item.json"}`, map[string][]byte{"item.json": item}, "schema: /sku: is missing"},
		{"the same by its address", `{"$id": "https://shop.example/schemas/order.json", "$ref": "item.json"}`, map[string][]byte{"https://shop.example/schemas/item.json": item}, "schema: /sku: is missing"},
		{"an absolute document", `{"$ref": "https://shop.example/item.json#"}`, map[string][]byte{"https://shop.example/item.json": item}, "schema: /sku: is missing"},
		{"an older draft", `{"$schema": "http://json-schema.org/draft-07/schema#", "required": ["sku"]}`, nil, "schema: /sku: is missing"},
		{"nothing is valid", `false`, nil, "schema: data: is not allowed"},
		{"no JSON", `{`, nil, "schema: compile: not JSON: unexpected EOF"},
		{"no JSON in a document", `{}`, map[string][]byte{"item.json": []byte(`}`)}, "schema: compile: item.json: not JSON: invalid character '}' looking for beginning of value"},
		{"a missing definition", `{"$ref": "#/$defs/item"}`, nil, `schema: compile: `},
		{"no schema", `{"type": "text"}`, nil, `schema: compile: `},
		{"a bad pattern", `{"pattern": "("}`, nil, `schema: compile: `},
		{"an unknown draft", `{"$schema": "https://shop.example/draft"}`, nil, "schema: compile: https://shop.example/draft: the document was not given to Compile, and nothing is loaded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := schema.Compile([]byte(tt.document), tt.refs)
			if err == nil {
				err = s.Check([]byte(`{}`))
			}
			got := fmt.Sprint(err)
			if strings.HasSuffix(tt.want, ": ") && strings.HasPrefix(got, tt.want) {
				return // the rest is the library's
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Nothing is loaded from anywhere: neither over the network nor from files.
func TestNothingIsLoaded(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprint(w, `{}`)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "item.json")
	if err := os.WriteFile(file, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{server.URL + "/item.json", "file://" + file, file, "http://169.254.169.254/latest/meta-data"} {
		for _, document := range []string{`{"$ref": %q}`, `{"$schema": %q}`, `{"$id": "file:///order.json", "items": {"$ref": %q}}`, `{"properties": {"a": {"$dynamicRef": %q}}}`} {
			document = fmt.Sprintf(document, ref)
			if _, err := schema.Compile([]byte(document), nil); !errors.Is(err, schema.ErrNotGiven) {
				if !strings.Contains(document, "$schema") || err == nil { // which must be an absolute URL
					t.Errorf("%s: %v, want ErrNotGiven", document, err)
				}
			}
		}
	}
	if asked > 0 {
		t.Errorf("the server was asked %d times", asked)
	}
}

func message(id, data string) *eventfx.Message {
	e := event.New()
	e.SetID(id)
	e.SetSource("/shop")
	e.SetType("com.amazonaws.sqs.message")
	e.DataEncoded = []byte(data)
	return &eventfx.Message{Event: e, Origin: eventfx.Origin{Name: "orders"}}
}

// Data that is not valid is dead at once, without a run, and harms no
// neighbour.
func TestWrap(t *testing.T) {
	s := compile(t, order, nil)
	for _, batched := range []bool{false, true} {
		var runs, dead []string
		r := &eventfx.Router{
			Retry: eventfx.Retry{Attempts: 3}, Use: []eventfx.Middleware{s.Wrap},
			DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
				dead = append(dead, fmt.Sprintf("%s %s after %d: %v", d.Message.ID(), d.Reason, len(d.Attempts), d.Err))
				return nil
			},
		}
		note := func(id string) { runs = append(runs, id) }
		if batched {
			eventfx.OnBatch(r, queue.Text{}, func(_ context.Context, b *eventfx.Batch[string]) error {
				for e := range b.All() {
					note(e.ID())
				}
				return nil
			})
		} else {
			eventfx.On(r, queue.Text{}, func(_ context.Context, e eventfx.Event[string]) error { note(e.ID()); return nil })
		}
		failures := r.Deliver(t.Context(), []*eventfx.Message{
			message("1", `{"id":"o-1","total":1}`), message("2", `{"id":"o-2"}`), message("3", `{"id":"o-3","total":3}`),
		})
		if d := cmp.Diff([]string{"1", "3"}, runs) + cmp.Diff([]string{"2 permanent after 1: schema: /total: is missing"}, dead); d != "" || failures != nil {
			t.Errorf("batched %v: failures %v\n%s", batched, failures, d)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		`{"id":"o-1","total":1.10}`, `{"id":7,"items":[{"n":1e400},{"n":1e400}],"labels":{"A~/":1}}`, `{"total":1e999}`,
		`[[[[1]]]]`, `{"id":"\ud800"}`, `{"total":-0.0e-999}`, `nul`,
	} {
		f.Add([]byte(seed))
	}
	s := compile(f, order, nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		err := s.Check(data)
		if err == nil {
			if !json.Valid(data) {
				t.Fatalf("%q is valid, and no JSON", data)
			}
			return
		}
		e, ok := errors.AsType[*schema.Error](err)
		if !ok || len(e.Fields) == 0 || len(e.Fields) > 20 || !e.Permanent() {
			t.Fatalf("%q: %#v", data, err)
		}
		for _, field := range e.Fields {
			if field.Pointer != "" && field.Pointer[0] != '/' || len(field.Error()) > 6000 {
				t.Fatalf("%q: pointer %q", data, field.Pointer)
			}
		}
	})
}
