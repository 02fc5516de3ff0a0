package awscompat

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/delivery"
)

// SQSHandler returns r as the function that aws-lambda-go users write for a
// queue, for a program that has such functions, or tests of them, and is to
// keep them. format may be nil.
//
// The answer lists what failed, also when all did. As with every function of
// this type, the event source mapping must have ReportBatchItemFailures: without
// it Lambda reads no list, and deletes what failed. An error is a batch that
// cannot be read, and fails as a whole.
func SQSHandler(r *eventfx.Router, format *awsevents.Format) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	if r == nil {
		panic("awscompat: nil Router")
	}
	if format == nil {
		format = &awsevents.Format{}
	}
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		if len(e.Records) == 0 {
			return events.SQSEventResponse{}, nil
		}
		payload, err := json.Marshal(e)
		if err != nil {
			return events.SQSEventResponse{}, fmt.Errorf("awscompat: SQS event: %w", err)
		}
		id := ""
		if lc, ok := lambdacontext.FromContext(ctx); ok {
			id = lc.AwsRequestID
		}
		p, err := format.Open(payload, id)
		if err != nil {
			return events.SQSEventResponse{}, err
		}
		run, cancel := delivery.WithMargin(ctx, 0)
		defer cancel()
		answer, err := p.Answer(r.Deliver(run, p.Messages))
		if err != nil {
			return events.SQSEventResponse{}, err
		}
		var out events.SQSEventResponse
		if err := json.Unmarshal(answer, &out); err != nil {
			return events.SQSEventResponse{}, fmt.Errorf("awscompat: SQS answer: %w", err)
		}
		return out, nil
	}
}
