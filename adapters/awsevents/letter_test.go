package awsevents

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/internal/deadstory"
)

const (
	ordersARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
	deadARN   = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"

	// firstEvent is the event of a message that died, as a letter tells of it.
	firstEvent = `{"specversion":"1.0","id":"first","source":"` + ordersARN + `","type":"com.amazonaws.sqs.message",` +
		`"datacontenttype":"text/plain","sqsattributes":"{\"n\":{\"dataType\":\"Number.int\",\"stringValue\":\"7\"},\"note\":{\"dataType\":\"String\",\"stringValue\":\"a b\"}}"}`
)

// letterRecord is a record of a message that has the attribute.
func letterRecord(arn, body, value string) string {
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	return fmt.Sprintf(`{"Records":[{"eventSource":"aws:sqs","messageId":"second","eventSourceARN":%s,"body":%s,"messageAttributes":{`+
		`"n":{"dataType":"String","stringValue":"7"},"note":{"dataType":"String","stringValue":"a%%20b"},`+
		`"eventfx-deadletter":{"dataType":"String","stringValue":%s}}}]}`, quote(arn), quote(body), quote(value))
}

// TestLetters reads messages that are dead letters, or were before a redrive.
func TestLetters(t *testing.T) {
	// Rule C3.5: a redrive gives another id, and the letter tells the first.
	story := `{"reason":"permanent","event":` + firstEvent + `}`
	sent := `{"n":{"dataType":"Number.int","stringValue":"7"},"note":{"dataType":"String","stringValue":"a b"}}`
	type facts struct{ Source, ID, Attributes, Queue, Record, Note, Type string }
	known := facts{ordersARN, "first", sent, "", "second", "a b", "text/plain"}
	inTheDeadLetters := known
	inTheDeadLetters.Queue = deadARN
	tests := []struct {
		reason           string
		arn, body, value string
		want             facts
	}{
		{"redriven: as it was before it died, with its attributes", ordersARN, "hello", story, known},
		{"gocloud's drivers encode values", ordersARN, "hello", url.PathEscape(story), known},
		{"read from the dead-letter queue", deadARN, "hello", story, inTheDeadLetters},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			m := open(t, letterRecord(tt.arn, tt.body, tt.value)).Messages[0]
			text := func(name string) string { s, _ := m.Extensions()[name].(string); return s }
			got := facts{m.Source(), m.ID(), text("sqsattributes"), text("sqsqueuearn"), m.Origin.ID, m.Origin.Attributes["note"], m.DataContentType()}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if m.Err != nil || m.Origin.Attributes[deadstory.Attribute] != tt.value {
				t.Errorf("error %v, origin %v", m.Err, m.Origin.Attributes)
			}
		})
	}

	m := open(t, letterRecord(ordersARN, "hello", `{"event":{"specversion":"1.0","id":"first","source":"`+ordersARN+`","type":"com.amazonaws.sqs.message"}}`)).Messages[0]
	if m.ID() != "first" || m.Extensions()["sqsattributes"] != nil {
		t.Errorf("a message that had no attributes has %v", m.Extensions())
	}

	// What a body carries has an identity of its own.
	m = open(t, letterRecord(ordersARN, `{"specversion":"1.0","id":"inner","source":"/x","type":"y"}`, story)).Messages[0]
	if m.ID() != "inner" || m.Extensions()["sqsattributes"] != sent {
		t.Errorf("an event in a body: %s %v", m.ID(), m.Extensions())
	}
}

// TestNoLetters has attributes of that name that tell nothing: they are
// attributes like others.
func TestNoLetters(t *testing.T) {
	event := func(change map[string]any) string {
		e := map[string]any{"specversion": "1.0", "id": "first", "source": ordersARN, "type": "com.amazonaws.sqs.message"}
		for name, value := range change {
			e[name] = value
		}
		b, _ := json.Marshal(map[string]any{"event": e})
		return string(b)
	}
	tests := []struct{ reason, value string }{
		{"not JSON", "hello"},
		{"cut off", `{"event":`},
		{"a list", "[]"},
		{"a broken escape", "%7B%"},
		{"an escape of no UTF-8", "%7B%22a%22:%22%ff%22%7D"},
		{"twice encoded", url.PathEscape(url.PathEscape(event(nil)))},
		{"a member twice", `{"event":` + firstEvent + `,"event":` + firstEvent + `}`},
		{"no event", `{"reason":"permanent"}`},
		{"an event that is no object", `{"event":7}`},
		{"no id", event(map[string]any{"id": nil})},
		{"an empty id", event(map[string]any{"id": ""})},
		{"a blank id", event(map[string]any{"id": " "})},
		{"a control character", event(map[string]any{"id": "a\nb"})},
		{"a source that is no URI", event(map[string]any{"source": "a b"})},
		{"an event of another type", event(map[string]any{"type": "order.placed"})},
		{"an attribute that CloudEvents does not know", event(map[string]any{"Bad_Name": "x"})},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			m := open(t, letterRecord(ordersARN, "hello", tt.value)).Messages[0]
			if m.Err != nil || m.ID() != "second" || m.Source() != ordersARN {
				t.Errorf("%s %s, %v", m.ID(), m.Source(), m.Err)
			}
			var sent map[string]struct{ DataType, StringValue string }
			if err := json.Unmarshal([]byte(m.Extensions()["sqsattributes"].(string)), &sent); err != nil || len(sent) != 3 || sent["eventfx-deadletter"].StringValue != tt.value {
				t.Errorf("attributes: %v, %v", sent, err)
			}
		})
	}
}

// FuzzLetter: no value of the attribute fails a record or makes an event that
// is invalid, and what tells nothing changes nothing.
func FuzzLetter(f *testing.F) {
	f.Add(`{"event":` + firstEvent + `}`)
	f.Add(url.PathEscape(`{"event":` + firstEvent + `}`))
	f.Add(`{"event":{"specversion":"1.0","id":"a","source":"b","type":"com.amazonaws.sqs.message","sqsattributes":"{\"\":{}}"}}`)
	f.Add(`{"event":{"specversion":"1.0","id":"a","source":"b","type":"com.amazonaws.sqs.message","sqsattributes":"{\"a\":{\"dataType\":\"Binary\",\"binaryValue\":\"\\u0000\"}}"}}`)
	f.Add("%7B%")
	f.Fuzz(func(t *testing.T, value string) {
		m := open(t, letterRecord(ordersARN, "hello", value)).Messages[0]
		if m.Err != nil || m.Validate() != nil || m.Origin.ID != "second" {
			t.Fatalf("%v %v", m.Err, m.Validate())
		}
		text, err := json.Marshal(m.Event)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s: %v", text, err)
		}
		if m.Origin.Attributes[deadstory.Attribute] == "" && value != "" && json.Valid([]byte(value)) && m.ID() != "second" {
			t.Errorf("known as %s without a story", m.ID())
		}
	})
}

// TestEncodedContentType: a CloudEvent that gocloud's driver for SQS sent is
// one, though the driver has encoded what says so.
func TestEncodedContentType(t *testing.T) {
	// Rule F3.6
	record := strings.TrimSuffix(sqsRecord("m", `{"specversion":"1.0","id":"inner","source":"/x","type":"y"}`), "}") +
		`,"messageAttributes":{"content-type":{"dataType":"String","stringValue":"application%2Fcloudevents+json"}}}`
	if m := open(t, `{"Records":[`+record+`]}`).Messages[0]; m.ID() != "inner" || m.Type() != "y" {
		t.Errorf("%s %s", m.Type(), m.ID())
	}
}
