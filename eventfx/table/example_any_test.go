package table_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

// A table of several kinds of items is read without a struct: no digit of a
// number is lost.
func ExampleAny() {
	src := table.Any[map[string]any]{Table: "bank"}

	e := event.New()
	e.SetID("c81e728d9d4c2f636f067f89cc14862c")
	e.SetType("com.amazonaws.dynamodb.MODIFY")
	e.SetSource("arn:aws:dynamodb:eu-west-1:123456789012:table/bank")
	e.SetData("application/json", []byte(`{"eventName": "MODIFY", "dynamodb": {
		"Keys":     {"pk": {"S": "ACCOUNT#7"}},
		"OldImage": {"pk": {"S": "ACCOUNT#7"}, "balance": {"N": "12345678901234567890.01"}},
		"NewImage": {"pk": {"S": "ACCOUNT#7"}, "balance": {"N": "12345678901234567890.02"}, "tags": {"SS": ["vip"]}}}}`))
	m := &eventfx.Message{Event: e}

	fmt.Println(src, "matches:", src.Match(m))
	change, err := src.Decode(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(change.Kind, change.Keys["pk"])
	for _, name := range slices.Sorted(maps.Keys(*change.New)) {
		fmt.Printf("%s: %v -> %v\n", name, (*change.Old)[name], (*change.New)[name])
	}
	// Output:
	// table.Any[map[string]interface {}]{Table: "bank"} matches: true
	// modify ACCOUNT#7
	// balance: 12345678901234567890.01 -> 12345678901234567890.02
	// pk: ACCOUNT#7 -> ACCOUNT#7
	// tags: <nil> -> [vip]
}
