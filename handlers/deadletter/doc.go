// Package deadletter keeps messages that cannot succeed, with why, and sends
// them again when their cause is gone.
//
//	r := &eventfx.Router{DeadLetter: deadletter.Topic(topic, nil)}
//
// The router calls the dead letter when a message's error is permanent or its
// chances are used up, and tells the source that the message is handled only
// when the letter is kept. A letter that cannot be written is a message that
// goes back, with one line in the log. A message may have several letters, for
// instance when the answer to the source was lost: they have its source and id.
//
// # Forms
//
// [Bucket] writes an object for each letter, and [Topic] sends a message to any
// topic or queue that gocloud knows. A letter is the CloudEvent that died, with
// the same id, source, data and attributes, and these extensions:
//
//	dlreason      permanent, decode, panic or retriesexhausted
//	dlerror       the text of the last error, at most 1 KB, on one line
//	dlerrortype   its Go type, without package, pointer and wrappers
//	dlattempts    runs in the last delivery
//	dlreceives    deliveries by the source, where it counts them
//	dlfirsttime   when the message died first: there may have been a replay
//	dltime        when it died
//	dlhandler     the route
//	dlsource      the address of what delivered it
//	dlrequestid   what RequestID said
//	dlstory       the [Story] as JSON: each attempt with its error, the stack of
//	              the last panic, and the above; at most 24 KB
//
// What could not be read is an event of type dev.eventfx.deadletter.raw, whose
// data are the bytes of the record.
//
// A letter that is larger than TopicOptions.Limit leaves its data in a bucket,
// by TopicOptions.Claims, and carries a dataref.
//
// The key of an object is a hash of source and id, a hyphen and a hash of
// Origin.ID: the letters of one event have one beginning, a second letter of
// the same delivery overwrites the first, and that of a replay stands beside it.
//
// # SQS
//
// A message that came from a queue of SQS, and is not an envelope of another
// event, goes as the message that it was: its body byte for byte, its
// attributes, and one attribute more, eventfx-deadletter, with the story as
// JSON. Give Topic the queue's own dead-letter queue, and the console, other
// consumers and a redrive find there what they know.
//
// After a redrive the message has another messageId. awsevents reads the
// attribute, so the event has the source, id and attributes of the first. The
// console redrives such a letter to a queue that you name: only messages that a
// redrive policy has moved tell where they came from.
//
// gocloud's drivers send all attributes as strings, percent-encoded. The story
// keeps values and types, and awsevents restores them; what reads the queue
// without it sees the encoded form. TopicOptions.Prepare can set a BeforeSend
// that gives the driver's message its attributes as they were.
//
// SQS takes ten attributes. A message that has ten already, or is too large
// with its story, goes as a CloudEvent in the body, which awsevents opens. In a
// FIFO queue (TopicOptions.FIFO) two of the ten are gocloud's, and letters keep
// the group of their message.
//
// # Redaction
//
// TopicOptions.Redact and BucketOptions.Redact remove values before anything
// is written, from the data and wherever else they occur: see package redact.
// Its middleware does the same for the log. A letter that lost values says so,
// and is not sent again unless asked.
//
// # Reading
//
// [FromBucket] and [FromSubscription] give the letters of a place, whichever
// form they have, and messages that their queue has given up by itself:
//
//	for l, err := range deadletter.FromBucket(bucket, "orders/", nil).All(ctx) {
//		...
//		fmt.Println(l.Event.ID(), l.Story.Reason, l.Story.Error)
//	}
//
// Letter.Event is the event without the extensions of the letter. Letters stay
// until [Letter.Delete]. What is received from a queue and left there comes
// back when its visibility timeout is over.
//
// # Replay
//
// [Replay] sends letters to a router, a queue or a topic, and deletes each when
// it is sent:
//
//	progress, err := deadletter.Replay(ctx, letters, deadletter.ToTopic(orders, nil),
//		&deadletter.ReplayOptions{Rate: 10, Filter: func(l *deadletter.Letter) bool { return l.Story.ErrorType == "cardError" }})
//
// Killed at any point it loses nothing, and goes on when it is started again. A
// letter may then be sent twice, with one source and id: behind package
// idempotency its handler runs once.
//
// What could not be read is sent again as the event that keeps its bytes: a
// route for its type gets it.
//
// A message that its queue has given up had no letter, so only the queue knows
// its source: set ReadOptions.Source to give it its identity back.
package deadletter
