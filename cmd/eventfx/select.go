package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

// parseSelect reads the values of -select: filters of the CloudEvents
// Subscriptions API in JSON, one or a list, also from a file behind @, or one
// condition in short, such as type=order.placed. An event must fulfil all.
func parseSelect(values []string) ([]handlers.Filter, error) {
	var filters []handlers.Filter
	for _, value := range values {
		text := []byte(strings.TrimSpace(value))
		if file, ok := strings.CutPrefix(value, "@"); ok {
			var err error
			if text, err = os.ReadFile(file); err != nil {
				return nil, fmt.Errorf("-select %s: %w", value, withoutPath(err))
			}
			text = bytes.TrimSpace(text)
		}
		if len(text) == 0 || text[0] != '{' && text[0] != '[' {
			f, err := shortFilter(string(text))
			if err != nil {
				return nil, err
			}
			filters = append(filters, f)
			continue
		}
		if text[0] == '{' {
			text = append(append([]byte{'['}, text...), ']')
		}
		parsed, err := handlers.ParseFilters(text, nil)
		if err != nil {
			return nil, fmt.Errorf("-select: %s", strings.TrimPrefix(err.Error(), "handlers: "))
		}
		filters = append(filters, parsed...)
	}
	return filters, nil
}

// shortFilter reads NAME=VALUE, NAME^=PREFIX, NAME$=SUFFIX, and NAME!=VALUE.
func shortFilter(text string) (handlers.Filter, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return handlers.Filter{}, fmt.Errorf("-select %s: want a filter in JSON, or NAME=VALUE, NAME^=PREFIX, NAME$=SUFFIX, NAME!=VALUE", text)
	}
	attribute := strings.TrimRight(name, "^$!")
	condition := map[string]string{attribute: value}
	var f handlers.Filter
	switch name[len(attribute):] {
	case "":
		f.Exact = condition
	case "^":
		f.Prefix = condition
	case "$":
		f.Suffix = condition
	case "!":
		f.Not = &handlers.Filter{Exact: condition}
	default:
		return f, fmt.Errorf("-select %s: %s= is no comparison: want =, ^=, $= or !=", text, name[len(attribute):])
	}
	if err := f.Validate(); err != nil {
		return f, fmt.Errorf("-select %s: %s", text, strings.TrimPrefix(err.Error(), "handlers: "))
	}
	return f, nil
}

// selects reports whether the event is to be printed.
func selects(filters []handlers.Filter, m *eventfx.Message) bool {
	for _, f := range filters {
		if !f.Match(m) {
			return false
		}
	}
	return true
}

// pretty prints an event for people: its type, the other attributes, and the
// data as indented JSON.
func (s *screen) pretty(line []byte) error {
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		return err
	}
	var title string
	var body bytes.Buffer
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		switch name {
		case "specversion":
			continue
		case "type":
			title = plainText(value)
			continue
		}
		fmt.Fprintf(&body, "  %s %s\n", s.dim(fmt.Sprintf("%-15s", name)), s.value(name, value))
	}
	_, err := fmt.Fprintf(s, "%s\n%s", s.bold(title), body.Bytes())
	return err
}

// value is a text without quotes, or indented JSON.
func (s *screen) value(name string, value json.RawMessage) string {
	if name == "data_base64" {
		return fmt.Sprintf("%d bytes, not text", (len(value)-2)/4*3)
	}
	if len(value) > 0 && value[0] == '"' {
		return strings.ReplaceAll(strings.TrimRight(plainText(value), "\n"), "\n", "\n"+strings.Repeat(" ", 18))
	}
	var out bytes.Buffer
	if json.Indent(&out, value, strings.Repeat(" ", 18), "  ") != nil {
		return string(value)
	}
	return out.String()
}

// plainText is a JSON string's text. Control characters of an event must not
// reach the terminal.
func plainText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	return strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\n' && r != '\t') || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}
