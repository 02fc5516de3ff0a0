package table_test

import (
	"context"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

type User struct {
	ID    string   `dynamodbav:"id"`
	Email string   `dynamodbav:"email"`
	Roles []string `dynamodbav:"roles,stringset"`
}

// New users are welcomed.
func ExampleInserted() {
	welcome := func(_ context.Context, e eventfx.Event[table.Change[User]]) error {
		user := e.Data.New
		fmt.Printf("mail to %s: welcome, %s %v\n", user.Email, user.ID, user.Roles)
		return nil
	}

	var r eventfx.Router
	eventfx.On(&r, table.Inserted[User]{Table: "users"}, welcome)

	// What a host makes of a record of the table's stream.
	e := event.New()
	e.SetID("c4ca4238a0b923820dcc509a6f75849b")
	e.SetType("com.amazonaws.dynamodb.INSERT")
	e.SetSource("arn:aws:dynamodb:eu-west-1:123456789012:table/users")
	e.SetData("application/json", []byte(`{"eventName": "INSERT", "dynamodb": {
		"Keys":     {"id": {"S": "ada"}},
		"NewImage": {"id": {"S": "ada"}, "email": {"S": "ada@example.com"}, "roles": {"SS": ["admin", "author"]}}}}`))

	r.Deliver(context.Background(), []*eventfx.Message{{Event: e}})
	// Output:
	// mail to ada@example.com: welcome, ada [admin author]
}
