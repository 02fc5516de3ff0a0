package detached

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Bug stores an order and publishes it.
func Bug(ctx context.Context, s *Shop, m events.SQSMessage) error {
	if err := s.Store(ctx, m); err != nil {
		return err
	}
	go s.Publish(context.WithoutCancel(ctx), m)
	return nil
}
