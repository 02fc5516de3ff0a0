package awsevents_test

import (
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
)

const orders = `{"Records":[
	{"messageId":"059f36b4","body":"{\"order\":1}","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:orders"},
	{"messageId":"2e1424d4","body":"{\"order\":2}","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:orders"}]}`

func ExampleFormat_Open() {
	p, err := awsevents.Format{}.Open([]byte(orders), "request-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range p.Messages {
		fmt.Println(m.Type(), m.ID(), string(m.Data()))
	}
	// Output:
	// com.amazonaws.sqs.message 059f36b4 {"order":1}
	// com.amazonaws.sqs.message 2e1424d4 {"order":2}
}
