// Package delivery holds what the core, its hosts and the in-memory cloud tell
// each other through a context and no user needs.
package delivery

import (
	"context"
	"time"
)

// LaneKey is the context key of a lane: the position, in its batch, of the
// message that code runs for. Code of one lane is sequential, so a cloud that
// sees lanes can order calls that reach it at one instant by something better
// than the order of arrival.
type LaneKey struct{}

// Lane returns the lane of ctx, and whether there is one.
func Lane(ctx context.Context) (int, bool) {
	lane, ok := ctx.Value(LaneKey{}).(int)
	return lane, ok
}

type graceKey struct{}

// WithGrace limits how long a router may wait for handlers after ctx is done,
// so that a host can still write its answer before its own deadline.
func WithGrace(ctx context.Context, limit time.Duration) context.Context {
	return context.WithValue(ctx, graceKey{}, limit)
}

// Grace returns the limit set by WithGrace, and whether there is one.
func Grace(ctx context.Context) (time.Duration, bool) {
	limit, ok := ctx.Value(graceKey{}).(time.Duration)
	return limit, ok
}
