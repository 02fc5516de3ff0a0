package eventpattern

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The twin is AWS's own description of the matching, taken at its word: the
// document is a list of fields, each with its place in the arrays around it,
// and the leaves of a branch take one field each so that no two are from
// different elements of one array.

type field struct {
	path   []string
	scalar any
	places []place // from the outermost array inwards
}

type place struct{ array, element int }

func flatten(v any, path []string, places []place, arrays *int) (fields []field) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			fields = append(fields, flatten(child, append(slices.Clip(path), strings.Split(key, ".")...), places, arrays)...)
		}
	case []any:
		*arrays++
		array := *arrays
		for i, e := range v {
			fields = append(fields, flatten(e, path, append(slices.Clip(places), place{array, i}), arrays)...)
		}
	default:
		fields = append(fields, field{path, v, places})
	}
	return fields
}

func twin(p *Pattern, doc any) bool {
	fields := flatten(doc, nil, nil, new(int))
	return slices.ContainsFunc(p.branches, func(b *node) bool { return satisfied(collect(b), fields, nil) })
}

func collect(n *node) (leaves []*leaf) {
	if n.leaf != nil {
		leaves = append(leaves, n.leaf)
	}
	for _, child := range n.children {
		leaves = append(slices.Clip(leaves), collect(child)...)
	}
	return leaves
}

func satisfied(leaves []*leaf, fields, taken []field) bool {
	if len(leaves) == 0 {
		return true
	}
	l, there := leaves[0], false
	for _, f := range fields {
		if !slices.Equal(f.path, l.path) {
			continue
		}
		there = true
		if l.matches(f.scalar) && !slices.ContainsFunc(taken, f.contradicts) && satisfied(leaves[1:], fields, append(slices.Clip(taken), f)) {
			return true
		}
	}
	return l.absence >= 0 && !there && satisfied(leaves[1:], fields, taken)
}

func (f field) contradicts(other field) bool {
	return slices.ContainsFunc(f.places, func(a place) bool {
		return slices.ContainsFunc(other.places, func(b place) bool { return a.array == b.array && a.element != b.element })
	})
}

func document(text string) (doc any, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return doc, d.Decode(&doc) == nil && json.Valid([]byte(text)) // More is false before a stray bracket
}

// exact returns a pattern of the document's own fields: the first of each
// path, and those that are in no other element of an array than it.
func exact(doc any) any {
	switch v := doc.(type) {
	case map[string]any:
		p := map[string]any{}
		for key, child := range v {
			if sub := exact(child); sub != nil {
				p[key] = sub
			}
		}
		if len(p) > 0 {
			return p
		}
	case []any:
		for _, e := range v {
			if p := exact(e); p != nil {
				return p
			}
		}
	default:
		return []any{v}
	}
	return nil
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":{"b":["x",{"anything-but":1}],"c":[{"exists":false}]}}`, `{"a":[{"b":"x"},{"c":[1,[2]]}]}`},
		{`{"$or":[{"a":[{"numeric":[">",0]}]},{"b":[{"wildcard":"x*"}]}],"a":[null,true]}`, `{"a":[null,3],"b":"xy"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		doc, ok := document(text)
		p, err := Parse([]byte(pattern))
		if err == nil && p.MatchJSON([]byte(text)) != (ok && p.Match(doc)) {
			t.Errorf("%s: Match and MatchJSON differ on %s", pattern, text)
		}
		if !ok || len(pattern) > 200 || len(text) > 200 {
			return // the twin may take exponential time
		}
		if strings.Contains(text, ".") && dotted(doc) {
			return // a key that is there in both spellings is one array here, and two fields for the twin
		}
		if err == nil && p.Match(doc) != twin(p, doc) {
			t.Errorf("%s on %s: %v, and the twin differs", pattern, text, p.Match(doc))
		}
		if own, ok := exact(doc).(map[string]any); ok {
			text, err := json.Marshal(own)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Parse(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if !p.Match(doc) {
				t.Errorf("%s does not match %s, of which it is made", text, doc)
			}
		}
	})
}
