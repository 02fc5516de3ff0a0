package memcloud_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

type invoked func(context.Context, []byte) ([]byte, error)

func (f invoked) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

// TestSystem compares what a receive tells with what a mapping sends.
func TestSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Rules C1.2 and C3.2
		cloud := memcloud.New(t)
		q := cloud.Queue("orders.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true, MaxReceives: 1, Visibility: time.Second})
		q.SendBatch(memcloud.Message{Body: "x", Group: "g", TraceHeader: "Root=1"})
		q.Receive(1)
		time.Sleep(2 * time.Second)
		q.Receive(1) // moves it
		dead := q.DeadLetterQueue()
		received, err := dead.ReceiveMessage(t.Context(), 1, time.Second)
		if err != nil || len(received) != 1 {
			t.Fatalf("%d messages, %v", len(received), err)
		}
		system := received[0].System()
		if err := dead.ChangeMessageVisibility(t.Context(), received[0].Receipt, 0); err != nil {
			t.Fatal(err)
		}
		var sent struct {
			Records []struct{ Attributes map[string]string }
		}
		cloud.Function("f", invoked(func(_ context.Context, payload []byte) ([]byte, error) {
			return nil, json.Unmarshal(payload, &sent)
		}), memcloud.Trigger(dead))
		cloud.Settle()
		want := sent.Records[0].Attributes
		want["ApproximateReceiveCount"] = "2" // the mapping's receive was the next
		if diff := cmp.Diff(want, system); diff != "" {
			t.Errorf("system attributes (-mapping +receive):\n%s", diff)
		}
	})
}
