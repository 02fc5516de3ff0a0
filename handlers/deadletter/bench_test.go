package deadletter_test

import (
	"io"
	"log"
	"os"
	"testing"

	"gocloud.dev/blob/memblob"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/handlers/deadletter"
	"github.com/eventfx/eventfx-go/handlers/redact"
)

// BenchmarkKeep is what one letter costs beside its sink. Only dead messages
// pay it.
func BenchmarkKeep(b *testing.B) {
	log.SetOutput(io.Discard) // mempubsub warns of each message that nobody receives
	defer log.SetOutput(os.Stderr)
	topic := mempubsub.NewTopic()
	defer topic.Shutdown(b.Context())
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	d, q := dead(placed()), dead(sent("two apples", attributes))
	redactor := &redact.Redactor{Pointers: []string{"/id"}}
	for name, f := range map[string]func() error{
		"topic/event":  func() error { return deadletter.Topic(topic, nil)(b.Context(), d) },
		"topic/native": func() error { return deadletter.Topic(topic, nil)(b.Context(), q) },
		"topic/redacted": func() error {
			return deadletter.Topic(topic, &deadletter.TopicOptions{Redact: redactor})(b.Context(), d)
		},
		"bucket": func() error { return deadletter.Bucket(bucket, nil)(b.Context(), d) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, f())
			}
		})
	}
}
