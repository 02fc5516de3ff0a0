package httphost

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// Attributes may have characters that an attribute of an event may not.
func TestAttributesOfAMessage(t *testing.T) {
	want := map[string]string{"type": "order.placed", "control": "a\u0000\u007f\u0085b", "nonchar": "\ufdd0\U0001fffe", "html": "<&>", "": "empty name"}
	doc, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	m, status, answer := deliverOne(t, push(`{"messageId":"1","attributes":`+string(doc)+`}`))
	if status != 204 {
		t.Fatalf("status %d: %s", status, answer)
	}
	if diff := cmp.Diff(want, m.Origin.Attributes); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(m.Extensions()["eventfxattributes"].(string)), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("extension (-want +got):\n%s", diff)
	}
	if !(queue.JSON[any]{Queue: "orders", Type: "order.placed"}).Match(m) {
		t.Error("the type among the attributes is not seen")
	}
}

func TestDataOfAMessage(t *testing.T) {
	for _, tt := range []struct {
		reason, message, contentType, data string
		binary                             bool
	}{
		{"an object", `{"messageId":"1","data":"eyJhIjoxfQ=="}`, "application/json", `{"a":1}`, false},
		{"an array", `{"messageId":"1","data":"WzFd"}`, "application/json", `[1]`, false},
		{"a number is text", `{"messageId":"1","data":"MTI="}`, "text/plain", `12`, false},
		{"broken JSON is text", `{"messageId":"1","data":"eyJh"}`, "text/plain", `{"a`, false},
		{"bytes", `{"messageId":"1","data":"/wA="}`, "", "\xff\x00", true},
		{"nothing", `{"messageId":"1"}`, "", "", false},
		{"null", `{"messageId":"1","data":null,"attributes":null,"orderingKey":null}`, "", "", false},
		{"empty", `{"messageId":"1","data":""}`, "", "", false},
		{"as the publisher says", `{"messageId":"1","data":"MTI=","attributes":{"Content-Type":"application/json"}}`, "application/json", `12`, false},
		{"what the publisher says is no type", `{"messageId":"1","data":"MTI=","attributes":{"content-type":"number"}}`, "text/plain", `12`, false},
		{"an image", `{"messageId":"1","data":"/wA=","attributes":{"content-type":"image/png"}}`, "image/png", "\xff\x00", true},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			m, status, answer := deliverOne(t, push(tt.message))
			if status != 204 {
				t.Fatalf("status %d: %s", status, answer)
			}
			if m.DataContentType() != tt.contentType || string(m.DataEncoded) != tt.data || m.DataBase64 != tt.binary {
				t.Errorf("%q of type %q, binary %v", m.DataEncoded, m.DataContentType(), m.DataBase64)
			}
			if m.ID() != "1" || m.Source() != "//pubsub.googleapis.com/projects/p/subscriptions/orders" || m.Origin.Name != "orders" {
				t.Errorf("id %q, source %q, name %q", m.ID(), m.Source(), m.Origin.Name)
			}
		})
	}
}

// An object whose name no subject may hold is named by the data.
func TestObjectWithAStrangeName(t *testing.T) {
	m, status, answer := deliverOne(t, push(`{"messageId":"1","attributes":{"eventType":"OBJECT_FINALIZE","bucketId":"photos","objectId":"a\u0001b","objectGeneration":"7","payloadFormat":"NONE"}}`))
	if status != 204 {
		t.Fatalf("status %d: %s", status, answer)
	}
	c, err := object.Created{}.Decode(m)
	if err != nil || c.Key != "a\u0001b" || c.Version != "7" || !(object.Created{Prefix: "a\u0001"}).Match(m) {
		t.Errorf("%+v, %v", c, err)
	}
}

// A message that only resembles a notification of Cloud Storage is a message.
func TestNoNotification(t *testing.T) {
	for _, attributes := range []string{
		`{"eventType":"OBJECT_RESTORED","bucketId":"b","objectId":"o","payloadFormat":"NONE"}`,
		`{"eventType":"OBJECT_FINALIZE","bucketId":"b","payloadFormat":"NONE"}`,
		`{"eventType":"OBJECT_DELETE","bucketId":"b","objectId":"o","overwrittenByGeneration":"1"}`,
	} {
		m, status, _ := deliverOne(t, push(`{"messageId":"1","attributes":`+attributes+`}`))
		if status != 204 || m == nil || m.Type() != "dev.eventfx.message" {
			t.Errorf("%s: status %d, %v", attributes, status, m)
		}
	}
}
