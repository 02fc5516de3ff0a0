package queue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/internal/kindlaw"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		reason  string
		message *eventfx.Message
		text    string
		order   *order // nil: the body is none
	}{
		{"an object", sqs(`{"id":"1","total":2}`, nil), `{"id":"1","total":2}`, &order{"1", 2}},
		{"text", sqs("hällo\n", nil), "hällo\n", nil},
		{"an empty body", sqs("", nil), "", nil},
		{"text that looks like JSON stays as it was sent", sqs(` {"id" : "1"} `, nil), ` {"id" : "1"} `, &order{ID: "1"}},
		{"the data of an event", message("order.placed", "/shop", `{"id":"1"}`, map[string]any{"sqsqueuearn": "a:q"}), `{"id":"1"}`, &order{ID: "1"}},
		{"a notification's Message", sns(`{"id":"<1>"}`, `{}`), `{"id":"<1>"}`, &order{ID: "<1>"}},
		{"a notification's text", sns("a\t\"b\" \\ ü €\U0001F600", `{}`), "a\t\"b\" \\ ü €\U0001F600", nil},
		{"a notification of nothing", sns("", `{}`), "", nil},
	} {
		// Rule C7.1
		// Rule F3.2
		t.Run(tt.reason, func(t *testing.T) {
			kindlaw.Check(t, queue.JSON[order]{}, tt.message)
			if text := tt.text; text == strings.TrimSpace(text) { // the SDK's decoder trims JSON
				kindlaw.Check(t, queue.Text{}, tt.message)
				kindlaw.Check(t, queue.Raw{}, tt.message)
			}
			if got, err := (queue.Text{}).Decode(tt.message); err != nil || got != tt.text {
				t.Errorf("text %q, error %v", got, err)
			}
			if got, err := (queue.Raw{}).Decode(tt.message); err != nil || got == nil || string(got) != tt.text {
				t.Errorf("raw %q, error %v", got, err)
			}
			got, err := (queue.JSON[order]{}).Decode(tt.message)
			if (err == nil) != (tt.order != nil) {
				t.Fatalf("JSON: error %v", err)
			}
			if tt.order != nil && got != *tt.order {
				t.Errorf("JSON: %+v", got)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, tt := range []struct {
		reason  string
		message *eventfx.Message
		want    string // after "queue: "
	}{
		{"not JSON", sqs("hello", nil), `body of message "1" of queue "orders" does not fit queue_test.order: invalid character 'h'`},
		{"another shape", sqs(`{"id":"1","total":"many"}`, nil), `body of message "1" of queue "orders" does not fit queue_test.order: json: cannot unmarshal string`},
		{"the Message of a notification", sns(`[]`, `{}`), `body of message "1" of queue "orders" does not fit queue_test.order: json: cannot unmarshal array`},
		{
			"a notification without Message", message("com.amazonaws.sns.Notification", "arn:aws:sns:r:1:t", `{}`, nil),
			`SNS notification "1" has no text as its Message`,
		},
		{
			"a Message that is no text", message("com.amazonaws.sns.Notification", "arn:aws:sns:r:1:t", `{"Message":{}}`, nil),
			`SNS notification "1" has no text as its Message`,
		},
		{
			"a truncated notification", message("com.amazonaws.sns.Notification", "arn:aws:sns:r:1:t", `{"Message":"x`, nil),
			`data of SNS notification "1": invalid JSON at offset 13`,
		},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			got, err := (queue.JSON[order]{}).Decode(tt.message)
			if err == nil || !strings.HasPrefix(err.Error(), "queue: "+tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if got != (order{}) {
				t.Errorf("half an order was returned: %+v", got)
			}
			if _, err := (queue.Raw{}).Decode(tt.message); strings.Contains(tt.want, "SNS") != (err != nil) {
				t.Errorf("raw: error %v", err)
			}
		})
	}
	_, err := (queue.JSON[order]{}).Decode(sqs(`{"total":"many"}`, nil))
	if typeErr, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok || typeErr.Field != "total" {
		t.Errorf("the decoder's error is gone: %v", err)
	}
}

// The decoder of the router reads a plain body and the Message of a
// notification alike.
func TestDecodeByTheRouter(t *testing.T) {
	var seen []string
	r := &eventfx.Router{Unmarshal: func(data []byte, v any) error {
		seen = append(seen, string(data))
		return json.Unmarshal(bytes.ToLower(data), v)
	}}
	var got []order
	eventfx.On(r, queue.JSON[order]{}, func(_ context.Context, e eventfx.Event[order]) error {
		got = append(got, e.Data)
		return nil
	})
	notification := sns(`{"ID":"B"}`, `{}`)
	data := string(notification.DataEncoded)
	if failures := r.Deliver(t.Context(), []*eventfx.Message{sqs(`{"ID":"A"}`, nil), notification}); failures != nil {
		t.Fatal(failures[0].Err)
	}
	if diff := cmp.Diff([]string{`{"ID":"A"}`, `{"ID":"B"}`}, seen); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]order{{ID: "a"}, {ID: "b"}}, got); diff != "" {
		t.Error(diff)
	}
	if string(notification.DataEncoded) != data {
		t.Error("the message was changed")
	}
}
