package awsevents_test

import (
	"errors"
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
)

func ExamplePayload_Answer() {
	p, err := awsevents.Format{}.Open([]byte(orders), "request-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := p.Answer([]eventfx.Failure{{Message: p.Messages[1], Err: errors.New("out of stock")}})
	fmt.Println(string(answer), err)
	// Output:
	// {"batchItemFailures":[{"itemIdentifier":"2e1424d4"}]} <nil>
}
