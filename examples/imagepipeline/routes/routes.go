// Package routes connects the pipeline's handlers to their events. It is the
// one place that knows both, and the same in memory and in the cloud.
package routes

import (
	"context"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/eventfx/table"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/pipeline"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// The sources, as they are also needed to tell what a route is for.
var (
	Pictures = object.Created{}
	NewRows  = table.Inserted[pipeline.Image]{}
	Orders   = queue.JSON[pipeline.Order]{Queue: "orders"}
)

// New returns the router of the pipeline. What cannot succeed goes to the
// topic deadLetters.
func New(app *pipeline.App, deadLetters *pubsub.Topic) *eventfx.Router {
	r := &eventfx.Router{
		// Two tries in each delivery: the second is for what was over in a
		// moment. A message that failed in two deliveries is dead.
		Retry: eventfx.Retry{
			Attempts: 2, Deliveries: 2,
			Delay: func(int, error) time.Duration { return 100 * time.Millisecond },
		},
		DeadLetter: deadletter.Topic(deadLetters, nil),
	}
	eventfx.On(r, Pictures, app.Thumbnail)
	eventfx.On(r, NewRows, app.Notify)
	// The stream tells of every change of a row; only new ones matter here.
	eventfx.On(r, table.Any[pipeline.Image]{}, ignore)
	eventfx.On(r, Orders, app.Print)
	return r
}

func ignore(context.Context, eventfx.Event[table.Change[pipeline.Image]]) error { return nil }
