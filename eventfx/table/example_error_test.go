package table_test

import (
	"errors"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

// An attribute that does not fit is named by its path.
func ExampleDecodeError() {
	type Order struct {
		Items []struct {
			Price int `dynamodbav:"price"` // in cents
		} `dynamodbav:"items"`
	}

	e := event.New()
	e.SetID("eccbc87e4b5ce2fe28308fd9f2a7baf3")
	e.SetType("com.amazonaws.dynamodb.INSERT")
	e.SetSource("arn:aws:dynamodb:eu-west-1:123456789012:table/orders")
	e.SetData("application/json", []byte(`{"dynamodb": {"NewImage": {"items": {"L": [
		{"M": {"price": {"N": "250"}}},
		{"M": {"price": {"N": "3.5"}}}]}}}}`))

	_, err := table.Inserted[Order]{Table: "orders"}.Decode(&eventfx.Message{Event: e})
	fmt.Println(err)
	if e, ok := errors.AsType[*table.DecodeError](err); ok {
		fmt.Println(e.Path)
	}
	// Output:
	// table: NewImage.items[1].price: number 3.5 does not fit int
	// NewImage.items[1].price
}
