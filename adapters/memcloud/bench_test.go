package memcloud_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// decoder decodes the payload and each body, as any handler does.
type decoder struct{}

func (decoder) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	for _, m := range e.Records {
		var order struct{ ID, Item string }
		if err := json.Unmarshal([]byte(m.Body), &order); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

const body = `{"id":"order-000123","item":"chair"}`

func BenchmarkFullBatches(b *testing.B) {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	orders := cloud.Queue("orders", nil)
	cloud.Function("ship", decoder{}, memcloud.Trigger(orders))
	b.ReportAllocs()
	messages := make([]memcloud.Message, 1000)
	for i := range messages {
		messages[i].Body = body
	}
	for b.Loop() {
		orders.SendBatch(messages...)
		cloud.Settle()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
}

func BenchmarkOneByOne(b *testing.B) {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	orders := cloud.Queue("orders", nil)
	cloud.Function("ship", decoder{}, memcloud.Trigger(orders))
	b.ReportAllocs()
	for b.Loop() {
		orders.Send(body)
		cloud.Settle()
	}
}

func BenchmarkWholeTest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		cloud := memcloud.Open(nil)
		orders := cloud.Queue("orders", nil)
		cloud.Function("ship", decoder{}, memcloud.Trigger(orders))
		orders.Send(body)
		cloud.Settle()
		cloud.Close()
	}
}
