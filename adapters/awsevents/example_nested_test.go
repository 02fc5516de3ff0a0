package awsevents_test

import (
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
)

// The events inside a message reach the same handlers as those that come
// directly.
func ExampleFormat_Open_nested() {
	p, err := awsevents.Format{}.Open([]byte(`{"Records":[{
		"messageId":"059f36b4",
		"body":"{\"Records\":[{\"eventSource\":\"aws:s3\",\"awsRegion\":\"eu-west-1\",\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"uploads\"},\"object\":{\"key\":\"red+flower.jpg\"}}}]}",
		"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:uploads"}]}`), "request-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	m := p.Messages[0]
	fmt.Println(m.Type())
	fmt.Println(m.Source(), m.Subject())
	fmt.Println("delivered by", m.Origin.Name, "as", m.Origin.ID)
	// Output:
	// com.amazonaws.s3.ObjectCreated:Put
	// aws:s3.eu-west-1.uploads red flower.jpg
	// delivered by uploads as 059f36b4
}
