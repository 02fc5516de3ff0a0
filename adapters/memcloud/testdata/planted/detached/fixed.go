package detached

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Fixed stores an order and publishes it.
func Fixed(ctx context.Context, s *Shop, m events.SQSMessage) error {
	if err := s.Store(ctx, m); err != nil {
		return err
	}
	return s.Publish(ctx, m)
}
