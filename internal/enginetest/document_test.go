package enginetest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A document is a JSON object, flat: members by their paths, values as JSON.
type document map[string]string

func parse(text string) document {
	d := document{}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) == nil {
		d.add("", members)
	}
	return d
}

func (d document) add(path string, members map[string]json.RawMessage) {
	for name, value := range members {
		var inner map[string]json.RawMessage
		if json.Unmarshal(value, &inner) == nil && len(inner) > 0 {
			d.add(path+name+".", inner)
			continue
		}
		d[path+name] = canonical(value)
	}
}

// text returns a member that is a string, or "".
func (d document) text(name string) string {
	var s string
	_ = json.Unmarshal([]byte(d[name]), &s)
	return s
}

// SeeMembers notes which members a document has.
func (r *Run) SeeMembers(step string, d document) {
	r.See(step, strings.Join(slices.Sorted(maps.Keys(d)), " "))
}

// SeeDocument notes some members of a document, each alone.
func (r *Run) SeeDocument(step string, d document, members ...string) {
	for _, name := range members {
		value, ok := d[name]
		if !ok {
			value = "absent"
		}
		r.See(step+": "+name, value)
	}
}

// canonical writes JSON in one way: without blanks, and with letters as they
// are.
func canonical(value json.RawMessage) string {
	var b bytes.Buffer
	var v any
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if decoder.Decode(&v) != nil || encoder.Encode(v) != nil {
		return string(value)
	}
	return strings.TrimSpace(b.String())
}
