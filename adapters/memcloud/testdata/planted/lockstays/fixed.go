package lockstays

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Fixed charges a card.
func Fixed(ctx context.Context, s *Shop, m events.SQSMessage) error {
	lock := Lock{ID: m.MessageId, Until: end(ctx)}
	if todo, err := s.Take(ctx, lock); err != nil || !todo {
		return err
	}
	return s.Done(ctx, lock, s.Charge(ctx, m))
}
