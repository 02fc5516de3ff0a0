package routes

import (
	"testing"

	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/examples/imagepipeline/pipeline"
)

// TestNew: the sources are distinct, and registering them does not panic.
func TestNew(t *testing.T) {
	topic := mempubsub.NewTopic()
	defer topic.Shutdown(t.Context())
	r := New(&pipeline.App{}, topic)
	failures := r.Deliver(t.Context(), nil)
	if len(failures) != 0 {
		t.Errorf("failures of nothing: %v", failures)
	}
}
