package memcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
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
func newBodyFilters(texts []string) ([]bodyFilter, error) {
	patterns, err := parseFilters(texts)
	if err != nil {
		return nil, err
	}
	var filters []bodyFilter
	for i, pattern := range patterns {
		text := texts[i]
		var keys map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &keys); err != nil {
			return nil, err
		}
		if len(keys) != 1 || len(keys["body"]) == 0 {
			return nil, fmt.Errorf("filter %s: a queue's messages are filtered by \"body\" alone; what AWS does with other keys is not documented", clip(text, 100))
		}
		filters = append(filters, bodyFilter{pattern, keys["body"][0] == '{'})
	}
	return filters, nil
}

// parseFilters parses the patterns of any mapping.
func parseFilters(texts []string) ([]*eventpattern.Pattern, error) {
	if len(texts) > maxFilters {
		return nil, fmt.Errorf("%d filters: must be at most %d", len(texts), maxFilters)
	}
	patterns := make([]*eventpattern.Pattern, len(texts))
	for i, text := range texts {
		if n := utf8.RuneCountInString(text); n > maxFilterPattern {
			return nil, fmt.Errorf("a filter pattern of %d characters: must be at most %d", n, maxFilterPattern)
		}
		var err error
		if patterns[i], err = eventpattern.Parse([]byte(text)); err != nil {
			return nil, err
		}
	}
	return patterns, nil
}

// recordKeys are the members of a stream's record, which its filters name.
var recordKeys = []string{"eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "userIdentity", "eventSourceARN"}

// newRecordFilters parses the patterns of a stream's mapping.
func newRecordFilters(texts []string) ([]*eventpattern.Pattern, error) {
	patterns, err := parseFilters(texts)
	if err != nil {
		return nil, err
	}
	for i, pattern := range patterns {
		for _, key := range pattern.Fields() {
			if !slices.Contains(recordKeys, key) {
				return nil, fmt.Errorf("filter %s: a stream's records have no %q", clip(texts[i], 100), key)
			}
		}
	}
	return patterns, nil
}

// wants reports whether one of the filters lets the record pass.
func (p *streamMapping) wants(r *record) bool {
	if len(p.filters) == 0 {
		return true
	}
	document := awspayload.AppendStreamRecord(nil, &r.StreamRecord)
	return slices.ContainsFunc(p.filters, func(f *eventpattern.Pattern) bool { return f.MatchJSON(document) })
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
