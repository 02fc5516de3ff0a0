package attributevalue

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fields are the fields of a struct by the names of their attributes.
type fields struct {
	list   []field
	byName map[string]int
	byFold map[string]int // by fold(name); of several, the first in the struct
}

// A field is where an attribute goes.
type field struct {
	name   string // of the attribute
	tagged bool
	index  []int // for reflect.Value.FieldByIndex
	plan   *plan
	opts   options
}

// find returns the position of the field for the attribute, or -1, and whether
// it has exactly that name.
func (f *fields) find(attribute []byte) (i int, exact bool) {
	if i, ok := f.byName[string(attribute)]; ok {
		return i, true
	}
	var buf [64]byte
	if i, ok := f.byFold[string(fold(buf[:0], attribute))]; ok {
		return i, false
	}
	return -1, false
}

// fold appends name to dst such that two names fold to the same text just if
// bytes.EqualFold holds for them.
func fold(dst, name []byte) []byte {
	for len(name) > 0 {
		if c := name[0]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			name = name[1:]
			continue
		}
		r, size := utf8.DecodeRune(name)
		name = name[size:]
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		dst = utf8.AppendRune(dst, least)
	}
	return dst
}

// An embedding is a struct whose fields are promoted to the one that is asked
// about.
type embedding struct {
	typ   reflect.Type
	index []int
}

// structFields finds the fields of t by Go's rules of embedding, with those of
// encoding/json on top: of several fields with one name on the shallowest level
// a tagged one wins, and if that does not leave one, none of them counts.
func (b builder) structFields(t reflect.Type) *fields {
	candidates := map[string][]field{}
	var names []string // in the order of discovery, so that plans are the same in every process
	seen := map[reflect.Type]bool{}
	for level := []embedding{{typ: t}}; len(level) > 0; {
		var next []embedding
		for _, e := range level {
			seen[e.typ] = true
		}
		for _, e := range level {
			for i := range e.typ.NumField() {
				f, inner, ok := b.structField(e, i)
				switch {
				case !ok:
				case inner != nil && !seen[inner.typ]:
					next = append(next, *inner)
				case inner == nil:
					if candidates[f.name] == nil {
						names = append(names, f.name)
					}
					candidates[f.name] = append(candidates[f.name], f)
				}
			}
		}
		level = next
	}
	fs := &fields{byName: map[string]int{}, byFold: map[string]int{}}
	for _, name := range names {
		if f, ok := dominant(candidates[name]); ok {
			fs.list = append(fs.list, f)
		}
	}
	slices.SortFunc(fs.list, func(a, b field) int { return slices.Compare(a.index, b.index) })
	for i, f := range fs.list {
		fs.byName[f.name] = i
		folded := string(fold(nil, []byte(f.name)))
		if _, taken := fs.byFold[folded]; !taken {
			fs.byFold[folded] = i
		}
	}
	return fs
}

// structField looks at field i of a struct: it is a field for an attribute, or
// an embedded struct whose fields are promoted, or neither.
func (b builder) structField(e embedding, i int) (f field, inner *embedding, ok bool) {
	sf := e.typ.Field(i)
	name, opts, ignore := parseTag(sf.Tag)
	if ignore {
		return f, nil, false
	}
	index := append(slices.Clone(e.index), i)
	if sf.Anonymous && name == "" {
		st := sf.Type
		if st.Kind() == reflect.Pointer && st.Name() == "" {
			st = st.Elem()
		}
		if st.Kind() == reflect.Struct && specialOf(st, false) == ordinary {
			return f, &embedding{typ: st, index: index}, true
		}
	}
	if !sf.IsExported() {
		return f, nil, false
	}
	f = field{name: name, tagged: name != "", index: index, opts: opts}
	if name == "" {
		f.name = sf.Name
	}
	f.plan = b.build(sf.Type)
	return f, nil, true
}

// dominant returns the field that a name stands for. The candidates are in the
// order of their depth.
func dominant(candidates []field) (f field, ok bool) {
	depth := len(candidates[0].index)
	var all, tagged []field
	for _, c := range candidates {
		if len(c.index) > depth {
			break
		}
		all = append(all, c)
		if c.tagged {
			tagged = append(tagged, c)
		}
	}
	if len(tagged) > 0 {
		all = tagged
	}
	return all[0], len(all) == 1
}

// parseTag reads the first tag that is there of dynamodbav, docstore and json.
// It alone counts: it is the one by which the field was written.
func parseTag(tag reflect.StructTag) (name string, opts options, ignore bool) {
	for _, key := range []string{"dynamodbav", "docstore", "json"} {
		text := tag.Get(key)
		if text == "" {
			continue
		}
		name, rest, more := strings.Cut(text, ",")
		// In docstore and encoding/json "-," is the name "-"; the AWS SDK
		// knows no such exception.
		if name == "-" && (!more || key == "dynamodbav") {
			return "", 0, true
		}
		for option := range strings.SplitSeq(rest, ",") {
			switch option {
			case "unixtime":
				opts |= unixTime
			case "string":
				opts |= asString
			}
		}
		return name, opts, false
	}
	return "", 0, false
}
