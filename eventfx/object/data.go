package object

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// members calls read for each member of the object at s, until something is
// wrong. Read must consume the value. A second member of one name outdoes the
// first, as in encoding/json; null stands for an empty object.
func members(s *jsonscan.Scanner, read func(name []byte)) {
	if s.Null() || !s.Object() {
		return
	}
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		read(key)
		if s.Err() != nil {
			return
		}
	}
}

// text reads a string, or null as "".
func text(s *jsonscan.Scanner) string {
	if s.Null() {
		return ""
	}
	raw, escaped := s.String()
	if !escaped {
		return string(raw)
	}
	return string(jsonscan.Unescape(nil, raw))
}

// size reads a length in bytes, written as a number or, as Google does, as a
// string of digits. It returns -1 for null.
func size(s *jsonscan.Scanner) (int64, error) {
	if s.Null() {
		return -1, nil
	}
	at := s.Pos()
	var raw []byte
	if s.Kind() == '"' {
		raw, _ = s.String()
	} else {
		raw = s.Number()
	}
	if s.Err() != nil {
		return -1, nil // the scanner tells
	}
	n, err := strconv.ParseUint(string(raw), 10, 63)
	if err != nil {
		return -1, fmt.Errorf("size %q at offset %d: want a whole number of bytes", raw, at)
	}
	return int64(n), nil
}

// end returns what is wrong with the document that s has gone through.
func end(s *jsonscan.Scanner, err error) error {
	if scanErr := s.Err(); scanErr != nil {
		return scanErr
	}
	if scanErr := s.End(); scanErr != nil {
		return scanErr
	}
	return err
}

// sourceOf returns the source attribute of m, without writing it as text,
// which allocates.
func sourceOf(m *eventfx.Message) *url.URL {
	if ec, ok := m.Context.(*event.EventContextV1); ok {
		return &ec.Source.URL
	}
	u, err := url.Parse(m.Source())
	if err != nil {
		return &url.URL{}
	}
	return u
}

// opaque returns what follows the scheme in the source of m. It returns "" for
// a source of another form, and for one in which characters are escaped.
func opaque(m *eventfx.Message, scheme string) string {
	u := sourceOf(m)
	if u.Scheme != scheme || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Opaque, "%") {
		return ""
	}
	return u.Opaque
}
