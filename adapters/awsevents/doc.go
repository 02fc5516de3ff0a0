// Package awsevents turns the payloads that AWS gives to a function into
// messages, and failures back into the answer that the source expects.
//
//	p, err := awsevents.Format{}.Open(payload, requestID)
//	// err: no JSON, or the payload of a source that lost its records
//	failures := router.Deliver(ctx, p.Messages)
//	answer, err := p.Answer(failures)
//	// err: the invocation has to fail as a whole
//
// A program that runs on AWS Lambda uses package lambdahost, which does just
// this. Use awsevents to normalise payloads, to replay what was kept, or to
// write a host. What a program receives from a queue itself is opened by
// [Format.OpenReceived], and gives the same events.
//
// # Payload
//
// Detection looks at the members that AWS's payloads have, by their exact
// names. [Payload.Source] tells what was found, and every event that is made
// has a type of its source:
//
//	sqs             com.amazonaws.sqs.message, or the event in the body
//	s3              com.amazonaws.s3.ObjectCreated:Put ...
//	s3-eventbridge  com.amazonaws.s3.ObjectCreated, ObjectDeleted ...: what S3
//	                tells a bus of objects; its API calls are eventbridge's
//	dynamodb        com.amazonaws.dynamodb.INSERT, MODIFY, REMOVE
//	eventbridge     com.amazonaws.events. and the detail-type
//	schedule        com.amazonaws.events.ScheduledEvent
//	scheduler       com.amazonaws.scheduler.ScheduledEvent
//	sns             com.amazonaws.sns.Notification, or the event in it
//	sns-envelope    the same, as SNS posts it over HTTP
//	cloudevent      its own; cloudevents is a batch of them
//	lambda-destination  the event that a function failed to handle
//	s3-test         no event: S3 tries whether it can send
//	empty           no event: Records is an empty array
//
// Known by name and not opened are kinesis, kafka, firehose, activemq,
// rabbitmq, ses, codecommit, stream-failure, authorizer, alb, websocket,
// function-url, http-api, rest-api, logs, and the destination record of a
// success. They, and JSON of an unknown shape ("opaque"), are the data of one
// event of [TypeInvocation].
//
// What the APIs of SQS and DynamoDB answer to a caller, such as
// ReceiveMessage and DescribeStream, is no payload of Lambda, nor is what boto3
// prints of it. Names and types differ: such a document is opaque, or its
// records have errors.
//
// Beside the attributes that every event has, these extensions are set:
//
//	partitionkey, sequence    S3: the key and the padded sequencer; DynamoDB: the
//	                          item's key and the sequence number; FIFO queues
//	traceparent               SQS: made of AWSTraceHeader
//	sqsattributes             the message attributes, as JSON
//	sqsmessageid, sqsqueuearn for an event that a queue carried; the latter also
//	                          for a message of a dead-letter queue
//	awsaccount, awsregion     EventBridge, with awsdetailtype, awsreplayname, and
//	                          awsresources if there are several
//	awseventid                the envelope of a rule's tick
//	schedulerexecutionid, schedulerattempt
//	dynamodbttl               true for a delete by time to live
//
// The data of an event is a part of the one copy of the payload: the record
// of S3 and DynamoDB, the detail of EventBridge, the body of SQS. A body is
// JSON if it begins with a brace or a bracket and parsers agree about it:
// one with a key twice in an object is text, as is a lone number. A message
// attribute content-type overrides that.
//
// Events inside a message are taken out, up to four envelopes deep: those of
// S3, EventBridge, SNS, a scheduler and a failure destination, and CloudEvents
// in the JSON format. Such an event has the extensions sqsmessageid and
// sqsqueuearn. [Format.Unwrap] turns this off for a queue or topic. A message
// that carries several events is done when each of them is.
//
// EventBridge Scheduler sends a target's input as it stands, which nothing
// tells from other JSON. Give the schedule this input, and its ticks have the
// scheduled time, the execution and the attempt:
//
//	{
//	  "scheduler": {
//	    "arn": "<aws.scheduler.schedule-arn>",
//	    "time": "<aws.scheduler.scheduled-time>",
//	    "execution": "<aws.scheduler.execution-id>",
//	    "attempt": "<aws.scheduler.attempt-number>"
//	  },
//	  "input": {"days": 7}
//	}
//
// The data of the event is then the member input, or {} without one.
//
// Input that no source sends is never a success. What is no JSON, or no
// UTF-8, is an [InputError]. A payload whose Records are null, missing, of
// several sources or there twice is a [ShapeError]. A single bad record is a
// message with a [RecordError] as its Err, an event of [TypeRaw] whose data
// are the record's bytes; the records beside it are not touched. Two things
// are tolerated: a time of S3 without a zone is UTC, for S3-compatible stores
// write it, and a stream record without eventSourceARN has the source
// aws:dynamodb.
//
// # Identity
//
// An event has the same source and id whenever its record is delivered again,
// so the pair is a key for idempotency. They are made of fields of the record
// alone:
//
//	SQS          messageId; the source stays the first queue's in a dead-letter
//	             queue. A redrive makes a new message; what package deadletter
//	             wrote tells the first id, and the attributes as they were
//	S3           request id and host id, and 16 digits of a hash over event name,
//	             key, version and sequencer, since one request can make several
//	             events. Without request ids a hash of these and the time.
//	DynamoDB     eventID and the table's ARN
//	EventBridge  the envelope's id
//	schedules    the time, to the minute for rules, and the ARN: one firing may
//	             be delivered by several envelopes
//	SNS          MessageId and the subscription's ARN
//	opaque       the request id, which is the same for Lambda's own retries
//
// Origin.ID is the identifier by which the source knows the record: the
// messageId or the sequence number, also of an event that was nested. An S3
// key that is not properly encoded is the subject as it is, and the event has
// the extension s3rawkey.
//
// Trace headers are kept: message attributes and AWSTraceHeader in
// Origin.Attributes, with a traceparent made of the latter; known carriers in
// the detail of an event of EventBridge likewise.
//
// # Partial failure
//
// SQS and DynamoDB streams are told which records failed, if their mapping has
// ReportBatchItemFailures; [Payload.Partial] is true for them. For SQS these
// are the messages that come again. For a stream it is the lowest sequence
// number: that record and all later ones come again. Every other source calls
// a function asynchronously and reads no answer: any failure is a
// [FailedError], and Lambda sends the whole event again, twice.
//
// A failed record without an identifier fails the whole batch, on purpose:
// there is no other way to say that it is not done. An answer never names an
// identifier that is not in the payload.
//
// A tumbling window's state is answered unchanged. Its last call is accepted,
// with records or without.
//
// # Ordering
//
// Messages of a FIFO queue have the queue and the message group as their
// Group; those of a stream the stream, or with [Format.Lanes] the item.
// A message group id of a standard queue is a label for fair queues, and
// orders nothing. Everything else is unordered: S3 notifications of one key
// are ordered by the extension sequence, which compares as text for equal
// source and partitionkey, not by their arrival.
//
// # Local testing
//
// Open needs nothing of AWS: give it a payload that you kept, and look at the
// messages. Package memcloud produces such payloads, byte by byte as AWS
// writes them, from queues, buckets and tables in memory.
package awsevents
