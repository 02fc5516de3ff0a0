package handlers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

func TestFilters(t *testing.T) {
	m := message("7")
	m.SetSubject("orders/7")
	m.SetTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)))
	m.SetExtension("tries", 3)
	m.SetExtension("urgent", true)
	m.SetExtension("tenant", "Ä-1")
	tests := []struct{ rule, reason, filters, want string }{
		{"A9.1", "no filter lets everything through", `[]`, "yes"},
		{"A9.1", "equal", `[{"exact":{"type":"order.placed"}}]`, "yes"},
		{"A9.1", "case counts", `[{"exact":{"type":"Order.placed"}}]`, "no"},
		{"A9.1", "a part is not equal", `[{"exact":{"type":"order"}}]`, "no"},
		{"A9.1", "all attributes of one map", `[{"exact":{"type":"order.placed","id":"8"}}]`, "no"},
		{"A9.1", "all filters of the list", `[{"exact":{"type":"order.placed"}},{"exact":{"id":"8"}}]`, "no"},
		{"A9.1", "begins with", `[{"prefix":{"type":"order.","subject":"orders/"}}]`, "yes"},
		{"A9.1", "ends with", `[{"suffix":{"type":".placed"}}]`, "yes"},
		{"A9.1", "ends otherwise", `[{"suffix":{"type":".Placed"}}]`, "no"},
		{"A9.1", "all", `[{"all":[{"exact":{"id":"7"}},{"prefix":{"source":"/"}}]}]`, "yes"},
		{"A9.1", "not all", `[{"all":[{"exact":{"id":"7"}},{"prefix":{"source":"x"}}]}]`, "no"},
		{"A9.1", "any", `[{"any":[{"exact":{"id":"8"}},{"prefix":{"source":"/"}}]}]`, "yes"},
		{"A9.1", "none", `[{"any":[{"exact":{"id":"8"}},{"prefix":{"source":"x"}}]}]`, "no"},
		{"A9.1", "not", `[{"not":{"exact":{"id":"8"}}}]`, "yes"},
		{"A9.1", "not not", `[{"not":{"not":{"exact":{"id":"8"}}}}]`, "no"},
		{"A9.1", "what is not there fulfils nothing", `[{"prefix":{"nothing":"x"}}]`, "no"},
		{"A9.1", "and its opposite holds", `[{"not":{"prefix":{"dataschema":"x"}}}]`, "yes"},
		{"A9.1", "every attribute of the context", `[{"exact":{"specversion":"1.0","source":"/shop","subject":"orders/7"}}]`, "yes"},
		{"A9.1", "a time in its canonical form", `[{"exact":{"time":"2026-01-02T02:04:05Z"}}]`, "yes"},
		{"A9.1", "numbers and truths too", `[{"exact":{"tries":"3","urgent":"true"}}]`, "yes"},
		{"A9.1", "any text", `[{"exact":{"tenant":"Ä-1"}}]`, "yes"},
		{"A9.1", "data is no attribute", `[{"exact":{"data":"7"}}]`, "no"},
		{"A9.1", "an empty value", `[{"exact":{"type":""}}]`, `handlers: filter /0/exact/type: the value is empty`},
		{"A9.1", "an empty name", `[{"prefix":{"":"x"}}]`, `handlers: filter /0/prefix: "" is no name of an attribute: lower-case letters and digits`},
		{"A9.1", "a name that no attribute has", `[{"suffix":{"Type":"x"}}]`, `handlers: filter /0/suffix: "Type" is no name of an attribute: lower-case letters and digits`},
		{"A9.1", "no attributes", `[{"exact":{}}]`, `handlers: filter /0/exact: it needs at least one attribute`},
		{"A9.1", "no filters", `[{"not":{"any":[]}}]`, `handlers: filter /0/not/any: it needs at least one filter`},
		{"A9.1", "two dialects", `[{"exact":{"id":"7"},"prefix":{"id":"7"}}]`, `handlers: filter /0: want an object with one dialect`},
		{"A9.1", "no dialect", `[{"all":[{}]}]`, `handlers: filter /0/all/0: want an object with one dialect`},
		{"A9.1", "null", `[null]`, `handlers: filter /0: want an object with one dialect`},
		{"A9.1", "null for a value", `[{"exact":{"id":null}}]`, `handlers: filter /0/exact: want an object whose values are text`},
		{"A9.1", "null for a dialect", `[{"exact":null}]`, `handlers: filter /0/exact: want an object whose values are text`},
		{"A9.1", "a number", `[{"exact":{"tries":3}}]`, `handlers: filter /0/exact: want an object whose values are text`},
		{"A9.1", "no array", `{"exact":{"id":"7"}}`, `handlers: filter "": want an array of filters`},
		{"A9.1", "an unknown dialect", `[{"sql":"id = '7'"}]`, `handlers: filter /0/sql: the dialect is not known`},
		{"A9.1", "no JSON", `[`, `handlers: filters: not JSON, or a name is there twice`},
		{"A9.1", "a name twice", `[{"exact":{"id":"7","id":"8"}}]`, `handlers: filters: not JSON, or a name is there twice`},
		{"A9.1", "too deep", `[` + strings.Repeat(`{"not":`, 60) + `{"exact":{"id":"7"}}` + strings.Repeat(`}`, 60) + `]`,
			`handlers: filter /0` + strings.Repeat("/not", 51) + `: more than 50 filters inside each other`},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			got := "yes"
			filters, err := handlers.ParseFilters([]byte(tt.filters), nil)
			if err != nil {
				got = err.Error()
			}
			for _, f := range filters {
				if !f.Match(m) {
					got = "no"
				}
			}
			want(t, tt.filters, tt.want, got)
		})
	}
}

// In Go the fields must be one dialect, too.
func TestValidate(t *testing.T) {
	id := map[string]string{"id": "7"}
	circle := &handlers.Filter{}
	circle.Not = circle
	tests := []struct {
		filter handlers.Filter
		want   string
	}{
		{handlers.Filter{}, `handlers: filter "": it has 0 dialects [], want one: put several into all`},
		{handlers.Filter{Exact: id, Not: &handlers.Filter{Exact: id}}, `handlers: filter "": it has 2 dialects [exact not], want one: put several into all`},
		{handlers.Filter{All: []handlers.Filter{{Exact: id}, {Any: []handlers.Filter{}}}}, `handlers: filter /all/1/any: it needs at least one filter`},
		{*circle, `handlers: filter ` + strings.Repeat("/not", 51) + `: more than 50 filters inside each other`},
		{handlers.Filter{Other: even{}}, `<nil>`},
	}
	for _, tt := range tests {
		want(t, "Validate", tt.want, fmt.Sprint(tt.filter.Validate()))
	}
	want(t, "Wrap", `handlers: filter "/0": it has 0 dialects [], want one: put several into all`,
		mustPanic(t, func() { (&handlers.Subscription{Filters: []handlers.Filter{{}}}).Wrap(nil) }))
	want(t, "Where", `handlers: filter "/0": it has 0 dialects [], want one: put several into all`,
		mustPanic(t, func() { handlers.Where(text{}, handlers.Filter{}) }))
}

// even is a dialect of one expression.
type even struct{}

func (even) Match(m *eventfx.Message) bool { return len(m.ID())%2 == 0 }
func (even) String() string                { return "even" }

func TestOtherDialects(t *testing.T) {
	others := map[string]func(json.RawMessage) (handlers.Dialect, error){"sql": func(value json.RawMessage) (handlers.Dialect, error) {
		if string(value) != `"even"` {
			return nil, errors.New("syntax error at 1")
		}
		return even{}, nil
	}}
	filters, err := handlers.ParseFilters([]byte(`[{"not": {"sql":"even"}}, {"any":[{"suffix":{"id":"x"}},{"sql":"even"}]}]`), others)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "text", `[{"not":"even"} {"any":[{"suffix":{"id":"x"}},"even"]}]`, fmt.Sprint(filters))
	want(t, "odd", "true true", fmt.Sprint(filters[0].Match(message("x")), filters[1].Match(message("x"))))
	want(t, "even", "false false", fmt.Sprint(filters[0].Match(message("ab")), filters[1].Match(message("abc"))))
	_, err = handlers.ParseFilters([]byte(`[{"sql":"odd"}]`), others)
	want(t, "error", "handlers: filter /0/sql: syntax error at 1", fmt.Sprint(err))
}

// What a subscription filters is done, and told of; the others run.
func TestSubscription(t *testing.T) {
	tests := []struct {
		name     string
		messages []*eventfx.Message
		batched  bool
		runs     string
		refused  string
		failures []string
	}{
		{"alone", messages("a", "x"), false, "a", "x", nil},
		{"a failure", messages("x", "fails"), false, "fails", "x", []string{"fails: broken"}},
		{"in a batch", messages("a", "x", "b"), true, "a b", "x", nil},
		{"all of a batch", messages("x1", "x2"), true, "", "x1 x2", nil},
		{"a batch with a failure", messages("a", "x", "fails"), true, "a fails", "x", []string{"fails: broken"}},
		{"a batch that fails", messages("x", "all fail", "a"), true, "all fail a", "x", []string{"all fail: broken", "a: broken"}},
		{"a group", inGroup("g", "a", "x", "fails", "x2"), true, "a fails", "x x2",
			[]string{"fails: broken", "x2: an earlier message of its group failed: eventfx: message not finished"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var runs, refused []string
			s := &handlers.Subscription{
				Filters: []handlers.Filter{{Not: &handlers.Filter{Prefix: map[string]string{"id": "x"}}}},
				Refused: func(_ context.Context, route string, m *eventfx.Message) {
					if route != "text " {
						t.Errorf("route %q", route)
					}
					refused = append(refused, m.ID())
				},
			}
			r := &eventfx.Router{Use: []eventfx.Middleware{s.Wrap}}
			if tt.batched {
				eventfx.OnBatch(r, text{}, func(_ context.Context, b *eventfx.Batch[string]) error {
					var err error
					for e := range b.All() {
						runs = append(runs, e.Data)
						switch e.Data {
						case "fails":
							b.Fail(e, errBroken)
						case "all fail":
							err = errBroken
						}
					}
					return err
				})
			} else {
				eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
					if runs = append(runs, e.Data); e.Data == "fails" {
						return errBroken
					}
					return nil
				})
			}
			failures := failed(r.Deliver(t.Context(), tt.messages))
			want(t, "runs", tt.runs, strings.Join(runs, " "))
			want(t, "refused", tt.refused, strings.Join(refused, " "))
			want(t, "failures", tt.failures, failures)
		})
	}
}

// Without Refused a filtered message has a line in the log.
func TestFilteredIsNotSilent(t *testing.T) {
	var out lines
	defer setDefault(out.logger())()
	s := &handlers.Subscription{Filters: []handlers.Filter{{Exact: map[string]string{"id": "1"}}}}
	r := &eventfx.Router{Use: []eventfx.Middleware{s.Wrap}}
	eventfx.On(r, text{}, nop)
	r.Deliver(t.Context(), messages("1", "2"))
	want(t, "lines", []string{`level=INFO id=2 route="text "`}, out.all())
}

// Where hands what it refuses to the routes behind it.
func TestWhere(t *testing.T) {
	begins := func(with string) handlers.Filter { return handlers.Filter{Prefix: map[string]string{"id": with}} }
	var runs []string
	r := &eventfx.Router{}
	route := func(name string) func(context.Context, eventfx.Event[string]) error {
		return func(_ context.Context, e eventfx.Event[string]) error {
			runs = append(runs, name+" "+e.Data)
			return nil
		}
	}
	a := handlers.Where(text{"order.placed"}, begins("a"), handlers.Filter{Not: &handlers.Filter{Suffix: map[string]string{"id": "z"}}})
	eventfx.On(r, a, route("a"))
	eventfx.On(r, handlers.Where(text{"order.placed"}, begins("b")), route("b"))
	eventfx.On(r, handlers.Where(text{"other"}), route("other"))
	failures := failed(r.Deliver(t.Context(), messages("b1", "a1", "a1z")))
	want(t, "runs", []string{"b b1", "a a1"}, runs)
	want(t, "failures", []string{"a1z: eventfx: no route for the message"}, failures)
	want(t, "name", `text order.placed where {"prefix":{"id":"a"}} and {"not":{"suffix":{"id":"z"}}}`, a.String())
}

func FuzzParseFilters(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[{"exact":{"type":"a"}}]`, `[{"all":[{"any":[{"prefix":{"id":"1"}},{"not":{"suffix":{"source":"é"}}}]}]}]`,
		`[{"exact":{"id":""}}]`, `[{"sql":"1"}]`, `[{"exact":{"id":"\ud800"}}]`,
	} {
		f.Add([]byte(seed))
	}
	m := message("1")
	f.Fuzz(func(t *testing.T, data []byte) {
		filters, err := handlers.ParseFilters(data, nil)
		if err != nil {
			return
		}
		// What was read is valid, and reads again to the same filters.
		var texts []string
		for _, filter := range filters {
			if err := filter.Validate(); err != nil {
				t.Fatalf("%s was read and is not valid: %v", data, err)
			}
			texts = append(texts, filter.String())
		}
		again, err := handlers.ParseFilters([]byte("["+strings.Join(texts, ",")+"]"), nil)
		if err != nil {
			t.Fatalf("%s does not read again: %v", texts, err)
		}
		for i := range filters {
			if again[i].String() != texts[i] || again[i].Match(m) != filters[i].Match(m) {
				t.Fatalf("%s read again is %s", texts[i], again[i])
			}
		}
	})
}
