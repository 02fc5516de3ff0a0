package object_test

import (
	"testing"

	"github.com/eventfx/eventfx-go/eventfx/object"
)

func TestCompare(t *testing.T) {
	// Rule B1.8
	// Rule B4.2
	// Rule B4.3
	// Rule B4.4
	// Rule B4.5
	change := func(service, sequencer string) object.Change {
		return object.Change{Kind: object.Create, Service: service, Bucket: "b", Key: "k", Sequencer: sequencer}
	}
	with := func(c object.Change, f func(*object.Change)) object.Change { f(&c); return c }
	for _, tt := range []struct {
		reason string
		rule   string
		a, b   object.Change
		order  int
		ok     bool
	}{
		{"the greater is later", "B4.2", change("s3", "0055AED6DCD90281E5"), change("s3", "0055AED6DCD90281E6"), -1, true},
		{"the shorter is padded on the right, not on the left", "B4.2", change("s3", "0055B"), change("s3", "0055AED6DCD90281E6"), +1, true},
		{"padding is no difference", "B4.2", change("s3", "0055A"), change("s3", "0055A000"), 0, true},
		{"nor is it beyond the usual length", "B4.2", change("s3", "0055AED6DCD90281E6"), change("s3", "0055AED6DCD90281E600"), 0, true},
		{"more digits than usual are not cut off", "B4.4", change("s3", "0055AED6DCD90281E6"), change("s3", "0055AED6DCD90281E601"), -1, true},
		{"letters are folded", "B4.2", change("s3", "0055aed6"), change("s3", "0055AED5"), +1, true},
		{"equal ones are one change", "B4.5", change("eventbridge", "617f08299329d189"), change("eventbridge", "617F08299329D189"), 0, true},
		{"another key", "B4.3", change("s3", "01"), with(change("s3", "02"), func(c *object.Change) { c.Key = "K" }), 0, false},
		{"another bucket", "B4.3", change("s3", "01"), with(change("s3", "02"), func(c *object.Change) { c.Bucket = "B" }), 0, false},
		{"told by another service", "B4.4", change("s3", "01"), change("eventbridge", "02"), 0, false},
		{"no sequencer", "B1.8", change("s3", "01"), change("s3", ""), 0, false},
		{"two of none", "B1.8", change("s3", ""), change("s3", ""), 0, false},
		{"generations are numbers", "", change("gcs", "999"), change("gcs", "1587627537231057"), -1, true},
		{
			"a generation ends after it began", "",
			change("gcs", "1587627537231057"), with(change("gcs", "1587627537231057"), func(c *object.Change) { c.Kind = object.Remove }), -1, true,
		},
		{
			"and before the next began", "",
			change("gcs", "1587627537231058"), with(change("gcs", "1587627537231057"), func(c *object.Change) { c.Kind = object.Remove }), +1, true,
		},
		{
			"its metadata changes between the two", "",
			change("gcs", "1587627537231057"), with(change("gcs", "1587627537231057"), func(c *object.Change) { c.Kind = object.Other }), -1, true,
		},
		{
			"nor is it changed after its end", "",
			with(change("gcs", "1587627537231057"), func(c *object.Change) { c.Kind = object.Remove }),
			with(change("gcs", "1587627537231057"), func(c *object.Change) { c.Kind = object.Other }), +1, true,
		},
		{"a generation that is no number", "", change("gcs", "15x"), change("gcs", "16"), 0, false},
		{"Azure's are plain strings", "", change("azure", "0000000000000442000000000002896A"), change("azure", "0000000000000442000000000002896a"), -1, true},
		{"and not padded", "", change("azure", "01"), change("azure", "010"), -1, true},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			order, ok := tt.a.Compare(tt.b)
			if order != tt.order || ok != tt.ok {
				t.Errorf("rule %s: got %d %v, want %d %v", tt.rule, order, ok, tt.order, tt.ok)
			}
			if order, ok := tt.b.Compare(tt.a); order != -tt.order || ok != tt.ok {
				t.Errorf("rule %s, the other way: got %d %v", tt.rule, order, ok)
			}
			if a, b := tt.a.Order(), tt.b.Order(); ok && len(a) == len(b) && (a < b) != (tt.order < 0) {
				t.Errorf("Order %q and %q do not sort like Compare", a, b)
			}
		})
	}
}

// Order is the extension attribute sequence of the event, too.
func TestOrderOfS3(t *testing.T) {
	// Rule B4.4
	for sequencer, want := range map[string]string{
		"617f08299329d189":     "617F08299329D18900",
		"0055AED6DCD90281E5":   "0055AED6DCD90281E5",
		"0055AED6DCD90281E501": "0055AED6DCD90281E501",
		"":                     "",
	} {
		if got := (object.Change{Service: "s3", Sequencer: sequencer}).Order(); got != want {
			t.Errorf("%q: got %q, want %q", sequencer, got, want)
		}
	}
}
