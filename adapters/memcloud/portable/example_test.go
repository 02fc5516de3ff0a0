package portable_test

import (
	"context"
	"fmt"
	"log"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
)

// A function is written for gocloud: it reads the object that triggers it, and
// writes beside it.
func ExampleBucket() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	uploads, reports := cloud.Bucket("uploads", nil), cloud.Bucket("reports", nil)
	in, out := portable.Bucket(uploads), portable.Bucket(reports)

	count := handler(func(ctx context.Context, _ []byte) error {
		data, err := in.ReadAll(ctx, "orders.csv")
		if err != nil {
			return err
		}
		return out.WriteAll(ctx, "size.txt", fmt.Appendf(nil, "%d bytes", len(data)), nil)
	})
	cloud.Function("count", count, memcloud.Trigger(uploads))

	if err := in.WriteAll(context.Background(), "orders.csv", []byte("id,total\n7,12\n"), nil); err != nil {
		log.Fatal(err)
	}
	cloud.Settle()
	data, _ := reports.Get("size.txt")
	fmt.Printf("%s\n", data)
	// Output: 14 bytes
}

// handler is a function's code without an answer.
type handler func(ctx context.Context, payload []byte) error

func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return nil, h(ctx, payload)
}
