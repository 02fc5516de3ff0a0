package memcloud

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Step is one line of the timeline.
type Step struct {
	At       time.Duration // since the cloud was made
	Resource string        // the name of the queue, function, bucket...
	Action   string        // "send", "receive", "invoke"...
	ID       string        // "m-1", "i-3", an object's key...
	Text     string
}

// String formats the step as the timeline does, without columns.
func (s Step) String() string {
	return strings.Join(strings.Fields(strings.Join([]string{offset(s.At), s.Resource, s.Action, s.ID, s.Text}, " ")), " ")
}

// step is a Step before it is formatted: most are never read.
type step struct {
	at       time.Duration
	resource string
	action   string
	entity   entity
	text     string
	refs     []entity // listed behind the text
}

// An entity is what a step is about: a numbered thing, or one with a name.
type entity struct {
	prefix byte // 'm', 'i', 'r'; 0: by name
	number int
	name   string
}

func (e entity) String() string {
	if e.prefix == 0 {
		return clip(e.name, 40)
	}
	return string(e.prefix) + "-" + strconv.Itoa(e.number)
}

// note adds a step at the present instant.
func (c *Cloud) note(resource, action string, about entity, text string, refs ...entity) {
	c.steps.add(step{c.now, resource, action, about, text, refs})
}

// untestedSteps is how many steps a cloud without a T keeps: a program that
// runs for ever must not grow, and nobody reads its first day.
const untestedSteps = 10_000

// A stepList grows in pieces: a long timeline is not copied to make room.
type stepList struct {
	pieces  [][]step // full, but for the last
	count   int      // of all that were added
	dropped int      // of the oldest, which are gone
	limit   int      // pieces are dropped while more than this remain; 0: none
}

func (l *stepList) add(s step) {
	last := len(l.pieces) - 1
	if last < 0 || len(l.pieces[last]) == cap(l.pieces[last]) {
		l.pieces = append(l.pieces, make([]step, 0, min(max(l.count, 16), 256)))
		last++
		for l.limit > 0 && l.count-l.dropped-len(l.pieces[0]) >= l.limit {
			l.dropped += len(l.pieces[0])
			l.pieces = slices.Delete(l.pieces, 0, 1)
			last--
		}
	}
	l.pieces[last] = append(l.pieces[last], s)
	l.count++
}

// from returns the steps from the first-th on, as far as they are kept.
func (l *stepList) from(first int) iter.Seq[*step] {
	first = max(first-l.dropped, 0)
	return func(yield func(*step) bool) {
		for _, piece := range l.pieces {
			if first >= len(piece) {
				first -= len(piece)
				continue
			}
			for i := range piece[first:] {
				if !yield(&piece[first+i]) {
					return
				}
			}
			first = 0
		}
	}
}

// Steps returns what has happened so far; of a cloud without a T, at least the
// last 10,000 steps.
func (c *Cloud) Steps() []Step {
	var steps []Step
	c.look(func() {
		steps = make([]Step, 0, c.steps.count-c.steps.dropped)
		for s := range c.steps.from(0) {
			text := clip(s.text, 1000)
			for _, r := range s.refs {
				text += " " + r.String()
			}
			steps = append(steps, Step{s.at, s.resource, s.action, s.entity.String(), strings.TrimSpace(text)})
		}
	})
	return steps
}

// Timeline returns what has happened so far, a line a step:
//
//	00:00:30.000 orders receive m-1 (2nd)
//
// Times are those since the cloud was made. Messages have a number each,
// which also ends their message id; so have invocations (i-1) and records of
// streams (r-1).
func (c *Cloud) Timeline() string { return format(c.Steps()) }

func format(steps []Step) string {
	resource, action := 0, 0
	for _, s := range steps {
		resource = max(resource, utf8.RuneCountInString(s.Resource))
		action = max(action, utf8.RuneCountInString(s.Action))
	}
	var b strings.Builder
	for _, s := range steps {
		line := fmt.Sprintf("%s %-*s %-*s %s %s", offset(s.At), resource, s.Resource, action, s.Action, s.ID, clip(s.Text, 120))
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// lost is the action of a step that nobody would notice on AWS: work that will
// never be done.
const lost = "LOST"

// losses says in a line each what was lost; equal losses share one.
func losses(steps []Step) []string {
	type loss struct{ resource, text string }
	var all []loss
	ids := map[loss][]string{}
	for _, s := range steps {
		if s.Action != lost {
			continue
		}
		l := loss{s.Resource, s.Text}
		if len(ids[l]) == 0 {
			all = append(all, l)
		}
		ids[l] = append(ids[l], s.ID)
	}
	lines := make([]string, len(all))
	for i, l := range all {
		list, more := ids[l], ""
		if n := len(list) - 5; n > 0 {
			list, more = list[:5], fmt.Sprintf(" and %d more", n)
		}
		lines[i] = fmt.Sprintf("%s: LOST %s%s: %s", l.resource, strings.Join(list, " "), more, clip(l.text, 200))
	}
	return lines
}

// elided formats at most n steps of the beginning and of the end.
func elided(steps []Step, n int) string {
	rest := len(steps) - 2*n
	if rest <= 0 {
		return format(steps)
	}
	return fmt.Sprintf("%s... %d lines, see Cloud.Timeline ...\n%s", format(steps[:n]), rest, format(steps[n+rest:]))
}

// offset formats d in whole milliseconds: a call takes a nanosecond of the
// bubble's time, which nobody wants to see. Hours go on beyond 24.
func offset(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d.%03d",
		d/time.Hour, d/time.Minute%60, d/time.Second%60, d/time.Millisecond%1000)
}

// clip makes one line of at most n runes.
func clip(s string, n int) string {
	if len(s) <= n && strings.IndexFunc(s, unicode.IsControl) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if n == 0 {
			b.WriteString("…")
			break
		}
		n--
		if unicode.IsControl(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ordinal formats 1 as 1st.
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
