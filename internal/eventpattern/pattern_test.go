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
		// ministackorg/ministack#1493, with what AWS answered.
		{`{"a.b":["x"]}`, `{"a":{"b":"x"}}`, true, "a dot in the pattern's key is as good as an object"},
		{`{"a":{"b":["x"]}}`, `{"a.b":"x"}`, true, "and so is one in the document's"},
		{`{"a.b":["x"]}`, `{"a.b":"x"}`, true, "or in both"},
		{`{"a":{"b":["x"],"c":["y"]}}`, `{"a.b":"x","a":{"c":"y"}}`, true, "both spellings in one document"},
		{`{"a":{"b":["x"],"c":["y"]}}`, `{"d":1,"a.b":"x","a.c":"y"}`, true, "twice the same"},
		{`{"a":["x"]}`, `{"a":{"b":1},"a.":2}`, false, "no key is lost"},
		{`{"a.b":["x"]}`, `{"a":"y","a.b":"x"}`, true, "a scalar beside it"},
		{`{"a":["y"]}`, `{"a":"y","a.b":"x"}`, true, "which counts, too"},
		{`{"c":{"a.b":["x"]}}`, `{"c":[1,{"a.b":"x"}]}`, true, "at any depth"},

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
		{`{"a":[{"anything-but":"x"}]}`, `{"a":null}`, true, "null is"}, // localstack/localstack#9711
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
		// ministackorg/ministack#1404, by its account of AWS.
		{`{"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]}`, `{"a":"2"}`, true, "of two leaves for one field the last one holds"},
		{`{"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]}`, `{"a":"1"}`, false, "in the branch that has it"},
		{`{"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]}`, `{"a":"1","b":"3"}`, true, "and not in the other"},
		{`{"$or":[{"a":["2"]},{"b":["3"]}],"a":["1"]}`, `{"a":"2"}`, false, "in the order of the text"},
		{`{"a":["x"],"a":["y"]}`, `{"a":"y"}`, true, "so a key that is there twice has its last value"},
		{`{"a":["1"],"$or":[{"a":{"b":["2"]}},{"z":["9"]}]}`, `{"a":"1","z":"9"}`, true, "a leaf and an object at one path"},
		{`{"a":["1"],"$or":[{"a":{"b":["2"]}},{"z":["9"]}]}`, `{"a":{"b":"2"}}`, false, "are both asked for"},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":{"b":"y"}}`, false, "an object is no value"},
		{`{"a":[{"wildcard":"*\\*"}]}`, `{"a":"zzz\\admin"}`, false, "an escaped star is no wildcard"},
		{`{"a":[{"wildcard":"*.txt"}]}`, `{"a":"x.txt\n"}`, false, "the whole value"},
		{`{"$or":["x"]}`, `{"$or":"x"}`, true, "a list of something else is a field's"},
		{`{"a":{"b":["1"]},"$or":[{"a":{"c":["2"]}},{"d":["3"]}]}`, `{"a":[{"b":"1"},{"c":"2"}]}`, false, "what $or adds is in the same element"},

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
	or := `"$or":[` + strings.Repeat(`{"a":["x"]},`, 31) + `{"b":["x"]}]`
	for _, c := range []struct{ pattern, want string }{
		{``, "not JSON: unexpected EOF"},
		{`{"a":`, "not JSON"},
		{`{"a":["x"]}}`, "text after the end"},
		{`["a"]`, "Filter is not an object"},
		{`{}`, "the pattern: Empty objects are not allowed"},
		{`{"a":{}}`, "a: Empty objects are not allowed"},
		{`{"a":"x"}`, `"a" must be an object or an array`},
		{`{"a":{"b":1}}`, `a: "b" must be an object or an array`},
		{`{"a":[]}`, "a: Empty arrays are not allowed"},
		{`{"a":[["x"]]}`, "a: Match value must be String, number, true, false, or null"},
		{`{"a":[{"prefix":"x","suffix":"y"}]}`, "a: Only one key allowed in match expression"},
		{`{"a":[{}]}`, "a: Match expression name not found"},
		{`{"a":[{"contains":"x"}]}`, "a: Unrecognized match type contains"},
		{`{"a":[{"prefix":1}]}`, "a: prefix match pattern must be a string"},
		{`{"a":[{"suffix":{"equals-ignore-case":1}}]}`, "a: equals-ignore-case match pattern must be a string"},
		{`{"a":[{"suffix":{"prefix":"x"}}]}`, "a: suffix match pattern must be a string"},
		{`{"a":[{"equals-ignore-case":["x"]}]}`, "a: equals-ignore-case match pattern must be a string"},
		{`{"a":[{"exists":"yes"}]}`, "a: exists match pattern must be either true or false."},
		{`{"a":[{"wildcard":5}]}`, "a: wildcard match pattern must be a string"},
		{`{"a":[{"wildcard":"**"}]}`, "a: Consecutive wildcard characters at pos 1"},
		{`{"a":[{"wildcard":"x**z"}]}`, "a: Consecutive wildcard characters at pos 2"},
		{`{"a":[{"wildcard":"\\x"}]}`, "a: Invalid escape character at pos 1"},
		{`{"a":[{"wildcard":"x\\"}]}`, "a: Invalid escape character at pos 2"},
		{`{"a":[{"cidr":"10.0.0.1"}]}`, "a: cidr wants a block"},
		{`{"a":[{"cidr":"10.0.0.1/32"}]}`, "a: mask bits must be < 32"},
		{`{"a":[{"cidr":"::1/128"}]}`, "a: mask bits must be < 128"},
		{`{"a":[{"cidr":24}]}`, "a: cidr wants a block"},
		{`{"a":[{"numeric":5}]}`, "a: Value of numeric must be an array."},
		{`{"a":[{"numeric":[">"]}]}`, "a: numeric wants"},
		{`{"a":[{"numeric":[">",0,"<"]}]}`, "a: numeric wants"},
		{`{"a":[{"numeric":[">",1,"<",10,">",2]}]}`, "a: Too many terms in numeric range expression"},
		{`{"a":[{"numeric":["~",0]}]}`, "a: Unrecognized numeric range operator: ~"},
		{`{"a":[{"numeric":["<",1,">",5]}]}`, "a: Unrecognized numeric range operator: <"},
		{`{"a":[{"numeric":[">",5,"<",0]}]}`, "a: Bottom must be less than top"},
		{`{"a":[{"numeric":[">=",5,"<=",5]}]}`, "a: Bottom must be less than top"},
		{`{"a":[{"numeric":["=",5000000001]}]}`, "a: Value of numeric must be a number between -5.0E9 and 5.0E9: 5000000001"},
		{`{"a":[{"numeric":["=","5"]}]}`, "a: Value of numeric must be a number"},
		{`{"a":[{"anything-but":[]}]}`, "a: Inside anything but list, mixed type is not supported"},
		{`{"a":[{"anything-but":["x",1]}]}`, "a: Inside anything but list, mixed type is not supported"},
		{`{"a":[{"anything-but":["x",null]}]}`, "a: Inside anything but list, start|null|boolean is not supported."},
		{`{"a":[{"anything-but":null}]}`, "a: Value of anything-but must be an array or single string/number value."},
		{`{"a":[{"anything-but":{}}]}`, "a: Anything-But expression name not found"},
		{`{"a":[{"anything-but":{"prefix":"x","suffix":"y"}}]}`, "a: Only one key allowed in match expression"},
		{`{"a":[{"anything-but":{"numeric":["=",1]}}]}`, "a: Unsupported anything-but pattern: numeric"},
		{`{"a":[{"anything-but":{"prefix":""}}]}`, "a: Null prefix/suffix not allowed"},
		{`{"a":[{"anything-but":{"prefix":[]}}]}`, "a: prefix: Empty arrays are not allowed"},
		{`{"a":[{"anything-but":{"suffix":1}}]}`, "a: suffix match pattern must be a string"},
		{`{"a":[{"anything-but":1e10}]}`, "a: Value of numeric must be a number between -5.0E9 and 5.0E9: 1e10"},
		{`{"$or":[{"a":["x"]}]}`, "$or: "},
		{`{"$or":[{"a":["x"]},{}]}`, "the pattern: Empty objects are not allowed"},
		{`{` + or + `,"b":{` + or + `}}`, "more than 1000 rule combinations"},
		{`{` + strings.Repeat(`"$or":[{"b":["2"]},{`, 10) + `"a":["1"]` + strings.Repeat(`}]`, 10) + `}`, "more than 1000 rule combinations"},
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
