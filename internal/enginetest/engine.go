package enginetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/docstore"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// An engine is a cloud that scripts run on. Its resources and their methods
// have the names and types of memcloud's, which are those of AWS's API. An
// error has a code by codeOf.
type engine interface {
	queue(name string, o *memcloud.QueueOptions) (Queue, error)
	topic(name string) (Topic, error)
	bucket(name string, o *memcloud.BucketOptions) (Bucket, error)
	table(name string, o *memcloud.TableOptions) (Table, error)

	// rule has the default event bus send what matches to a queue.
	rule(q Queue, r memcloud.Rule) error
	putEvents(ctx context.Context, events ...memcloud.BusEvent) ([]memcloud.PutResult, error)
}

// A Queue is a queue of SQS.
type Queue interface {
	ARN() string
	SendMessage(ctx context.Context, m memcloud.Message) (id string, err error)
	SendMessageBatch(ctx context.Context, messages []memcloud.Message) ([]memcloud.SendResult, error)
	ReceiveMessage(ctx context.Context, limit int, wait time.Duration) ([]memcloud.Message, error)
	DeleteMessage(ctx context.Context, receipt string) error
	DeleteMessageBatch(ctx context.Context, receipts ...string) []error
	ChangeMessageVisibility(ctx context.Context, receipt string, d time.Duration) error

	// Count returns how many messages there are, visible or not.
	Count(ctx context.Context) (int, error)

	// Dead returns the queue that MaxReceives made.
	Dead() Queue

	Publisher() *pubsub.Topic
	Subscription() *pubsub.Subscription
}

// A Topic is a topic of SNS.
type Topic interface {
	ARN() string
	Publish(ctx context.Context, n memcloud.Notice) (id string, err error)
	Subscribe(q Queue, raw bool) error
	Publisher() *pubsub.Topic
}

// A Bucket is a bucket of S3.
type Bucket interface {
	PutObject(ctx context.Context, o memcloud.Object, c memcloud.Condition) (memcloud.Object, error)
	GetObject(ctx context.Context, key, version string) (memcloud.Object, error)
	CopyObject(ctx context.Context, key, from string) (memcloud.Object, error)
	DeleteObject(ctx context.Context, key, version string) error
	DeleteObjects(ctx context.Context, objects ...memcloud.ObjectVersion) error
	PutBucketVersioning(ctx context.Context, enabled bool) error
	PutObjectTagging(ctx context.Context, key, version string, tags map[string]string) error
	DeleteObjectTagging(ctx context.Context, key, version string) error
	CreateMultipartUpload(ctx context.Context, o memcloud.Object) (id string, err error)
	UploadPart(ctx context.Context, key, uploadID string, number int, data []byte) (etag string, err error)
	CompleteMultipartUpload(ctx context.Context, key, uploadID string, parts []memcloud.Part, c memcloud.Condition) (memcloud.Object, error)
	AbortMultipartUpload(ctx context.Context, key, uploadID string) error
	Versions(ctx context.Context, key string) ([]memcloud.Object, error)

	// Notify sends the bucket's events to a Queue or a Topic.
	Notify(target any, n memcloud.Notification) error

	Portable() *blob.Bucket
}

// A Table is a table of DynamoDB.
type Table interface {
	PutItem(ctx context.Context, item memcloud.Item) error
	GetItem(ctx context.Context, key memcloud.Item) (memcloud.Item, error)
	DeleteItem(ctx context.Context, key memcloud.Item) error

	// Changes returns the records of the stream, the oldest first.
	Changes(ctx context.Context) ([]Change, error)

	Collection() *docstore.Collection
}

// A Change is a record of a table's stream.
type Change struct {
	ID, Name, Sequence, View, Region, StreamARN string
	Keys, New, Old                              memcloud.Item
	Created                                     bool // it says when it was made
	Size                                        int64
}

// codeOf returns what AWS calls the error: "ok" for none.
func codeOf(err error) string {
	if err == nil {
		return "ok"
	}
	if e, ok := errors.AsType[*memcloud.Error](err); ok {
		return e.Code
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code := strings.TrimPrefix(e.ErrorCode(), "AWS.SimpleQueueService.")
		return code[strings.LastIndexByte(code, '#')+1:]
	}
	return err.Error()
}

// portableCode returns gocloud's code: "ok" for none.
func portableCode(err error) string {
	if err == nil {
		return "ok"
	}
	return gcerrors.Code(err).String()
}
