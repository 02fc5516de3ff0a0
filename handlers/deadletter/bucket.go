package deadletter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/redact"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

// BucketOptions configure Bucket. The zero value works.
type BucketOptions struct {
	// Prefix begins the keys of the letters, such as "orders/".
	Prefix string

	// Redact removes values from letters. nil removes nothing.
	Redact *redact.Redactor

	// RequestID tells the id of the request or invocation that ctx is of.
	RequestID func(ctx context.Context) string
}

const structuredType = "application/cloudevents+json"

// Bucket returns a dead letter that writes each letter as an object: a
// CloudEvent in the JSON format. Its key is Prefix, a hash of the event's
// source and id, and one of the delivery that failed: a second letter of one
// delivery overwrites the first, and one that died again after a replay is an
// object beside it, which whoever replays does not delete with the first.
//
// Bucket panics when o.Redact is wrong.
func Bucket(b *blob.Bucket, o *BucketOptions) eventfx.DeadLetter {
	var options BucketOptions
	if o != nil {
		options = *o
	}
	if err := options.Redact.Check(); err != nil {
		panic(err)
	}
	return func(ctx context.Context, d *eventfx.Dead) error {
		l := newLetter(ctx, d, options.Redact, options.RequestID)
		e, err := l.cloudEvent(maxStory)
		if err != nil {
			return fmt.Errorf("deadletter: %s: %w", l.event.ID(), err)
		}
		body, err := cloudevent.Append(nil, e)
		if err != nil {
			return fmt.Errorf("deadletter: %s: %w", l.event.ID(), err)
		}
		key := options.Prefix + objectName(l.event, d.Message.Origin.ID)
		if err := b.WriteAll(ctx, key, body, &blob.WriterOptions{ContentType: structuredType, DisableContentTypeDetection: true}); err != nil {
			return fmt.Errorf("deadletter: write %s: %w", key, err)
		}
		return nil
	}
}

// objectName is a hash of the event's identity, and one of what delivered it.
func objectName(e event.Event, origin string) string {
	return digest(e.Source(), e.ID()) + "-" + digest(origin)[:16] + ".json"
}

// digest is a hash over parts; their lengths keep "a", "bc" and "ab", "c" apart.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}
