package ackfirst

import (
	"context"

	"gocloud.dev/pubsub"
)

// Bug works until ctx is done or the subscription fails.
func Bug(ctx context.Context, s *Shop, orders *pubsub.Subscription) error {
	for {
		m, err := orders.Receive(ctx)
		if err != nil {
			return err
		}
		m.Ack()
		if err := s.Store(ctx, m); err != nil {
			s.Log.Error("not stored", "id", m.LoggableID, "error", err)
			continue
		}
	}
}
