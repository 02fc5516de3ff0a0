package lambdahost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

// A tally counts, by name, the runs of messages. Every third message fails
// twice before it succeeds.
type tally struct {
	mu   sync.Mutex
	runs map[string]int
	done map[string]bool
}

func (c *tally) handle(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[name]++
	if strings.HasSuffix(name, "3") && c.runs[name] < 3 {
		return errors.New("not yet")
	}
	c.done[name] = true
	return nil
}

// TestMatrixInMemory runs the matrix of deployments to its end: mappings of
// memcloud deliver, read the answers, and deliver again.
func TestMatrixInMemory(t *testing.T) {
	for _, source := range []string{"sqs", "fifo", "stream"} {
		for _, report := range []bool{true, false} {
			for _, declared := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/report=%t/declared=%t", source, report, declared), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { runMatrix(t, source, report, declared) })
				})
			}
		}
	}
}

func runMatrix(t *testing.T, source string, report, declared bool) {
	c := &tally{runs: map[string]int{}, done: map[string]bool{}}
	r := &eventfx.Router{}
	eventfx.On(r, queue.Text{}, func(_ context.Context, e eventfx.Event[string]) error { return c.handle(e.Data) })
	eventfx.On(r, table.Inserted[struct{ ID string }]{Table: "items"},
		func(_ context.Context, e eventfx.Event[table.Change[struct{ ID string }]]) error {
			return c.handle(e.Data.New.ID)
		})

	cloud := memcloud.New(t)
	mapping := &memcloud.Mapping{ReportBatchItemFailures: report}
	handler := lambdahost.Handler(r, &lambdahost.Options{PartialBatch: declared})
	const n = 20
	name := func(i int) string { return fmt.Sprintf("m%d", i) }
	switch source {
	case "sqs":
		q := cloud.Queue("orders", nil)
		cloud.Function("f", handler, memcloud.Trigger(q, mapping))
		for i := range n {
			q.Send(name(i))
		}
	case "fifo":
		q := cloud.Queue("orders.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true})
		cloud.Function("f", handler, memcloud.Trigger(q, mapping))
		for i := range n {
			q.SendBatch(memcloud.Message{Body: name(i), Group: fmt.Sprintf("g%d", i%2)})
		}
	case "stream":
		items := cloud.Table("items", &memcloud.TableOptions{Key: "ID"})
		cloud.Function("f", handler, memcloud.Trigger(items, mapping))
		for i := range n {
			items.Put(memcloud.Item{"ID": name(i)})
		}
	}
	cloud.Settle()

	lost := 0
	for i := range n {
		if !c.done[name(i)] {
			lost++
		}
	}
	// Rules C4.4 and C5: only a false declaration loses messages.
	if falsely := declared && !report; falsely != (lost > 0) {
		t.Errorf("%d of %d messages are lost; falsely declared: %t\n%s", lost, n, falsely, cloud.Timeline())
	}
	if shouted := strings.Contains(cloud.Timeline(), "LOST"); shouted != (lost > 0) {
		t.Errorf("%d messages are lost, and the timeline says so: %t", lost, shouted)
	}
}
