package redact

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// remove returns data without what the rules select, and notes what that was.
// It reports false, and data as it is, when they select nothing.
func (c *rules) remove(data []byte, found secrets) ([]byte, bool) {
	if len(data) == 0 {
		return data, false
	}
	w := &remover{rules: c, found: found}
	if out, ok := w.document(data, nil); ok {
		return out, w.selected
	}
	if !utf8.Valid(data) {
		return data, false
	}
	text := string(data)
	if c.ask != nil && c.ask("", text) {
		found.add(text)
		return []byte(Removed), true
	}
	return c.removeBroken(text, found)
}

// removeBroken looks for names in text that is not JSON: what should have been
// JSON, and has a comma too many, must not keep its secrets for that.
func (c *rules) removeBroken(text string, found secrets) ([]byte, bool) {
	var names []string
	for name := range c.names {
		names = append(names, regexp.QuoteMeta(name))
	}
	for _, p := range c.pointers {
		if len(p) > 0 && p[len(p)-1] != "*" {
			names = append(names, regexp.QuoteMeta(p[len(p)-1]))
		}
	}
	if names == nil || !strings.ContainsAny(text, "{[") {
		return []byte(text), false
	}
	slices.Sort(names)
	// Inside of a string the quotes have backslashes before them.
	member := regexp.MustCompile(`(?i)(\\*"(?:` + strings.Join(names, "|") + `)\\*"\s*:\s*)(\\*"(?:[^"\\]|\\.)*"?|[^,}\]\s]+)`)
	selected := false
	out := member.ReplaceAllStringFunc(text, func(match string) string {
		selected = true
		parts := member.FindStringSubmatch(match)
		value := strings.Trim(parts[2], `\"`)
		found.add(value)
		if unquoted, err := strconv.Unquote(`"` + value + `"`); err == nil {
			found.add(unquoted)
		}
		return parts[1] + `"` + Removed + `"`
	})
	return []byte(out), selected
}

// A remover goes through a document and removes what the rules select.
type remover struct {
	*rules
	found    secrets
	selected bool
	keys     int // that were removed
}

// document returns doc without what is removed, and false if it is no JSON.
func (w *remover) document(doc []byte, path []string) ([]byte, bool) {
	s := jsonscan.New(doc)
	if s.Skip() == nil || s.End() != nil || !utf8.Valid(doc) {
		return nil, false
	}
	s = jsonscan.New(doc)
	e := &edits{doc: doc}
	w.value(&s, e, path)
	return e.done(), true
}

func (w *remover) value(s *jsonscan.Scanner, e *edits, path []string) {
	kind := s.Kind()
	from := s.Pos()
	if w.selects(path) {
		w.take(s.Skip())
		e.replace(from, s.Pos(), `"`+Removed+`"`)
		return
	}
	switch kind {
	case '{':
		s.Object()
		for raw, escaped, ok := s.RawKey(); ok; raw, escaped, ok = s.RawKey() {
			key := unescape(raw, escaped)
			member := append(path[:len(path):len(path)], key)
			if w.ask != nil && w.ask(pointer(member), key) {
				w.takeText(key, raw)
				w.keys++
				name := Removed
				if w.keys > 1 { // two members must not get one name
					name = "[redacted " + strconv.Itoa(w.keys) + "]"
				}
				e.replaceKey(s.Pos(), len(raw), quote(name))
			}
			w.value(s, e, member)
		}
	case '[':
		s.Array()
		for i := 0; s.Elem(); i++ {
			w.value(s, e, append(path[:len(path):len(path)], strconv.Itoa(i)))
		}
	case '"':
		raw, escaped := s.String()
		text := unescape(raw, escaped)
		if w.asked(path, text) {
			w.takeText(text, raw)
			e.replace(from, s.Pos(), `"`+Removed+`"`)
		} else if inner, ok := w.inner(text, path); ok {
			e.replace(from, s.Pos(), quote(inner))
		}
	default:
		raw := s.Skip()
		if string(raw) != "null" && w.asked(path, string(raw)) {
			w.take(raw)
			e.replace(from, s.Pos(), `"`+Removed+`"`)
		}
	}
}

// inner goes through JSON that stands in a string, and reports whether that
// has changed it.
func (w *remover) inner(text string, path []string) (string, bool) {
	if !looksNested(text) {
		return "", false
	}
	out, ok := w.document([]byte(text), path)
	return string(out), ok && string(out) != text
}

func (w *remover) asked(path []string, value string) bool {
	return w.ask != nil && w.ask(pointer(path), value)
}

// selects reports whether a pointer or a name selects what is at path.
func (w *remover) selects(path []string) bool {
	if len(path) > 0 && w.names[strings.ToLower(path[len(path)-1])] {
		return true
	}
	return slices.ContainsFunc(w.pointers, func(p []string) bool {
		return slices.EqualFunc(p, path, func(want, is string) bool { return want == "*" || want == is })
	})
}

// take notes all texts and numbers of a removed value. Its keys are names, and
// stay what they are elsewhere.
func (w *remover) take(raw []byte) {
	w.selected = true
	s := jsonscan.New(raw)
	w.takeValue(&s)
}

func (w *remover) takeValue(s *jsonscan.Scanner) {
	switch s.Kind() {
	case '{':
		s.Object()
		for _, ok := s.Key(); ok; _, ok = s.Key() {
			w.takeValue(s)
		}
	case '[':
		s.Array()
		for s.Elem() {
			w.takeValue(s)
		}
	case '"':
		raw, escaped := s.String()
		w.takeText(unescape(raw, escaped), raw)
	default:
		if raw := s.Skip(); len(raw) >= 6 {
			w.found.add(string(raw))
		}
	}
}

// takeText notes a text, and raw, which is how the document wrote it: with
// escapes that nobody needs, perhaps.
func (w *remover) takeText(text string, raw []byte) {
	w.selected = true
	w.found.add(text)
	if utf8.RuneCountInString(text) >= leastSecret {
		w.found.add(string(raw))
	}
	if !looksNested(text) {
		return
	}
	s := jsonscan.New([]byte(text))
	if s.Skip() == nil || s.End() != nil {
		return
	}
	w.take([]byte(text))
}

// looksNested reports whether text may be a document in a string.
func looksNested(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n")
	return text != "" && (text[0] == '{' || text[0] == '[' || text[0] == '"')
}

func unescape(raw []byte, escaped bool) string {
	if escaped {
		raw = jsonscan.Unescape(nil, raw)
	}
	return string(raw)
}

func quote(text string) string {
	b, _ := json.Marshal(text) // a string always can be
	return string(b)
}

// pointer writes a path as a JSON pointer.
func pointer(path []string) string {
	var b strings.Builder
	for _, s := range path {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// edits are replacements in a document, in order.
type edits struct {
	doc  []byte
	out  []byte
	last int
}

func (e *edits) replace(from, to int, text string) {
	e.out = append(append(e.out, e.doc[e.last:from]...), text...)
	e.last = to
}

// replaceKey replaces the key of n bytes whose colon ends at pos.
func (e *edits) replaceKey(pos, n int, text string) {
	end := pos - 1
	for e.doc[end] != '"' {
		end--
	}
	e.replace(end-n-1, end+1, text)
}

// done returns the document: the same memory if nothing was replaced.
func (e *edits) done() []byte {
	if e.out == nil {
		return e.doc
	}
	return append(e.out, e.doc[e.last:]...)
}
