package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/docstore"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
)

// memory is memcloud.
type memory struct{ cloud *memcloud.Cloud }

// refusal returns what memcloud has against a resource: it panics there.
func refusal(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = fmt.Errorf("%v", p)
		}
	}()
	f()
	return nil
}

func (m *memory) queue(name string, o *memcloud.QueueOptions) (q Queue, err error) {
	err = refusal(func() { q = memoryQueue{m.cloud.Queue(name, o)} })
	return q, err
}

func (m *memory) topic(name string) (t Topic, err error) {
	err = refusal(func() { t = memoryTopic{m.cloud.Topic(name)} })
	return t, err
}

func (m *memory) bucket(name string, o *memcloud.BucketOptions) (b Bucket, err error) {
	err = refusal(func() { b = memoryBucket{m.cloud.Bucket(name, o)} })
	return b, err
}

func (m *memory) table(name string, o *memcloud.TableOptions) (t Table, err error) {
	err = refusal(func() {
		made := &memoryTable{Table: m.cloud.Table(name, o)}
		if o != nil && o.Stream != "" {
			m.cloud.Function(name+"-reader", made, memcloud.Trigger(made.Table, &memcloud.Mapping{}))
		}
		t = made
	})
	return t, err
}

func (m *memory) rule(q Queue, r memcloud.Rule) error {
	return refusal(func() { m.cloud.EventBus("default").Target(q.(memoryQueue).Queue, &r) })
}

func (m *memory) putEvents(ctx context.Context, events ...memcloud.BusEvent) ([]memcloud.PutResult, error) {
	return m.cloud.EventBus("default").PutEvents(ctx, events...)
}

type memoryQueue struct{ *memcloud.Queue }

// DeleteMessageBatch deletes one after the other: an entry of a batch knows
// nothing of the others.
func (q memoryQueue) DeleteMessageBatch(ctx context.Context, receipts ...string) []error {
	errs := make([]error, len(receipts))
	for i, receipt := range receipts {
		errs[i] = q.DeleteMessage(ctx, receipt)
	}
	return errs
}

func (q memoryQueue) Count(context.Context) (int, error) { return len(q.Messages()), nil }

func (q memoryQueue) Dead() Queue { return memoryQueue{q.DeadLetterQueue()} }

func (q memoryQueue) Publisher() *pubsub.Topic { return portable.Topic(q.Queue) }

func (q memoryQueue) Subscription() *pubsub.Subscription { return portable.Subscription(q.Queue) }

type memoryTopic struct{ *memcloud.Topic }

func (t memoryTopic) Subscribe(q Queue, raw bool) error {
	return refusal(func() { t.Topic.Subscribe(q.(memoryQueue).Queue, &memcloud.Subscription{Raw: raw}) })
}

func (t memoryTopic) Publisher() *pubsub.Topic { return portable.Topic(t.Topic) }

type memoryBucket struct{ *memcloud.Bucket }

func (b memoryBucket) DeleteObject(ctx context.Context, key, version string) error {
	_, err := b.Bucket.DeleteObject(ctx, key, version)
	return err
}

func (b memoryBucket) CopyObject(ctx context.Context, key, from string) (memcloud.Object, error) {
	return b.Bucket.CopyObject(ctx, key, from, nil)
}

func (b memoryBucket) Versions(_ context.Context, key string) ([]memcloud.Object, error) {
	return b.Bucket.Versions(key), nil
}

func (b memoryBucket) Notify(target any, n memcloud.Notification) error {
	return refusal(func() {
		switch target := target.(type) {
		case memoryQueue:
			b.Bucket.Notify(target.Queue, &n)
		case memoryTopic:
			b.Bucket.Notify(target.Topic, &n)
		}
	})
}

func (b memoryBucket) Portable() *blob.Bucket { return portable.Bucket(b.Bucket) }

// memoryTable is a table, and the function that reads its stream.
type memoryTable struct {
	*memcloud.Table
	mu      sync.Mutex
	changes []Change
}

func (t *memoryTable) Collection() *docstore.Collection { return portable.Collection(t.Table, nil) }

func (t *memoryTable) Changes(context.Context) ([]Change, error) {
	t.Cloud().Settle()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changes, nil
}

// Invoke takes the records that Lambda sends.
func (t *memoryTable) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event struct {
		Records []struct {
			EventID, EventName, EventSourceARN, AWSRegion string
			DynamoDB                                      struct {
				Keys, NewImage, OldImage       attributes
				SequenceNumber, StreamViewType string
				SizeBytes                      int64
				ApproximateCreationDateTime    *json.Number
			}
		}
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range event.Records {
		d := r.DynamoDB
		t.changes = append(t.changes, Change{
			ID: r.EventID, Name: r.EventName, Sequence: d.SequenceNumber, View: d.StreamViewType,
			Region: r.AWSRegion, StreamARN: r.EventSourceARN,
			Keys: d.Keys.item(), New: d.NewImage.item(), Old: d.OldImage.item(),
			Created: d.ApproximateCreationDateTime != nil, Size: d.SizeBytes,
		})
	}
	return nil, nil
}

// attributes is an item as JSON.
type attributes map[string]attribute

type attribute struct {
	S    *string
	N    *json.Number
	B    *[]byte
	BOOL *bool
	NULL *bool
	L    []attribute
	M    attributes
	SS   memcloud.StringSet
	NS   memcloud.NumberSet
	BS   memcloud.BinarySet
}

func (a attributes) item() memcloud.Item {
	if a == nil {
		return nil
	}
	item := memcloud.Item{}
	for name, v := range a {
		item[name] = v.value()
	}
	return item
}

func (a attribute) value() any {
	switch {
	case a.S != nil:
		return *a.S
	case a.N != nil:
		return *a.N
	case a.B != nil:
		return *a.B
	case a.BOOL != nil:
		return *a.BOOL
	case a.L != nil:
		list := []any{}
		for _, e := range a.L {
			list = append(list, e.value())
		}
		return list
	case a.M != nil:
		return a.M.item()
	case a.SS != nil:
		return a.SS
	case a.NS != nil:
		return a.NS
	case a.BS != nil:
		return a.BS
	}
	return nil
}
