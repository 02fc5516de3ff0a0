package outoforder

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Bug applies messages.
func Bug(ctx context.Context, s *Shop, e events.SQSEvent) (answer events.SQSEventResponse, err error) {
	for _, m := range e.Records {
		if s.Apply(ctx, m) != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return answer, nil
}
