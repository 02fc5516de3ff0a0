package enginetest

import (
	"strings"
	"testing"
)

// TestComparison compares the comparison itself with what it is for.
func TestComparison(t *testing.T) {
	known := map[string]bool{"C2.1": true}
	accepted := Difference{script: "s", step: "b", memcloud: "1", moto: "2", rule: "C2.1", right: "memcloud", reason: "it is so"}
	with := func(change func(*Difference)) []Difference {
		d := accepted
		change(&d)
		return []Difference{d}
	}
	same := []observation{{"a", "x"}, {"b", "1"}}
	other := []observation{{"a", "x"}, {"b", "2"}}
	for _, c := range []struct {
		reason         string
		accepted       []Difference
		inMemory, moto []observation
		want           string // "": nothing
	}{
		{"the same", nil, same, same, ""},
		{"a difference", nil, same, other, "s: b\nmemcloud: 1\nmoto:     2"},
		{"it is accepted", with(func(*Difference) {}), same, other, ""},
		{"it is no longer there", with(func(*Difference) {}), same, same, `s: b: both see "1" now: take the accepted difference away`},
		{"another difference", with(func(d *Difference) { d.moto = "3" }), same, other, "s: b: not the accepted difference"},
		{"no such step", with(func(d *Difference) { d.step = "c" }), same, same, "s: c: a difference is accepted at a step that is not there"},
		{"no such script", with(func(d *Difference) { d.script = "none" }), same, same, "none: b: a difference is accepted at a step that is not there"},
		{"no such rule", with(func(d *Difference) { d.rule = "Z9" }), same, other, `s: b: rule "Z9" is not in docs/semantics.md`},
		{"without a reason", with(func(d *Difference) { d.reason = "" }), same, other, "s: b: the difference has no reason"},
		{"nobody is right", with(func(d *Difference) { d.right = "" }), same, other, `s: b: who is right, ""?`},
		{"accepted twice", append(with(func(*Difference) {}), accepted), same, other, "s: b: the difference is accepted twice"},
		{"fewer observations", nil, same, same[:1], "s: the script took different ways: 2 observations in memcloud, 1 in moto, the first that differs is number 2"},
		{"other steps", nil, same, []observation{{"a", "x"}, {"c", "1"}}, "s: the script took different ways: 2 observations in memcloud, 2 in moto, the first that differs is number 2"},
		{"a step twice", nil, append(same, same[0]), append(same, same[0]), `s: there are two steps "a"`},
	} {
		t.Run(c.reason, func(t *testing.T) {
			comparison := newComparison(c.accepted, known)
			comparison.compare("s", c.inMemory, c.moto)
			comparison.end()
			got := strings.Join(comparison.mistakes, "\n\n")
			if got != c.want && !(c.want != "" && strings.HasPrefix(got, c.want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRulesIn(t *testing.T) {
	rules, err := rulesIn("../../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	if !rules["C2.1"] || !rules["B8"] || rules["C99.9"] || rules["Source"] {
		t.Errorf("%d rules, C2.1 %v, B8 %v", len(rules), rules["C2.1"], rules["B8"])
	}
	if _, err := rulesIn("doc.go"); err == nil {
		t.Error("a file without rules is fine")
	}
}
