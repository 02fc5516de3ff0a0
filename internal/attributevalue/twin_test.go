package attributevalue

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The twin decodes as this package does, from its documentation and not from
// its code: the JSON becomes a tree by encoding/json, and the tree is turned
// over to the Go value by reflection, one rule after the other, in the simplest
// form that there is.

// A tree of JSON. Members keep their order and their repetitions.
type jsonTree struct {
	kind    byte // '{' '[' '"' '0' 't' 'n'
	text    string
	bool    bool
	keys    []string
	members []*jsonTree
}

func parseTree(data []byte) (*jsonTree, error) {
	if !json.Valid(data) {
		return nil, errors.New("not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return parseNext(d)
}

func parseNext(d *json.Decoder) (*jsonTree, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case string:
		return &jsonTree{kind: '"', text: v}, nil
	case json.Number:
		return &jsonTree{kind: '0', text: v.String()}, nil
	case bool:
		return &jsonTree{kind: 't', bool: v}, nil
	case nil:
		return &jsonTree{kind: 'n'}, nil
	}
	t := &jsonTree{kind: byte(token.(json.Delim))}
	for d.More() {
		if t.kind == '{' {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			t.keys = append(t.keys, key.(string))
		}
		m, err := parseNext(d)
		if err != nil {
			return nil, err
		}
		t.members = append(t.members, m)
	}
	_, err = d.Token()
	return t, err
}

// twinDecode is Decode for a whole document.
func twinDecode(data []byte, v any) error {
	t, err := parseTree(data)
	if err != nil {
		return err
	}
	return twinItem(t, made(reflect.ValueOf(v).Elem()))
}

// made follows pointers and makes what they point to.
func made(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	return v
}

var errTwin = errors.New("does not fit")

func twinValue(t *jsonTree, tag string, v reflect.Value) error {
	if t.kind != '{' || len(t.keys) != 1 {
		return errors.New("malformed")
	}
	c := t.members[0]
	letters := t.keys[0]
	want := map[string]string{"S": `"`, "N": `"`, "B": `"`, "SS": "[", "NS": "[", "BS": "[", "L": "[", "M": "{", "NULL": "t", "BOOL": "t"}[letters]
	if want != string(c.kind) || letters == "NULL" && !c.bool {
		return errors.New("malformed")
	}
	if letters == "NULL" {
		v.SetZero()
		return nil
	}
	v = made(v)
	switch letters {
	case "S", "N", "B":
		return twinScalar(letters, c.text, tag, v)
	case "M":
		return twinItem(c, v)
	case "BOOL":
		if isEmptyInterface(v) {
			v.Set(reflect.ValueOf(c.bool))
		} else if v.Kind() == reflect.Bool {
			v.SetBool(c.bool)
		} else {
			return errTwin
		}
		return nil
	}
	return twinList(letters, c, v)
}

func isEmptyInterface(v reflect.Value) bool {
	return v.Kind() == reflect.Interface && v.NumMethod() == 0
}

func twinList(letters string, c *jsonTree, v reflect.Value) error {
	element := func(i int, v reflect.Value) error {
		if letters == "L" {
			return twinValue(c.members[i], "", v)
		}
		if c.members[i].kind != '"' {
			return errors.New("malformed")
		}
		return twinScalar(letters[:1], c.members[i].text, "", made(v))
	}
	switch {
	case isEmptyInterface(v):
		typ := map[string]reflect.Type{"L": reflect.TypeFor[[]any](), "SS": reflect.TypeFor[[]string](),
			"NS": reflect.TypeFor[[]json.Number](), "BS": reflect.TypeFor[[][]byte]()}[letters]
		list := reflect.New(typ).Elem()
		v.Set(list)
		if err := twinList(letters, c, list); err != nil {
			return err
		}
		v.Set(list)
		return nil
	case v.Kind() == reflect.Slice:
		list := reflect.MakeSlice(v.Type(), len(c.members), len(c.members))
		for i := range c.members {
			if err := element(i, list.Index(i)); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	case v.Kind() == reflect.Array:
		v.SetZero()
		if len(c.members) > v.Len() {
			return errTwin
		}
		for i := range c.members {
			if err := element(i, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case v.Kind() == reflect.Map && letters != "L":
		in := reflect.New(v.Type().Elem()).Elem()
		if in.Kind() == reflect.Bool {
			in.SetBool(true)
		} else if in.Type() != reflect.TypeFor[struct{}]() {
			return errTwin
		}
		set := reflect.MakeMap(v.Type())
		for i := range c.members {
			key := reflect.New(v.Type().Key()).Elem()
			if err := element(i, key); err != nil {
				return err
			}
			if !key.Comparable() {
				return errTwin
			}
			set.SetMapIndex(key, in)
		}
		v.Set(set)
		return nil
	}
	return errTwin
}

func twinItem(t *jsonTree, v reflect.Value) error {
	if t.kind != '{' {
		return errors.New("malformed")
	}
	if isEmptyInterface(v) {
		m := reflect.ValueOf(&map[string]any{}).Elem()
		err := twinItem(t, m)
		v.Set(m)
		return err
	}
	switch v.Addr().Interface().(type) {
	case *time.Time, *big.Int, *big.Float, *stamp:
		return errTwin
	}
	switch v.Kind() {
	case reflect.Struct:
		return twinStruct(t, v)
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		for i, name := range t.keys {
			key := reflect.New(v.Type().Key()).Elem()
			if err := twinKey(name, key); err != nil {
				return err
			}
			if m.MapIndex(key).IsValid() {
				return errors.New("twice")
			}
			elem := reflect.New(v.Type().Elem()).Elem()
			if err := twinValue(t.members[i], "", elem); err != nil {
				return err
			}
			m.SetMapIndex(key, elem)
		}
		v.Set(m)
		// A map whose keys nothing can be is refused also when it is empty.
		return twinKey("0", reflect.New(v.Type().Key()).Elem(), "probe")
	}
	return errTwin
}

func twinKey(name string, key reflect.Value, probe ...string) error {
	if u, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if probe != nil {
			return nil
		}
		return u.UnmarshalText([]byte(name))
	}
	if key.Kind() == reflect.String {
		key.SetString(name)
		return nil
	}
	if key.Kind() < reflect.Int || key.Kind() > reflect.Float64 {
		return errTwin
	}
	return twinNumber(name, "", key)
}

// twinStruct asks for each field which attribute it takes.
func twinStruct(t *jsonTree, v reflect.Value) error {
	fields := twinFields(v.Type())
	takes := map[string]int{} // the attribute's position, by the field's name
	for _, f := range fields {
		var exact, folded []int
		for i, key := range t.keys {
			first := slices.IndexFunc(fields, func(g twinField) bool { return strings.EqualFold(g.name, key) })
			isExact := slices.ContainsFunc(fields, func(g twinField) bool { return g.name == key })
			switch {
			case key == f.name:
				exact = append(exact, i)
			case !isExact && first >= 0 && fields[first].name == f.name:
				folded = append(folded, i)
			}
		}
		if len(exact) == 0 {
			exact = folded
		}
		if len(exact) > 1 {
			return errors.New("twice or ambiguous")
		}
		if len(exact) == 1 {
			takes[f.name] = exact[0]
		}
	}
	for _, f := range fields {
		i, ok := takes[f.name]
		if !ok {
			continue
		}
		fv := v
		for k, x := range f.index {
			if k > 0 && fv.Kind() == reflect.Pointer {
				if fv.IsNil() {
					if !fv.CanSet() {
						return errTwin
					}
					fv.Set(reflect.New(fv.Type().Elem()))
				}
				fv = fv.Elem()
			}
			fv = fv.Field(x)
		}
		if err := twinValue(t.members[i], f.tag, fv); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

type twinField struct {
	name, tag string
	tagged    bool
	index     []int
}

// twinFields lists every field of t and of what it embeds, however deep, and
// strikes those that another hides.
func twinFields(t reflect.Type) []twinField {
	var all []twinField
	var list func(t reflect.Type, index []int, within []reflect.Type)
	list = func(t reflect.Type, index []int, within []reflect.Type) {
		for i := range t.NumField() {
			sf := t.Field(i)
			at := append(slices.Clone(index), i)
			tag := cmpOr(sf.Tag.Get("dynamodbav"), sf.Tag.Get("docstore"), sf.Tag.Get("json"))
			name, _, _ := strings.Cut(tag, ",")
			if name == "-" {
				continue // the types of the fuzz test have no tag "-,"
			}
			st := sf.Type
			if st.Kind() == reflect.Pointer {
				st = st.Elem()
			}
			if sf.Anonymous && name == "" && st.Kind() == reflect.Struct && st != timeType {
				if !slices.Contains(within, st) {
					list(st, at, append(slices.Clone(within), st))
				}
				continue
			}
			if sf.IsExported() {
				all = append(all, twinField{cmpOr(name, sf.Name), tag, name != "", at})
			}
		}
	}
	list(t, nil, []reflect.Type{t})
	var visible []twinField
	for i, f := range all {
		hidden := slices.ContainsFunc(slices.Delete(slices.Clone(all), i, i+1), func(g twinField) bool {
			switch {
			case f.name != g.name || len(g.index) > len(f.index):
				return false
			case len(g.index) < len(f.index):
				return true
			}
			return g.tagged || !f.tagged
		})
		if !hidden {
			visible = append(visible, f)
		}
	}
	return visible
}

func cmpOr(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

var twinDecimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$`)

func twinScalar(letters, text, tag string, v reflect.Value) error {
	target := v.Addr().Interface()
	number := reflect.Int <= v.Kind() && v.Kind() <= reflect.Float64
	switch letters {
	case "S":
		switch p := target.(type) {
		case *time.Time:
			return twinTime(text, p)
		case *stamp:
			return twinTime(text, (*time.Time)(p))
		case *big.Int, *big.Float:
			return twinNumber(text, tag, v)
		case encoding.TextUnmarshaler:
			return p.UnmarshalText([]byte(text))
		}
		switch {
		case v.Kind() == reflect.String:
			v.SetString(text)
		case isEmptyInterface(v):
			v.Set(reflect.ValueOf(text))
		case number && strings.HasSuffix(tag, ",string"):
			return twinNumber(text, tag, v)
		default:
			return errTwin
		}
	case "N":
		return twinNumber(text, tag, v)
	case "B":
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		if u, ok := target.(encoding.BinaryUnmarshaler); ok {
			return u.UnmarshalBinary(data)
		}
		switch {
		case isEmptyInterface(v):
			v.Set(reflect.ValueOf(data))
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
			v.Set(reflect.MakeSlice(v.Type(), len(data), len(data)))
			fallthrough
		case v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Uint8 && len(data) <= v.Len():
			v.Slice(0, v.Len()).Clear()
			for i, b := range data {
				v.Index(i).SetUint(uint64(b))
			}
		default:
			return errTwin
		}
	}
	return nil
}

func twinTime(text string, t *time.Time) error {
	quoted, err := json.Marshal(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(quoted, t) // the strict form of RFC 3339
}

func twinNumber(text, tag string, v reflect.Value) error {
	if !twinDecimal.MatchString(text) || len(text) > 512 {
		return errors.New("malformed")
	}
	r, _ := new(big.Rat).SetString(text)
	switch p := v.Addr().Interface().(type) {
	case *time.Time, *stamp:
		if !strings.HasSuffix(tag, ",unixtime") || !r.IsInt() || !r.Num().IsInt64() {
			return errTwin
		}
		t := time.Unix(r.Num().Int64(), 0).UTC()
		if t.Year() < 1 || t.Year() > 9999 {
			return errTwin
		}
		v.Set(reflect.ValueOf(t).Convert(v.Type()))
		return nil
	case *big.Int:
		if !r.IsInt() {
			return errTwin
		}
		p.Set(r.Num())
		return nil
	case *big.Float:
		p.SetPrec(512).SetRat(r)
		return nil
	}
	switch k := v.Kind(); {
	case k == reflect.Float32:
		f, _ := r.Float32()
		v.SetFloat(float64(f))
		return refuse(math.IsInf(float64(f), 0))
	case k == reflect.Float64:
		f, _ := r.Float64()
		v.SetFloat(f)
		return refuse(math.IsInf(f, 0))
	case reflect.Int <= k && k <= reflect.Int64:
		if !r.IsInt() || !r.Num().IsInt64() || v.OverflowInt(r.Num().Int64()) {
			return errTwin
		}
		v.SetInt(r.Num().Int64())
		return nil
	case reflect.Uint <= k && k <= reflect.Uintptr:
		if !r.IsInt() || !r.Num().IsUint64() || v.OverflowUint(r.Num().Uint64()) {
			return errTwin
		}
		v.SetUint(r.Num().Uint64())
		return nil
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case isEmptyInterface(v):
		v.Set(reflect.ValueOf(json.Number(text)))
	default:
		return errTwin
	}
	return nil
}

func refuse(it bool) error {
	if it {
		return errTwin
	}
	return nil
}
