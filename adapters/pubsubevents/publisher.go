package pubsubevents

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
)

// A Publisher sends events to a topic. Its methods may be called from many
// goroutines at once; its fields must not be changed then.
type Publisher struct {
	// Topic is where events go. It must be set. The Publisher does not shut it
	// down.
	Topic *pubsub.Topic

	// Source is the source of events that have none: a URI reference such as
	// "/images/thumbnailer". It says who published, and together with the id
	// it is what consumers know an event by; so it must not change between
	// deployments, and differs between programs.
	Source string

	// Mode is how events are written; the zero value is Structured.
	Mode Mode

	// Prepare, if set, may add to a message before it is sent: metadata to
	// filter by, or what a broker wants (MessageGroupId for a FIFO topic).
	Prepare func(event.Event, *pubsub.Message)
}

// JSON returns an event of type typ with data as JSON. Publish gives it the
// attributes that are missing, and reports an error of encoding/json.
func JSON(typ string, data any) event.Event {
	e := event.New()
	e.SetType(typ)
	e.SetDataContentType(event.ApplicationJSON)
	encoded, err := json.Marshal(data)
	if err != nil {
		e.FieldErrors = map[string]error{"data": err}
	}
	e.DataEncoded = encoded
	return e
}

// Publish sends e, with these attributes set where they are missing:
//
//   - id: while a handler runs for a message, a hash of that message's source
//     and id and of e's source, type, subject and data, so that a handler that
//     runs again publishes the same events again, and consumers can tell. Two
//     equal events from one run have equal ids; if they are to be two, give
//     them an id or a subject. Outside a handler, and in a handler of a batch,
//     the id is random.
//   - source: Publisher.Source.
//   - time: now.
//   - correlationid: that of the message being handled, else its id.
//   - causationid: the id of the message being handled.
//
// e itself is not changed. When Publish returns nil the topic has taken the
// event. An event that is invalid is a permanent error (eventfx.Permanent);
// errors of the topic are not.
func (p *Publisher) Publish(ctx context.Context, e event.Event) error {
	e, err := p.complete(ctx, e)
	if err != nil {
		return eventfx.Permanent(err)
	}
	m, err := Encode(e, p.Mode)
	if err != nil {
		return eventfx.Permanent(err)
	}
	if p.Prepare != nil {
		p.Prepare(e, m)
	}
	if err := p.Topic.Send(ctx, m); err != nil {
		return fmt.Errorf("pubsubevents: publish %s: %w", e.Type(), err)
	}
	return nil
}

// complete returns a copy of e with all attributes.
func (p *Publisher) complete(ctx context.Context, e event.Event) (event.Event, error) {
	for name, err := range e.FieldErrors {
		return e, fmt.Errorf("pubsubevents: publish %s: %s: %w", e.Type(), name, err)
	}
	given, ok := e.Context.(*event.EventContextV1)
	if !ok {
		return e, errors.New("pubsubevents: publish: the event is not of version 1.0: make it by event.New or JSON")
	}
	copied := *given
	ec := &copied
	ec.Extensions = maps.Clone(given.Extensions)
	e.Context = ec
	if ec.Source.String() == "" {
		source := types.ParseURIRef(p.Source)
		if source == nil {
			return e, fmt.Errorf("pubsubevents: publish %s: Publisher.Source %q is no URI reference: set it", e.Type(), p.Source)
		}
		ec.Source = *source
	}
	if ec.Time == nil {
		ec.Time = &types.Timestamp{Time: time.Now()}
	}
	cause := eventfx.FromContext(ctx)
	if ec.ID == "" {
		ec.ID = newID(cause, e)
	}
	if cause == nil {
		return e, nil
	}
	flow, ok := cause.Extensions()["correlationid"].(string)
	if !ok {
		flow = cause.ID()
	}
	if err := setMissing(ec, "correlationid", flow); err != nil {
		return e, err
	}
	return e, setMissing(ec, "causationid", cause.ID())
}

func setMissing(ec *event.EventContextV1, name, value string) error {
	if _, ok := ec.Extensions[name]; ok {
		return nil
	}
	return ec.SetExtension(name, value)
}

// newID returns the id of an event published because of cause. It is made of
// the content rather than counted: a handler that publishes in another order
// when it runs again would give one event the other's number, and a consumer
// would drop it as known.
func newID(cause *eventfx.Message, e event.Event) string {
	if cause == nil {
		return rand.Text()
	}
	h := sha256.New()
	for _, part := range []string{cause.Source(), cause.ID(), e.Source(), e.Type(), e.Subject(), string(e.DataEncoded)} {
		// The length in front keeps "a", "bc" and "ab", "c" apart.
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
