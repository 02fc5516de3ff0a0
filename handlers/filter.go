package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// Filter is a filter of the CloudEvents Subscriptions API: a condition on the
// attributes of an event, never on its data. Exactly one field is set; its JSON
// is that of the specification:
//
//	{"all": [{"exact": {"type": "order.placed"}}, {"not": {"prefix": {"source": "/test/"}}}]}
//
// Text is compared as it stands, case included. An attribute that is no text is
// compared in its canonical form (true, 7, 2026-01-02T03:04:05Z); one that the
// event does not have fulfils nothing.
type Filter struct {
	// Exact, Prefix and Suffix compare attributes, by name. All of a map must
	// hold.
	Exact  map[string]string `json:"exact,omitempty"`
	Prefix map[string]string `json:"prefix,omitempty"`
	Suffix map[string]string `json:"suffix,omitempty"`

	All []Filter `json:"all,omitempty"`
	Any []Filter `json:"any,omitempty"`
	Not *Filter  `json:"not,omitempty"`

	// Other is a dialect beyond those that each implementation has.
	Other Dialect `json:"-"`
}

// A Dialect is a condition in another language, such as an expression of CESQL.
// None is built in: the one implementation of CESQL, the CloudEvents SDK's,
// adds 5 MB to a binary.
type Dialect interface {
	// Match must be pure. What cannot be evaluated does not match.
	Match(m *eventfx.Message) bool
	// String returns the expression. Equal strings are equal conditions.
	String() string
}

// mostNested is how deep filters may be nested.
const mostNested = 50

// Match reports whether m fulfils the filter, which must be valid.
func (f Filter) Match(m *eventfx.Message) bool {
	switch {
	case len(f.Exact) > 0:
		return holds(m, f.Exact, func(value, want string) bool { return value == want })
	case len(f.Prefix) > 0:
		return holds(m, f.Prefix, strings.HasPrefix)
	case len(f.Suffix) > 0:
		return holds(m, f.Suffix, strings.HasSuffix)
	case len(f.All) > 0:
		return matchAll(f.All, m)
	case len(f.Any) > 0:
		return slices.ContainsFunc(f.Any, func(f Filter) bool { return f.Match(m) })
	case f.Not != nil:
		return !f.Not.Match(m)
	case f.Other != nil:
		return f.Other.Match(m)
	}
	return false
}

// matchAll reports whether m fulfils every filter.
func matchAll(filters []Filter, m *eventfx.Message) bool {
	return !slices.ContainsFunc(filters, func(f Filter) bool { return !f.Match(m) })
}

func holds(m *eventfx.Message, conditions map[string]string, compare func(value, want string) bool) bool {
	for name, want := range conditions {
		value, ok := attribute(m, name)
		if !ok || !compare(value, want) {
			return false
		}
	}
	return true
}

// attribute returns the canonical text of an attribute of the event. One that
// is empty is not there.
func attribute(m *eventfx.Message, name string) (value string, ok bool) {
	if m.Context == nil {
		return "", false
	}
	switch name {
	case "id":
		value = m.ID()
	case "source":
		value = m.Source()
	case "specversion":
		value = m.SpecVersion()
	case "type":
		value = m.Type()
	case "subject":
		value = m.Subject()
	case "datacontenttype":
		value = m.DataContentType()
	case "dataschema":
		value = m.DataSchema()
	case "time":
		if !m.Time().IsZero() {
			value = types.FormatTime(m.Time())
		}
	default:
		var extension any
		if v1, isV1 := m.Context.(*event.EventContextV1); isV1 {
			extension = v1.Extensions[name]
		} else {
			extension = m.Extensions()[name]
		}
		if extension == nil {
			return "", false
		}
		text, err := types.Format(extension)
		return text, err == nil
	}
	return value, value != ""
}

// Validate says what is wrong with the filter, and where, by a JSON pointer.
func (f Filter) Validate() error { return f.validate("", 0) }

func (f Filter) validate(at string, depth int) error {
	if depth > mostNested {
		return fmt.Errorf("handlers: filter %s: more than %d filters inside each other", at, mostNested)
	}
	var set []string
	for _, c := range []struct {
		dialect    string
		conditions map[string]string
	}{{"exact", f.Exact}, {"prefix", f.Prefix}, {"suffix", f.Suffix}} {
		if c.conditions == nil {
			continue
		}
		set = append(set, c.dialect)
		if err := validConditions(at+"/"+c.dialect, c.conditions); err != nil {
			return err
		}
	}
	for _, g := range []struct {
		dialect string
		filters []Filter
	}{{"all", f.All}, {"any", f.Any}} {
		if g.filters == nil {
			continue
		}
		set = append(set, g.dialect)
		if len(g.filters) == 0 {
			return fmt.Errorf("handlers: filter %s/%s: it needs at least one filter", at, g.dialect)
		}
		for i, inner := range g.filters {
			if err := inner.validate(fmt.Sprintf("%s/%s/%d", at, g.dialect, i), depth+1); err != nil {
				return err
			}
		}
	}
	if f.Not != nil {
		set = append(set, "not")
		if err := f.Not.validate(at+"/not", depth+1); err != nil {
			return err
		}
	}
	if f.Other != nil {
		set = append(set, "other")
	}
	if len(set) != 1 {
		return fmt.Errorf("handlers: filter %q: it has %d dialects [%s], want one: put several into all", at, len(set), strings.Join(set, " "))
	}
	return nil
}

func validConditions(at string, conditions map[string]string) error {
	if len(conditions) == 0 {
		return fmt.Errorf("handlers: filter %s: it needs at least one attribute", at)
	}
	for _, name := range slices.Sorted(maps.Keys(conditions)) {
		switch {
		case name == "" || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }):
			return fmt.Errorf("handlers: filter %s: %q is no name of an attribute: lower-case letters and digits", at, name)
		case conditions[name] == "":
			return fmt.Errorf("handlers: filter %s/%s: the value is empty", at, name)
		}
	}
	return nil
}

// String returns the filter as JSON, with other dialects as text.
func (f Filter) String() string {
	b, err := json.Marshal(f.render())
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return string(b)
}

func (f Filter) render() any {
	each := func(filters []Filter) (list []any) {
		for _, f := range filters {
			list = append(list, f.render())
		}
		return list
	}
	switch {
	case f.All != nil:
		return map[string]any{"all": each(f.All)}
	case f.Any != nil:
		return map[string]any{"any": each(f.Any)}
	case f.Not != nil:
		return map[string]any{"not": f.Not.render()}
	case f.Other != nil:
		return f.Other.String()
	}
	return f
}

// ParseFilters reads the filters of a subscription, a JSON array. A message
// must fulfil all of them; without any, each does. others reads the values of
// dialects beyond the seven fields of Filter, by name ("sql"); it may be nil.
func ParseFilters(data []byte, others map[string]func(value json.RawMessage) (Dialect, error)) ([]Filter, error) {
	if _, unique := jsonscan.Unique(data, nil); !unique {
		return nil, errors.New("handlers: filters: not JSON, or a name is there twice")
	}
	p := filterParser{others}
	filters, err := p.list("", data, 0)
	if err != nil {
		return nil, err
	}
	for i, f := range filters {
		if err := f.validate(fmt.Sprintf("/%d", i), 0); err != nil {
			return nil, err
		}
	}
	return filters, nil
}

type filterParser struct {
	others map[string]func(json.RawMessage) (Dialect, error)
}

func (p filterParser) list(at string, data json.RawMessage, depth int) ([]Filter, error) {
	var raws []json.RawMessage
	if err := json.Unmarshal(data, &raws); err != nil || raws == nil {
		return nil, fmt.Errorf("handlers: filter %q: want an array of filters", at)
	}
	filters := make([]Filter, len(raws))
	for i, raw := range raws {
		f, err := p.filter(fmt.Sprintf("%s/%d", at, i), raw, depth)
		if err != nil {
			return nil, err
		}
		filters[i] = f
	}
	return filters, nil
}

func (p filterParser) filter(at string, data json.RawMessage, depth int) (f Filter, err error) {
	if depth > mostNested {
		return f, fmt.Errorf("handlers: filter %s: more than %d filters inside each other", at, mostNested)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || len(members) != 1 {
		return f, fmt.Errorf("handlers: filter %s: want an object with one dialect", at)
	}
	for dialect, value := range members {
		at += "/" + dialect
		switch dialect {
		case "exact":
			f.Exact, err = conditions(at, value)
		case "prefix":
			f.Prefix, err = conditions(at, value)
		case "suffix":
			f.Suffix, err = conditions(at, value)
		case "all":
			f.All, err = p.list(at, value, depth+1)
		case "any":
			f.Any, err = p.list(at, value, depth+1)
		case "not":
			var inner Filter
			inner, err = p.filter(at, value, depth+1)
			f.Not = &inner
		default:
			parse := p.others[dialect]
			if parse == nil {
				return f, fmt.Errorf("handlers: filter %s: the dialect is not known", at)
			}
			if f.Other, err = parse(value); err != nil {
				err = fmt.Errorf("handlers: filter %s: %w", at, err)
			}
		}
	}
	return f, err
}

// conditions reads a map of texts. In encoding/json null would be empty text.
func conditions(at string, data json.RawMessage) (map[string]string, error) {
	var values map[string]*string
	if err := json.Unmarshal(data, &values); err != nil || bytes.Equal(data, []byte("null")) {
		return nil, fmt.Errorf("handlers: filter %s: want an object whose values are text", at)
	}
	texts := make(map[string]string, len(values))
	for name, value := range values {
		if value == nil {
			return nil, fmt.Errorf("handlers: filter %s: want an object whose values are text", at)
		}
		texts[name] = *value
	}
	return texts, nil
}
