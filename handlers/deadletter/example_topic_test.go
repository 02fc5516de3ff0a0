package deadletter_test

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// A message of a queue lies in the dead-letter queue as it was, with its story
// in an attribute.
func ExampleTopic() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	dlq := cloud.Queue("orders-dlq", nil)
	keep := deadletter.Topic(portable.Topic(dlq), nil)

	if err := keep(context.Background(), dead(sent("two apples", ""))); err != nil {
		fmt.Println(err)
	}
	for _, m := range dlq.Messages() {
		fmt.Println(m.Body)
		for name := range m.Attributes {
			fmt.Println("with", name)
		}
	}
	// Output:
	// two apples
	// with eventfx-deadletter
}
