package deadletter_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/blob"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func want(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o777))
		must(t, os.WriteFile(path, got, 0o666))
	}
	expected, err := os.ReadFile(path)
	must(t, err)
	want(t, name, string(got), string(expected))
}

const ordersARN = "arn:aws:sqs:eu-west-1:123456789012:orders"

// placed is an event that is not a queue's.
func placed() event.Event {
	e := event.New()
	e.SetID("order-1")
	e.SetSource("/shop")
	e.SetType("order.placed")
	e.SetSubject("1")
	e.SetExtension("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(`{"id": 1}`)
	return e
}

// sent is the event of a message of a queue, as awsevents makes it.
func sent(body, attributes string) event.Event {
	e := event.New()
	e.SetID("5fea7756-0ea4-451a-a703-a558b933e274")
	e.SetSource(ordersARN)
	e.SetType("com.amazonaws.sqs.message")
	e.SetDataContentType("text/plain")
	if attributes != "" {
		e.SetExtension("sqsattributes", attributes)
	}
	e.DataEncoded = []byte(body)
	return e
}

var errRefused = eventfx.Permanent(&cardError{"card refused"})

type cardError struct{ text string }

func (e *cardError) Error() string { return e.text }

// dead is a message that died, with two attempts.
func dead(e event.Event) *eventfx.Dead {
	now := time.Now()
	return &eventfx.Dead{
		Message: &eventfx.Message{Event: e, Origin: eventfx.Origin{ID: "5fea7756-0ea4-451a-a703-a558b933e274", Address: ordersARN, Name: "orders", Receives: 2}},
		Route:   "queue.JSON[Order]{orders}", Reason: "permanent", Err: errRefused,
		Attempts: []eventfx.Attempt{
			{Started: now.Add(-3 * time.Second), Ended: now.Add(-2 * time.Second), Err: errors.New("timeout")},
			{Started: now.Add(-time.Second), Ended: now, Err: errRefused},
		},
	}
}

// drain reads all letters.
func drain(t *testing.T, from *deadletter.Letters) []*deadletter.Letter {
	t.Helper()
	var letters []*deadletter.Letter
	for l, err := range from.All(t.Context()) {
		must(t, err)
		letters = append(letters, l)
	}
	return letters
}

// A place is where letters are kept and read, in memory.
type place struct {
	queue  *memcloud.Queue
	topic  *pubsub.Topic
	bucket *blob.Bucket
	keep   eventfx.DeadLetter
	count  func() int
	read   func() *deadletter.Letters
}

func inQueue(cloud *memcloud.Cloud, name string, o *deadletter.TopicOptions) place {
	q := cloud.Queue(name, nil)
	return place{
		queue: q, topic: portable.Topic(q), keep: deadletter.Topic(portable.Topic(q), o),
		count: func() int { return len(q.Messages()) },
		read:  func() *deadletter.Letters { return deadletter.FromSubscription(portable.Subscription(q), nil) },
	}
}

func inBucket(cloud *memcloud.Cloud, name string, o *deadletter.BucketOptions) place {
	b := cloud.Bucket(name, nil)
	p := place{bucket: portable.Bucket(b)}
	p.keep = deadletter.Bucket(p.bucket, o)
	p.count = func() int { return len(b.Keys()) }
	prefix := ""
	if o != nil {
		prefix = o.Prefix
	}
	p.read = func() *deadletter.Letters { return deadletter.FromBucket(p.bucket, prefix, nil) }
	return p
}

func quiet(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
	return ctx, nil
}
