// Package before holds functions for aws-lambda-go, as lambda.Start takes
// them: the left sides of docs/migrate.md.
package before

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/awscompat/internal/shop"
)

// Orders decodes the messages of a queue.
//
// [orders]
func Orders(ctx context.Context, e events.SQSEvent) (out events.SQSEventResponse, _ error) {
	for _, record := range e.Records {
		var order shop.Order
		if json.Unmarshal([]byte(record.Body), &order) != nil || shop.Ship(ctx, order) != nil {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		}
	}
	return out, nil
}

// [/orders]

// Audit needs a message whole.
//
// [audit]
func Audit(ctx context.Context, e events.SQSEvent) (out events.SQSEventResponse, _ error) {
	for _, record := range e.Records {
		if shop.Audit(ctx, record) != nil {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		}
	}
	return out, nil
}

// [/audit]

// Uploads takes S3's records.
//
// [uploads]
func Uploads(ctx context.Context, e events.S3Event) error {
	for _, record := range e.Records {
		if err := shop.Index(ctx, record); err != nil {
			return err
		}
	}
	return nil
}

// [/uploads]

// Users reads a table's stream by hand.
//
// [users]
func Users(ctx context.Context, e events.DynamoDBEvent) error {
	for _, record := range e.Records {
		if image := record.Change.NewImage; record.EventName == "INSERT" {
			if err := shop.Welcome(ctx, shop.User{ID: image["id"].String(), Email: image["email"].String()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// [/users]

// Events tells the events of a bus apart.
//
// [events]
func Events(ctx context.Context, e events.EventBridgeEvent) error {
	switch e.DetailType {
	case "Scheduled Event":
		return shop.Cleanup(ctx, e.Time)
	case "Order Placed":
		return shop.Placed(ctx, e)
	}
	return nil
}

// [/events]

// News decodes what a topic sends.
//
// [news]
func News(ctx context.Context, e events.SNSEvent) error {
	var order shop.Order
	if err := json.Unmarshal([]byte(e.Records[0].SNS.Message), &order); err != nil {
		return err
	}
	return shop.Ship(ctx, order)
}

// [/news]
