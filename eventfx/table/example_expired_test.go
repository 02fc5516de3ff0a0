package table_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

type Session struct {
	ID      string    `dynamodbav:"id"`
	Expires time.Time `dynamodbav:"expires,unixtime"` // the attribute of the table's time to live
}

// A removal says whether somebody asked for it, or the item's time was over.
func ExampleRemoved() {
	ended := func(_ context.Context, e eventfx.Event[table.Change[Session]]) error {
		if e.Data.Expired {
			fmt.Println(e.Data.Keys.ID, "expired at", e.Data.Old.Expires.Format(time.TimeOnly))
			return nil
		}
		fmt.Println(e.Data.Keys.ID, "logged out")
		return nil
	}

	var r eventfx.Router
	eventfx.On(&r, table.Removed[Session]{Table: "sessions"}, ended)

	removal := func(id, more string) *eventfx.Message {
		e := event.New()
		e.SetID(id)
		e.SetType("com.amazonaws.dynamodb.REMOVE")
		e.SetSource("arn:aws:dynamodb:eu-west-1:123456789012:table/sessions")
		e.SetData("application/json", []byte(`{"eventName": "REMOVE"`+more+`, "dynamodb": {
			"Keys":     {"id": {"S": "`+id+`"}},
			"OldImage": {"id": {"S": "`+id+`"}, "expires": {"N": "1795435200"}}}}`))
		return &eventfx.Message{Event: e}
	}
	r.Deliver(context.Background(), []*eventfx.Message{
		removal("s1", ""),
		removal("s2", `, "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}`),
	})
	// Output:
	// s1 logged out
	// s2 expired at 12:00:00
}
