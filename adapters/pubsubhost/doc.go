// Package pubsubhost runs a router on any subscription of gocloud: a container
// that reads a queue of SQS, RabbitMQ, NATS, Kafka, Azure or Google.
//
//	func main() {
//		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
//		defer stop()
//		subscription, err := pubsub.OpenSubscription(ctx, "rabbit://orders")
//		if err != nil {
//			log.Fatal(err)
//		}
//		r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 3}}
//		eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, ship)
//		if err := pubsubhost.Run(ctx, subscription, r, &pubsubhost.Options{Queue: "orders"}); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// The handlers are those that run on AWS Lambda or behind HTTP. Run receives a
// message when there is a place for it, and not before; it acknowledges it when
// its handler is done, or its dead letter is written, and not before.
//
// # Prefetch
//
// gocloud fetches ahead: by default as many messages as it thinks two seconds
// of work are. They burn the time after which the broker gives them to somebody
// else, and are not handed back at the end. So open the subscription with the
// receive options MaxBatchSize 1 and MaxHandlers 1, which make what is fetched
// exactly what is asked for. Drivers take them in their options:
//
//	one := batcher.Options{MaxBatchSize: 1, MaxHandlers: 1}
//	awssnssqs.OpenSQSSubscription(ctx, client, url, &awssnssqs.SubscriptionOptions{
//		Raw:                 true,
//		WaitTime:            time.Second,
//		ReceiveBatcherOptions: one,
//	})
//	mempubsub.NewSubscriptionWithOptions(topic, time.Minute, &mempubsub.SubscriptionOptions{ReceiveBatcherOptions: one})
//
// Each message is then a request of its own. Where that costs too much, leave
// the options as they are, and say so in [Options].Prefetch. A long poll goes on
// after the stop, as gocloud cannot end it: a short WaitTime leaves less to hand
// back.
//
// # Payload
//
// What a message is, by the first that applies:
//
//  1. Its metadata, or its body as JSON, is a CloudEvent: see pubsubevents.
//  2. Its body is a batch of CloudEvents, or an envelope of AWS: a notification
//     of S3, EventBridge, SNS, a schedule, a failure destination; see
//     awsevents. Several events in one message are done or come back together.
//     Options.Format turns this off for a queue.
//  3. Otherwise it is an event of type dev.eventfx.message: its data are the
//     body, its source is Options.Queue. Metadata are in the extension
//     eventfxattributes.
//
// Events of 1 and 2 have the extension eventfxqueue, so that the sources of
// package queue match them, too.
//
// When Options.Queue is the ARN of a queue of SQS, a message is what it is on
// AWS Lambda, byte for byte: of type com.amazonaws.sqs.message, or the event in
// its body, with the extensions sqsmessageid, sqsqueuearn and sqsattributes.
// Attributes count as of type String, for gocloud gives their text alone. Open
// the subscription with Raw, or gocloud opens SNS's envelopes by itself.
//
// # Identity
//
// Events have their own id. A message of SQS has its messageId, with the ARN as
// source, as on AWS Lambda: idempotency works across both. A plain message of
// another broker has the id that Options.Received tells. Without one it gets a
// new id each time it comes, for what drivers call an id is often given to
// another message later, and then a guard would drop that one. Give such
// messages a key of their own: idempotency.Guard.Key.
//
// Receive counts, by which a router knows that a message is dead, come from
// Options.Received as well; [sqslease.Lease] reads SQS's. Without them give
// routes a Retry with Deliveries 1, or what fails comes back for ever.
//
// # Partial failure
//
// Each message is answered by itself. One that failed comes back: after the
// delay that its error asked for (eventfx.RetryAfter), else after Options.Delay.
//
//	Lease              the broker hides it for so long
//	no Lease           it is kept here for so long, at most until
//	                   Options.Deadline, and then given back
//	no nack either     it is delivered here again, with a growing delay, until
//	                   it is done or dead
//
// The last is what brokers get that can take nothing back (NATS, Kafka): here
// deliveries are counted in this process, so that after Retry.Deliveries of them
// the dead letter is written, and then the message is acknowledged. Without a
// DeadLetter such a message keeps its place until the process ends.
//
// A Lease also keeps messages hidden while they are handled, by extending their
// time whenever half of it is over. When that fails until the time is over, the
// contexts of the handlers end. Without a Lease Options.Deadline has to be less
// than the broker's time.
//
// An acknowledgement that fails breaks a gocloud subscription for good, as does
// a receive that cannot be repeated. With Options.Open it is opened again, with
// growing pauses, while handlers go on; what was not acknowledged comes again.
//
// # Ordering
//
// Messages run side by side unless they share a Group: that of a FIFO queue
// (through sqslease) or of Options.Key. Those of one key run one after the
// other, as they came, and a message that waits for one before it takes a place
// of Options.Concurrency. When one goes back, those of its key that were
// received before it failed go back behind it, unrun. What is received later
// may overtake it, unless the broker holds it back, as a FIFO queue does.
//
// # Stop
//
// When the context of Run is done, nothing more is received. What was received
// and not started goes back at once, and so does what waits for its delay;
// handlers go on for Options.Drain, and then their contexts end. What they had
// not finished goes back, their late results count for nothing, and Run returns
// within a second or so. Give a container a grace period of more than that.
//
// [Health] answers the probes of a platform.
//
// # Local testing
//
// gocloud's mempubsub is a broker in memory. memcloud's queues, by
// memcloud/portable, count, hide and redrive as SQS does, in virtual time. The
// laws that every host keeps are in package hosttest.
package pubsubhost
