// Package object is the kind of events about objects in buckets.
//
// A source says which objects a handler is for; the handler gets a [Change]:
//
//	eventfx.On(r, object.Created{Bucket: "uploads", Suffix: ".jpg"}, makeThumbnail)
//	eventfx.On(r, object.Removed{Bucket: "uploads"}, removeThumbnail)
//
//	func makeThumbnail(ctx context.Context, e eventfx.Event[object.Change]) error {
//		picture, err := bucket.ReadAll(ctx, e.Data.Key)
//		...
//	}
//
// [Created] are objects with new content, [Removed] objects that are gone, and
// [Any] is all that a service tells of its objects, such as tags and restores
// as well. Bucket, Prefix and Suffix narrow a source; the key is compared as a
// client of the service writes it, upper and lower case included.
//
// # Where events come from
//
// The sources know four senders, by the type of the CloudEvent:
//
//	Change.Service  type of the event                              Created              Removed
//	s3              com.amazonaws.s3.ObjectCreated:Put ...         ObjectCreated:*      ObjectRemoved:*, LifecycleExpiration:*
//	eventbridge     com.amazonaws.s3.ObjectCreated ...             ObjectCreated        ObjectDeleted
//	gcs             google.cloud.storage.object.v1.finalized ...   finalized            deleted, archived
//	azure           Microsoft.Storage.BlobCreated ...              BlobCreated (below)  BlobDeleted
//
// It makes no difference how they arrive: to the function directly, through a
// queue, a topic or both, or over HTTP.
//
// # Keys
//
// S3 encodes the keys in its notifications as forms do: "red+flower.jpg" is the
// object "red flower.jpg". Change.Key is decoded. A key that cannot be decoded is
// kept as it came, and Change.KeyEncoded says so. EventBridge, Google and Azure
// do not encode keys, so a plus there is a plus.
//
// # Removals
//
// On S3, a removal from a bucket with versions either puts a delete marker
// (Change.Marker) before them, or takes away the one version that
// Change.Version names; then the object may still be there.
//
// On Google Cloud Storage a removal is the end of one generation, which is
// Change.Version. When an object is replaced its former generation ends too,
// and nothing in the event tells that from a removal: finalized and deleted
// (archived, in a bucket with versions) come in any order. Ask the bucket
// whether the object is there before acting on its absence, as [IfGone] does,
// or compare Order: the end of a generation is older than the next one.
// Notifications to Pub/Sub do tell, and httphost leaves such a removal out.
//
// # New content on Azure
//
// Azure sends BlobCreated also when a file is opened for writing. It is Created
// only if the operation (data.api) has completed the blob: PutBlob,
// PutBlockList, CopyBlob, FlushWithClose or SftpCommit. Else it is of Kind
// Other.
//
// # Order
//
// Events arrive more than once and in any order. [Change.Order] is a string to
// keep beside what was made of an object: a change whose Order is not greater
// is a repetition, or older. [Change.Compare] compares two changes, and refuses
// what has no order.
//
// # Local testing
//
// A source needs nothing but the CloudEvent: Match and Decode can be called on
// any [eventfx.Message] made by hand, as in the examples.
package object
