package object_test

import (
	"context"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
)

// A removal from a bucket with versions leaves them behind a delete marker.
func ExampleRemoved() {
	var r eventfx.Router
	eventfx.On(&r, object.Removed{Bucket: "uploads"}, func(_ context.Context, e eventfx.Event[object.Change]) error {
		fmt.Printf("%s: %s, marker %v\n", e.Data.Event, e.Data.Key, e.Data.Marker)
		return nil
	})

	e := event.New()
	e.SetID("2ee9cc15-d022-99ea-1fb8-1b1bac4850f9")
	e.SetSource("arn:aws:s3:::uploads")
	e.SetType("com.amazonaws.s3.ObjectDeleted")
	e.SetSubject("a+b.jpg")
	e.SetData("application/json", []byte(`{
		"bucket": {"name":"uploads"},
		"object": {"key":"a+b.jpg","version-id":"1QW9g1Z99LUNbvaaYVpW9xDlOLU.qxgF"},
		"deletion-type": "Delete Marker Created"}`))

	r.Deliver(context.Background(), []*eventfx.Message{{Event: e}})
	// Output:
	// ObjectDeleted: a+b.jpg, marker true
}
