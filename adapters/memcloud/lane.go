package memcloud

import (
	"context"
	"math"

	"github.com/eventfx/eventfx-go/internal/delivery"
)

// A lane is sequential code: an invocation, or one message in it when a
// router hands them out side by side and says so in the context.
const (
	noLane     = -1
	answerLane = math.MaxInt // the answer comes after what the handler did before
)

type invocationKey struct{}

// newCall makes a call of the lane that ctx belongs to.
func (c *Cloud) newCall(ctx context.Context, key string, f func() error) *call {
	k := &call{lane: noLane, key: key, f: f, own: ctx == own}
	if inv, ok := ctx.Value(invocationKey{}).(*invocation); ok && inv.cloud == c {
		k.owner = inv
		if lane, ok := delivery.Lane(ctx); ok {
			k.lane = lane
		}
	}
	return k
}

// order returns the number of the invocation; 0 stands for everybody else.
func (inv *invocation) order() int {
	if inv == nil {
		return 0
	}
	return inv.number
}
