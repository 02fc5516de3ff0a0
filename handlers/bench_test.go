package handlers_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
	"github.com/eventfx/eventfx-go/handlers/schema"
)

// BenchmarkBlocks measures what each block adds to a message that succeeds: a
// router with the block and one without it take turns on the same hundred
// messages. It reports the median of the differences, and the allocations.
func BenchmarkBlocks(b *testing.B) {
	order, err := schema.Compile([]byte(`{"required":["id","total"],"properties":{"id":{"type":"string"},"total":{"type":"number","minimum":0}}}`), nil)
	if err != nil {
		b.Fatal(err)
	}
	use := func(mw func(eventfx.Handler) eventfx.Handler) *eventfx.Router {
		return &eventfx.Router{Use: []eventfx.Middleware{mw}}
	}
	log := func(l *slog.Logger) *eventfx.Router {
		return &eventfx.Router{Observer: handlers.Log{Logger: l}.Observer()}
	}
	guard := func(g *idempotency.Guard) *eventfx.Router { return &eventfx.Router{Once: g.Once} }
	id := func(_ string, m *eventfx.Message) string { return m.ID() }
	filters := []handlers.Filter{{Prefix: map[string]string{"type": "order."}}, {Not: &handlers.Filter{Exact: map[string]string{"source": "/test"}}}}
	tests := []struct {
		name   string
		router *eventfx.Router
		fresh  bool // each round has messages that nobody knows yet
	}{
		{"Nothing", use(func(next eventfx.Handler) eventfx.Handler { return next }), false},
		{"Middleware", use(func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error { return next(ctx, d) }
		}), false},
		{"Log/discarded", log(slog.New(slog.DiscardHandler)), false},
		{"Log/JSON", log(slog.New(slog.NewJSONHandler(nowhere{}, nil))), false},
		{"Limit", use((&handlers.Limit{Rate: 1e9}).Wrap), false},
		{"Limit/keys", use((&handlers.Limit{Rate: 1e9, Key: id}).Wrap), false},
		{"Bulkhead", use((&handlers.Bulkhead{Max: 1}).Wrap), false},
		{"Breaker", use((&handlers.Breaker{}).Wrap), false},
		{"Subscription", use((&handlers.Subscription{Filters: filters}).Wrap), false},
		{"schema.Schema", use(order.Wrap), false},
		{"idempotency.Guard/new", guard(&idempotency.Guard{Store: &idempotency.Memory{}}), true},
		{"idempotency.Guard/known", guard(&idempotency.Guard{Store: &idempotency.Memory{}}), false},
		{"claimcheck.Fetch/none", use((&claimcheck.Claims{Allow: map[string]*blob.Bucket{}}).Fetch), false},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			const size = 100
			var ms []*eventfx.Message
			for i := range size {
				m := message(fmt.Sprint(i))
				m.DataEncoded = []byte(`{"id":"o-1","total":12.5,"items":[{"sku":"pencils","n":2},{"sku":"paper","n":1}]}`)
				m.Origin = eventfx.Origin{ID: m.ID(), Name: "orders", Receives: 1}
				ms = append(ms, m)
			}
			plain := &eventfx.Router{}
			for _, r := range []*eventfx.Router{plain, tt.router} {
				eventfx.On(r, text{}, nop)
			}
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			deliver := func(r *eventfx.Router) {
				if failures := r.Deliver(ctx, ms); failures != nil {
					b.Fatal(failed(failures))
				}
			}
			round := 0
			renew := func() {
				if round++; tt.fresh {
					for i, m := range ms {
						m.SetID(fmt.Sprintf("%d-%d", round, i))
					}
				}
			}
			var added []float64
			b.ReportAllocs() // of both; what is added is below
			for b.Loop() {
				renew()
				start := time.Now()
				deliver(plain)
				middle := time.Now()
				deliver(tt.router)
				added = append(added, float64(time.Since(middle)-middle.Sub(start))/size)
			}
			slices.Sort(added)
			without := testing.AllocsPerRun(10, func() { renew(); deliver(plain) })
			with := testing.AllocsPerRun(10, func() { renew(); deliver(tt.router) })
			b.ReportMetric(added[len(added)/2], "added-ns/message")
			b.ReportMetric((with-without)/size, "added-allocs/message")
		})
	}
}

// nowhere is a writer that forgets.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
