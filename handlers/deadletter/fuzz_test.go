package deadletter_test

import (
	"testing"

	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// FuzzRead: whatever lies in a dead-letter queue is a letter, and one that can
// be sent again.
func FuzzRead(f *testing.F) {
	f.Add([]byte("two apples"), "", "")
	f.Add([]byte(`{"specversion":"1.0","id":"a","source":"/b","type":"c","dlstory":"{}","dltime":"no time","dlattempts":"x"}`), "", "application/cloudevents+json")
	f.Add([]byte(`{"specversion":"1.0","id":"a","source":"/b","type":"c","dlstory":"{\"claimed\":true,\"time\":7}"}`), "", "")
	f.Add([]byte("AP8="), `{"event":{"specversion":"1.0","id":"a","source":"b","type":"com.amazonaws.sqs.message","sqsattributes":"{\"base64encoded\":{\"stringValue\":\"true\"}}"},"replayed":"never"}`, "text/plain")
	f.Fuzz(func(t *testing.T, body []byte, story, contentType string) {
		m := &pubsub.Message{LoggableID: "m-1", Body: body, Metadata: map[string]string{}}
		if story != "" {
			m.Metadata["eventfx-deadletter"] = story
		}
		if contentType != "" {
			m.Metadata["content-type"] = contentType
		}
		l := deadletter.Read(m)
		if err := l.Event.Validate(); err != nil {
			t.Fatalf("%v: %s", err, l.Event)
		}
		l.Message()
		topic := mempubsub.NewTopic()
		defer topic.Shutdown(t.Context())
		defer mempubsub.NewSubscription(topic, 1).Shutdown(t.Context())
		if err := deadletter.ToTopic(topic, nil)(t.Context(), l); err != nil {
			t.Fatalf("%v: %s", err, l.Event)
		}
	})
}
