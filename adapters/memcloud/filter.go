package memcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/internal/eventpattern"
)

const (
	maxFilters       = 10 // 5 until AWS is asked
	maxFilterPattern = 4096
)

// A bodyFilter is a pattern for the body of a queue's messages: of its
// members when it is JSON, or of its text.
type bodyFilter struct {
	pattern *eventpattern.Pattern
	json    bool
}

// newBodyFilters parses a mapping's patterns. The texts of its errors are
// AWS's, or say what this package does not simulate.
func newBodyFilters(patterns []string) ([]bodyFilter, error) {
	if len(patterns) > maxFilters {
		return nil, fmt.Errorf("%d filters: must be at most %d", len(patterns), maxFilters)
	}
	var filters []bodyFilter
	for _, text := range patterns {
		if n := utf8.RuneCountInString(text); n > maxFilterPattern {
			return nil, fmt.Errorf("a filter pattern of %d characters: must be at most %d", n, maxFilterPattern)
		}
		pattern, err := eventpattern.Parse([]byte(text))
		if err != nil {
			return nil, err
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &keys); err != nil {
			return nil, err
		}
		if !slices.Equal(pattern.Fields(), []string{"body"}) || len(keys) != 1 || len(keys["body"]) == 0 {
			return nil, fmt.Errorf("filter %s: a queue's messages are filtered by \"body\" alone; what AWS does with other keys is not documented", clip(text, 100))
		}
		filters = append(filters, bodyFilter{pattern, keys["body"][0] == '{'})
	}
	return filters, nil
}

// matchesAny reports whether one of the filters lets the body pass. JSON is
// what begins an object or an array; a pattern for JSON matches no text, and
// the other way round.
func matchesAny(filters []bodyFilter, body string) bool {
	if len(filters) == 0 {
		return true
	}
	var content any = body
	isJSON := false
	if text := bytes.TrimLeft([]byte(body), " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber() // numbers match by their text
		var value any
		if d.Decode(&value) == nil {
			if _, err := d.Token(); err == io.EOF {
				content, isJSON = value, true
			}
		}
	}
	document := map[string]any{"body": content}
	return slices.ContainsFunc(filters, func(f bodyFilter) bool {
		return f.json == isJSON && f.pattern.Match(document)
	})
}
