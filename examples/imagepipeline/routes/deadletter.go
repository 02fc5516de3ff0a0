package routes

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
)

// The extensions that a dead letter adds to the event, which stays as it was.
const (
	reasonAttribute   = "dlreason"   // permanent, decode, panic or retriesexhausted
	errorAttribute    = "dlerror"    // the text of the last error
	attemptsAttribute = "dlattempts" // runs in the last delivery
	receivesAttribute = "dlreceives" // deliveries by the source, where it counts them
	handlerAttribute  = "dlhandler"  // the route
)

// A DeadLetter is what one says of its message.
type DeadLetter struct {
	Event    event.Event
	Reason   string
	Error    string
	Attempts int // in the last delivery
	Receives int // deliveries; 0 if the source does not count
}

// deadLetterTo returns a dead letter that sends the event to a topic, with the
// reason beside it.
func deadLetterTo(topic *pubsub.Topic) eventfx.DeadLetter {
	return func(ctx context.Context, dead *eventfx.Dead) error {
		e := dead.Message.Clone().Event
		for name, text := range map[string]string{
			reasonAttribute: dead.Reason, errorAttribute: oneLine(dead.Err.Error()), handlerAttribute: dead.Route,
		} {
			if text != "" { // an empty attribute is none; a message without a route has no handler
				e.SetExtension(name, text)
			}
		}
		e.SetExtension(attemptsAttribute, len(dead.Attempts))
		if dead.Message.Origin.Receives > 0 {
			e.SetExtension(receivesAttribute, dead.Message.Origin.Receives)
		}
		m, err := pubsubevents.Encode(e, pubsubevents.Structured)
		if err != nil {
			return fmt.Errorf("dead letter: %w", err)
		}
		if err := topic.Send(ctx, m); err != nil {
			return fmt.Errorf("dead letter: %w", err)
		}
		return nil
	}
}

// ReadDeadLetter reads the body of a message that the router sent to the topic
// of dead letters.
func ReadDeadLetter(body []byte) (*DeadLetter, error) {
	message, err := pubsubevents.Decode(&pubsub.Message{Body: body})
	if err != nil {
		return nil, err
	}
	text := func(name string) string { s, _ := message.Extensions()[name].(string); return s }
	number := func(name string) int { n, _ := message.Extensions()[name].(int32); return int(n) }
	return &DeadLetter{
		Event: message.Event, Reason: text(reasonAttribute), Error: text(errorAttribute),
		Attempts: number(attemptsAttribute), Receives: number(receivesAttribute),
	}, nil
}

// oneLine makes a value of an attribute: CloudEvents forbids control
// characters there, and an error may repeat anything that came in.
func oneLine(s string) string {
	const most = 1024
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
