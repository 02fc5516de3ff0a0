package pubsubevents

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

const structured = `{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"a b","data":{"n":1}}`

// required returns the metadata of a binary event, with more.
func required(prefix string, more map[string]string) map[string]string {
	m := map[string]string{prefix + "specversion": "1.0", prefix + "id": "1", prefix + "source": "/s", prefix + "type": "t"}
	maps.Copy(m, more)
	return m
}

func TestDecode(t *testing.T) {
	plain := `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	cases := []struct {
		rule, reason string
		metadata     map[string]string
		body         string
		want         string // the event as JSON; "" is ErrNoEvent
	}{
		{rule: "A3.1", reason: "declared structured, in any capitals and with parameters", metadata: map[string]string{"Content-Type": "Application/CloudEvents+JSON; charset=utf-8"},
			body: structured, want: plain + `,"subject":"a b","data":{"n":1}}`},
		{rule: "A3.6", reason: "in structured mode the body wins over copies in the metadata", metadata: required("ce-", map[string]string{"content-type": structuredType, "ce-id": "2"}),
			body: structured, want: plain + `,"subject":"a b","data":{"n":1}}`},
		{rule: "F1.3", reason: "a bridge lost the metadata", body: structured, want: plain + `,"subject":"a b","data":{"n":1}}`},
		{rule: "F1.3", reason: "a bridge wrote the body's plain type", metadata: map[string]string{"content-type": "application/json"}, body: structured, want: plain + `,"subject":"a b","data":{"n":1}}`},
		{rule: "F1.3", reason: "a type that is no string", body: `{"specversion":"1.0","id":"1","source":"/s","type":1}`},
		{rule: "F3.9", reason: "not all four", body: `{"specversion":"1.0","id":"1","source":"/s"}`},
		{rule: "F3.9", reason: "declared to be text", metadata: map[string]string{"content-type": "text/plain"}, body: structured},
		{rule: "F3.10", reason: "a key twice, deep in the data", body: plain + `,"data":{"a":1,"a":2}}`},
		{rule: "F3.10", reason: "bytes after the event", body: structured + "{}"},
		{rule: "F1.1", reason: "no JSON", body: "hello"},
		{rule: "F1.1", reason: "nothing", body: ""},
		{rule: "A3.2", reason: "binary, data of JSON", metadata: required("ce-", map[string]string{"content-type": "application/json", "trace": "x"}), body: `{"n":1}`,
			want: plain + `,"datacontenttype":"application/json","data":{"n":1}}`},
		{rule: "A3.2", reason: "capitals do not matter", metadata: map[string]string{"Ce-Specversion": "1.0", "CE-ID": "1", "ce-Source": "/s", "ce-type": "t", "Content-Type": "text/plain"}, body: `hi`,
			want: plain + `,"datacontenttype":"text/plain","data":"hi"}`},
		{rule: "A3.3", reason: "percent-encoding is undone once, in small letters as well", metadata: required("ce-", map[string]string{"ce-subject": "a%20%22%25%e2%82%ac%2525"}),
			want: plain + `,"subject":"a \"%€%25"}`},
		{rule: "A3.3", reason: "quotes are undone first", metadata: required("ce-", map[string]string{"ce-subject": `"a \"b\" %20"`}), want: plain + `,"subject":"a \"b\"  "}`},
		{rule: "A3.3", reason: "a percent sign without digits is one", metadata: required("ce-", map[string]string{"ce-subject": "100%, 5%x"}), want: plain + `,"subject":"100%, 5%x"}`},
		{rule: "A3.4", reason: "three of four are an ordinary message", metadata: map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s"}, body: "x"},
		{rule: "A3.4", reason: "four of two kinds are as well", metadata: map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce_type": "t"}, body: "x"},
		{rule: "F4.4", reason: "Kafka's values are as they are", metadata: required("ce_", map[string]string{"ce_subject": "a%20€", "content-type": "image/png"}), body: "\xff",
			want: plain + `,"subject":"a%20€","datacontenttype":"image/png","data_base64":"/w=="}`},
		{rule: "A2.2", reason: "data without a type is bytes", metadata: required("ce-", nil), body: `{}`, want: plain + `,"data_base64":"e30="}`},
		{rule: "A2.2", reason: "JSON that is none can still be kept", metadata: required("ce-", map[string]string{"content-type": "application/json"}), body: `{`,
			want: plain + `,"datacontenttype":"application/json","data_base64":"ew=="}`},
		{rule: "A1.5", reason: "extensions are strings", metadata: required("ce-", map[string]string{"ce-n": "7"}), want: plain + `,"n":"7"}`},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.reason, func(t *testing.T) {
			m, err := Decode(&pubsub.Message{LoggableID: "broker-1", Body: []byte(c.body), Metadata: c.metadata})
			if c.want == "" {
				if !errors.Is(err, ErrNoEvent) {
					t.Fatalf("Decode = %v, %v; want ErrNoEvent", m, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := cloudevent.Append(nil, m.Event)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if m.Origin.ID != "broker-1" {
				t.Errorf("Origin.ID = %q", m.Origin.ID)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	structuredWith := func(members string) *pubsub.Message {
		return &pubsub.Message{Metadata: map[string]string{"content-type": structuredType}, Body: []byte(strings.Replace(structured, `"data":{"n":1}`, members, 1))}
	}
	binary := func(more map[string]string) *pubsub.Message {
		return &pubsub.Message{Metadata: required("ce-", more)}
	}
	cases := []struct {
		rule, reason string
		m            *pubsub.Message
		want         string
	}{
		{"A3.1", "a batch, whose type begins like a single event's", &pubsub.Message{Metadata: map[string]string{"content-type": "application/cloudevents-batch+json"}, Body: []byte("[]")}, "not a batch"},
		{"A3.1", "another event format", &pubsub.Message{Metadata: map[string]string{"content-type": "application/cloudevents+avro"}}, "only JSON"},
		{"A2.10", "declared structured, and is not", &pubsub.Message{Metadata: map[string]string{"content-type": structuredType}, Body: []byte("hello")}, "decode the body"},
		{"A2.10", "not UTF-8", structuredWith("\"data\":\"\xff\""), "not UTF-8"},
		{"A2.1", "two kinds of data", structuredWith(`"data":1,"data_base64":"AA=="`), "beside data"},
		{"A1.14", "an attribute twice, as the metadata of no map can say it", &pubsub.Message{Metadata: required("ce-", map[string]string{"Ce-Id": "2"})}, "there twice"},
		{"A1.5", "an underscore", binary(map[string]string{"ce-my_ext": "x"}), "a-z and 0-9"},
		{"A1.7", "a control character, encoded", binary(map[string]string{"ce-subject": "a%0Ab"}), "U+000A"},
		{"A1.1", "an empty id", binary(map[string]string{"ce-id": ""}), "id: empty"},
		{"A1.2", "another version", binary(map[string]string{"ce-specversion": "0.3"}), "want 1.0"},
		{"A3.2", "the content type as an attribute", binary(map[string]string{"ce-datacontenttype": "text/plain"}), "belongs into content-type"},
		{"A3.3", "an overlong encoding", binary(map[string]string{"ce-subject": "%C0%A0"}), "not UTF-8"},
		{"A1.11", "no media type", binary(map[string]string{"content-type": "json"}), "not a media type"},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.reason, func(t *testing.T) {
			_, err := Decode(c.m)
			if err == nil || errors.Is(err, ErrNoEvent) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Decode = %v, want an error with %q", err, c.want)
			}
		})
	}
}

// mempubsub gives the same body and metadata to every receiver.
func TestDecodeSharesNothing(t *testing.T) {
	for _, m := range []*pubsub.Message{
		{Body: []byte(structured), Metadata: map[string]string{"k": "v"}},
		{Body: []byte(`{"n":1}`), Metadata: required("ce-", map[string]string{"content-type": "application/json", "k": "v"})},
	} {
		first, err := Decode(m)
		if err != nil {
			t.Fatal(err)
		}
		first.DataEncoded[0] = '!'
		first.Origin.Attributes["k"] = "changed"
		second, err := Decode(m)
		if err != nil {
			t.Fatal(err)
		}
		if string(second.DataEncoded) != `{"n":1}` || second.Origin.Attributes["k"] != "v" {
			t.Errorf("a second receiver reads %q, %v", second.DataEncoded, second.Origin.Attributes)
		}
		if cap(second.DataEncoded) != len(second.DataEncoded) {
			t.Errorf("cap %d of %d bytes of data", cap(second.DataEncoded), len(second.DataEncoded))
		}
		if _, ok := second.Origin.Attributes["ce-id"]; ok {
			t.Error("an attribute of the event is one of the transport, too")
		}
	}
}

func TestEncodeDecode(t *testing.T) {
	// Rule A3.2, Rule A2.5, Rule A2.3
	full := func(change func(*event.Event)) event.Event {
		e := event.New()
		e.SetID(`1 "%é`)
		e.SetSource("arn:aws:sns:eu-west-1:123456789012:t")
		e.SetType("image.processed")
		e.SetSubject("a b+c/ü%41.jpg") // no second decoding
		e.SetTime(time.Date(2026, 11, 23, 9, 0, 0, 123, time.UTC))
		e.SetDataSchema("https://example.com/schema")
		e.SetExtension("partitionkey", "k")
		change(&e)
		return e
	}
	cases := []struct {
		reason string
		e      event.Event
		mode   Mode
		want   string // the data content type that is read, if it differs
	}{
		{"JSON", full(func(e *event.Event) { e.SetData("application/json", map[string]int{"n": 1}) }), Structured, ""},
		{"JSON", full(func(e *event.Event) { e.SetData("application/json", map[string]int{"n": 1}) }), Binary, ""},
		{"JSON", full(func(e *event.Event) { e.SetData("application/json", map[string]int{"n": 1}) }), Kafka, ""},
		{"JSON of a kind of its own", full(func(e *event.Event) {
			e.SetDataContentType("application/problem+json")
			e.DataEncoded = []byte(`{"n":1}`)
		}), Structured, ""},
		{"the default of the JSON format is said in the others", full(func(e *event.Event) { e.DataEncoded = []byte(`{"n":1}`) }), Binary, "application/json"},
		{"text", full(func(e *event.Event) { e.SetData("text/plain", "hé\n") }), Structured, ""},
		{"text", full(func(e *event.Event) { e.SetData("text/plain", "hé\n") }), Binary, ""},
		{"bytes", full(func(e *event.Event) { e.SetData("image/png", []byte{0xff, 0}) }), Structured, ""},
		{"bytes", full(func(e *event.Event) { e.SetData("image/png", []byte{0xff, 0}) }), Kafka, ""},
		{"no data", full(func(e *event.Event) {}), Binary, ""},
	}
	for _, c := range cases {
		t.Run(c.mode.String()+" "+c.reason, func(t *testing.T) {
			m, err := Encode(c.e, c.mode)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(m)
			if err != nil {
				t.Fatal(err)
			}
			want := c.e.Clone()
			if c.want != "" {
				want.SetDataContentType(c.want)
			}
			if diff := cmp.Diff(want, got.Event, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
				t.Errorf("read back (-sent +received):\n%s", diff)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, mode := range []Mode{Structured, Binary, Kafka, 7} {
		if m, err := Encode(event.New(), mode); err == nil {
			t.Errorf("Encode of an event without an id by %v = %v", mode, m)
		}
	}
}

// sameData leaves out space around JSON, which the JSON format does not keep.
func sameData(a, b *eventfx.Message) bool {
	if cloudevent.IsJSON(a.DataContentType()) && !a.DataBase64 {
		return bytes.Equal(bytes.TrimSpace(a.DataEncoded), bytes.TrimSpace(b.DataEncoded))
	}
	return bytes.Equal(a.DataEncoded, b.DataEncoded)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(structured), "content-type", structuredType, "")
	f.Add([]byte(structured), "", "", "")
	f.Add([]byte("x"), "ce-subject", "a%20b", "ce-")
	f.Add([]byte(`{}`), "content-type", "application/json", "ce_")
	f.Fuzz(func(t *testing.T, body []byte, key, value, prefix string) {
		metadata := map[string]string{}
		if prefix != "" {
			metadata = required(prefix, nil)
		}
		metadata[key] = value
		m, err := Decode(&pubsub.Message{Body: body, Metadata: metadata})
		if err != nil {
			return
		}
		// Whatever is read can be sent on, in every mode, and is itself then.
		for _, mode := range []Mode{Structured, Binary, Kafka} {
			sent, err := Encode(m.Event, mode)
			if err != nil {
				t.Fatalf("%v: %v", mode, err)
			}
			again, err := Decode(sent)
			if err != nil {
				t.Fatalf("%v: %v", mode, err)
			}
			if again.ID() != m.ID() || again.Source() != m.Source() || again.Type() != m.Type() || again.Subject() != m.Subject() || !sameData(m, again) {
				t.Errorf("%v: sent\n%v, received\n%v", mode, m.Event, again.Event)
			}
		}
	})
}
