package lambdahost_test

import (
	"fmt"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/hosttest"
	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// TestLaws holds a function on a queue of memcloud to the laws of a host. A
// function is frozen, not stopped, and a queue's visibility timeout is fixed:
// it has no stop and no delays of its own.
func TestLaws(t *testing.T) {
	// Rules C4.4 and C5
	for _, name := range []string{"orders", "orders.fifo"} {
		t.Run(name, func(t *testing.T) {
			fifo := name == "orders.fifo"
			features := hosttest.Features{Groups: fifo, Blocks: fifo, Counts: true, Observes: true}
			hosttest.Run(t, features, func(t testing.TB, s hosttest.Setup) *hosttest.Host {
				cloud := memcloud.New(t)
				q := cloud.Queue(name, nil)
				handler := lambdahost.Handler(s.Router, &lambdahost.Options{PartialBatch: true, ReportAll: true})
				cloud.Function("f", handler, &memcloud.FunctionOptions{Timeout: s.Deadline},
					memcloud.Trigger(q, &memcloud.Mapping{ReportBatchItemFailures: true}))
				sent := 0
				return &hosttest.Host{
					Send: func(messages ...hosttest.Message) {
						for _, m := range messages {
							one := memcloud.Message{Body: m.Body}
							if fifo {
								sent++
								one.DeduplicationID = fmt.Sprint("d", sent)
								if one.Group = m.Group; one.Group == "" {
									one.Group = one.DeduplicationID // one of its own
								}
							}
							q.SendBatch(one)
						}
					},
					Left:    func() int { return len(q.Messages()) },
					Waiting: func() int { return len(q.Receive(10)) },
				}
			})
		})
	}
}
