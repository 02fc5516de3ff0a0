package rowisproof

import (
	"context"

	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
)

// Bug stores an order and publishes that it was placed.
func Bug(ctx context.Context, s *Shop, o Order) error {
	switch err := s.Orders.Create(ctx, &o); gcerrors.Code(err) {
	case gcerrors.OK:
	case gcerrors.AlreadyExists:
		return nil
	default:
		return err
	}
	return s.Events.Send(ctx, &pubsub.Message{Body: []byte(o.ID)})
}
