// Package firsttest is a Lambda function as many exist today, and the test
// that it never had: its queue, its retries and its dead letters, in memory.
// The function knows nothing of eventfx.
package firsttest

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"
)

type order struct {
	ID string `json:"id"`
}

// ship stands for the work on one order.
func ship(_ context.Context, o order) error {
	if o.ID == "poison" {
		return errors.New("no such article")
	}
	return nil
}

// [handler]
func shipOrders(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var answer events.SQSEventResponse
	for _, record := range batch.Records {
		var o order
		err := json.Unmarshal([]byte(record.Body), &o)
		if err == nil {
			err = ship(ctx, o)
		}
		if err != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		}
	}
	return answer, nil
}

// [/handler]
