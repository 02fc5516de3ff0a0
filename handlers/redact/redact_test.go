package redact_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/redact"
)

func newEvent(data string) event.Event {
	e := event.New()
	e.SetID("1")
	e.SetSource("/shop")
	e.SetType("order.placed")
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(data)
	return e
}

func nest(s string) string { b, _ := json.Marshal(s); return string(b) }

type card struct {
	Number string `json:"number" redact:"true"`
	Month  int    `json:"month"`
}

type order struct {
	ID     string
	Cards  []card
	Secret string            `dynamodbav:"apikey" redact:"true"`
	Notes  map[string]*order // a type within itself
}

func TestEvent(t *testing.T) {
	live := func(_, value string) bool { return strings.HasPrefix(value, "sk_live_") }
	tests := []struct {
		reason   string
		redactor *redact.Redactor
		data     string
		want     string
	}{
		{"nothing is selected", &redact.Redactor{}, `{ "a" : 1 }`, `{ "a" : 1 }`},
		{"no redactor", nil, `{"a":1}`, `{"a":1}`},
		{"a pointer", &redact.Redactor{Pointers: []string{"/a/b"}}, `{"a":{"b":"secret","c":1}, "b":2}`, `{"a":{"b":"[redacted]","c":1}, "b":2}`},
		{"any element", &redact.Redactor{Pointers: []string{"/a/*/b"}}, `{"a":[{"b":1},{"b":2,"c":3}]}`, `{"a":[{"b":"[redacted]"},{"b":"[redacted]","c":3}]}`},
		{"an element", &redact.Redactor{Pointers: []string{"/1"}}, `["one","two"]`, `["one","[redacted]"]`},
		{"names with / and ~", &redact.Redactor{Pointers: []string{"/a~1b/~0"}}, `{"a/b":{"~":true}}`, `{"a/b":{"~":"[redacted]"}}`},
		{"the whole document", &redact.Redactor{Pointers: []string{""}}, `{"a":1}`, `"[redacted]"`},
		{"a key with escapes", &redact.Redactor{Pointers: []string{"/a"}}, `{"\u0061":"secret"}`, `{"\u0061":"[redacted]"}`},
		{"a value that is an object: what is in it is removed elsewhere", &redact.Redactor{Pointers: []string{"/card"}},
			`{"card":{"number":"4111-1111","n":4222222},"note":"paid by 4111-1111","other":4222222,"number":"x"}`,
			`{"card":"[redacted]","note":"paid by [redacted]","other":"[redacted]","number":"x"}`},
		{"three characters are too few to be looked for", &redact.Redactor{Pointers: []string{"/pin"}}, `{"pin":"123","note":"x123"}`, `{"pin":"[redacted]","note":"x123"}`},
		{"four are not", &redact.Redactor{Pointers: []string{"/pin"}}, `{"pin":"1234","note":"x1234"}`, `{"pin":"[redacted]","note":"x[redacted]"}`},
		{"a value in a key", &redact.Redactor{Pointers: []string{"/token"}}, `{"token":"tok_1","by":{"tok_1":1,"a tok_1":2}}`, `{"token":"[redacted]","by":{"[redacted]":1,"a [redacted]":2}}`},
		{"written with other escapes", &redact.Redactor{Pointers: []string{"/a"}}, `{"a":"p<ss\"w","b":"p\u003css\u0022w"}`, `{"a":"[redacted]","b":"[redacted]"}`},
		{"tagged fields, wherever they stand", &redact.Redactor{Types: []any{order{}}},
			`{"Cards":[{"number":"4111-1111","month":7}],"row":{"Number":{"S":"4222-2222"},"APIKEY":"k"},"Secret":"kept"}`,
			`{"Cards":[{"number":"[redacted]","month":7}],"row":{"Number":"[redacted]","APIKEY":"[redacted]"},"Secret":"[redacted]"}`},
		{"a function, for values", &redact.Redactor{Func: live}, `{"a":["sk_live_1",{"b":"sk_live_2"}],"n":1,"t":true,"z":null}`, `{"a":["[redacted]",{"b":"[redacted]"}],"n":1,"t":true,"z":null}`},
		{"a function, for keys", &redact.Redactor{Func: live}, `{"keys":{"sk_live_1":1, "sk_live_2" : {"x":"sk_live_1"}}}`, `{"keys":{"[redacted]":1, "[redacted 2]" : {"x":"[redacted]"}}}`},
		{"a function by path", &redact.Redactor{Func: func(path, _ string) bool { return path == "/a/0" }}, `{"a":[42,42]}`, `{"a":["[redacted]",42]}`},
		{"JSON in a string", &redact.Redactor{Pointers: []string{"/Message/body/pw"}},
			`{"Message":` + nest(`{"body":`+nest(`{"pw":"hunter22","x":1}`)+`}`) + `,"note":"hunter22"}`,
			`{"Message":` + nest(`{"body":`+nest(`{"pw":"[redacted]","x":1}`)+`}`) + `,"note":"[redacted]"}`},
		{"a document in a string in a string", &redact.Redactor{Pointers: []string{"/pw"}}, nest(nest(`{"pw":"hunter22"}`)), nest(nest(`{"pw":"[redacted]"}`))},
		{"a removed string with JSON in it", &redact.Redactor{Pointers: []string{"/m"}}, `{"m":` + nest(`{"pw":"hunter22"}`) + `,"note":"hunter22"}`, `{"m":"[redacted]","note":"[redacted]"}`},
		{"a long secret with a short one in it", &redact.Redactor{Pointers: []string{"/a", "/b"}}, `{"a":"abcd","b":"abcdefgh","c":"abcdefgh"}`, `{"a":"[redacted]","b":"[redacted]","c":"[redacted]"}`},
		{"text that a function knows", &redact.Redactor{Func: live}, `sk_live_1`, `[redacted]`},
		{"broken JSON", &redact.Redactor{Types: []any{card{}}, Pointers: []string{"/a/pw"}},
			`{"number":"4111-1111", "pw" : 17, "x":"4111-1111",}`, `{"number":"[redacted]", "pw" : "[redacted]", "x":"[redacted]",}`},
		{"broken JSON that ends in the value", &redact.Redactor{Types: []any{card{}}}, `{"number":"4111-1111`, `{"number":"[redacted]"`},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			e := newEvent(tt.data)
			got, _ := tt.redactor.Event(e)
			if diff := cmp.Diff(tt.want, string(got.DataEncoded)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if string(e.DataEncoded) != tt.data {
				t.Errorf("the event itself was changed: %s", e.DataEncoded)
			}
			if !strings.HasPrefix(tt.reason, "broken") && tt.reason != "text that a function knows" && got.Validate() != nil {
				t.Error(got.Validate())
			}
		})
	}
}

// TestElsewhere: what is removed from the data is removed around it.
func TestElsewhere(t *testing.T) {
	secret := "p<ss \"w\"/ü"
	e := newEvent(`{"pw":` + nest(secret) + `,"n":1}`)
	e.SetSubject("for " + secret)
	e.SetExtension("partitionkey", secret)
	e.SetExtension("sqsattributes", `{"a":{"dataType":"String","stringValue":`+nest(secret)+`}}`)
	e.SetExtension("count", 7)
	before := e.Clone()
	got, scrub := (&redact.Redactor{Pointers: []string{"/pw"}}).Event(e)
	if diff := cmp.Diff(map[string]any{
		"partitionkey": "[redacted]", "sqsattributes": `{"a":{"dataType":"String","stringValue":"[redacted]"}}`, "count": int32(7),
	}, got.Extensions()); diff != "" {
		t.Error(diff)
	}
	if got.Subject() != "for [redacted]" || got.ID() != "1" || got.Source() != "/shop" {
		t.Errorf("%s", got)
	}
	if diff := cmp.Diff(before.Extensions(), e.Extensions()); diff != "" || e.Subject() != before.Subject() {
		t.Errorf("the event itself was changed: %s", diff)
	}
	for _, text := range []string{
		secret, fmt.Sprintf("%q", secret), fmt.Sprintf("%+q", secret), nest(secret), url.QueryEscape(secret), url.PathEscape(secret),
	} {
		if got := scrub("<" + text + ">"); strings.Contains(got, "w") || !strings.Contains(got, redact.Removed) {
			t.Errorf("%s became %s", text, got)
		}
	}
	// A text that repeats a document repeats what is nested in it, and how.
	nested := newEvent(`{"m":` + nest(`{"m":`+nest(`{"pw":`+nest(secret)+`,"api":"\u0073k_live"}`)+`}`) + `}`)
	_, scrubNested := (&redact.Redactor{Pointers: []string{"/m/m/pw", "/m/m/api"}}).Event(nested)
	if got := scrubNested(fmt.Sprintf("cannot read %q", nested.DataEncoded)); strings.Contains(got, "p<") || strings.Contains(got, "u003c") || strings.Contains(got, "k_live") {
		t.Error(got)
	}
	if got := scrub("quite another text"); got != "quite another text" {
		t.Error(got)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		redactor *redact.Redactor
		want     string
	}{
		{nil, ""},
		{&redact.Redactor{Pointers: []string{"/a~0"}, Types: []any{card{}, &card{}, []order{}}}, ""},
		{&redact.Redactor{Pointers: []string{"a"}}, `redact: Pointers: "a" is no JSON pointer: it must begin with /`},
		{&redact.Redactor{Pointers: []string{"/a~2"}}, `redact: Pointers: "/a~2" is no JSON pointer: ~ is written ~0, and / in a name ~1`},
		{&redact.Redactor{Types: []any{struct{ A string }{}}}, `redact: Types: struct { A string } has no field with the tag redact:"true"`},
		{&redact.Redactor{Types: []any{nil}}, `redact: Types: <nil> has no field with the tag redact:"true"`},
		{&redact.Redactor{Types: []any{7}}, `redact: Types: int has no field with the tag redact:"true"`},
	}
	for _, tt := range tests {
		got := ""
		if err := tt.redactor.Check(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

type whatever struct{}

func (whatever) Match(*eventfx.Message) bool               { return true }
func (whatever) Decode(m *eventfx.Message) (string, error) { return string(m.DataEncoded), nil }
func (whatever) String() string                            { return "whatever" }

// TestErrors: errors stay what they are, without the values.
func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	tests := []struct {
		reason string
		handle func() error
		want   string
		also   func(eventfx.Failure) bool
	}{
		{"an error", func() error { return fmt.Errorf("card 4111-1111: %w", cause) }, "card [redacted]: cause", func(f eventfx.Failure) bool { return errors.Is(f.Err, cause) }},
		{"a delay", func() error { return eventfx.RetryAfter(errors.New("4111-1111"), time.Minute) }, "[redacted]", func(f eventfx.Failure) bool { return f.After == time.Minute }},
		{"an error without values", func() error { return cause }, "cause", func(f eventfx.Failure) bool { return f.Err == cause }},
		{"a panic", func() error { panic("4111-1111") }, "panic: [redacted]", func(f eventfx.Failure) bool {
			p, ok := errors.AsType[*eventfx.PanicError](f.Err)
			return ok && strings.Contains(string(p.Stack), "redact_test")
		}},
		{"a panic with an error", func() error { panic(fmt.Errorf("4111-1111: %w", cause)) }, "panic: [redacted]: cause", func(f eventfx.Failure) bool { return errors.Is(f.Err, cause) }},
		{"permanent", func() error { return eventfx.Permanent(errors.New("4111-1111")) }, "[redacted]", func(f eventfx.Failure) bool {
			_, ok := errors.AsType[*eventfx.PermanentError](f.Err)
			return ok
		}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			r := &eventfx.Router{
				Use:      []eventfx.Middleware{(&redact.Redactor{Types: []any{card{}}}).Errors},
				Observer: eventfx.Observer{Message: quiet},
			}
			eventfx.On(r, whatever{}, func(context.Context, eventfx.Event[string]) error { return tt.handle() })
			failures := r.Deliver(t.Context(), []*eventfx.Message{{Event: newEvent(`{"number":"4111-1111"}`)}})
			if len(failures) != 1 || failures[0].Err.Error() != tt.want || !tt.also(failures[0]) {
				t.Errorf("%v", failures)
			}
		})
	}
}

func TestErrorsOfABatch(t *testing.T) {
	r := &eventfx.Router{
		Use:      []eventfx.Middleware{(&redact.Redactor{Types: []any{card{}}}).Errors},
		Observer: eventfx.Observer{Message: quiet},
	}
	eventfx.OnBatch(r, whatever{}, func(_ context.Context, b *eventfx.Batch[string]) error {
		for e := range b.All() {
			if e.ID() != "2" {
				b.Fail(e, errors.New("beside 4222-2222"))
			}
		}
		return nil
	})
	var messages []*eventfx.Message
	for i, number := range []string{"4111-1111", "4222-2222", "4333-3333"} {
		m := &eventfx.Message{Event: newEvent(`{"number":"` + number + `"}`)}
		m.SetID(fmt.Sprint(i + 1))
		messages = append(messages, m)
	}
	var got []string
	for _, f := range r.Deliver(t.Context(), messages) {
		got = append(got, f.Message.ID()+" "+f.Err.Error())
	}
	if diff := cmp.Diff([]string{"1 beside [redacted]", "3 beside [redacted]"}, got); diff != "" {
		t.Error(diff)
	}
}

func quiet(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
	return ctx, nil
}

// FuzzEvent: JSON stays JSON, and a value that was removed is nowhere in it.
func FuzzEvent(f *testing.F) {
	f.Add(`{"pw":"hunter22","x":["hunter22",{"hunter22":"\u0068unter22"}]}`)
	f.Add(nest(nest(`{"pw":"hunter22"}`)))
	f.Add(`{"pw":"\"{\"","x":"\\\"{\\\""}`)
	f.Add(`{"number":"4111,"pw":`)
	f.Fuzz(func(t *testing.T, data string) {
		e := newEvent(data)
		got, scrub := (&redact.Redactor{Pointers: []string{"/pw"}, Types: []any{card{}}, Func: func(_, v string) bool { return strings.HasPrefix(v, "sk_") }}).Event(e)
		if json.Valid([]byte(data)) != json.Valid(got.DataEncoded) && json.Valid([]byte(data)) {
			t.Fatalf("%q became %q", data, got.DataEncoded)
		}
		scrub(data)
		var doc struct{ PW string }
		var raw map[string]json.RawMessage
		if json.Unmarshal([]byte(data), &raw) != nil || len(raw["pw"]) < 6 || json.Unmarshal(raw["pw"], &doc.PW) != nil ||
			len([]rune(doc.PW)) < 4 || strings.ContainsAny(doc.PW, "[redact\ufffd") {
			return
		}
		if text := scrub("x" + doc.PW + "y"); strings.Contains(text, doc.PW) {
			t.Errorf("%q is in %q", doc.PW, text)
		}
		if strings.Contains(string(got.DataEncoded), doc.PW) && strings.Count(data, `"pw"`) == 1 {
			t.Errorf("%q is in %q", doc.PW, got.DataEncoded)
		}
	})
}
