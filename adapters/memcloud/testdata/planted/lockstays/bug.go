package lockstays

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Bug charges a card.
func Bug(ctx context.Context, s *Shop, m events.SQSMessage) error {
	lock := Lock{ID: m.MessageId}
	if todo, err := s.Take(ctx, lock); err != nil || !todo {
		return err
	}
	return s.Done(ctx, lock, s.Charge(ctx, m))
}
