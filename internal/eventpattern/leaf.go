package eventpattern

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A leaf is a list of what a field may be.
type leaf struct {
	path    []string
	tests   []test
	absence int // the number of this leaf among those that an absent field satisfies; -1: it does not
}

// A test is one way for a scalar to match.
type test func(v any) bool

// matches reports whether the value is a scalar that passes a test.
func (l *leaf) matches(v any) bool {
	switch v.(type) {
	case nothing, map[string]any, []any:
		return false
	}
	return slices.ContainsFunc(l.tests, func(t test) bool { return t(v) })
}

func parseLeaf(list []any, path []string) (*leaf, error) {
	if len(list) == 0 {
		return nil, wrong(path, "Empty arrays are not allowed")
	}
	l := &leaf{path: path, absence: -1}
	for _, e := range list {
		var t test
		var problem string
		switch e := e.(type) {
		case []any:
			problem = "Match value must be String, number, true, false, or null"
		case object:
			switch {
			case len(e) == 0:
				return nil, wrong(path, "Match expression name not found")
			case len(e) > 1:
				return nil, wrong(path, "Only one key allowed in match expression")
			}
			name, value := e[0].key, e[0].value
			if name == "exists" && value == false {
				l.absence = 0 // numbered later
				continue
			}
			parse := operator(name)
			if parse == nil {
				return nil, wrong(path, "Unrecognized match type "+name)
			}
			t, problem = parse(value)
		default:
			t = equals(e)
		}
		if problem != "" {
			return nil, wrong(path, problem)
		}
		l.tests = append(l.tests, t)
	}
	return l, nil
}

// operator returns what parses the value behind an operator's name; problem
// says what is wrong with it. nil: there is no such operator.
func operator(name string) func(value any) (t test, problem string) {
	switch name {
	case "prefix":
		return prefix
	case "suffix":
		return suffix
	case "equals-ignore-case":
		return equalsIgnoreCase
	case "wildcard":
		return wildcard
	case "anything-but":
		return anythingBut
	case "numeric":
		return numeric
	case "cidr":
		return cidr
	case "exists":
		return exists
	}
	return nil
}

// equals compares strings with strings, and other scalars by their text.
func equals(want any) test {
	return func(v any) bool { return kind(v) == kind(want) && text(v) == text(want) }
}

// kind tells apart what may have the same text.
func kind(v any) byte {
	switch v.(type) {
	case string:
		return '"'
	case bool:
		return 'b'
	case nil:
		return '0'
	}
	return '1'
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// onText makes a test of strings.
func onText(f func(s string) bool) test {
	return func(v any) bool {
		s, ok := v.(string)
		return ok && f(s)
	}
}

func prefix(value any) (test, string) {
	return end("prefix", value, strings.HasPrefix, func(s string, n int) string { return s[:n] })
}

func suffix(value any) (test, string) {
	return end("suffix", value, strings.HasSuffix, func(s string, n int) string { return s[len(s)-n:] })
}

// end parses a prefix or a suffix: a string, or {"equals-ignore-case": string}.
func end(name string, value any, has func(s, p string) bool, cut func(s string, n int) string) (test, string) {
	if o, ok := value.(object); ok && len(o) == 1 && o[0].key == "equals-ignore-case" {
		p, ok := o[0].value.(string)
		if !ok {
			return nil, "equals-ignore-case match pattern must be a string"
		}
		return onText(func(s string) bool { return len(s) >= len(p) && strings.EqualFold(cut(s, len(p)), p) }), ""
	}
	p, ok := value.(string)
	if !ok {
		return nil, name + " match pattern must be a string"
	}
	return onText(func(s string) bool { return has(s, p) }), ""
}

func equalsIgnoreCase(value any) (test, string) {
	want, ok := value.(string)
	if !ok {
		return nil, "equals-ignore-case match pattern must be a string"
	}
	return onText(func(s string) bool { return strings.EqualFold(s, want) }), ""
}

func exists(value any) (test, string) {
	if value != true { // false has been dealt with
		return nil, "exists match pattern must be either true or false."
	}
	return func(any) bool { return true }, ""
}

// anythingBut passes each scalar that does not match: null and false, too.
func anythingBut(value any) (test, string) {
	if o, ok := value.(object); ok {
		return anythingButMatch(o)
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	const inList = "Inside anything but list, "
	if len(list) == 0 {
		return nil, inList + "mixed type is not supported" // these are AWS's words
	}
	var tests []test
	for _, e := range list {
		switch e := e.(type) {
		case string:
			tests = append(tests, equals(e))
		case json.Number:
			t, problem := numeric([]any{"=", e})
			if problem != "" {
				return nil, problem
			}
			tests = append(tests, t)
		default:
			if !ok {
				return nil, "Value of anything-but must be an array or single string/number value."
			}
			return nil, inList + "start|null|boolean is not supported."
		}
		if kind(e) != kind(list[0]) {
			return nil, inList + "mixed type is not supported"
		}
	}
	return none(tests), ""
}

// anythingButMatch parses an operator on strings, or on lists of them.
func anythingButMatch(o object) (test, string) {
	switch {
	case len(o) == 0:
		return nil, "Anything-But expression name not found"
	case len(o) > 1:
		return nil, "Only one key allowed in match expression"
	}
	name := o[0].key
	switch name {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
	default:
		return nil, "Unsupported anything-but pattern: " + name
	}
	list, ok := o[0].value.([]any)
	if !ok {
		list = []any{o[0].value}
	}
	if len(list) == 0 {
		return nil, name + ": Empty arrays are not allowed"
	}
	var tests []test
	for _, e := range list {
		if e == "" && name != "equals-ignore-case" {
			return nil, "Null prefix/suffix not allowed"
		}
		t, problem := operator(name)(e)
		if problem != "" {
			return nil, problem
		}
		tests = append(tests, t)
	}
	return none(tests), ""
}

func none(tests []test) test {
	return func(v any) bool {
		return !slices.ContainsFunc(tests, func(t test) bool { return t(v) })
	}
}

// maxNumber is the largest number that can be compared.
const maxNumber = 5e9

// millionths returns the number in the precision in which numbers are
// compared. What is no JSON number, or too large, compares with nothing.
func millionths(v any) (n int64, ok bool) {
	var f float64
	switch v := v.(type) {
	case json.Number:
		var err error
		if f, err = v.Float64(); err != nil {
			return 0, false
		}
	case float64:
		f = v
	default:
		return 0, false
	}
	if math.IsNaN(f) || math.Abs(f) > maxNumber {
		return 0, false
	}
	return int64(math.Round(f * 1e6)), true
}

// numeric parses ["=", 1], or a range: [">", 0], ["<=", 5], [">=", 0, "<", 5].
func numeric(value any) (test, string) {
	list, ok := value.([]any)
	switch {
	case !ok:
		return nil, "Value of numeric must be an array."
	case len(list) > 4:
		return nil, "Too many terms in numeric range expression"
	case len(list) != 2 && len(list) != 4:
		return nil, `numeric wants ["=", number] or a range such as [">", 0, "<=", 5]`
	}
	low, high, before := int64(math.MinInt64), int64(math.MaxInt64), int64(math.MinInt64)
	for i := 0; i < len(list); i += 2 {
		n, ok := millionths(list[i+1])
		if !ok {
			return nil, fmt.Sprintf("Value of numeric must be a number between -5.0E9 and 5.0E9: %v", list[i+1])
		}
		if n <= before {
			return nil, "Bottom must be less than top"
		}
		before = n
		op := list[i]
		switch {
		case op == "=" && len(list) == 2:
			low, high = n, n
		case op == ">=" && i == 0:
			low = n
		case op == ">" && i == 0:
			low = n + 1
		case op == "<=" && (i > 0 || len(list) == 2):
			high = n
		case op == "<" && (i > 0 || len(list) == 2):
			high = n - 1
		default:
			return nil, fmt.Sprintf("Unrecognized numeric range operator: %v", op)
		}
	}
	return func(v any) bool {
		n, ok := millionths(v)
		return ok && low <= n && n <= high
	}, ""
}

// cidr passes strings that are addresses in the block.
func cidr(value any) (test, string) {
	s, _ := value.(string)
	block, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return nil, "cidr wants a block such as 10.0.0.0/24"
	case block.IsSingleIP(): // AWS wants it as a plain string
		return nil, fmt.Sprintf("mask bits must be < %d", block.Bits())
	}
	return onText(func(s string) bool {
		address, err := netip.ParseAddr(s)
		return err == nil && block.Contains(address)
	}), ""
}

// wildcard parses a text with stars, each for any characters. A backslash
// stands before a star or a backslash that is meant itself. AWS counts from the
// quote before the text.
func wildcard(value any) (test, string) {
	s, ok := value.(string)
	if !ok {
		return nil, "wildcard match pattern must be a string"
	}
	parts := []string{""}
	for i := 0; i < len(s); i++ {
		last := len(parts) - 1
		switch {
		case s[i] == '*' && i > 0 && parts[last] == "" && last > 0:
			return nil, fmt.Sprintf("Consecutive wildcard characters at pos %d", i)
		case s[i] == '*':
			parts = append(parts, "")
			continue
		case s[i] == '\\':
			if i++; i == len(s) || s[i] != '*' && s[i] != '\\' {
				return nil, fmt.Sprintf("Invalid escape character at pos %d", i)
			}
		}
		parts[last] += s[i : i+1]
	}
	return onText(func(s string) bool { return glob(s, parts) }), ""
}

// glob reports whether s consists of the parts in order, with anything
// between them.
func glob(s string, parts []string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return s == first
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}
