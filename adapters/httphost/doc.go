// Package httphost runs a router as an http.Handler for CloudEvents.
//
// A container that Knative, Eventarc, Event Grid or a push subscription of
// Pub/Sub sends events to:
//
//	func main() {
//		r := &eventfx.Router{DeadLetter: keep} // see below why
//		eventfx.On(r, object.Created{Bucket: "uploads", Suffix: ".jpg"}, thumbnail)
//
//		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
//		defer stop()
//		l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
//		if err != nil {
//			log.Fatal(err)
//		}
//		h := httphost.Handler(r, &httphost.Options{Sender: httphost.EventarcStandard})
//		if err := httphost.Serve(ctx, l, h, 0); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// [Handler] fits any server and mux; [Serve] is one that is safe against slow
// clients and ends as containers are ended.
//
// # Payload
//
// A POST carries, by the first that applies:
//
//  1. a batch of events, an event, or an event of another format than JSON
//     (415), as Content-Type says: application/cloudevents-batch+json,
//     application/cloudevents+json;
//  2. the event that the headers ce-specversion, ce-id, ce-source and ce-type
//     begin; its data is the body, of Content-Type;
//  3. with JSON and the header aeg-event-type, events of Event Grid's own
//     schema, as the CloudEvents that Event Grid would make of them;
//  4. the JSON of a push by Pub/Sub, in which is a message.
//
// A message of Pub/Sub, also one that Eventarc sends as an event of type
// google.cloud.pubsub.topic.v1.messagePublished, is opened: the CloudEvent in
// it is delivered; a notification of Cloud Storage becomes the event that
// Eventarc would send, except that of a generation that was overwritten, which
// is answered as done; anything else is an event of type dev.eventfx.message,
// which package queue knows by the name of its subscription (of its topic with
// Eventarc). So package object sees the objects of Google and Azure as they
// are sent, however they are sent. A push without its wrapper is a request like
// any other: its message is read if it was published as a binary CloudEvent and
// the subscription writes metadata.
//
// Reading is strict, for two readers that differ read two events: each
// attribute once, values percent-decoded once, in UTF-8, JSON to its last byte.
// The client of CloudEvents' Go SDK does not encode the values of its headers:
// have it send structured events if a value may hold a percent sign followed by
// two hexadecimal digits.
//
// # Identity
//
// Source and id are those of the event, and of a message that is none they are
// the subscription and the message id. Both are the same when it comes again.
// Origin.Receives counts where the sender does: Event Grid, and Pub/Sub
// subscriptions with a dead letter topic. Origin.Attributes holds trace headers
// and what senders say about the delivery, and no other header.
//
// # Partial failure
//
// A request is answered 204 when each event in it is done or kept by a dead
// letter. Otherwise by its worst status, and by a list of what failed:
//
//	[{"source":"/shop","id":"2","error":"failed, and may succeed later"}]
//
//	400  malformed                     413  too large
//	401  not authorized                415  a type that is not known
//	408  the body did not come         422  an event that cannot succeed (below)
//	429  too many requests             503  failed for a time, or no time was left
//
// 429, 503 and 408 have Retry-After: the longest delay that a failure asked
// for by [eventfx.RetryAfter], else Options.RetryAfter. A failure is answered
// 429 if its event was turned away before it ran, as Limit and Bulkhead of
// package handlers do: its error wraps [eventfx.ErrUnfinished] and asks for a
// delay. A batch that comes again comes whole: package idempotency skips what
// was done.
//
// The text says of what kind a failure is, and nothing of the error, which may
// tell of what is behind this service. The router's log has the error, and
// Options.ErrorText may send it.
//
// # Events that cannot succeed
//
// Give the router a dead letter: the event is kept, and the answer is 204. A
// dead letter that failed is a failure for a time. Without one it depends on
// the sender what makes it give up:
//
//	Webhook           422   nothing is known of it
//	Knative           422   its dead letter sink, if it has one, takes the event
//	EventarcAdvanced  422
//	EventGrid         400   422 would be repeated; its dead letters take the event, if it has some
//	PubSubPush        -     there is no such status
//	EventarcStandard  -     it stands on a push subscription
//
// For the last two, [Handler] panics at start without a dead letter for every
// route, unless Options.Drop says that such events may be lost; and a request
// that is malformed is kept or dropped like an event that cannot succeed, for
// its sender would send it until it expires.
//
// No answer of a transient fault is one on which its sender drops: for Event
// Grid that excludes 400, 401, 403 and 413; for Knative also 408.
//
// To retire an address, answer 410 in front of the handler.
//
// # Ordering
//
// Requests come side by side, and so do the events of a batch as far as
// Router.Concurrency allows: they have no order. A message of Pub/Sub with an
// ordering key has a Group, which tells it to handlers; Pub/Sub itself sends
// the next one of the key after the answer.
//
// # Handshake
//
// CloudEvents' webhooks ask by OPTIONS whether they may deliver, and Event Grid
// with its own schema by an event. Both are answered; Options.Agree decides,
// and Options.Rate is told. It is no authorization: for that there is
// Options.Authorize, which gets the token of a request. Event Grid and Pub/Sub
// sign tokens that a library of theirs can check.
//
// # Limits
//
// Options limits bodies in bytes and time, requests at once, and the time of a
// request; ce- headers have 64 KiB together and a batch 10,000 events.
// Handlers' contexts end before the time does: by 500 ms, or a tenth of the
// time if that is less. A handler that does not return is waited for half of
// that margin, and its late result is refused. When the client goes away, its
// handlers' contexts end at once.
//
// # Local testing
//
// A handler needs no server: give it requests of package httptest, as the
// examples do.
package httphost
