package parkfails

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// Bug stores an order, or parks it.
func Bug(ctx context.Context, s *Shop, m events.SQSMessage) error {
	err := s.Store(ctx, m)
	if errors.Is(err, errUnreadable) {
		_, err = s.Parked.SendMessage(ctx, memcloud.Message{Body: m.Body})
		s.Log.Warn("parked", "id", m.MessageId, "error", err)
		return nil
	}
	return err
}
