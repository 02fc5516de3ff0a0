package seenfirst

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Fixed prints an order's label unless it is remembered.
func Fixed(ctx context.Context, s *Shop, m events.SQSMessage) error {
	if seen, err := s.Seen(ctx, m.Body); err != nil || seen {
		return err
	}
	if err := s.Print(ctx, m.Body); err != nil {
		return err
	}
	return s.Remember(ctx, m.Body)
}
