package memcloud_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// An upload starts a function, which writes a row; the table's stream starts
// the next.
func ExampleTrigger() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	uploads := cloud.Bucket("uploads", nil)
	images := cloud.Table("images", &memcloud.TableOptions{Key: "key"})

	index := func(ctx context.Context, e events.S3Event) error {
		for _, r := range e.Records {
			o := r.S3.Object
			if err := images.PutItem(ctx, memcloud.Item{"key": o.URLDecodedKey, "size": o.Size}); err != nil {
				return err
			}
		}
		return nil
	}
	announce := func(_ context.Context, e events.DynamoDBEvent) error {
		for _, r := range e.Records {
			fmt.Println(r.EventName, r.Change.NewImage["key"].String(), r.Change.NewImage["size"].Number())
		}
		return nil
	}
	cloud.Function("index", lambda.NewHandler(index), memcloud.Trigger(uploads, &memcloud.Notification{Suffix: ".jpg"}))
	cloud.Function("announce", lambda.NewHandler(announce), memcloud.Trigger(images))

	uploads.Put("holiday 1.jpg", []byte("not much of a picture"))
	uploads.Put("notes.txt", []byte("not for us"))
	cloud.Settle()
	// Output: INSERT holiday 1.jpg 21
}
