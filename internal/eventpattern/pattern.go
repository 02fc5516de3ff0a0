// Package eventpattern matches JSON documents with AWS's event patterns, which
// are the filters of EventBridge's rules and of Lambda's event source mappings.
//
// A pattern has the shape of the documents that it matches. Its leaves are
// lists, of which one element must match: a scalar, or an object with one
// operator.
//
//	{"detail": {"state": ["running", {"prefix": "stop"}], "size": [{"numeric": [">", 0]}]}}
//
// Scalars are compared by their text, so that 300, 300.0 and 3e2 differ;
// numeric, and anything-but with a number, compare values. Where the document
// has an array any element may match, but two members of one object in the
// pattern must be found in one element. A dot in a key, here or there, is as
// good as an object in an object. Like numbers beyond 5e9 and digits
// beyond the sixth after the point, this is what AWS's own matcher documents.
package eventpattern

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
)

// A Pattern is parsed once and may be used by several goroutines at once.
type Pattern struct {
	branches []*node  // one must match
	fields   []string // top-level keys, sorted
	absences int      // leaves that an absent field satisfies
}

// A node is what a pattern asks of the value at one path.
type node struct {
	leaf     *leaf // nil: only the children count
	keys     []string
	children map[string]*node
}

// Fields returns the top-level keys that the pattern looks at, sorted.
func (p *Pattern) Fields() []string { return slices.Clone(p.fields) }

// MatchJSON reports whether data is one JSON document that matches.
func (p *Pattern) MatchJSON(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var doc any
	if d.Decode(&doc) != nil {
		return false
	}
	if _, err := d.Token(); err != io.EOF {
		return false
	}
	return p.Match(doc)
}

// Match reports whether the document matches. It is what encoding/json decodes
// into an any, with UseNumber: a float64 has lost the text that is compared.
func (p *Pattern) Match(doc any) bool {
	doc = undotted(doc)
	m := match{root: doc, absent: make([]absence, p.absences)}
	return slices.ContainsFunc(p.branches, func(b *node) bool { return m.node(b, doc) })
}

// nothing stands for a value that is not there. JSON's null is one that is.
type nothing struct{}

type absence byte

const (
	unknown absence = iota
	isAbsent
	isPresent
)

// A match is one document on its way through a pattern.
type match struct {
	root   any
	absent []absence // by leaf: it would cost a walk for each element of an array
}

func (m *match) node(n *node, v any) bool {
	var object map[string]any
	switch v := v.(type) {
	case []any:
		// With no element that matches, the leaves may still ask for nothing.
		return slices.ContainsFunc(v, func(e any) bool { return m.node(n, e) }) || m.node(n, nothing{})
	case map[string]any:
		object = v
	}
	if l := n.leaf; l != nil && !l.matches(v) && !m.isAbsent(l) {
		return false
	}
	for _, key := range n.keys {
		child, ok := object[key]
		if !ok {
			child = nothing{}
		}
		if !m.node(n.children[key], child) {
			return false
		}
	}
	return true
}

// isAbsent reports whether the leaf asks for a field that is not there: in no
// element of no array, whichever of them the other leaves are found in.
func (m *match) isAbsent(l *leaf) bool {
	if l.absence < 0 {
		return false
	}
	if m.absent[l.absence] == unknown {
		m.absent[l.absence] = isAbsent
		if present(m.root, l.path) {
			m.absent[l.absence] = isPresent
		}
	}
	return m.absent[l.absence] == isAbsent
}

// present reports whether there is a scalar at the path. Only leaves count:
// not an object, and not an empty array.
func present(v any, path []string) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return present(e, path) })
	case map[string]any:
		if len(path) == 0 {
			return false
		}
		child, ok := v[path[0]]
		return ok && present(child, path[1:])
	}
	return len(path) == 0
}

// add has the branch ask for the leaf, in place of one for the same path.
func (n *node) add(l *leaf) {
	for _, key := range l.path {
		child := n.children[key]
		if child == nil {
			child = &node{}
			if n.children == nil {
				n.children = map[string]*node{}
			}
			n.children[key] = child
			n.keys = append(n.keys, key)
		}
		n = child
	}
	n.leaf = l
}

// finish makes the pattern of its branches, each a list of leaves.
func finish(branches [][]*leaf) *Pattern {
	p := &Pattern{}
	fields, absences := map[string]bool{}, map[*leaf]bool{}
	for _, leaves := range branches {
		branch := &node{}
		for _, l := range leaves {
			branch.add(l)
			fields[l.path[0]] = true
			if l.absence >= 0 && !absences[l] {
				absences[l] = true
				l.absence = p.absences
				p.absences++
			}
		}
		p.branches = append(p.branches, branch)
	}
	p.fields = slices.Sorted(maps.Keys(fields))
	return p
}
