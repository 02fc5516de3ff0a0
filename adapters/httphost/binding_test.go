package httphost

import (
	"net/http"
	"strings"
	"testing"

	"github.com/eventfx/eventfx-go/eventfx"
)

func deliverOne(t *testing.T, r *http.Request) (*eventfx.Message, int, string) {
	t.Helper()
	rec := record(nil)
	w := serve(newTestHandler(t, rec.router, Options{}), r)
	if len(rec.messages) != 1 {
		return nil, w.Code, w.Body.String()
	}
	return rec.messages[0], w.Code, w.Body.String()
}

func TestModes(t *testing.T) {
	for _, tt := range []struct {
		rule, reason string
		request      *http.Request
		status       int
		want         string // of the data, or of the answer
	}{
		{"A3.1", "structured", structuredRequest(), 204, `{"id":"o-1"}`},
		{"A3.1", "capitals and a parameter", post(orderEvent, "Content-Type", "Application/CloudEvents+JSON; charset=\"UTF-8\""), 204, `{"id":"o-1"}`},
		{"A3.1", "a batch, whose type begins like an event's", post("["+orderEvent+"]", "Content-Type", "APPLICATION/CLOUDEVENTS-BATCH+JSON"), 204, `{"id":"o-1"}`},
		{"A3.1", "an event where a batch is declared", post(orderEvent, "Content-Type", "application/cloudevents-batch+json"), 400, "want array"},
		{"A3.1", "a batch where an event is declared", post("["+orderEvent+"]", "Content-Type", "application/cloudevents+json"), 400, "want object"},
		{"A3.1", "any other type is binary", binary("x", "Content-Type", "text/plain"), 204, "x"},
		{"A4.5", "another format", post("", "Content-Type", "application/cloudevents+avro"), 415, "only JSON"},
		{"A4.5", "another format of a batch", post("", "Content-Type", "application/cloudevents-batch+protobuf"), 415, "only JSON"},
		{"A4.5", "no event at all", post("<a/>", "Content-Type", "application/xml"), 415, "no CloudEvent"},
		{"A4.5", "no content type at all", post("x"), 415, "no CloudEvent"},
		{"A4.5", "a coding", post(orderEvent, "Content-Type", "application/cloudevents+json", "Content-Encoding", "gzip"), 415, "gzip"},
		{"A4.5", "a charset", post(orderEvent, "Content-Type", "application/cloudevents+json; charset=utf-16"), 415, "utf-16"},
		{"A3.2", "the content type is that of the data", binary(`{"a":1}`, "Content-Type", "application/json"), 204, `{"a":1}`},
		{"A3.2", "a header for the content type", binary("", "Ce-Datacontenttype", "text/plain"), 400, "belongs into content-type"},
		{"A3.2", "any capitals", post("", "cE-speCversion", "1.0", "CE-ID", "1", "ce-source", "/s", "Ce-tYPE", "t"), 204, ""},
		{"A3.4", "three of the four", post("", "Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/s"), 400, "without the header ce-type"},
		{"A3.4", "three of the four, with JSON", post("{}", "Content-Type", "application/json", "Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Type", "t"), 400, "without the header ce-source"},
		{"A3.4", "an ordinary request", post("{}", "Content-Type", "application/json"), 400, "no CloudEvent: send"},
		{"A3.4", "an event in an ordinary request is data", post(orderEvent, "Content-Type", "application/json"), 400, "no CloudEvent: send"},
		{"A3.6", "the body wins over headers", post(orderEvent, "Content-Type", "application/cloudevents+json", "Ce-Id", "2", "Ce-Specversion", "0.3", "Ce-x_y", "%FF"), 204, `{"id":"o-1"}`},
		{"A1.14", "a header twice", binary("", "Ce-Subject", "a", "Ce-Subject", "b"), 400, "subject: there twice"},
		{"A1.14", "a content type twice", binary("", "Content-Type", "text/plain", "Content-Type", "text/plain"), 400, "2 times"},
		{"A1.2", "another version", post("", "Ce-Specversion", "0.3", "Ce-Id", "1", "Ce-Source", "/s", "Ce-Type", "t"), 400, "want 1.0"},
		{"A1.5", "a name that is none", binary("", "Ce-My-Ext", "x"), 400, "a-z and 0-9"},
		{"A1.10", "an empty subject", binary("", "Ce-Subject", ""), 400, "subject: empty"},
		{"A4.4", "a delivery repeats the origin", binary("x", "Content-Type", "text/plain", "WebHook-Request-Origin", "shop.example.com"), 204, "x"},
	} {
		t.Run(tt.rule+" "+tt.reason, func(t *testing.T) {
			m, status, answer := deliverOne(t, tt.request)
			got := answer
			if status == 204 {
				got = string(m.DataEncoded)
			}
			if status != tt.status || !strings.Contains(got, tt.want) {
				t.Errorf("status %d, %q, want %d, %q", status, got, tt.status, tt.want)
			}
		})
	}
}

func TestHeaderValues(t *testing.T) {
	for _, tt := range []struct {
		rule, reason, value, want string // no want: refused
	}{
		{"A3.3", "percent-encoded", "a%20b%22c%25d%C3%BC", `a b"c%dü`},
		{"A3.3", "in small letters", "%c3%bc", "ü"},
		{"A3.3", "once, not twice", "%2541", "%41"},
		{"A3.3", "quoted", `"a b"`, "a b"},
		{"A3.3", "quoted with backslashes, before decoding", `"a\"b\\%20c"`, `a"b\ c`},
		{"A3.3", "quotes that were encoded stay", "%22a%22", `"a"`},
		{"A3.3", "as it is, in UTF-8", "ü", "ü"},
		{"A3.3", "a percent sign that encodes nothing", "100%", "100%"},
		{"A3.3", "overlong UTF-8", "%C0%A0", ""},
		{"A3.3", "invalid UTF-8", "%FF", ""},
		{"A3.3", "half a surrogate pair", "%ED%A0%80", ""},
		{"A3.3", "bytes that are not UTF-8", "\xfc", ""},
		{"A1.7", "a control character", "a%0Ab", ""},
		{"A1.7", "a noncharacter", "%EF%BF%BF", ""},
		{"A1.10", "nothing within quotes", `""`, ""},
	} {
		t.Run(tt.rule+" "+tt.reason, func(t *testing.T) {
			m, status, answer := deliverOne(t, binary("", "Ce-Subject", tt.value))
			switch {
			case tt.want == "" && status != 400:
				t.Errorf("status %d, want 400", status)
			case tt.want != "" && (status != 204 || m.Subject() != tt.want):
				t.Errorf("status %d %s, subject %q, want %q", status, answer, m.Subject(), tt.want)
			}
		})
	}
}

// The data is a part of the body that ends where its capacity ends, so that a
// handler that appends to it changes no neighbour.
func TestDataIsTheMessagesOwn(t *testing.T) {
	rec := record(nil)
	serve(newTestHandler(t, rec.router, Options{}), batchOf(orderEvent, orderEvent))
	serve(newTestHandler(t, rec.router, Options{}), binary("abc", "Content-Type", "text/plain"))
	serve(newTestHandler(t, rec.router, Options{}), push(`{"messageId":"1","data":"eHh4eA=="}`))
	if len(rec.messages) != 4 {
		t.Fatalf("%d messages", len(rec.messages))
	}
	for _, m := range rec.messages {
		if len(m.DataEncoded) == 0 || cap(m.DataEncoded) != len(m.DataEncoded) {
			t.Errorf("cap %d of %d bytes", cap(m.DataEncoded), len(m.DataEncoded))
		}
	}
}

// Tokens and cookies end in no log and no dead letter.
func TestSecretsAreNotCarried(t *testing.T) {
	m, _, _ := deliverOne(t, binary("", "Authorization", "Bearer s3cret", "Cookie", "s3cret", "X-Api-Key", "s3cret", "Traceparent", "00-1", "Tracestate", "a=1", "Tracestate", "b=2"))
	for name, value := range m.Origin.Attributes {
		if strings.Contains(value, "s3cret") {
			t.Errorf("%s: %s", name, value)
		}
	}
	if m.Origin.Attributes["traceparent"] != "00-1" || m.Origin.Attributes["tracestate"] != "a=1,b=2" {
		t.Errorf("the trace is lost: %v", m.Origin.Attributes)
	}
}
