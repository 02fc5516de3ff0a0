package deadletter_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// Letters go back to their queue, those of one cause only.
func ExampleReplay() {
	ctx := context.Background()
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	letters, orders := cloud.Bucket("letters", nil), cloud.Queue("orders", nil)
	keep := deadletter.Bucket(portable.Bucket(letters), nil)
	for _, cause := range []string{"card refused", "unknown currency"} {
		d := dead(sent("two apples, "+cause, ""))
		d.Message.SetID(cause[:4])
		d.Err = &cardError{cause}
		if err := keep(ctx, d); err != nil {
			fmt.Println(err)
		}
	}

	progress, err := deadletter.Replay(ctx, deadletter.FromBucket(portable.Bucket(letters), "", nil), deadletter.ToTopic(portable.Topic(orders), nil),
		&deadletter.ReplayOptions{Filter: func(l *deadletter.Letter) bool { return strings.HasPrefix(l.Story.Error, "card") }})
	fmt.Printf("%+v %v\n", progress, err)
	for _, m := range orders.Messages() {
		fmt.Println("in orders:", m.Body)
	}
	fmt.Println("left:", len(letters.Keys()))
	// Output:
	// {Read:2 Sent:1 Skipped:1 Failed:0} <nil>
	// in orders: two apples, card refused
	// left: 1
}
