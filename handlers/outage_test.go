package handlers_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers"
)

// Rule H8.2: what messages depend on is down for three minutes, and their queue delivers
// them again every ten seconds: long before it is back each has been delivered
// more often than Retry.Deliveries allows. Only a message that was run, and
// failed, is dead of that; the others are handled when it is back.
func TestOutage(t *testing.T) {
	const outage = 3 * time.Minute
	for _, guarded := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			cloud := memcloud.New(t)
			orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 10 * time.Second})
			var dead, done, ran []string
			r := &eventfx.Router{
				Observer: handlers.Log{}.Observer(),
				DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
					dead = append(dead, string(d.Message.DataEncoded))
					if !slices.ContainsFunc(d.Attempts, func(a eventfx.Attempt) bool { return !errors.Is(a.Err, eventfx.ErrUnfinished) }) {
						t.Errorf("%s is dead without a run, after %d deliveries: %v", d.Message.DataEncoded, d.Message.Origin.Receives, d.Err)
					}
					return nil
				},
			}
			if guarded {
				r.Use = []eventfx.Middleware{(&handlers.Breaker{Failures: 2, Open: time.Minute}).Wrap}
			}
			eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
				if ran = append(ran, e.Data); time.Since(begin) < outage {
					return errBroken
				}
				done = append(done, e.Data)
				return nil
			})
			cloud.Function("ship", lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true}),
				memcloud.Trigger(orders, &memcloud.Mapping{ReportBatchItemFailures: true}))
			all := strings.Fields("a b c d e f g h")
			for _, body := range all {
				orders.Send(body)
			}
			cloud.Settle()

			ended := slices.Sorted(slices.Values(slices.Concat(done, dead)))
			want(t, "each is done or dead, once", all, ended)
			t.Logf("breaker %v: %d runs, done %v, dead %v", guarded, len(ran), done, dead)
			switch {
			case guarded && (len(done) < 5 || len(ran) > len(all)+6):
				t.Errorf("with the breaker %d are done after %d runs", len(done), len(ran))
			case !guarded && len(dead) != len(all):
				t.Errorf("without the breaker %d are dead: the outage is too short for the test to mean something", len(dead))
			}
		})
	}
}
