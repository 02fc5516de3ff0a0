package lostupdate

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// Fixed counts a delivery.
func Fixed(ctx context.Context, s *Shop, m events.SQSMessage) error {
	article, err := s.Load(ctx, m.Body)
	if err != nil || article.Has(m.MessageId) {
		return err
	}
	article.Pieces++
	article.Counted = append(article.Counted, m.MessageId)
	return s.SaveUnchanged(ctx, article)
}
