package object_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
)

// Google Cloud Storage tells of a removal when an object is overwritten, too.
// A look at the bucket tells the two apart.
func ExampleIfGone() {
	bucket := map[string]bool{"kept.jpg": true}
	exists := func(_ context.Context, c object.Change) (bool, error) {
		return bucket[c.Key], nil // blob.Bucket's Exists, say
	}
	r := &eventfx.Router{}
	eventfx.On(r, object.Removed{}, func(_ context.Context, e eventfx.Event[object.Change]) error {
		fmt.Println("remove the thumbnail of", e.Data.Key)
		return nil
	}, object.IfGone(exists))

	failures := r.Deliver(context.Background(), []*eventfx.Message{
		gcs("deleted", "kept.jpg"), // one generation of it ended
		gcs("deleted", "lost.jpg"),
	})
	fmt.Println(len(failures), "failed")

	// Output:
	// remove the thumbnail of lost.jpg
	// 0 failed
}
