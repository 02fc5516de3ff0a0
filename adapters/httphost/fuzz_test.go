package httphost

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

// Whatever is sent: there is one answer of those that are promised, no panic,
// what is delivered can be sent on and read again, and no sender drops what
// failed for a time.
func FuzzHandler(f *testing.F) {
	for _, request := range samples(f) {
		r := request()
		body := new(strings.Builder)
		_ = r.Header.WriteSubset(body, map[string]bool{"Content-Type": true})
		headers := body.String()
		data := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(data)
		f.Add(r.Method, r.Header.Get("Content-Type"), headers, data, uint8(0))
	}
	f.Fuzz(func(t *testing.T, method, contentType, headers string, body []byte, sender uint8) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.Method = method
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		for line := range strings.SplitSeq(headers, "\n") {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				r.Header.Add(name, strings.TrimSpace(value))
			}
		}
		var delivered []*eventfx.Message
		router := &eventfx.Router{
			Default: func(_ context.Context, d *eventfx.Delivery) error {
				delivered = append(delivered, d.Messages...)
				return errBroken
			},
		}
		s := Sender(sender) % Sender(len(senders))
		w := serve(newTestHandler(t, router, Options{Sender: s, Drop: s >= PubSubPush}), r)

		statuses := []int{200, 202, 204, 400, 405, 413, 415, 422, 431, 503}
		if !slices.Contains(statuses, w.Code) {
			t.Errorf("status %d", w.Code)
		}
		if len(delivered) > 0 && (w.Code != 503 || w.Header().Get("Retry-After") == "") {
			t.Errorf("%v: status %d, Retry-After %q, when handlers failed", s, w.Code, w.Header().Get("Retry-After"))
		}
		switch w.Code {
		case 202, 204:
			if w.Body.Len() > 0 {
				t.Errorf("body of %d: %s", w.Code, w.Body)
			}
		default:
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("body of %d: %s", w.Code, w.Body)
			}
		}
		for _, m := range delivered {
			doc, err := cloudevent.Append(nil, m.Event)
			if err != nil {
				t.Errorf("what was delivered cannot be sent: %v", err)
				continue
			}
			var again event.EventContextV1
			data, _, err := cloudevent.Decode(doc, &again)
			if err != nil || again.ID != m.ID() || again.Type != m.Type() || again.Source.String() != m.Source() || len(data) > len(m.DataEncoded) {
				t.Errorf("sent %s, read %v, %v", doc, again, err)
			}
		}
	})
}
