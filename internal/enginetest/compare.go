package enginetest

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// A Difference is one that is accepted: the two engines see different things
// there, and a rule says who is right.
type Difference struct {
	script, step string
	memcloud     string // what it sees
	moto         string
	rule         string // of docs/semantics.md
	right        string // "memcloud", "moto", "both" or "neither"
	reason       string
}

// A comparison gathers what scripts saw, and judges it.
type comparison struct {
	accepted []Difference
	used     map[int]bool
	scripts  int
	compared int // observations
	mistakes []string
}

func newComparison(accepted []Difference, rules map[string]bool) *comparison {
	c := &comparison{accepted: accepted, used: map[int]bool{}}
	for i, d := range accepted {
		if slices.ContainsFunc(accepted[:i], func(o Difference) bool { return o.script == d.script && o.step == d.step }) {
			c.used[i] = true
			c.wrong("%s: %s: the difference is accepted twice", d.script, d.step)
		}
		if !rules[d.rule] {
			c.wrong("%s: %s: rule %q is not in docs/semantics.md", d.script, d.step, d.rule)
		}
		if d.reason == "" {
			c.wrong("%s: %s: the difference has no reason", d.script, d.step)
		}
		switch d.right {
		case "memcloud", "moto", "both", "neither":
		default:
			c.wrong("%s: %s: who is right, %q?", d.script, d.step, d.right)
		}
	}
	return c
}

func (c *comparison) wrong(format string, args ...any) {
	c.mistakes = append(c.mistakes, fmt.Sprintf(format, args...))
}

// compare judges one script.
func (c *comparison) compare(script string, memory, moto []observation) {
	c.scripts++
	steps := map[string]bool{}
	for i := range max(len(memory), len(moto)) {
		if i >= len(memory) || i >= len(moto) || memory[i].step != moto[i].step {
			c.wrong("%s: the script took different ways: %d observations in memcloud, %d in moto, the first that differs is number %d", script, len(memory), len(moto), i+1)
			return
		}
		step := memory[i].step
		if steps[step] {
			c.wrong("%s: there are two steps %q", script, step)
		}
		steps[step] = true
		c.compared++
		c.judge(script, step, memory[i].seen, moto[i].seen)
	}
	for i, d := range c.accepted {
		if d.script == script && !steps[d.step] {
			c.used[i] = true
			c.wrong("%s: %s: a difference is accepted at a step that is not there", script, d.step)
		}
	}
}

func (c *comparison) judge(script, step, memory, moto string) {
	for i, d := range c.accepted {
		if d.script != script || d.step != step {
			continue
		}
		c.used[i] = true
		switch {
		case memory == moto:
			c.wrong("%s: %s: both see %q now: take the accepted difference away", script, step, memory)
		case d.memcloud != memory || d.moto != moto:
			c.wrong("%s: %s: not the accepted difference\nmemcloud: %s\naccepted: %s\nmoto:     %s\naccepted: %s", script, step, memory, d.memcloud, moto, d.moto)
		}
		return
	}
	if memory != moto {
		c.wrong("%s: %s\nmemcloud: %s\nmoto:     %s", script, step, memory, moto)
	}
}

// end adds the differences of scripts that there are no more.
func (c *comparison) end() {
	for i, d := range c.accepted {
		if !c.used[i] {
			c.wrong("%s: %s: a difference is accepted at a step that is not there", d.script, d.step)
		}
	}
}

// rulesIn returns the numbers of the rules in a page like docs/semantics.md.
func rulesIn(file string) (map[string]bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	rules := map[string]bool{}
	inTable := false
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 {
			inTable = false
			continue
		}
		first := strings.TrimSpace(cells[1])
		if first == "rule" {
			inTable = true
		}
		if inTable {
			rules[first] = true
		}
	}
	if len(rules) == 0 {
		return nil, fmt.Errorf("%s has no rules", file)
	}
	return rules, nil
}
