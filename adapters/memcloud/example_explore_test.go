package memcloud_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// Explore and Laws take a *testing.T, which an Example does not have: these
// tests are the examples. They call Search and SearchLaws where a user calls
// Explore and Laws, as the handler is wrong on purpose.

// [handler]

// A printer prints a label for each order, once.
type printer struct {
	printed *memcloud.Table
	labels  *memcloud.Bucket
}

func (p *printer) handle(ctx context.Context, e events.SQSEvent) error {
	for _, m := range e.Records {
		if err := p.print(ctx, m.Body); err != nil {
			return err
		}
	}
	return nil
}

func (p *printer) print(ctx context.Context, order string) error {
	row, err := p.printed.GetItem(ctx, memcloud.Item{"id": order})
	if err != nil || row != nil {
		return err
	}
	if err := p.printed.PutItem(ctx, memcloud.Item{"id": order}); err != nil {
		return err
	}
	label := memcloud.Object{Key: order + ".txt", Data: []byte("order " + order)}
	_, err = p.labels.PutObject(ctx, label, memcloud.Condition{})
	return err
}

// [/handler]

// [scenario]
func everyOrderHasALabel(t testing.TB, cloud *memcloud.Cloud) {
	orders := cloud.Queue("orders", nil)
	p := &printer{cloud.Table("printed", nil), cloud.Bucket("labels", nil)}
	cloud.Function("print", lambda.NewHandler(p.handle), memcloud.Trigger(orders))
	orders.Send("a")
	orders.Send("b")
	cloud.Settle()
	if keys := p.labels.Keys(); !slices.Equal(keys, []string{"a.txt", "b.txt"}) {
		t.Errorf("labels %q, want one for a and one for b", keys)
	}
}

// [/scenario]

// [laws]
func newPrinter(cloud *memcloud.Cloud) memcloud.Handler {
	p := &printer{cloud.Table("printed", nil), cloud.Bucket("labels", nil)}
	return lambda.NewHandler(p.handle)
}

// [/laws]

// What Explore says of the printer.
func TestExploreReads(t *testing.T) {
	// One kind, so that the seed stays the same when others come into being.
	o := &memcloud.Exploration{Faults: memcloud.Faults{Kinds: []memcloud.Fault{memcloud.CrashAfter}}}
	found := memcloud.Search(t, o, everyOrderHasALabel)
	if found == nil {
		t.Fatal("nothing was found")
	}
	golden(t, "explore.txt", found.String())
}

// What Laws says of it.
func TestLawsRead(t *testing.T) {
	found := memcloud.SearchLaws(t, newPrinter, memcloud.FromQueue("orders", nil, nil), memcloud.Message{Body: "a"})
	if found == nil {
		t.Fatal("nothing was found")
	}
	sentence, _, _ := strings.Cut(found.String(), "\n")
	golden(t, "laws.txt", sentence+"\n")
}
