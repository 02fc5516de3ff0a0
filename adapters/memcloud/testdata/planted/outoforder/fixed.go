package outoforder

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Fixed applies messages.
func Fixed(ctx context.Context, s *Shop, e events.SQSEvent) (answer events.SQSEventResponse, err error) {
	for _, m := range e.Records {
		if len(answer.BatchItemFailures) > 0 || s.Apply(ctx, m) != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return answer, nil
}
