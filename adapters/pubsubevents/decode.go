package pubsubevents

import (
	"errors"
	"fmt"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

// ErrNoEvent says that a message carries no CloudEvent: it is an ordinary
// message, and what it means is for its receiver to know.
var ErrNoEvent = errors.New("pubsubevents: the message carries no CloudEvent")

const (
	structuredType = cloudevent.MediaType
	contentTypeKey = "content-type"
)

// Decode returns the event that m carries, as a message for a router. The
// package documentation says how it is found. The error is ErrNoEvent when
// there is none; any other error says why the event is invalid, and receiving
// it again will not make it valid.
//
// Nothing in the result shares memory with m, of which some drivers give every
// receiver the same. Origin.ID is m.LoggableID, and Origin.Attributes is the
// metadata that is not part of the event.
func Decode(m *pubsub.Message) (*eventfx.Message, error) {
	e, rest, err := cloudevent.FromMessage(m.Metadata, m.Body)
	if errors.Is(err, cloudevent.ErrNone) {
		return nil, ErrNoEvent
	}
	if err != nil {
		return nil, fmt.Errorf("pubsubevents: decode %w", err)
	}
	return &eventfx.Message{
		Event:  e,
		Origin: eventfx.Origin{ID: m.LoggableID, Attributes: rest},
	}, nil
}
