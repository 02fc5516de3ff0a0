package deadletter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
	"github.com/eventfx/eventfx-go/internal/deadstory"
)

// A Letter is a dead letter that was read.
type Letter struct {
	// Event is the event as it was before it died.
	Event event.Event

	// Story says why it died; its Reason is "" when nothing says so.
	Story Story

	// Key is the letter's own name: the object's key, or the broker's id of
	// the message.
	Key string

	delete   func(context.Context) error
	claimed  bool      // Event has a dataref that Topic made
	replayed time.Time // when it was sent again, if it says so
}

// Delete takes the letter away. From a bucket it is gone when Delete returns
// nil. A subscription acknowledges in the background; when that fails the
// letter comes again.
func (l *Letter) Delete(ctx context.Context) error {
	if l.delete == nil {
		return nil // it was made by hand
	}
	return l.delete(ctx)
}

// Message returns the letter as a message for a router. Its origin has the name
// and the address of the source that delivered it, so that the same route
// matches, and an id of its own.
func (l *Letter) Message() *eventfx.Message {
	m := &eventfx.Message{Event: l.Event, Origin: eventfx.Origin{
		ID: "replay-" + digest(l.Key, l.Story.Time.Format(time.RFC3339Nano))[:16], Address: l.Story.Origin.Address, Name: l.Story.Origin.Name,
	}}
	m = m.Clone() // the letter stays as it is, whatever a handler does
	m.Origin.Attributes, _ = sentMetadata(l.Event)
	if !l.Story.FirstTime.IsZero() {
		if m.Origin.Attributes == nil {
			m.Origin.Attributes = map[string]string{}
		}
		m.Origin.Attributes[deadstory.Attribute] = string(marshal(identity{FirstTime: l.Story.FirstTime}))
	}
	return m
}

// Letters are the dead letters of a place.
type Letters struct {
	all func(context.Context, func(*Letter, error) bool)
}

// All iterates over the letters. An error with a nil letter is about one that
// cannot be read, and the iteration goes on; when it is about the place itself
// the iteration ends after it. Letters stay until they are deleted.
func (l *Letters) All(ctx context.Context) iter.Seq2[*Letter, error] {
	return func(yield func(*Letter, error) bool) { l.all(ctx, yield) }
}

// ReadOptions configure FromBucket and FromSubscription. The zero value works.
type ReadOptions struct {
	// Claims fetches data that Topic has deposited. Without it such a letter's
	// event has a dataref, as it was sent.
	Claims *claimcheck.Claims

	// Idle is after how long without a new letter a subscription counts as
	// empty. 0 means 5 s.
	Idle time.Duration

	// Source is the source of messages that tell none, because their queue gave
	// them up by itself: the ARN of the queue that they died in. Without it
	// their source is aws:sqs, and a replay gives them a new identity.
	Source string
}

const (
	defaultIdle  = 5 * time.Second
	unknownQueue = "aws:sqs"
	maxObject    = 64 << 20
)

// Read reads the letter that a message is, for who receives messages by other
// means: a message with a body and metadata is enough. Data that Topic has
// deposited stays where its dataref says, and Delete does nothing.
func Read(m *pubsub.Message) *Letter {
	l := newReader(nil).read(m)
	l.Key = m.LoggableID
	return l
}

// FromBucket returns the letters that Bucket has written under a prefix, in the
// order of their keys, which is none of time. nil options mean the defaults.
func FromBucket(b *blob.Bucket, prefix string, o *ReadOptions) *Letters {
	r := newReader(o)
	return &Letters{all: func(ctx context.Context, yield func(*Letter, error) bool) {
		objects := b.List(&blob.ListOptions{Prefix: prefix})
		for {
			object, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("deadletter: list letters: %w", err))
				return
			}
			if !strings.HasSuffix(object.Key, ".json") {
				continue
			}
			l, err := r.object(ctx, b, object.Key)
			if gcerrors.Code(err) == gcerrors.NotFound {
				continue // somebody else has deleted it meanwhile
			}
			if !yield(l, err) || ctx.Err() != nil {
				return
			}
		}
	}}
}

// FromSubscription returns the letters that come from a subscription. The
// iteration ends when none has come for a while; letters that were not deleted
// come again when the broker's time for them is over, and are given once. nil
// options mean the defaults.
//
// Deletions reach the broker at the latest when the subscription is shut down.
func FromSubscription(s *pubsub.Subscription, o *ReadOptions) *Letters {
	r := newReader(o)
	return &Letters{all: func(ctx context.Context, yield func(*Letter, error) bool) {
		seen := map[string]bool{}
		end := time.Now().Add(r.Idle)
		for {
			receiving, cancel := context.WithDeadline(ctx, end)
			m, err := s.Receive(receiving)
			idle := receiving.Err() != nil
			cancel()
			switch {
			case err != nil && ctx.Err() != nil:
				yield(nil, ctx.Err())
				return
			case err != nil && idle:
				return
			case err != nil:
				yield(nil, fmt.Errorf("deadletter: receive letters: %w", err))
				return
			}
			// gocloud would log each letter that is left as one forgotten.
			runtime.SetFinalizer(m, nil)
			if m.LoggableID != "" && seen[m.LoggableID] {
				continue // it was left, or its deletion failed
			}
			seen[m.LoggableID] = true
			l, err := r.message(ctx, m)
			if !yield(l, err) {
				return
			}
			end = time.Now().Add(r.Idle)
		}
	}}
}
