package awsevents_test

import (
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
)

// A record that cannot be read fails alone.
func ExampleRecordError() {
	p, err := awsevents.Format{}.Open([]byte(`{"Records":[
		{"messageId":"059f36b4","body":"fine","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:orders"},
		{"messageId":"2e1424d4","body":17,"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:orders"}]}`), "request-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range p.Messages {
		fmt.Println(m.ID(), m.Err)
	}
	// Output:
	// 059f36b4 <nil>
	// 2e1424d4 awsevents: sqs record 1 (2e1424d4): body is of the wrong type: number, want a string
}
