package object

import "strings"

// Order returns a string that is greater for the later of two changes of one
// object that one service has told of, and equal for a change told twice. It
// is empty if the event says nothing about order, as S3's about tags.
//
// Keep it beside what is made of an object, and take a change only if its
// Order is greater than the one kept. Never compare it for two keys, or for
// two services: what S3 tells and what EventBridge tells of it differ. [Change.Compare]
// checks that.
func (c Change) Order() string {
	if c.Sequencer == "" {
		return ""
	}
	switch c.Service {
	case "s3", "eventbridge":
		// Hexadecimal, of which the shorter is to be padded on the right. The
		// longest seen has 18 digits.
		return pad(strings.ToUpper(c.Sequencer), 18)
	case "gcs":
		if strings.Trim(c.Sequencer, "0123456789") != "" || len(c.Sequencer) > 20 {
			return ""
		}
		// A generation ends after all else that is told of it.
		rank := "1"
		switch c.Kind {
		case Create:
			rank = "0"
		case Remove:
			rank = "2"
		}
		return strings.Repeat("0", 20-len(c.Sequencer)) + c.Sequencer + "." + rank
	}
	return c.Sequencer
}

// Compare returns -1 if c was before other, +1 if it was after, and 0 if both
// are one change told twice, or cannot be told apart. It returns false if there
// is no order between them: they are of different objects, told by different
// services, or one has no sequencer.
func (c Change) Compare(other Change) (order int, ok bool) {
	a, b := c.Order(), other.Order()
	if a == "" || b == "" || c.Service != other.Service || c.Bucket != other.Bucket || c.Key != other.Key {
		return 0, false
	}
	if c.Service == "s3" || c.Service == "eventbridge" {
		a, b = pad(a, len(b)), pad(b, len(a))
	}
	return strings.Compare(a, b), true
}

// pad makes a sequencer of S3 at least n long. It cuts nothing off.
func pad(sequencer string, n int) string {
	return sequencer + strings.Repeat("0", max(0, n-len(sequencer)))
}
