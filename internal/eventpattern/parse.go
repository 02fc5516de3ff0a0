package eventpattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An Error says what is wrong with a pattern, and where. Its text is Lambda's;
// EventBridge puts words of its own before the reason.
type Error struct{ Reason string }

func (e *Error) Error() string { return "Invalid filter pattern definition. " + e.Reason }

// maxBranches bounds the product of the lengths of all $or, as EventBridge
// does.
const maxBranches = 1000

// Parse parses a pattern. Its error is an *Error.
func Parse(pattern []byte) (*Pattern, error) {
	d := json.NewDecoder(bytes.NewReader(pattern))
	d.UseNumber()
	tree, err := decode(d)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = &Error{"text after the end of the pattern"}
		}
	}
	if err != nil {
		if _, ok := err.(*Error); !ok {
			err = &Error{"not JSON: " + err.Error()}
		}
		return nil, err
	}
	root, ok := tree.(object)
	if !ok {
		return nil, &Error{"Filter is not an object"}
	}
	if combinations(root) > maxBranches {
		return nil, &Error{fmt.Sprintf("the $or of the pattern make more than %d rule combinations", maxBranches)}
	}
	branches, err := parseObject(root, nil)
	if err != nil {
		return nil, err
	}
	return finish(branches), nil
}

// An object keeps its members in order, and all of them.
type object []member

type member struct {
	key   string
	value any // object, []any, string, json.Number, bool or nil
}

func decode(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := decode(d)
			if err != nil {
				return nil, err
			}
			o = append(o, member{key.(string), value})
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := decode(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}

// parseObject returns the branches of an object: lists of leaves, of which one
// must match as a whole. An $or multiplies them. Of two leaves for one path
// the last one holds, in the order of the text.
func parseObject(o object, path []string) ([][]*leaf, error) {
	if len(o) == 0 {
		return nil, wrong(path, "Empty objects are not allowed")
	}
	branches := [][]*leaf{nil}
	for _, m := range o {
		var more [][]*leaf
		var err error
		// A dot in a key is as good as an object in an object.
		at := append(slices.Clip(path), strings.Split(m.key, ".")...)
		switch v := m.value.(type) {
		case object:
			more, err = parseObject(v, at)
		case []any:
			if m.key == "$or" && isOr(v) {
				more, err = parseOr(v, path)
				break
			}
			var l *leaf
			l, err = parseLeaf(v, at)
			more = [][]*leaf{{l}}
		default:
			err = wrong(path, fmt.Sprintf("%q must be an object or an array", m.key))
		}
		if err != nil {
			return nil, err
		}
		branches = product(branches, more)
	}
	return branches, nil
}

func product(a, b [][]*leaf) [][]*leaf {
	var all [][]*leaf
	for _, first := range a {
		for _, second := range b {
			all = append(all, slices.Concat(first, second))
		}
	}
	return all
}

func parseOr(list []any, path []string) ([][]*leaf, error) {
	var branches [][]*leaf
	for _, e := range list {
		more, err := parseObject(e.(object), path)
		if err != nil {
			return nil, err
		}
		branches = append(branches, more...)
	}
	return branches, nil
}

// combinations returns the product of the lengths of all $or, or more than
// maxBranches. It is never less than the number of branches.
func combinations(o object) int {
	n := 1
	for _, m := range o {
		switch v := m.value.(type) {
		case object:
			n *= combinations(v)
		case []any:
			if m.key == "$or" && isOr(v) {
				n *= len(v)
				for _, e := range v {
					if n > maxBranches {
						break
					}
					n *= combinations(e.(object))
				}
			}
		}
		if n > maxBranches {
			return maxBranches + 1
		}
	}
	return n
}

// isOr reports whether the list under $or is one of alternatives: at least two
// objects, none of which looks like an operator. Else $or is a field's name.
func isOr(list []any) bool {
	for _, e := range list {
		o, ok := e.(object)
		if !ok || slices.ContainsFunc(o, func(m member) bool { return operator(m.key) != nil }) {
			return false
		}
	}
	return len(list) > 1
}

func wrong(path []string, problem string) error {
	where := "the pattern"
	if len(path) > 0 {
		where = strings.Join(path, ".")
	}
	return &Error{where + ": " + problem}
}
