package object_test

import (
	"context"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
)

// Thumbnails are made of the pictures in one bucket, whichever cloud it is in.
func ExampleCreated() {
	thumbnail := func(_ context.Context, e eventfx.Event[object.Change]) error {
		fmt.Printf("%s: %s/%s, %d bytes\n", e.Data.Service, e.Data.Bucket, e.Data.Key, e.Data.Size)
		return nil
	}

	var r eventfx.Router
	eventfx.On(&r, object.Created{Bucket: "uploads", Suffix: ".jpg"}, thumbnail)

	s3 := event.New()
	s3.SetID("C3D13FE58DE4C810.FMyUVURIY8")
	s3.SetSource("aws:s3.eu-west-1.uploads")
	s3.SetType("com.amazonaws.s3.ObjectCreated:Put")
	s3.SetSubject("red flower.jpg")
	s3.SetData("application/json", []byte(`{"s3":{
		"bucket": {"name":"uploads"},
		"object": {"key":"red+flower.jpg","size":1024,"eTag":"d41d8cd9","sequencer":"0055AED6DCD90281E5"}}}`))

	gcs := event.New()
	gcs.SetID("1096434104173400")
	gcs.SetSource("//storage.googleapis.com/projects/_/buckets/uploads")
	gcs.SetType("google.cloud.storage.object.v1.finalized")
	gcs.SetSubject("objects/red flower.jpg")
	gcs.SetData("application/json", []byte(`{"bucket":"uploads","name":"red flower.jpg","generation":"1587627537231057","size":"1024"}`))

	r.Deliver(context.Background(), []*eventfx.Message{{Event: s3}, {Event: gcs}})
	// Output:
	// s3: uploads/red flower.jpg, 1024 bytes
	// gcs: uploads/red flower.jpg, 1024 bytes
}
