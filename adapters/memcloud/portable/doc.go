// Package portable gives the buckets, tables, topics and queues of a memcloud
// as gocloud's portable types: *blob.Bucket, *docstore.Collection,
// *pubsub.Topic and *pubsub.Subscription. A handler that is written for
// gocloud runs in a test or in a local program on the same resources that
// trigger it, by AWS's rules and in a bubble's virtual time.
//
// # Testing a handler
//
// What the program opens from URLs, the test makes of a cloud's resources:
//
//	cloud := memcloud.New(t)
//	uploads := cloud.Bucket("uploads", nil)
//	images := cloud.Table("images", &memcloud.TableOptions{Key: "key"})
//	app := &app{
//		Bucket: portable.Bucket(uploads),
//		Images: portable.Collection(images, nil),
//		Events: portable.Topic(cloud.Topic("events")),
//	}
//	cloud.Function("thumbnail", app, memcloud.Trigger(uploads))
//	uploads.Put("cat.jpg", picture)
//	cloud.Settle()
//
// A write through a portable type is a write of the resource: it sends the
// bucket's notifications, puts a record into the table's stream, reaches the
// topic's subscribers, and is a line of the timeline. Everything goes in and
// out by copy: whatever callers do with what they gave or got, nobody else
// sees it.
//
// # What is the same as on AWS
//
// The drivers leave in the cloud what gocloud's drivers for AWS leave there,
// since a function that is triggered gets to see it:
//
//	blob      keys and metadata escaped as by s3blob; an ETag is the MD5
//	docstore  items as by awsdynamodb, below
//	pubsub    metadata as string attributes, escaped as by awssnssqs, which also
//	          sends a body that is not UTF-8 as base64; Nack hides for a second
//
// Errors have the codes of package gcerrors; ErrorAs finds the
// *memcloud.Error, with AWS's own code, where a resource refused.
//
// # Values
//
// A document becomes an item in these types, and so it is in a stream's
// images:
//
//	bool                        BOOL
//	integers, floats            N     without loss; read into an any: int64, uint64, float64
//	string                      S     "" is NULL
//	[]byte, BinaryMarshaler     B
//	time.Time                   S     RFC 3339 with nanoseconds
//	TextMarshaler               S
//	slices, arrays              L     also of strings: there are no sets
//	structs, maps               M
//	nil                         NULL
//
// Sets that somebody else wrote are an error to read, as with awsdynamodb.
// Revisions are strings.
//
// # What is stricter
//
// Where gocloud leaves drivers a choice, these take the one that a test can
// rely on. The actions of a docstore list run in their order; an atomic group
// is written in one step or not at all; queries have an order, by key among
// equals. A table is always scanned: what the cloud's driver refuses without
// an index or AllowScans is not refused here. A subscription fetches nothing
// ahead, so that every receive that is counted was asked for.
//
// A write of an atomic group that cannot be made has the code that it would
// have alone, AlreadyExists or NotFound. gocloud's driver for DynamoDB answers
// FailedPrecondition there, and to an Update of a document that does not exist.
//
// # Contexts
//
// Blob and docstore calls carry the caller's context into the cloud: calls of
// handlers that run side by side have an order that one seed repeats, and
// those of an invocation that is over fail with gcerrors.Canceled and do
// nothing. gocloud keeps the sender's context of a Topic.Send from its
// drivers: messages sent at one instant are ordered by their content, and a
// message of an invocation that is over goes out.
//
// # Closing
//
// When the cloud is closed, the collections and subscriptions that were made
// of it are closed and shut down; buckets and topics hold nothing. gocloud's
// Subscription can leave a goroutine behind that waits for ever, in a synctest
// bubble a panic; here it is let go, whether the program shuts the
// subscription down or the cloud does.
package portable
