package object

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
)

// IfGone runs a handler of removals only for objects that are not there, by a
// look at the bucket: exists, such as Exists of a gocloud bucket, is a request
// of HEAD. A removal whose object is there is done without the handler.
//
//	eventfx.On(r, object.Removed{Bucket: "photos"}, removeThumbnail,
//		object.IfGone(func(ctx context.Context, c object.Change) (bool, error) {
//			return photos.Exists(ctx, c.Key)
//		}))
//
// It is for Google Cloud Storage, where the overwriting of an object tells of
// a removal as well, namely of its former generation, and for events that come
// late. It is not for handlers that care about single versions. Other changes
// pass without a look. An error of exists is a failure of that message alone.
// A new object may appear right after the look: its creation has an event of
// its own.
func IfGone(exists func(ctx context.Context, c Change) (bool, error)) eventfx.Middleware {
	return func(next eventfx.Handler) eventfx.Handler {
		return func(ctx context.Context, d *eventfx.Delivery) error {
			left := *d
			left.Messages = nil
			var failures []eventfx.Failure
			for i, m := range d.Messages {
				there, err := isThere(ctx, m, exists)
				if err != nil {
					failures = append(failures, eventfx.Failure{Message: m, Err: err})
					if m.Group == "" {
						continue
					}
					// What follows in the group must not run before m is done.
					for _, m := range d.Messages[i+1:] {
						failures = append(failures, eventfx.Failure{Message: m, Err: eventfx.ErrUnfinished})
					}
					break
				}
				if !there {
					left.Messages = append(left.Messages, m)
				}
			}
			if len(left.Messages) > 0 {
				err := next(ctx, &left)
				if len(failures) == 0 && len(left.Messages) == len(d.Messages) {
					return err
				}
				failures = append(failures, left.Failures(err)...)
			}
			if len(failures) == 0 {
				return nil
			}
			return &eventfx.BatchError{Failures: failures}
		}
	}
}

// isThere reports whether m tells of the removal of an object that is there.
func isThere(ctx context.Context, m *eventfx.Message, exists func(context.Context, Change) (bool, error)) (bool, error) {
	if !match(m, Remove, filter{}) {
		return false, nil
	}
	c, err := decode(m)
	if err != nil {
		return false, nil // decoding it again says why
	}
	there, err := exists(ctx, c)
	if err != nil {
		return false, fmt.Errorf("object: look at %q in bucket %q: %w", c.Key, c.Bucket, err)
	}
	return there, nil
}
