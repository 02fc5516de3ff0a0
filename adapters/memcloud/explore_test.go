package memcloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// ledger charges each order: it adds the amount to a total, and, if it is
// careful, only once per order.
type ledger struct {
	table   *memcloud.Table
	careful bool
}

func (l *ledger) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	for _, m := range e.Records {
		err := l.table.Transact(ctx, "charge\x00"+m.Body, func(x *memcloud.Tx) error {
			seen, err := x.Get(memcloud.Item{"id": m.Body})
			if err != nil || seen != nil && l.careful {
				return err
			}
			if err := x.Put(memcloud.Item{"id": m.Body}); err != nil {
				return err
			}
			total, err := x.Get(memcloud.Item{"id": "total"})
			if err != nil {
				return err
			}
			n := json.Number("0")
			if total != nil {
				n = total["n"].(json.Number)
			}
			i, err := n.Int64()
			if err != nil {
				return err
			}
			return x.Put(memcloud.Item{"id": "total", "n": i + 1})
		})
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// charging sends ten orders to a ledger, and wants a total of ten.
func charging(careful bool) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		orders := cloud.Queue("orders", nil)
		l := &ledger{cloud.Table("ledger", nil), careful}
		cloud.Function("charge", l, memcloud.Trigger(orders))
		for i := range 10 {
			orders.Send(fmt.Sprintf("order-%d", i))
		}
		cloud.Settle()
		total, _ := l.table.Get("total")
		if n := fmt.Sprint(total["n"]); n != "10" {
			t.Errorf("10 orders, charged %s times", n)
		}
	}
}

func TestSearchFinds(t *testing.T) {
	found := memcloud.Search(t, nil, charging(false))
	if found == nil {
		t.Fatal("a ledger that charges twice was not found out")
	}
	want(t, "faults", len(found.Faults), 1)
	want(t, "divergence", found.Divergence, "")
	for _, part := range []string{"10 orders, charged 1", fmt.Sprintf("seed %d,", found.Seed), found.Faults[0], "MEMCLOUD_SEED='", "FAULT"} {
		if !strings.Contains(found.String(), part) {
			t.Errorf("%q is not in the finding:\n%s", part, found)
		}
	}

	t.Setenv(memcloud.SeedVariable, found.Repeat())
	again := memcloud.Search(t, nil, charging(false))
	if again == nil {
		t.Fatal("the seed does not repeat the finding")
	}
	want(t, "timeline", again.Timeline, found.Timeline)
	if f := memcloud.Search(t, nil, charging(true)); f != nil {
		t.Errorf("the fix does not fix it: %s", f)
	}
}

func TestExploreHolds(t *testing.T) {
	memcloud.Explore(t, &memcloud.Exploration{Seeds: 300}, charging(true))
}

var runs atomic.Int64 // whatever a scenario keeps outside makes its runs differ

// A scenario may fail in any way that a test may.
func TestSearchVerdicts(t *testing.T) {
	tests := []struct {
		reason   string
		scenario memcloud.Scenario
		part     string // of the finding; "": none
	}{
		{"it holds", func(testing.TB, *memcloud.Cloud) {}, ""},
		{"Errorf", func(t testing.TB, _ *memcloud.Cloud) { t.Errorf("wrong: %d", 1) }, "wrong: 1"},
		{"Fatal", func(t testing.TB, _ *memcloud.Cloud) { t.Fatal("wrong", 1) }, "wrong 1"},
		{"FailNow", func(t testing.TB, _ *memcloud.Cloud) { t.FailNow() }, "without a word"},
		{"a panic", func(testing.TB, *memcloud.Cloud) { panic("oh") }, "panic: oh"},
		{"in a cleanup", func(t testing.TB, _ *memcloud.Cloud) { t.Cleanup(func() { t.Fatalf("late") }) }, "late"},
		{"wrong use of the cloud", func(_ testing.TB, c *memcloud.Cloud) { c.Queue("q", nil).Send("") }, "MissingParameter"},
		{"it never settles", func(_ testing.TB, c *memcloud.Cloud) {
			q := c.Queue("q", nil)
			c.Function("f", failing, memcloud.Trigger(q))
			q.Send("x")
			c.Settle()
		}, "never settles"},
		{"a goroutine is left behind", func(testing.TB, *memcloud.Cloud) { go func() { <-make(chan int) }() }, "blocked goroutines remain"},
		{"it is not deterministic", func(t testing.TB, c *memcloud.Cloud) {
			c.Queue("q", nil).Send(fmt.Sprint(runs.Add(1)))
			c.Settle()
			t.Error("wrong")
		}, "not deterministic"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			f := memcloud.Search(t, &memcloud.Exploration{Seeds: 3}, test.scenario)
			switch {
			case f == nil && test.part != "":
				t.Error("nothing was found")
			case f != nil && (test.part == "" || !strings.Contains(f.String(), test.part)):
				t.Errorf("found %s", f)
			}
		})
	}
}
