package frommocks

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// An outbox: a service writes its messages into a table, in one transaction
// with its own rows; a function reads the table's stream and publishes them.

type outbox struct {
	publish func(ctx context.Context, message string) error
	mark    func(ctx context.Context, id string) error // counts how often it was published
}

// [outbox]
func (o *outbox) handle(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	var answer events.DynamoDBEventResponse
	for _, record := range e.Records {
		if record.EventName != string(events.DynamoDBOperationTypeInsert) {
			continue // the mark, or a row that was cleared away
		}
		row := record.Change.NewImage
		err := o.publish(ctx, row["message"].String())
		if err == nil {
			err = o.mark(ctx, row["id"].String())
		}
		if err != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures,
				events.DynamoDBBatchItemFailure{ItemIdentifier: record.Change.SequenceNumber})
		}
	}
	return answer, nil
}

// [/outbox]

// An outboxTest is what a test looks at.
type outboxTest struct {
	cloud    *memcloud.Cloud
	table    *memcloud.Table
	arrived  *memcloud.Queue // all that is published
	payloads [][]byte        // of the function
	down     bool            // the topic cannot be reached
}

func newOutboxTest(t *testing.T, mapping *memcloud.Mapping) *outboxTest {
	// [wiring]
	cloud := memcloud.New(t)
	o := &outboxTest{cloud: cloud, table: cloud.Table("outbox", nil), arrived: cloud.Queue("arrived", nil)}
	topic := cloud.Topic("messages")
	topic.Subscribe(o.arrived, &memcloud.Subscription{Raw: true})
	handler := lambda.NewHandler((&outbox{o.publishTo(topic), o.mark}).handle)
	cloud.Function("outbox", o.keep(handler), memcloud.Trigger(o.table, mapping))
	// [/wiring]
	return o
}

func (o *outboxTest) publishTo(topic *memcloud.Topic) func(context.Context, string) error {
	return func(ctx context.Context, message string) error {
		if o.down && strings.Contains(message, "2") {
			o.down = false
			return errors.New("the topic cannot be reached")
		}
		_, err := topic.Publish(ctx, memcloud.Notice{Message: message})
		return err
	}
}

func (o *outboxTest) mark(ctx context.Context, id string) error {
	return o.table.Transact(ctx, id, func(x *memcloud.Tx) error {
		row, err := x.Get(memcloud.Item{"id": id})
		if err != nil || row == nil {
			return err
		}
		marked := memcloud.Item{"id": id, "message": row["message"], "published": count(row) + 1}
		return x.Put(marked)
	})
}

func count(row memcloud.Item) int64 {
	n, _ := row["published"].(json.Number)
	i, _ := n.Int64()
	return i
}

func (o *outboxTest) keep(next lambda.Handler) lambda.Handler {
	return invoke(func(ctx context.Context, payload []byte) ([]byte, error) {
		o.payloads = append(o.payloads, payload)
		return next.Invoke(ctx, payload)
	})
}

type invoke func(context.Context, []byte) ([]byte, error)

func (f invoke) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

func (o *outboxTest) published() (list []string) {
	for _, m := range o.arrived.Messages() {
		list = append(list, m.Body)
	}
	return list
}

var reporting = &memcloud.Mapping{ReportBatchItemFailures: true, MaximumRetries: 3}

func TestOutbox(t *testing.T) {
	// [insert]
	synctest.Test(t, func(t *testing.T) {
		o := newOutboxTest(t, reporting)
		o.table.Put(memcloud.Item{"id": "m1", "message": "order 1"})
		o.cloud.Settle() // the insert, and the record of the mark, which is skipped

		row, _ := o.table.Get("m1")
		if diff := cmp.Diff([]string{"order 1"}, o.published()); diff != "" || count(row) != 1 {
			t.Errorf("published %d times by the mark; messages (-want +got):\n%s", count(row), diff)
		}

		o.table.Put(memcloud.Item{"id": "m1", "message": "changed"})
		o.table.Delete("m1")
		o.cloud.Settle()
		if diff := cmp.Diff([]string{"order 1"}, o.published()); diff != "" {
			t.Errorf("after a change and a delete (-want +got):\n%s", diff)
		}
	})
	// [/insert]
}

func TestOutboxTwice(t *testing.T) {
	// [twice]
	synctest.Test(t, func(t *testing.T) {
		o := newOutboxTest(t, reporting)
		o.table.Put(memcloud.Item{"id": "m1", "message": "order 1"})
		o.cloud.Settle()
		// The stream delivers at least once: the very bytes once more.
		again := o.cloud.Function("again", lambda.NewHandler((&outbox{func(context.Context, string) error { return nil }, o.mark}).handle))
		if _, err := again.Invoke(t.Context(), o.payloads[0]); err != nil {
			t.Fatal(err)
		}
		if row, _ := o.table.Get("m1"); count(row) != 2 {
			t.Errorf("marked %d times, want 2", count(row))
		}
	})
	// [/twice]
}

// TestOutboxMixedBatch: three messages in one batch, and the topic is away for
// the second.
func TestOutboxMixedBatch(t *testing.T) {
	// [mixed]
	for _, tt := range []struct {
		mapping *memcloud.Mapping
		want    []string
		reason  string
	}{
		{reporting, []string{"order 1", "order 3", "order 2", "order 3"}, "the batch goes on from the failure"},
		{&memcloud.Mapping{}, []string{"order 1", "order 3"}, "nobody reads the answer: order 2 is lost"},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOutboxTest(t, tt.mapping)
			o.down = true
			for _, id := range []string{"1", "2", "3"} {
				o.table.Put(memcloud.Item{"id": id, "message": "order " + id})
			}
			o.cloud.Settle()
			if diff := cmp.Diff(tt.want, o.published()); diff != "" {
				t.Errorf("%s: messages (-want +got):\n%s", tt.reason, diff)
			}
		})
	}
	// [/mixed]
}
