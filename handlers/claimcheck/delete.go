package claimcheck

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/eventfx/eventfx-go/eventfx"
)

// deleteLimit bounds the deletions after one delivery, whose own context may be
// done.
const deleteLimit = 5 * time.Second

// Once deletes the data of messages that are done, after inner knows it:
// idempotency's Guard.Once. A deletion that fails is logged as a warning and
// changes nothing: the handler does not run again for it.
//
// With a nil inner, a message that is done and delivered once more finds its
// data gone, and is dead: that is for sources that never repeat.
func (c *Claims) Once(inner eventfx.Once) eventfx.Once {
	return func(next eventfx.Handler) eventfx.Handler {
		guarded := next
		if inner != nil {
			guarded = inner(next)
		}
		return func(ctx context.Context, d *eventfx.Delivery) error {
			all := &eventfx.Delivery{Route: d.Route, Attempt: d.Attempt, Messages: slices.Clone(d.Messages)}
			err := guarded(ctx, d)
			failed := map[*eventfx.Message]bool{}
			for _, f := range all.Failures(err) {
				failed[f.Message] = true
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
			defer cancel()
			for _, m := range all.Messages {
				if !failed[m] {
					c.remove(ctx, m)
				}
			}
			return err
		}
	}
}

func (c *Claims) remove(ctx context.Context, m *eventfx.Message) {
	r, _, elsewhere, err := c.referenceOf(m)
	if !elsewhere {
		return
	}
	if err == nil {
		b, notAllowed := c.bucketOf(r)
		if err = notAllowed; err == nil {
			err = b.Delete(ctx, r.key)
		}
	}
	if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		slog.WarnContext(ctx, "eventfx: the data of a message that is done stays in its bucket", "id", m.ID(), "data", clip(r.String()), "error", err)
	}
}
