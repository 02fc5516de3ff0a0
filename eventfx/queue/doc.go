// Package queue is the kind of messages that a queue or a topic delivers.
//
// A source names the queue; the handler gets the body, decoded:
//
//	eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, ship)
//	eventfx.On(r, queue.Text{Queue: "commands"}, run)
//	eventfx.On(r, queue.Raw{}, keep) // what came by any other queue
//
//	func ship(ctx context.Context, e eventfx.Event[Order]) error {
//		return warehouse.Ship(ctx, e.Data.ID)
//	}
//
// A body that cannot be decoded fails its message for good: it goes to the
// dead letters, and is not tried again.
//
// # Several types on one queue
//
// With a Type, [JSON] takes only the messages of that type. So one queue can
// feed several typed handlers; the first source that matches wins, which makes
// the one without a Type the last:
//
//	eventfx.On(r, queue.JSON[User]{Queue: "events", Type: "user.created"}, welcome)
//	eventfx.On(r, queue.JSON[Order]{Queue: "events", Type: "order.placed"}, ship)
//	eventfx.On(r, queue.Raw{Queue: "events"}, unknown)
//
// The type of a message is, the first that there is:
//
//  1. the type of the CloudEvent, if the body is one;
//  2. the message attribute TypeAttribute;
//  3. the member TypeField of the body, if the body is a JSON object.
//
// Both names are "type" unless set. The body is searched, not decoded, up to
// the member; if there are two of that name the first counts.
//
// # What a queue delivers
//
// The sources match
//
//   - messages of SQS, of type com.amazonaws.sqs.message;
//   - SNS notifications, of type com.amazonaws.sns.Notification: here the body
//     is the Message, and the attributes are the MessageAttributes;
//   - messages of other brokers, of type dev.eventfx.message;
//   - any other event that came in a message, which the extension attribute
//     sqsqueuearn tells, or eventfxqueue where the broker is not SQS: its body is
//     the event's data.
//
// A JSON source with a Type and without a Queue also matches a CloudEvent of
// that type that came by other ways, such as HTTP or a direct invocation.
//
// The last of the list includes a notification of S3 in a queue, say. Register a source of
// package object before the one of its queue to have it by that.
//
// # The name of a queue
//
// It is the one that the host knows (Origin.Name); else, for an event that was
// sent again by other ways, the one in the extension attribute sqsqueuearn or
// eventfxqueue; else the one in the event's source. For an SNS notification it
// is the topic's. An empty Queue matches every queue.
//
// # Text that is JSON
//
// [Text] and [Raw] give a body as it was sent. Only white space around a JSON
// document is lost when a message is kept as a CloudEvent and sent again, for
// there the document is a value.
//
// # Local testing
//
// A source needs nothing but the CloudEvent: Match and Decode can be called on
// any [eventfx.Message] made by hand, as in the examples.
package queue
