package jsonscan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// walk consumes the document by the pull methods alone, Skip never.
func walk(s *Scanner) {
	switch s.Kind() {
	case '{':
		s.Object()
		for _, ok := s.Key(); ok; _, ok = s.Key() {
			walk(s)
		}
	case '[':
		s.Array()
		for s.Elem() {
			walk(s)
		}
	case '"':
		s.String()
	case '0':
		s.Number()
	case 'n':
		s.Null()
	default:
		s.Bool()
	}
}

var documents = []string{
	``, ` `, `{}`, `[]`, `""`, `0`, `-0`, `-`, `01`, `1.`, `.5`, `1.5e+10`, `1E`, `1e-`, `+1`, `NaN`,
	`true`, `false`, `null`, `tru`, `nul`, `truee`, `nullx`, `{"a":1}`, `{"a":1,}`, `{,}`, `[1,]`, `[,1]`,
	`{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `[1 2]`, `[1}`, `{"a":1]`, `[[[]]]`, `[{"a":[{}]}]`,
	`"\u12"`, `"\u12g4"`, `"\x"`, `"\`, `"a`, "\"a\nb\"", "\"\x7f\"", `"\ud800"`, `"\ud83d\ude00"`, `{}x`, `{} `, ` {} {}`,
	"\xff", "\"\xff\"", "[1]\x00", "\ufeff{}", `{"a\"b":"c\\"}`, `"12345678\"1234567\\"`, `"1234567` + "\x1f" + `"`,
}

func TestAcceptsWhatEncodingJSONAccepts(t *testing.T) {
	for _, doc := range documents {
		check(t, []byte(doc))
	}
}

func check(t *testing.T, doc []byte) {
	t.Helper()
	want := json.Valid(doc)
	s := New(doc)
	raw := s.Skip()
	if err := s.End(); (err == nil) != want {
		t.Errorf("Skip %.80q: %v; json.Valid says %v", doc, err, want)
	} else if want && string(raw) != strings.Trim(string(doc), " \t\r\n") {
		t.Errorf("Skip %.80q returned %.80q", doc, raw)
	}
	w := New(doc)
	walk(&w)
	if err := w.End(); (err == nil) != want {
		t.Errorf("walk %.80q: %v; json.Valid says %v", doc, err, want)
	}
	if !want {
		err, ok := errors.AsType[*SyntaxError](s.End())
		if !ok || err.Offset < 0 || err.Offset > len(doc) {
			t.Errorf("%.80q: error %v has no offset in the document", doc, err)
		}
	}
}

func TestDepth(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 129, 9999, 10000, 10001, 1_000_000} {
		for _, pair := range []string{"[]", `{}`} {
			open, last := pair[:1], ""
			if pair == "{}" {
				open, last = `{"a":`, "0"
			}
			doc := strings.Repeat(open, n) + last + strings.Repeat(pair[1:], n)
			check(t, []byte(doc))
			if n > 1 && n <= 10000 {
				check(t, []byte(doc[:len(doc)-1]))
			}
		}
	}
}

func TestPull(t *testing.T) {
	s := New([]byte(` {"id":"a\u0062c", "n":-1.5e3 ,"b":[true,false,null],"o":{"x":{}},"e\"":""} `))
	var got strings.Builder
	s.Object()
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		fmt.Fprintf(&got, "%s=", key)
		switch string(key) {
		case "id", `e"`:
			raw, escaped := s.String()
			fmt.Fprintf(&got, "%s,%v ", Unescape(nil, raw), escaped)
		case "n":
			fmt.Fprintf(&got, "%s ", s.Number())
		case "b":
			s.Array()
			for s.Elem() {
				if s.Null() {
					got.WriteString("null ")
				} else {
					fmt.Fprintf(&got, "%v,", s.Bool())
				}
			}
		default:
			fmt.Fprintf(&got, "%s ", s.Skip())
		}
	}
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
	const want = `id=abc,true n=-1.5e3 b=true,false,null o={"x":{}} e"=,false `
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
}

func TestKindErrorLeavesTheValue(t *testing.T) {
	s := New([]byte(`["x",{}]`))
	s.Array()
	s.Elem()
	if s.Object() {
		t.Error("a string was taken for an object")
	}
	err, ok := errors.AsType[*KindError](s.Err())
	if !ok || *err != (KindError{Offset: 1, Want: "object", Got: "string"}) {
		t.Errorf("error %v", s.Err())
	}
	if got := s.Skip(); string(got) != `"x"` {
		t.Errorf("skipped %q", got)
	}
	if s.Err() == nil {
		t.Error("Skip forgot the error")
	}
	s.Forget()
	if !s.Elem() || !s.Object() {
		t.Error("cannot go on after Forget")
	}
	if _, more := s.Key(); more || s.Elem() || s.End() != nil {
		t.Errorf("end: %v", s.End())
	}
}

func TestErrorsStick(t *testing.T) {
	s := New([]byte(`{"a":1 2}`))
	s.Object()
	s.Key()
	s.Number()
	if _, ok := s.Key(); ok {
		t.Fatal("read on after a missing comma")
	}
	first := s.Err()
	s.Skip()
	s.Object()
	s.String()
	if s.Kind() != 0 || s.Elem() || s.Number() != nil || s.Null() || s.Err() != first {
		t.Errorf("a stopped scanner went on: %v", s.Err())
	}
}

func TestUnescape(t *testing.T) {
	for _, raw := range []string{
		`plain`, ``, `\"\\\/\b\f\n\r\t`, `\u0041\u00e9\u20ac`, `\ud83d\ude00`, `\ud83dx`, `\ud83d\u0041`, `\ude00`,
		`\ud83d\ud83d\ude00`, `a\u0000b`, `\\u0041`, `\ud83d\n`, `end\\`,
	} {
		var want string
		if err := json.Unmarshal([]byte(`"`+raw+`"`), &want); err != nil {
			t.Fatal(err)
		}
		if got := Unescape([]byte("x"), []byte(raw)); string(got) != "x"+want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
		in := []byte(raw)
		if got := Unescape(in[:0], in); string(got) != want {
			t.Errorf("%s in place: got %q, want %q", raw, got, want)
		}
	}
}

func unique(doc []byte) bool {
	_, ok := Unique(doc, nil)
	return ok
}

func TestUnique(t *testing.T) {
	var many, twice strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, `"%d":%d,`, i, i)
	}
	twice.WriteString("{" + many.String() + `"999":0}`)
	for _, tt := range []struct {
		doc  string
		want bool
	}{
		{`{"a":1,"b":2}`, true},
		{`{"a":1,"a":1}`, false},
		{`{"a":1,"\u0061":1}`, false},
		{`{"\u0062":1,"\u0061":{"\u0063":0},"b":1}`, false},
		{`[{"a":1},{"a":1}]`, true},
		{`{"a":{"a":{"a":1}}}`, true},
		{`{"a":[{"b":1,"c":2,"b":3}]}`, false},
		{`{"a":{"x":1},"b":{"x":1},"a":0}`, false},
		{`{"":1,"":2}`, false},
		{`{"` + strings.Repeat("k", 40) + `1":1,"` + strings.Repeat("k", 40) + `2":2}`, true},
		{"{" + many.String() + `"a":0}`, true},
		{twice.String(), false},
		{`{"a":1}x`, false},
		{`{"a":`, false},
		{`12`, true},
	} {
		if got := unique([]byte(tt.doc)); got != tt.want {
			t.Errorf("%.60s: got %v", tt.doc, got)
		}
	}
}

func TestUniqueTellsTheClasses(t *testing.T) {
	class := func(key []byte) uint32 { return 1 << (key[0] - 'a') }
	for doc, want := range map[string]uint32{
		`{"a":{"x":1},"b\u0063":[{"y":2}],"d":0}`: 1<<0 | 1<<1 | 1<<3,
		`[{"a":1}]`: 0,
		`"a"`:       0,
	} {
		if got, unique := Unique([]byte(doc), class); !unique || got != want {
			t.Errorf("%s: got %b, want %b", doc, got, want)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	doc := []byte(`{"a":[1,2,{"b":"c\n"}],"d":"` + strings.Repeat("x", 100) + `"}`)
	if n := testing.AllocsPerRun(100, func() {
		s := New(doc)
		walk(&s)
		if s.End() != nil || !unique(doc) {
			t.Error("not accepted")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzValid(f *testing.F) {
	for _, doc := range documents {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		check(t, doc)
		if unique(doc) && !json.Valid(doc) {
			t.Errorf("%q is unique and invalid", doc)
		}
	})
}

func FuzzUnescape(f *testing.F) {
	f.Add(`\ud83d\ude00`)
	f.Fuzz(func(t *testing.T, raw string) {
		var want string
		doc := []byte(`"` + raw + `"`)
		if !utf8.Valid(doc) || json.Unmarshal(doc, &want) != nil {
			return
		}
		s := New(doc)
		if got, _ := s.String(); string(Unescape(nil, got)) != want {
			t.Errorf("%q: got %q, want %q", raw, Unescape(nil, got), want)
		}
	})
}
