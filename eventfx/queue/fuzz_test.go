package queue_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// Whatever an event looks like, nothing panics, the kinds agree with each
// other, and the type is found where encoding/json finds it.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, typ, source, data, arn, attributes, name, wanted string) {
		e := event.New()
		e.SetType(typ)
		e.SetSource(source)
		e.DataEncoded = []byte(data)
		if arn != "" {
			e.SetExtension("sqsqueuearn", arn)
		}
		if attributes != "" {
			e.SetExtension("sqsattributes", attributes)
		}
		m := &eventfx.Message{Event: e}
		matched := (queue.Text{Queue: name}).Match(m)
		if matched != (queue.Raw{Queue: name}).Match(m) || matched != (queue.JSON[any]{Queue: name}).Match(m) {
			t.Error("the kinds do not agree about the queue")
		}
		typed := queue.JSON[any]{Queue: name, Type: wanted}.Match(m)
		if typed && !matched && name != "" {
			t.Errorf("matched by type %q, but not by queue %q", wanted, name)
		}
		text, textErr := queue.Text{}.Decode(m)
		raw, rawErr := queue.Raw{}.Decode(m)
		if text != string(raw) || (textErr == nil) != (rawErr == nil) {
			t.Errorf("text %q, %v; raw %q, %v", text, textErr, raw, rawErr)
		}
		var plain any // a number may be valid JSON and too large for a float64
		plainErr := json.Unmarshal(raw, &plain)
		if value, err := (queue.JSON[any]{}).Decode(m); (err == nil) != (rawErr == nil && plainErr == nil) {
			t.Errorf("body %q: %v, error %v", raw, value, err)
		}
		if typ != "com.amazonaws.sqs.message" || attributes != "" || wanted == "" || !matched || !utf8.Valid(raw) {
			return
		}
		var members []member
		if json.Unmarshal(raw, (*document)(&members)) == nil {
			want := false
			for _, m := range members {
				if m.key == "type" {
					want = m.value == any(wanted)
					break
				}
			}
			if typed != want {
				t.Errorf("body %q, type %q: match %v", raw, wanted, typed)
			}
		}
	})
}

// A document is the members of a JSON object in their order.
type document []member

type member struct {
	key   string
	value any
}

func (d *document) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return err
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		*d = append(*d, member{key.(string), value})
	}
	return nil
}
