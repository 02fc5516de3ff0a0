package delivery

import (
	"context"
	"time"
)

// WithMargin returns a context for a router's work that ends a margin before
// the deadline of ctx, so that the answer can still be written: 500 ms, at most
// a tenth of the time that is left. The router's grace is limited to half the
// margin, and to grace unless that is 0. Without a deadline there is no margin.
func WithMargin(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		if grace > 0 {
			ctx = WithGrace(ctx, grace)
		}
		return ctx, func() {}
	}
	margin := max(0, min(500*time.Millisecond, time.Until(deadline)/10))
	if grace <= 0 || grace > margin/2 {
		grace = margin / 2
	}
	return context.WithDeadline(WithGrace(ctx, grace), deadline.Add(-margin))
}
