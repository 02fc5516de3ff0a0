package deadletter

import (
	"context"
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
	"github.com/eventfx/eventfx-go/handlers/redact"
	"github.com/eventfx/eventfx-go/internal/deadstory"
)

// TopicOptions configure Topic. The zero value works.
type TopicOptions struct {
	// Limit is the largest letter, in bytes of body and attributes. 0 means
	// 256,000, which fits SNS; SQS takes 1,048,576. A larger one goes as a
	// CloudEvent, its data by Claims.
	Limit int

	// Claims takes the data of a letter that is larger than Limit. Without it
	// such a letter is sent as it is, and when the topic refuses it the message
	// goes back to its source. What reads letters needs Claims.Allow.
	Claims *claimcheck.Claims

	// FIFO says that the topic is a FIFO queue or topic of AWS: letters have a
	// message group, which is that of the message where it had one.
	FIFO bool

	// CloudEvents sends each letter as a CloudEvent, a message of SQS too.
	CloudEvents bool

	// Redact removes values from letters. nil removes nothing.
	Redact *redact.Redactor

	// RequestID tells the id of the request or invocation that ctx is of.
	RequestID func(ctx context.Context) string

	// Prepare, if set, may change a letter before it is sent: metadata for
	// filters, or a BeforeSend that gives attributes their types back.
	Prepare func(m *pubsub.Message, story Story)
}

const defaultLimit = 256_000

// Topic returns a dead letter that sends to t, which may be a queue, and most
// often is the dead-letter queue that the source's queue has anyway. The
// package documentation says in which form. Several letters of one message are
// harmless: they have its source and id.
//
// A letter is kept when the topic has taken it; t must be shut down after the
// last one. Topic panics when o.Redact is wrong.
func Topic(t *pubsub.Topic, o *TopicOptions) eventfx.DeadLetter {
	s := &sender{topic: t}
	if o != nil {
		s.TopicOptions = *o
	}
	if s.Limit <= 0 {
		s.Limit = defaultLimit
	}
	if err := s.Redact.Check(); err != nil {
		panic(err)
	}
	return s.keep
}

type sender struct {
	TopicOptions
	topic *pubsub.Topic
}

func (s *sender) keep(ctx context.Context, d *eventfx.Dead) error {
	l := newLetter(ctx, d, s.Redact, s.RequestID)
	m, err := s.message(ctx, l)
	if err != nil {
		return fmt.Errorf("deadletter: %s: %w", l.event.ID(), err)
	}
	if s.FIFO {
		// A letter must not be dropped as one that was sent before: after a
		// replay that one may be gone.
		setFIFO(m, l.event, l.story.Time.Format(time.RFC3339Nano))
	}
	if s.Prepare != nil {
		s.Prepare(m, l.story)
	}
	if err := s.topic.Send(ctx, m); err != nil {
		return fmt.Errorf("deadletter: send %s: %w", l.event.ID(), err)
	}
	return nil
}

// message returns the letter in the first form that fits the limit.
func (s *sender) message(ctx context.Context, l *letter) (*pubsub.Message, error) {
	var native *pubsub.Message
	if !s.CloudEvents {
		room := 10
		if s.FIFO {
			room -= 2 // gocloud's drivers send these as attributes, too
		}
		for _, size := range [...]int{maxStory, leastStory} {
			if native = l.native(room, size); native != nil && weight(native) <= s.Limit {
				return native, nil
			}
		}
	}
	var m *pubsub.Message
	for _, size := range [...]int{maxStory, leastStory} {
		e, err := l.cloudEvent(size)
		if err == nil {
			m, err = pubsubevents.Encode(e, pubsubevents.Structured)
		}
		if err != nil {
			return nil, err
		}
		if weight(m) <= s.Limit {
			return m, nil
		}
	}
	if s.Claims == nil || len(l.event.DataEncoded) == 0 {
		if native != nil {
			return native, nil // the smaller of two: the topic says whether it is too large
		}
		return m, nil
	}
	claims := *s.Claims
	claims.Threshold = 1
	e, err := claims.Deposit(ctx, l.event)
	if err != nil {
		return nil, err
	}
	claimed := *l
	claimed.event, claimed.claimed = e, true
	if e, err = claimed.cloudEvent(maxStory); err != nil {
		return nil, err
	}
	return pubsubevents.Encode(e, pubsubevents.Structured)
}

// weight is what SQS and SNS count of a message, with values as gocloud's
// drivers write them.
func weight(m *pubsub.Message) int {
	n := len(m.Body)
	for name, value := range m.Metadata {
		n += len(name) + len("String") + len(url.PathEscape(value))
	}
	return n
}

// isNative reports whether the message was born in a queue of SQS, and carries
// no other event.
func isNative(e event.Event) bool {
	return e.Type() == deadstory.MessageType && len(e.DataEncoded) > 0 && utf8.Valid(e.DataEncoded)
}
