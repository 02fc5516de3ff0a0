package deadletter_test

import (
	"context"
	"fmt"

	"gocloud.dev/blob/memblob"

	"github.com/eventfx/eventfx-go/handlers/deadletter"
	"github.com/eventfx/eventfx-go/handlers/redact"
)

// What a redactor removes is in no letter.
func ExampleBucket_redact() {
	ctx := context.Background()
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	keep := deadletter.Bucket(bucket, &deadletter.BucketOptions{
		Redact: &redact.Redactor{Pointers: []string{"/card"}},
	})

	d := dead(placed())
	d.Message.DataEncoded = []byte(`{"id": 1, "card": "4111-1111"}`)
	d.Err = &cardError{"4111-1111 was refused"}
	if err := keep(ctx, d); err != nil {
		fmt.Println(err)
	}
	for l := range deadletter.FromBucket(bucket, "", nil).All(ctx) {
		fmt.Println(string(l.Event.DataEncoded), l.Story.Error)
	}
	// Output:
	// {"id": 1, "card": "[redacted]"} [redacted] was refused
}
