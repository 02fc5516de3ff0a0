package memcloud_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestFilters(t *testing.T) {
	one := func(pattern string) []string { return []string{pattern} }
	tests := []struct {
		rule, reason string
		filters      []string
		body         string
		passes       bool
	}{
		{"C6.1", "no filter", nil, "a", true},
		{"C6.1", "it matches", one(`{"body":{"state":["new"]}}`), `{"state":"new"}`, true},
		{"C6.1", "it does not", one(`{"body":{"state":["new"]}}`), `{"state":"old"}`, false},
		{"C6.1", "one of two matches", []string{`{"body":{"state":["new"]}}`, `{"body":{"total":[1]}}`}, `{"total":1}`, true},
		{"C6.1", "none of two", []string{`{"body":{"state":["new"]}}`, `{"body":{"total":[1]}}`}, `{"total":2}`, false},
		{"C6.3", "text by its own pattern", one(`{"body":[{"prefix":"order "}]}`), "order 1", true},
		{"C6.3", "other text", one(`{"body":[{"prefix":"order "}]}`), "bill 1", false},
		{"C6.3", "JSON's pattern, text", one(`{"body":{"state":["new"]}}`), "new", false},
		{"C6.3", "JSON's pattern that asks for nothing, text", one(`{"body":{"state":[{"exists":false}]}}`), "new", false},
		{"C6.3", "JSON's pattern, broken JSON", one(`{"body":{"state":["new"]}}`), `{"state":"new"`, false},
		{"C6.3", "text's pattern, JSON", one(`{"body":[{"anything-but":["x"]}]}`), `{"state":"new"}`, false},
		{"C6.3", "text's pattern, an array that has the text", one(`{"body":["new"]}`), `["new"]`, false},
		{"C6.3", "JSON behind white space", one(`{"body":{"state":["new"]}}`), " \n{\"state\":\"new\"}", true},
		{"C6.3", "a number is text", one(`{"body":["1"]}`), "1", true},
		{"C6.4", "strings are compared exactly", one(`{"body":{"state":["new"]}}`), `{"state":"New"}`, false},
		{"C6.4", "numbers by their text", one(`{"body":{"total":[300]}}`), `{"total":3e2}`, false},
		{"C6.4", "ranges by value", one(`{"body":{"total":[{"numeric":[">",10,"<=",300]}]}}`), `{"total":3e2}`, true},
		{"C6.4", "anything but", one(`{"body":{"state":[{"anything-but":["old"]}]}}`), `{"state":"new"}`, true},
		{"C6.4", "exists", one(`{"body":{"state":[{"exists":true}]}}`), `{"total":1}`, false},
		{"C6.4", "null", one(`{"body":{"state":[null]}}`), `{"state":null}`, true},
		{"C6.4", "empty", one(`{"body":{"state":[""]}}`), `{"state":""}`, true},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				q := cloud.Queue("orders", nil)
				h := &answers{}
				cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{Filters: test.filters}))
				q.Send(test.body)
				cloud.Settle()
				runs, filtered := 0, 1
				if test.passes {
					runs, filtered = 1, 0
				}
				want(t, "rule "+test.rule+": invocations", len(h.batches()), runs)
				want(t, "in the timeline", len(moments(cloud, "orders", "filter")), filtered)
				want(t, "left in the queue", len(q.Messages()), 0)
			})
		})
	}
}

func TestFiltersInABatch(t *testing.T) {
	// Rule C6.1: a batch is made of what passes.
	for _, name := range []string{"orders", "orders.fifo"} {
		bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue(name, nil)
			h := &answers{}
			cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 3, Filters: []string{`{"body":[{"prefix":"yes"}]}`}}))
			for i, body := range []string{"yes1", "no1", "yes2", "no2", "no3", "yes3", "yes4"} {
				m := memcloud.Message{Body: body}
				if strings.HasSuffix(name, ".fifo") {
					m.Group, m.DeduplicationID = "g", fmt.Sprint(i)
				}
				q.SendBatch(m)
			}
			cloud.Settle()
			want(t, name, h.batches(), []string{"yes1/1 yes2/1 yes3/1", "yes4/1"})
			want(t, "left", len(q.Messages()), 0)
		})
	}
}

func TestBadFilters(t *testing.T) {
	// Rule C6.2, C6.1
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		const malformed = "Invalid filter pattern definition."
		good := `{"body":["x"]}`
		tests := []struct {
			reason, part string
			filters      []string
		}{
			{"a leaf that is no array", malformed, []string{`{"body":{"state":"new"}}`}},
			{"an empty array", malformed, []string{`{"body":{"state":[]}}`}},
			{"not an object", malformed, []string{`["new"]`}},
			{"not JSON", malformed, []string{`{"body"`}},
			{"nothing", malformed, []string{""}},
			{"another key", `by "body" alone`, []string{`{"messageId":["x"]}`}},
			{"another key beside body", `by "body" alone`, []string{`{"body":["x"],"attributes":{"n":["x"]}}`}},
			{"alternatives of keys", `by "body" alone`, []string{`{"$or":[{"body":["x"]},{"body":{"state":["new"]}}]}`}},
			{"eleven", "at most 10", []string{good, good, good, good, good, good, good, good, good, good, good}},
			{"4,097 characters", "at most 4096", []string{`{"body":["` + strings.Repeat("x", 4097-13) + `"]}`}},
		}
		for i, test := range tests {
			err := panicOf(func() {
				cloud.Function(fmt.Sprint("f", i), failing, memcloud.Trigger(q, &memcloud.Mapping{Filters: test.filters}))
			})
			wantError(t, err, "InvalidParameterValueException", test.part)
		}
		cloud.Function("good", failing, memcloud.Trigger(q, &memcloud.Mapping{Filters: []string{`{"body":["` + strings.Repeat("x", 4096-13) + `"]}`}}))
		users := cloud.Table("users", nil)
		err := panicOf(func() {
			cloud.Function("stream", failing, memcloud.Trigger(users, &memcloud.Mapping{Filters: []string{good}}))
		})
		wantError(t, err, "InvalidParameterValueException", `have no "body"`)
	})
}
