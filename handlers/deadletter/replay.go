package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/deadstory"
)

// ErrRedacted is the failure of a letter whose data lost values to a redactor:
// sent again it would be another event.
var ErrRedacted = errors.New("deadletter: values were removed from the data of the letter: send it by ReplayOptions.Redacted if its handler can do without them")

// A Target takes letters that are sent again. A nil error means that it has
// taken the letter for good: only then is it deleted.
type Target func(ctx context.Context, l *Letter) error

// ToRouter hands letters to a router, one at a time. A letter that dies again
// is written by the router's own dead letter, as a new one.
func ToRouter(r *eventfx.Router) Target {
	return func(ctx context.Context, l *Letter) error {
		for _, f := range r.Deliver(ctx, []*eventfx.Message{l.Message()}) {
			return f.Err
		}
		return nil
	}
}

// TargetOptions say how letters are sent to a topic.
type TargetOptions struct {
	// FIFO says that the topic is a FIFO queue or topic of AWS. A letter that
	// is sent twice within 5 minutes, because the first replay was killed, then
	// arrives once.
	FIFO bool
}

// ToTopic sends letters to a topic or queue: a message of SQS as it was, with
// its identity in the attribute that awsevents reads; all others as
// CloudEvents. nil options mean the defaults.
func ToTopic(t *pubsub.Topic, o *TargetOptions) Target {
	var options TargetOptions
	if o != nil {
		options = *o
	}
	return func(ctx context.Context, l *Letter) error {
		m := l.native(options.FIFO)
		if m == nil {
			e := withoutStory(l.Event)
			if !l.Story.FirstTime.IsZero() {
				e.SetExtension(extFirstTime, l.Story.FirstTime) // for the letter of its next death
			}
			var err error
			if m, err = pubsubevents.Encode(e, pubsubevents.Structured); err != nil {
				return err
			}
		}
		if options.FIFO {
			setFIFO(m, l.Event, l.Story.Time.Format(time.RFC3339Nano)+l.Key)
		}
		return t.Send(ctx, m)
	}
}

// identity is what a message that is sent again says of the first.
type identity struct {
	FirstTime time.Time       `json:"firsttime,omitzero"`
	Replayed  time.Time       `json:"replayed,omitzero"`
	Event     json.RawMessage `json:"event,omitempty"`
}

// native returns the letter as the message that it was, or nil when it was
// none, or its attributes leave no room.
func (l *Letter) native(fifo bool) *pubsub.Message {
	if !isNative(l.Event) {
		return nil
	}
	metadata, ok := sentMetadata(l.Event)
	room := 10
	if fifo {
		room -= 2
	}
	m := &pubsub.Message{Body: l.Event.DataEncoded, Metadata: metadata}
	if !ok || len(metadata) > room {
		return nil
	}
	if l.Event.Source() == unknownQueue {
		return m // of whose identity nothing is known
	}
	context := l.Event
	context.DataEncoded = nil
	first, err := cloudevent.Append(nil, context)
	if err != nil || len(metadata) == room {
		return nil
	}
	metadata[deadstory.Attribute] = string(marshal(identity{l.Story.FirstTime, time.Now().UTC(), first}))
	return m
}

// ReplayOptions configure Replay. The zero value sends all letters, at once.
type ReplayOptions struct {
	// Filter chooses the letters that are sent; the others stay. nil means all.
	Filter func(*Letter) bool

	// Rate is how many letters are sent in a second at most. 0 means as fast
	// as it goes.
	Rate float64

	// DryRun counts what would be sent, and sends and deletes nothing. From a
	// queue it receives all the same: the letters are hidden for a while.
	DryRun bool

	// Redacted sends letters whose data lost values to a redactor. Without it
	// they fail with ErrRedacted.
	Redacted bool

	// Progress, if set, is called after each letter.
	Progress func(Progress)
}

// Progress counts letters.
type Progress struct {
	Read    int // so far
	Sent    int // taken by the target; in a dry run, those that would be sent
	Skipped int // left where they are: by Filter, or written since Replay began
	Failed  int // could not be read, sent or deleted; all but the last are unsent
}

const deleteLimit = 5 * time.Second

// Replay sends letters to a target: first it sends one, then it deletes it.
// Killed in between it leaves a letter that was sent; whoever replays again
// sends it again, with the same source and id. So nothing is lost, and behind
// idempotency a handler runs once for it.
//
// A letter that fails stays, and does not stop the others; the error tells of
// the first. When ctx ends, Replay returns its error after the letter at hand.
// Letters that were written after Replay began are left for the next time: one
// that dies again at once must not go around for ever.
func Replay(ctx context.Context, from *Letters, to Target, o *ReplayOptions) (Progress, error) {
	r := &replay{to: to, start: time.Now()}
	if o != nil {
		r.ReplayOptions = *o
	}
	for l, err := range from.All(ctx) {
		if ctx.Err() != nil {
			break
		}
		r.count.Read++
		if l == nil {
			r.fail(err)
		} else if r.skips(l) {
			r.count.Skipped++
		} else if !r.pace(ctx) {
			r.count.Read--
			break
		} else if err := r.send(ctx, l); err != nil {
			r.fail(err)
		}
		if r.Progress != nil {
			r.Progress(r.count)
		}
	}
	if err := ctx.Err(); err != nil {
		return r.count, fmt.Errorf("deadletter: replay: %w", err)
	}
	if r.first != nil {
		return r.count, fmt.Errorf("deadletter: replay: %d of %d letters failed, first: %w", r.count.Failed, r.count.Read, r.first)
	}
	return r.count, nil
}

type replay struct {
	ReplayOptions
	to    Target
	start time.Time
	next  time.Time // when the rate allows the next letter
	count Progress
	first error
}

func (r *replay) fail(err error) {
	r.count.Failed++
	if r.first == nil {
		r.first = err
	}
}

func (r *replay) skips(l *Letter) bool {
	return !l.Story.Time.Before(r.start) || !l.replayed.Before(r.start) || r.Filter != nil && !r.Filter(l)
}

// pace waits until the rate allows a letter; false means that ctx ended first.
func (r *replay) pace(ctx context.Context) bool {
	if r.Rate <= 0 || r.DryRun {
		return true
	}
	now := time.Now()
	if wait := r.next.Sub(now); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return false
		case now = <-timer.C:
		}
	}
	r.next = now.Add(time.Duration(float64(time.Second) / r.Rate))
	return true
}

func (r *replay) send(ctx context.Context, l *Letter) error {
	if l.Story.Redacted && !r.Redacted {
		return fmt.Errorf("%s: %w", l.Event.ID(), ErrRedacted)
	}
	if r.DryRun {
		r.count.Sent++
		return nil
	}
	if err := r.to(ctx, l); err != nil {
		return fmt.Errorf("send %s: %w", l.Event.ID(), err)
	}
	r.count.Sent++
	// It is sent: to leave it now would only send it twice.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
	defer cancel()
	return l.Delete(ctx)
}
