package goeson

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Fixed adds changes to the history.
func Fixed(ctx context.Context, s *Shop, e events.DynamoDBEvent) (answer events.DynamoDBEventResponse, err error) {
	for _, r := range e.Records {
		if err := s.Add(ctx, r); err != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
			return answer, nil // the stream goes on from here
		}
	}
	return answer, nil
}
