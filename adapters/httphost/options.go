package httphost

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Options says how requests are answered. The zero value, like nil, answers a
// sender of which nothing is known.
type Options struct {
	// Sender is who sends. It decides which status says that an event cannot
	// succeed, and the defaults of MaxBody and Timeout.
	Sender Sender

	// Drop answers an event that cannot succeed, and that no dead letter keeps,
	// as if it were done: it is lost, and a line of the log says so. Senders
	// that have no status for such an event (PubSubPush, EventarcStandard) need
	// it, or a dead letter for every route.
	Drop bool

	// Timeout is the time for a request, from its headers to its answer. 0
	// means 30 s for EventGrid, which waits no longer; 10 s for PubSubPush and
	// EventarcStandard, whose subscriptions have this acknowledgement deadline
	// unless set otherwise; 60 s for the others. -1 means none. Handlers'
	// contexts end a margin before.
	Timeout time.Duration

	// BodyTimeout is the time for reading a body: 0 means 10 s, -1 no limit
	// but Timeout. It needs a ResponseWriter that can set deadlines, as those
	// of net/http can, or unwraps to one.
	BodyTimeout time.Duration

	// MaxBody is the most bytes of a body. 0 means 1 MiB, and 16 MiB for
	// PubSubPush and EventarcStandard, whose messages may have 10 MB, more in
	// base64. -1 means no limit. Knative, Eventarc Advanced and Event Grid give
	// up what is answered 413; the others send it again until it expires.
	MaxBody int64

	// MaxRequests is how many requests are worked on at once, from reading the
	// body on; others are answered 429. 0 means 256, -1 no limit. MaxBody times
	// MaxRequests is the most memory that bodies take.
	MaxRequests int

	// RetryAfter is what the header Retry-After asks for when a failure does
	// not: 0 means one second. It is sent in whole seconds, rounded up.
	RetryAfter time.Duration

	// Authorize says whether a request may deliver, by the token that it bears:
	// of its Authorization header, without the word Bearer, or of the query's
	// access_token. The body is not read yet. False is answered 401, on which
	// Knative, Eventarc Advanced and Event Grid give the event up; an error is
	// answered 503, for it says nothing about the sender. OPTIONS is answered
	// without it. nil lets everybody deliver.
	Authorize func(r *http.Request, token string) (bool, error)

	// Agree says whether a sender that asks may deliver here. nil agrees with
	// everybody. See Handshake for answers that take longer.
	Agree func(Handshake) bool

	// Rate is how many requests a minute senders are told that they may send;
	// 0 means that there is no limit. It is told, not enforced.
	Rate int

	// ErrorText is what the sender reads about a failure. nil says no more than
	// what kind of failure it is, for errors tell of what is behind a service.
	// At most 500 bytes of it are sent.
	ErrorText func(eventfx.Failure) string
}

// A Sender is who delivers events by HTTP.
type Sender int

const (
	// Webhook is a sender of which nothing is known but CloudEvents' own rules.
	// An event that cannot succeed is answered 422.
	Webhook Sender = iota
	// Knative drops an event on 422, or gives it to its own dead letter sink.
	Knative
	// EventarcAdvanced, Google's, drops an event on 422.
	EventarcAdvanced
	// EventGrid, Azure's, drops an event at once on 400, 401, 403 and 413, or
	// gives it to its own dead letters, and repeats one on 422.
	EventGrid
	// PubSubPush, a push subscription of Google's Pub/Sub, acknowledges by 102,
	// 200, 201, 202 and 204, and repeats a message on everything else.
	PubSubPush
	// EventarcStandard, Google's, stands on such a subscription.
	EventarcStandard
)

// A sender is what the answers for a Sender depend on.
type sender struct {
	name    string
	dead    int // the status of an event that cannot succeed; 0: there is none
	slow    int // the status of a body that did not come: one on which the sender tries again
	timeout time.Duration
	maxBody int64
}

var senders = [...]sender{
	Webhook:          {"Webhook", http.StatusUnprocessableEntity, http.StatusRequestTimeout, time.Minute, 1 << 20},
	Knative:          {"Knative", http.StatusUnprocessableEntity, http.StatusServiceUnavailable, time.Minute, 1 << 20}, // drops on 408
	EventarcAdvanced: {"EventarcAdvanced", http.StatusUnprocessableEntity, http.StatusRequestTimeout, time.Minute, 1 << 20},
	EventGrid:        {"EventGrid", http.StatusBadRequest, http.StatusRequestTimeout, 30 * time.Second, 1 << 20},
	PubSubPush:       {"PubSubPush", 0, http.StatusRequestTimeout, 10 * time.Second, 16 << 20},
	EventarcStandard: {"EventarcStandard", 0, http.StatusRequestTimeout, 10 * time.Second, 16 << 20},
}

func (s Sender) String() string {
	if s < 0 || int(s) >= len(senders) {
		return fmt.Sprintf("Sender(%d)", int(s))
	}
	return senders[s].name
}

// check returns why a router cannot run with the options.
func (o *Options) check(r *eventfx.Router) error {
	switch {
	case r == nil:
		return fmt.Errorf("httphost: nil Router")
	case o.Sender < 0 || int(o.Sender) >= len(senders):
		return fmt.Errorf("httphost: Options.Sender: unknown %v", o.Sender)
	case o.Timeout < -1 || o.BodyTimeout < -1 || o.MaxBody < -1 || o.MaxRequests < -1:
		return fmt.Errorf("httphost: Options: Timeout %v, BodyTimeout %v, MaxBody %d, MaxRequests %d: -1 is none, and less has no meaning", o.Timeout, o.BodyTimeout, o.MaxBody, o.MaxRequests)
	case o.RetryAfter < 0:
		return fmt.Errorf("httphost: Options.RetryAfter: %v is negative", o.RetryAfter)
	case o.Rate < 0:
		return fmt.Errorf("httphost: Options.Rate: %d is negative; 0 is no limit", o.Rate)
	}
	if senders[o.Sender].dead != 0 || o.Drop {
		return nil
	}
	if without := r.WithoutDeadLetter(); len(without) > 0 {
		return fmt.Errorf("httphost: %v has no status for an event that cannot succeed and would repeat it until it expires: set Router.DeadLetter, or Options.Drop to lose such events; without a dead letter are: %s", o.Sender, strings.Join(without, ", "))
	}
	return nil
}

// orElse returns value, fallback for 0, and 0 for -1.
func orElse[T int | int64 | time.Duration](value, fallback T) T {
	switch value {
	case 0:
		return fallback
	case -1:
		return 0
	}
	return value
}
