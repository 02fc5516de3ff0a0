package awscompat_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/awscompat"
	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// A function for one message moves over as it is.
func Example() {
	audit := func(_ context.Context, m events.SQSMessage) error {
		fmt.Println(m.MessageId, m.Attributes["ApproximateReceiveCount"], m.Body)
		return nil
	}

	r := &eventfx.Router{}
	eventfx.On(r, awscompat.SQS{Queue: "audit"}, eventfx.Data(audit))

	answer, err := lambdahost.Handler(r, nil).Invoke(context.Background(), []byte(`{"Records":[{
		"messageId": "059f36b4", "receiptHandle": "AQEB", "body": "logged in",
		"attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1767323045000"},
		"messageAttributes": {}, "md5OfBody": "fd1a",
		"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:audit", "awsRegion": "eu-west-1"
	}]}`))
	fmt.Println(string(answer), err)
	// Output:
	// 059f36b4 2 logged in
	// {"batchItemFailures":[]} <nil>
}

// A router takes the place of a function for a batch.
func ExampleSQSHandler() {
	r := &eventfx.Router{Observer: quiet}
	eventfx.On(r, awscompat.SQS{}, func(_ context.Context, e eventfx.Event[events.SQSMessage]) error {
		if e.Data.Body == "" {
			return errors.New("empty")
		}
		return nil
	})
	handle := awscompat.SQSHandler(r, nil) // lambda.Start(handle)

	arn := "arn:aws:sqs:eu-west-1:123456789012:audit"
	answer, err := handle(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "1", Body: "logged in", EventSource: "aws:sqs", EventSourceARN: arn},
		{MessageId: "2", Body: "", EventSource: "aws:sqs", EventSourceARN: arn},
	}})
	fmt.Println(answer.BatchItemFailures, err)
	// Output:
	// [{2}] <nil>
}

// quiet leaves out the line that each failed message has in the log.
var quiet = eventfx.Observer{Message: func(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
	return ctx, nil
}}
