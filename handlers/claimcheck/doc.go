// Package claimcheck keeps large data out of messages: it goes to a bucket, and
// the message carries where.
//
// SQS takes messages of up to 1 MiB, SNS and EventBridge of 256 KB. An event
// whose data is larger leaves it in a bucket, as an extension of CloudEvents
// describes: dataref says where, and the data is no longer in the event.
//
// # Sending
//
//	claims := &claimcheck.Claims{Bucket: bucket, URL: "s3://claims"}
//	e, err := claims.Deposit(ctx, e) // only when its data is over the threshold
//	...
//	err = publisher.Publish(ctx, e)
//
// # Receiving
//
// The middleware fetches data before it is decoded, so that handlers see no
// difference:
//
//	claims := &claimcheck.Claims{Allow: map[string]*blob.Bucket{"s3://claims": bucket}}
//	r := &eventfx.Router{Use: []eventfx.Middleware{claims.Fetch}}
//
// Only buckets that Allow names are read. A dataref to anything else, such as
// the address of a machine's metadata, is a permanent failure of its message:
// whoever sends a message must not choose what its receiver requests.
//
// The pointers of the Amazon SQS Extended Client Libraries are read as well,
// when the message has their attribute ExtendedPayloadSize or, of older ones,
// SQSLargePayloadSize.
//
// # Deleting
//
// Let the bucket expire objects: that takes no code and survives every crash.
// Where data must go at once, [Claims.Once] deletes it when its message is
// done, behind another Once that knows what is done.
package claimcheck
