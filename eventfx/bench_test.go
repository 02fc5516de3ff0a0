package eventfx_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/eventfx/eventfx-go/eventfx"
)

// raw is a source whose data is not read.
type raw struct{}

func (raw) Match(*eventfx.Message) bool             { return true }
func (raw) Decode(*eventfx.Message) ([]byte, error) { return nil, nil }
func (raw) String() string                          { return "raw" }

// BenchmarkDeliver measures what routing, recovering and bookkeeping cost.
func BenchmarkDeliver(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		for _, depth := range []int{0, 5} {
			b.Run(fmt.Sprintf("messages=%d/middleware=%d", n, depth), func(b *testing.B) {
				r := &eventfx.Router{}
				for range depth {
					r.Use = append(r.Use, func(next eventfx.Handler) eventfx.Handler {
						return func(ctx context.Context, d *eventfx.Delivery) error { return next(ctx, d) }
					})
				}
				eventfx.On(r, raw{}, func(context.Context, eventfx.Event[[]byte]) error { return nil })
				var ms []*eventfx.Message
				for i := range n {
					ms = append(ms, message(fmt.Sprint(i)))
				}
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				b.ReportAllocs()
				for b.Loop() {
					if failures := r.Deliver(ctx, ms); failures != nil {
						b.Fatal(failed(failures))
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/message")
			})
		}
	}
}
