package redact

import (
	"bytes"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// secrets are the texts that were removed.
type secrets map[string]bool

// leastSecret is how many characters a text must have to be looked for
// elsewhere: a shorter one is found everywhere and tells nothing.
const leastSecret = 4

func (s secrets) add(text string) {
	if utf8.RuneCountInString(text) >= leastSecret {
		s[text] = true
	}
}

// A scrubber removes secrets from texts.
type scrubber struct{ replacer *strings.Replacer }

// scrubber returns one that knows each secret in the forms in which texts
// repeat it.
func (s secrets) scrubber() *scrubber {
	forms := map[string]bool{}
	for text := range s {
		addForms(forms, text)
	}
	var pairs []string
	for form := range forms {
		pairs = append(pairs, form)
	}
	// The first that fits is replaced: the longest must be first.
	slices.SortFunc(pairs, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	oldnew := make([]string, 0, 2*len(pairs))
	for _, form := range pairs {
		oldnew = append(oldnew, form, Removed)
	}
	return &scrubber{strings.NewReplacer(oldnew...)}
}

// addForms adds what a text becomes in JSON, in Go's quotes and in URLs. An
// error that repeats a document repeats what is nested in it, escaped once for
// each level; so the forms are escaped again, a few times.
func addForms(forms map[string]bool, text string) {
	const levels, most = 4, 64
	forms[text], forms[url.QueryEscape(text)], forms[url.PathEscape(text)] = true, true, true
	last := []string{text}
	for n, level := 0, 0; level < levels && n < most; level++ {
		var next []string
		for _, form := range last {
			inJSON := quote(form)
			for _, quoted := range [...]string{
				inJSON, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(inJSON),
				strconv.Quote(form), strconv.QuoteToASCII(form),
			} {
				if inside := quoted[1 : len(quoted)-1]; !forms[inside] && n < most {
					forms[inside] = true
					next = append(next, inside)
					n++
				}
			}
		}
		last = next
	}
}

// text removes the secrets from a text.
func (c *scrubber) text(s string) string { return c.replacer.Replace(s) }

// document removes the secrets from JSON, in which they may be written with
// any escapes, or from a text.
func (c *scrubber) document(doc []byte) []byte {
	s := jsonscan.New(doc)
	if !utf8.Valid(doc) || s.Skip() == nil || s.End() != nil {
		return []byte(c.text(string(doc)))
	}
	s = jsonscan.New(doc)
	e := &edits{doc: doc}
	c.value(&s, e)
	return bytes.Clone(e.done())
}

func (c *scrubber) value(s *jsonscan.Scanner, e *edits) {
	kind := s.Kind()
	from := s.Pos()
	switch kind {
	case '{':
		s.Object()
		for raw, escaped, ok := s.RawKey(); ok; raw, escaped, ok = s.RawKey() {
			key := unescape(raw, escaped)
			if scrubbed := c.text(key); scrubbed != key {
				e.replaceKey(s.Pos(), len(raw), quote(scrubbed))
			}
			c.value(s, e)
		}
	case '[':
		s.Array()
		for s.Elem() {
			c.value(s, e)
		}
	case '"':
		text := unescape(s.String())
		scrubbed := text
		if looksNested(text) {
			scrubbed = string(c.document([]byte(text)))
		} else {
			scrubbed = c.text(text)
		}
		if scrubbed != text {
			e.replace(from, s.Pos(), quote(scrubbed))
		}
	default:
		if raw := string(s.Skip()); c.text(raw) != raw {
			e.replace(from, s.Pos(), `"`+Removed+`"`)
		}
	}
}
