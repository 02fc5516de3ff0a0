package staleevent

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Fixed writes what the events say into the index.
func Fixed(ctx context.Context, s *Shop, e events.S3Event) error {
	for _, r := range e.Records {
		if err := s.WriteNewer(ctx, r.S3); err != nil {
			return err
		}
	}
	return nil
}
