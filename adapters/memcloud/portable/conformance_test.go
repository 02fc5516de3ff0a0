package portable

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	blobdriver "gocloud.dev/blob/driver"
	blobtest "gocloud.dev/blob/drivertest"
	docdriver "gocloud.dev/docstore/driver"
	doctest "gocloud.dev/docstore/drivertest"
	pubsubdriver "gocloud.dev/pubsub/driver"
	pubsubtest "gocloud.dev/pubsub/drivertest"
)

// gocloud's suites run in real time: they open subtests, which a bubble may
// not. They skip what follows, all of which they skip for gocloud's drivers in
// memory, too:
//
//   - blob TestNonexistentBucket: a *memcloud.Bucket is there.
//   - blob TestSignedURL, once it sees the code Unimplemented.
//   - docstore TypeDrivenCodec and BlindCodec: they compare with a second,
//     native codec of the same store. TestItems has the items instead.
//
// And where a topic is a queue, which has no subscriptions to have two of,
// pubsub TestSendReceiveTwo; it runs with topics.

func TestBlobConformance(t *testing.T) {
	for _, prefix := range []string{"", "some/prefix/dir/"} {
		t.Run("prefix="+prefix, func(t *testing.T) {
			blobtest.RunConformanceTests(t, func(_ context.Context, t *testing.T) (blobtest.Harness, error) {
				return &blobHarness{memcloud.New(t).Bucket("uploads", nil), prefix}, nil
			}, nil)
		})
	}
}

type blobHarness struct {
	b      *memcloud.Bucket
	prefix string
}

func (h *blobHarness) MakeDriver(context.Context) (blobdriver.Bucket, error) {
	if h.prefix == "" {
		return &bucket{b: h.b}, nil
	}
	return blobdriver.NewPrefixedBucket(&bucket{b: h.b}, h.prefix), nil
}

func (h *blobHarness) MakeDriverForNonexistentBucket(context.Context) (blobdriver.Bucket, error) {
	return nil, nil //nolint:nilnil // the suite's way to say that there cannot be one
}

func (h *blobHarness) HTTPClient() *http.Client         { return nil }
func (h *blobHarness) SupportsCopy() bool               { return true }
func (h *blobHarness) SupportsNonSlashDelimiters() bool { return true }
func (h *blobHarness) Close()                           {}

func TestDocstoreConformance(t *testing.T) {
	doctest.RunConformanceTests(t, func(_ context.Context, t *testing.T) (doctest.Harness, error) {
		return &docHarness{cloud: memcloud.New(t)}, nil
	}, nil, nil)
}

type docHarness struct {
	cloud  *memcloud.Cloud
	tables int
}

func (h *docHarness) MakeCollection(_ context.Context, kind doctest.CollectionKind) (docdriver.Collection, error) {
	h.tables++
	name := fmt.Sprint("table-", h.tables)
	switch kind {
	case doctest.TwoKey:
		return newCollection(h.cloud.Table(name, &memcloud.TableOptions{Key: "Game", Sort: "Player"}), nil), nil
	case doctest.AltRev:
		return newCollection(h.cloud.Table(name, &memcloud.TableOptions{Key: doctest.KeyField}),
			&CollectionOptions{RevisionField: doctest.AlternateRevisionField}), nil
	default:
		return newCollection(h.cloud.Table(name, &memcloud.TableOptions{Key: doctest.KeyField}), nil), nil
	}
}

func (h *docHarness) BeforeDoTypes() []any         { return nil }
func (h *docHarness) BeforeQueryTypes() []any      { return nil }
func (h *docHarness) RevisionsEqual(a, b any) bool { return a == b }
func (h *docHarness) Close()                       {}

func (h *docHarness) AtomicWritesKind() doctest.AtomicWritesSupportKind {
	return doctest.MultiplePartitions
}

func TestPubsubConformance(t *testing.T) {
	t.Run("topic, raw", func(t *testing.T) {
		pubsubtest.RunConformanceTests(t, func(_ context.Context, t *testing.T) (pubsubtest.Harness, error) {
			return &topicHarness{cloud: memcloud.New(t), raw: true}, nil
		}, []pubsubtest.AsTest{asTest{}})
	})
	t.Run("topic, enveloped", func(t *testing.T) {
		pubsubtest.RunConformanceTests(t, func(_ context.Context, t *testing.T) (pubsubtest.Harness, error) {
			return &topicHarness{cloud: memcloud.New(t)}, nil
		}, []pubsubtest.AsTest{asTest{}})
	})
	t.Run("queue", func(t *testing.T) {
		pubsubtest.RunConformanceTests(t, func(_ context.Context, t *testing.T) (pubsubtest.Harness, error) {
			return &queueHarness{topicHarness{cloud: memcloud.New(t)}}, nil
		}, []pubsubtest.AsTest{asTest{}})
	})
}

type topicHarness struct {
	cloud *memcloud.Cloud
	raw   bool
	n     atomic.Int64
}

func (h *topicHarness) name(kind string) string { return fmt.Sprint(kind, "-", h.n.Add(1)) }

func (h *topicHarness) CreateTopic(context.Context, string) (pubsubdriver.Topic, func(), error) {
	return &topic{t: h.cloud.Topic(h.name("topic"))}, func() {}, nil
}

func (h *topicHarness) MakeNonexistentTopic(context.Context) (pubsubdriver.Topic, error) {
	return &topic{}, nil
}

func (h *topicHarness) CreateSubscription(_ context.Context, to pubsubdriver.Topic, _ string) (pubsubdriver.Subscription, func(), error) {
	q := h.cloud.Queue(h.name("queue"), nil)
	to.(*topic).t.Subscribe(q, &memcloud.Subscription{Raw: h.raw})
	return newSubscription(q), func() {}, nil
}

func (h *topicHarness) MakeNonexistentSubscription(context.Context) (pubsubdriver.Subscription, func(), error) {
	return newSubscription(nil), func() {}, nil
}

func (h *topicHarness) Close()                              {}
func (h *topicHarness) MaxBatchSizes() (int, int)           { return 0, 0 }
func (h *topicHarness) SupportsMultipleSubscriptions() bool { return true }

// queueHarness has topics that are queues, which have one subscription.
type queueHarness struct{ topicHarness }

func (h *queueHarness) CreateTopic(context.Context, string) (pubsubdriver.Topic, func(), error) {
	return &queueTopic{q: h.cloud.Queue(h.name("queue"), nil)}, func() {}, nil
}

func (h *queueHarness) MakeNonexistentTopic(context.Context) (pubsubdriver.Topic, error) {
	return &queueTopic{}, nil
}

func (h *queueHarness) CreateSubscription(_ context.Context, to pubsubdriver.Topic, _ string) (pubsubdriver.Subscription, func(), error) {
	return newSubscription(to.(*queueTopic).q), func() {}, nil
}

func (h *queueHarness) SupportsMultipleSubscriptions() bool { return false }
