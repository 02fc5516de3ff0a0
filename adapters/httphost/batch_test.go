package httphost

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

func batchOf(events ...string) *http.Request {
	return post("["+strings.Join(events, ",")+"]", "Content-Type", "application/cloudevents-batch+json; charset=UTF-8")
}

func eventOf(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/shop","type":"order.placed"}`, id)
}

// A batch is answered with the status that brings it back, if anything of it
// is to come back, and names what failed and nothing else.
func TestBatchAnswers(t *testing.T) {
	kinds := map[string]error{
		"done": nil, "transient": errBroken, "later": eventfx.RetryAfter(errBroken, 7*time.Second), "much later": eventfx.RetryAfter(errBroken, time.Minute),
		"throttled": turnedAway(0), "permanent": eventfx.Permanent(errBroken),
	}
	text := map[string]string{"transient": "failed, and may succeed later", "later": "failed, and may succeed later", "much later": "failed, and may succeed later", "throttled": "too many events at once", "permanent": "the event cannot be handled"}
	for _, tt := range []struct {
		reason string
		events []string
		sender Sender
		status int
		after  string
	}{
		{"all are done", []string{"done", "done"}, Webhook, 204, ""},
		{"none", nil, Webhook, 204, ""},
		{"one is to come again", []string{"done", "transient", "done"}, Webhook, 503, "1"},
		{"transient outweighs permanent", []string{"permanent", "transient", "permanent"}, Webhook, 503, "1"},
		{"throttled outweighs permanent", []string{"permanent", "throttled"}, Webhook, 429, "1"},
		{"transient outweighs throttled", []string{"throttled", "transient"}, Webhook, 503, "1"},
		{"permanent alone", []string{"done", "permanent"}, Webhook, 422, ""},
		{"permanent alone, for Event Grid", []string{"done", "permanent"}, EventGrid, 400, ""},
		{"the longest delay is kept", []string{"later", "much later", "later"}, Webhook, 503, "60"},
		{"Event Grid must not drop what is transient", []string{"permanent", "transient"}, EventGrid, 503, "1"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			// Rule A2.11, Rule A4.5
			r := record(func(m *eventfx.Message) error { return kinds[strings.TrimLeft(m.ID(), "0123456789 ")] }).router
			var events []string
			var want []failed
			for i, kind := range tt.events {
				id := fmt.Sprint(i, " ", kind)
				events = append(events, eventOf(id))
				if kind != "done" {
					want = append(want, failed{"/shop", id, text[kind]})
				}
			}
			w := serve(newTestHandler(t, r, Options{Sender: tt.sender}), batchOf(events...))
			if w.Code != tt.status || w.Header().Get("Retry-After") != tt.after {
				t.Errorf("status %d, Retry-After %q, want %d, %q", w.Code, w.Header().Get("Retry-After"), tt.status, tt.after)
			}
			if w.Code == 204 {
				if w.Body.Len() > 0 {
					t.Errorf("body %q of a success", w.Body)
				}
				return
			}
			if diff := cmp.Diff(want, list(t, w)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What cannot be read in a batch fails alone, and the others are delivered.
func TestBadEventInBatch(t *testing.T) {
	rec := record(nil)
	w := serve(newTestHandler(t, rec.router, Options{}), batchOf(eventOf("1"), `{"id":"2","source":"/shop"}`, `"x"`, eventOf("4")))
	if w.Code != 400 {
		t.Errorf("status %d, want 400", w.Code)
	}
	want := []failed{{"/shop", "2", "CloudEvent attribute specversion: missing"}, {"", "", "JSON string at offset 0: want object"}}
	if diff := cmp.Diff(want, list(t, w)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var ids []string
	for _, m := range rec.messages {
		if m.Err == nil {
			ids = append(ids, m.ID())
		}
	}
	if diff := cmp.Diff([]string{"1", "4"}, ids); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestBatchLimit(t *testing.T) {
	many := make([]string, maxEvents)
	for i := range many {
		many[i] = eventOf(fmt.Sprint(i))
	}
	h := newTestHandler(t, record(nil).router, Options{})
	if w := serve(h, batchOf(many...)); w.Code != 204 {
		t.Errorf("status %d for %d events: %s", w.Code, len(many), w.Body)
	}
	if w := serve(h, batchOf(append(many, eventOf("x"))...)); w.Code != 413 {
		t.Errorf("status %d for one more", w.Code)
	}
}
