package eventpattern

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	// Rule C6.4
	for _, c := range []struct {
		pattern, doc string
		want         bool
		reason       string
	}{
		{`{"a":["x"]}`, `{"a":"x","b":1}`, true, "other fields do not matter"},
		{`{"a":["x","y"]}`, `{"a":"y"}`, true, "one element of the list is enough"},
		{`{"a":["x"],"b":["y"]}`, `{"a":"x","b":"z"}`, false, "all keys must match"},
		{`{"a":["x"]}`, `{"a":"X"}`, false, "strings are compared exactly"},
		{`{"a":["é"]}`, `{"a":"e\u0301"}`, false, "and not normalised"},
		{`{"a":["\u0078"]}`, `{"a":"x"}`, true, "but escapes are only a spelling"},
		{`{"a":[""]}`, `{"a":""}`, true, "the empty string"},
		{`{"a":[""]}`, `{"a":null}`, false, "is not null"},
		{`{"a":[null]}`, `{"a":null}`, true, "null"},
		{`{"a":[null]}`, `{}`, false, "is not absence"},
		{`{"a":[null]}`, `{"a":"null"}`, false, "nor a word"},
		{`{"a":[true]}`, `{"a":true}`, true, "a boolean"},
		{`{"a":[true]}`, `{"a":"true"}`, false, "is no string"},
		{`{"a":[300]}`, `{"a":300}`, true, "numbers are compared by text"},
		{`{"a":[300]}`, `{"a":300.0}`, false, "whatever their value"},
		{`{"a":[300.0]}`, `{"a":3.0e2}`, false, "whatever their value"},
		{`{"a":["300"]}`, `{"a":300}`, false, "a number is no string"},
		{`{"a":[123456789012345678901]}`, `{"a":123456789012345678901}`, true, "text has no range"},

		{`{"a":{"b":["x"]}}`, `{"a":{"b":"x"}}`, true, "an object in the pattern is one in the document"},
		{`{"a":{"b":["x"]}}`, `{"a":"x"}`, false, "not a scalar"},
		{`{"a":["x"]}`, `{"a":{"b":"x"}}`, false, "nor the other way round"},
		{`{"a.b":["x"]}`, `{"a.b":"x"}`, true, "a dot is a character of the key"},

		{`{"a":["x"]}`, `{"a":["y","x"]}`, true, "any element of an array may match"},
		{`{"a":["x"]}`, `{"a":[["y"],["x"]]}`, true, "at any depth"},
		{`{"a":["x"]}`, `{"a":[]}`, false, "an empty array has none"},
		{`{"a":{"b":["x"]}}`, `{"a":[{"b":"y"},{"b":"x"}]}`, true, "an object in an array"},
		{`{"a":{"b":["x"],"c":["y"]}}`, `{"a":[{"b":"x"},{"c":"y"}]}`, false, "members of one object are looked for in one element"},
		{`{"a":{"b":["x"],"c":["y"]}}`, `{"a":[{"b":"x"},{"b":"x","c":"y"}]}`, true, "this is one"},
		{`{"a":{"b":{"c":["x"]},"d":["y"]}}`, `{"a":[{"b":[{"c":"z"},{"c":"x"}],"d":"y"}]}`, true, "an array in an element is another one"},

		{`{"a":[{"prefix":"ab"}]}`, `{"a":"abc"}`, true, "prefix"},
		{`{"a":[{"prefix":"ab"}]}`, `{"a":"xab"}`, false, "prefix"},
		{`{"a":[{"prefix":"1"}]}`, `{"a":12}`, false, "prefix looks at strings alone"},
		{`{"a":[{"prefix":{"equals-ignore-case":"AB"}}]}`, `{"a":"abc"}`, true, "prefix without case"},
		{`{"a":[{"suffix":".png"}]}`, `{"a":"x.png"}`, true, "suffix"},
		{`{"a":[{"suffix":".png"}]}`, `{"a":"x.PNG"}`, false, "suffix"},
		{`{"a":[{"suffix":{"equals-ignore-case":".png"}}]}`, `{"a":"x.PNG"}`, true, "suffix without case"},
		{`{"a":[{"suffix":"abc"}]}`, `{"a":"bc"}`, false, "shorter than the suffix"},
		{`{"a":[{"equals-ignore-case":"Alice"}]}`, `{"a":"aLICE"}`, true, "equals-ignore-case"},
		{`{"a":[{"equals-ignore-case":"alice"}]}`, `{"a":"alices"}`, false, "equals-ignore-case"},

		{`{"a":[{"wildcard":"x*y*z"}]}`, `{"a":"x12y34z"}`, true, "wildcard"},
		{`{"a":[{"wildcard":"x*y*z"}]}`, `{"a":"xyz"}`, true, "a star stands for nothing, too"},
		{`{"a":[{"wildcard":"x*y*z"}]}`, `{"a":"xz"}`, false, "in order, all parts"},
		{`{"a":[{"wildcard":"ab*bc"}]}`, `{"a":"abc"}`, false, "ends may not overlap"},
		{`{"a":[{"wildcard":"*"}]}`, `{"a":""}`, true, "a star alone"},
		{`{"a":[{"wildcard":"*"}]}`, `{"a":1}`, false, "strings alone"},
		{`{"a":[{"wildcard":"1\\*2\\\\*"}]}`, `{"a":"1*2\\3"}`, true, "escapes"},
		{`{"a":[{"wildcard":"1\\*2"}]}`, `{"a":"132"}`, false, "an escaped star is a star"},

		{`{"a":[{"anything-but":"x"}]}`, `{"a":"y"}`, true, "anything-but"},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":"x"}`, false, "anything-but"},
		{`{"a":[{"anything-but":"x"}]}`, `{}`, false, "an absent field is not anything"},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":null}`, true, "null is"},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":["x","y"]}`, true, "one element is another"},
		{`{"a":[{"anything-but":["x","y"]}]}`, `{"a":"y"}`, false, "a list"},
		{`{"a":[{"anything-but":[100,200]}]}`, `{"a":100.0}`, false, "numbers by value"},
		{`{"a":[{"anything-but":[100,200]}]}`, `{"a":"100"}`, true, "a string is no number"},
		{`{"a":[{"anything-but":{"prefix":"in"}}]}`, `{"a":"init"}`, false, "prefix"},
		{`{"a":[{"anything-but":{"prefix":["in","out"]}}]}`, `{"a":"outer"}`, false, "prefixes"},
		{`{"a":[{"anything-but":{"suffix":".png"}}]}`, `{"a":"x.jpg"}`, true, "suffix"},
		{`{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"x/lib/y"}`, false, "wildcard"},
		{`{"a":[{"anything-but":{"equals-ignore-case":["x","y"]}}]}`, `{"a":"Y"}`, false, "without case"},

		{`{"a":[{"numeric":["=",3.018e2]}]}`, `{"a":301.8}`, true, "numeric compares values"},
		{`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":5}`, true, "inclusive"},
		{`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":0}`, false, "exclusive"},
		{`{"a":[{"numeric":["<",5]}]}`, `{"a":5}`, false, "exclusive"},
		{`{"a":[{"numeric":[">=",5]}]}`, `{"a":5}`, true, "inclusive"},
		{`{"a":[{"numeric":[">",0]}]}`, `{"a":"1"}`, false, "a string is no number"},
		{`{"a":[{"numeric":[">",0]}]}`, `{"a":5000000001}`, false, "numbers beyond 5e9 do not compare"},
		{`{"a":[{"numeric":[">",0]}]}`, `{"a":1e999999999}`, false, "nor do those beyond all bounds"},
		{`{"a":[{"numeric":["=",1]}]}`, `{"a":1.0000001}`, true, "six digits after the point count"},
		{`{"a":[{"numeric":["=",1]}]}`, `{"a":1.000001}`, false, "all six"},

		{`{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.255"}`, true, "cidr"},
		{`{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.1.0"}`, false, "cidr"},
		{`{"a":[{"cidr":"10.0.0.7/24"}]}`, `{"a":"10.0.0.1"}`, true, "the block that the address is in"},
		{`{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:db8::1"}`, true, "IPv6"},
		{`{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"home"}`, false, "no address"},

		{`{"a":[{"exists":true}]}`, `{"a":null}`, true, "null is there"},
		{`{"a":[{"exists":true}]}`, `{}`, false, "exists"},
		{`{"a":[{"exists":true}]}`, `{"a":{"b":1}}`, false, "only leaves exist"},
		{`{"a":[{"exists":true}]}`, `{"a":[]}`, false, "an empty array has no leaf"},
		{`{"a":[{"exists":false}]}`, `{}`, true, "exists"},
		{`{"a":[{"exists":false}]}`, `{"a":1}`, false, "exists"},
		{`{"a":[{"exists":false}]}`, `{"a":{"b":1}}`, true, "an object is no leaf"},
		{`{"a":{"b":[{"exists":false}]}}`, `{"c":1}`, true, "absent with its parent"},
		{`{"a":{"b":[{"exists":false}]}}`, `{"a":"x"}`, true, "a scalar has no members"},
		{`{"a":{"b":[{"exists":false}]}}`, `{"a":[]}`, true, "nor has an empty array"},
		{`{"a":{"b":[{"exists":false}]}}`, `{"a":[{"b":1},{}]}`, false, "absent is what no element has"},
		{`{"a":[{"exists":false},"x"]}`, `{"a":"x"}`, true, "absent or x"},
		{`{"a":[{"exists":false},"x"]}`, `{"a":"y"}`, false, "absent or x"},

		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, true, "$or"},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"a":"y","b":"x"}`, false, "$or"},
		{`{"c":["z"],"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, false, "and the others"},
		{`{"d":{"$or":[{"a":["x"]},{"b":["y"]}]}}`, `{"d":{"a":"x"}}`, true, "within an object"},
		{`{"$or":[{"a":["x"]},{"b":["y"],"$or":[{"c":["1"]},{"d":["2"]}]}]}`, `{"b":"y","d":"2"}`, true, "$or within $or"},
		{`{"$or":[{"a":["x"]},{"b":["y"],"$or":[{"c":["1"]},{"d":["2"]}]}]}`, `{"b":"y"}`, false, "$or within $or"},
		{`{"$or":["x"]}`, `{"$or":"x"}`, true, "a list of something else is a field's"},
		{`{"a":{"b":["1"]},"$or":[{"a":{"c":["2"]}},{"d":["3"]}]}`, `{"a":[{"b":"1"},{"c":"2"}]}`, false, "what $or adds is in the same element"},
		{`{"a":[{"prefix":"x"}],"$or":[{"a":[{"suffix":"y"}]},{"d":["3"]}]}`, `{"a":"xy"}`, true, "both for one field"},
		{`{"a":[{"prefix":"x"}],"$or":[{"a":[{"suffix":"y"}]},{"d":["3"]}]}`, `{"a":"xz"}`, false, "both for one field"},

		{`{"a":["x"]}`, `"x"`, false, "a document that is no object"},
		{`{"a":[{"exists":false}]}`, `[1]`, true, "lacks every field"},
		{`{"a":["x"]}`, `{"a":"x"} {}`, false, "two documents are none"},
		{`{"a":["x"]}`, `{"a":"x"`, false, "nor is half a one"},
	} {
		p, err := Parse([]byte(c.pattern))
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.MatchJSON([]byte(c.doc)); got != c.want {
			t.Errorf("%s on %s: got %v, want %v: %s", c.pattern, c.doc, got, c.want, c.reason)
		}
		if doc, ok := document(c.doc); ok && twin(p, doc) != c.want {
			t.Errorf("the twin, %s on %s: want %v: %s", c.pattern, c.doc, c.want, c.reason)
		}
	}
}

func TestFloats(t *testing.T) {
	p, err := Parse([]byte(`{"a":[1.5],"b":[{"numeric":[">",1]}],"c":[{"exists":true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Match(map[string]any{"a": 1.5, "b": 1.25, "c": []any{nil}}) {
		t.Error("a document that was decoded without UseNumber does not match")
	}
}

func TestFields(t *testing.T) {
	p, err := Parse([]byte(`{"dynamodb":{"x":["1"]},"$or":[{"body":["1"]},{"attributes":{"y":["2"]},"body":["3"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"attributes", "body", "dynamodb"}; !slices.Equal(p.Fields(), want) {
		t.Errorf("got %q, want %q", p.Fields(), want)
	}
}

func TestParseErrors(t *testing.T) {
	// Rule C6.2
	or := `"$or":[` + strings.Repeat(`{"a":["x"]},`, 31) + `{"a":["x"]}]`
	for _, c := range []struct{ pattern, want string }{
		{``, "not JSON: unexpected EOF"},
		{`{"a":`, "not JSON"},
		{`{"a":["x"]}}`, "text after the end"},
		{`["a"]`, "the pattern is not an object"},
		{`{}`, "the pattern: an empty object"},
		{`{"a":{}}`, "a: an empty object"},
		{`{"a":"x"}`, "a: want an object, or a list"},
		{`{"a":{"b":1}}`, "a.b: want an object, or a list"},
		{`{"a":[]}`, "a: an empty list"},
		{`{"a":[["x"]]}`, "a: a list in a list"},
		{`{"a":["x"],"a":["y"]}`, `the key "a" is there twice`},
		{`{"a":[{"prefix":"x","suffix":"y"}]}`, "a: want one operator in an object"},
		{`{"a":[{}]}`, "a: want one operator in an object"},
		{`{"a":[{"contains":"x"}]}`, `a: there is no operator "contains"`},
		{`{"a":[{"prefix":1}]}`, "a: prefix: want a string"},
		{`{"a":[{"suffix":{"equals-ignore-case":1}}]}`, "a: suffix: equals-ignore-case: want a string"},
		{`{"a":[{"equals-ignore-case":["x"]}]}`, "a: equals-ignore-case: want a string"},
		{`{"a":[{"exists":"yes"}]}`, "a: exists: want true or false"},
		{`{"a":[{"wildcard":"x**"}]}`, "a: wildcard: two stars in a row at position 2"},
		{`{"a":[{"wildcard":"\\x"}]}`, "a: wildcard: a backslash at position 0"},
		{`{"a":[{"wildcard":"x\\"}]}`, "a: wildcard: a backslash at position 1"},
		{`{"a":[{"cidr":"10.0.0.1"}]}`, "a: cidr: want a block"},
		{`{"a":[{"numeric":[">"]}]}`, "a: numeric: want"},
		{`{"a":[{"numeric":[">",0,"<"]}]}`, "a: numeric: want"},
		{`{"a":[{"numeric":["~",0]}]}`, "a: numeric: ~ cannot stand there"},
		{`{"a":[{"numeric":["<",5,">",0]}]}`, "a: numeric: < cannot stand there"},
		{`{"a":[{"numeric":[">",5,"<",0]}]}`, "a: numeric: the lower bound"},
		{`{"a":[{"numeric":[">=",5,"<=",5]}]}`, "a: numeric: the lower bound"},
		{`{"a":[{"numeric":["=",5000000001]}]}`, "a: numeric: 5000000001 is not a number between"},
		{`{"a":[{"numeric":["=","5"]}]}`, "a: numeric: 5 is not a number between"},
		{`{"a":[{"anything-but":[]}]}`, "a: anything-but: an empty list"},
		{`{"a":[{"anything-but":["x",1]}]}`, "a: anything-but: want strings alone or numbers alone"},
		{`{"a":[{"anything-but":null}]}`, "a: anything-but: want a string, a number"},
		{`{"a":[{"anything-but":{"numeric":["=",1]}}]}`, `a: anything-but: there is no operator "numeric" here`},
		{`{"a":[{"anything-but":{"prefix":""}}]}`, "a: anything-but: prefix: an empty string"},
		{`{"a":[{"anything-but":{"prefix":[]}}]}`, "a: anything-but: prefix: an empty list"},
		{`{"a":[{"anything-but":{"suffix":1}}]}`, "a: anything-but: suffix: want a string"},
		{`{"a":[{"anything-but":1e10}]}`, "a: anything-but: 1e10 is not a number"},
		{`{"$or":[{"a":["x"]}]}`, "$or: "},
		{`{"$or":[{"a":["x"]},{}]}`, "the pattern: an empty object"},
		{`{` + or + `,"b":{` + or + `}}`, "$or makes more than 1000 combinations"},
	} {
		p, err := Parse([]byte(c.pattern))
		if err == nil {
			t.Errorf("%s: no error, but %v", c.pattern, p.Fields())
			continue
		}
		if e, ok := err.(*Error); !ok || !strings.Contains(e.Reason, c.want) || !strings.HasPrefix(e.Error(), "Invalid filter pattern definition. ") {
			t.Errorf("%s: got %v, want %q", c.pattern, err, c.want)
		}
	}
}
