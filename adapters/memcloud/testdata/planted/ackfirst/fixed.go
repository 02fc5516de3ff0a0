package ackfirst

import (
	"context"

	"gocloud.dev/pubsub"
)

// Fixed works until ctx is done or the subscription fails.
func Fixed(ctx context.Context, s *Shop, orders *pubsub.Subscription) error {
	for {
		m, err := orders.Receive(ctx)
		if err != nil {
			return err
		}
		if err := s.Store(ctx, m); err != nil {
			m.Nack()
			continue
		}
		m.Ack()
	}
}
