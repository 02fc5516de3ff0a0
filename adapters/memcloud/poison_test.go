package memcloud_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want(t, name, got, string(text))
}

// shipOrders is a handler as people have it. It knows nothing of this module.
func shipOrders(_ context.Context, e events.SQSEvent) error {
	for _, m := range e.Records {
		if strings.Contains(m.Body, "poison") {
			return errors.New("no such article")
		}
	}
	return nil
}

// shipEach is the same with a partial answer.
func shipEach(_ context.Context, e events.SQSEvent) (r events.SQSEventResponse, err error) {
	for _, m := range e.Records {
		if strings.Contains(m.Body, "poison") {
			r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return r, nil
}

// The test that the package documentation begins with.
func TestPoisonOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 30 * time.Second, MaxReceives: 3})
		cloud.Function("ship", lambda.NewHandler(shipOrders), memcloud.Trigger(orders)) // any lambda.Handler, eventfx or not
		orders.Send(`{"id":"poison"}`)
		orders.Send(`{"id":"good"}`)
		cloud.Settle()

		// Rule C3.1, C4.4: three deliveries, then the move; a good message in
		// a bad batch goes with it.
		if got := bodies(orders.DeadLetters()); got != `{"id":"poison"} {"id":"good"}` {
			t.Errorf("dead letters: %s", got)
		}
		golden(t, "poison.txt", cloud.Timeline())
	})
}

// Equal losses share a line of a failing test.
func TestManyLosses(t *testing.T) {
	// Rule C5: the precondition.
	r := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(r)
		orders, bills := cloud.Queue("orders", nil), cloud.Queue("bills", nil)
		cloud.Function("ship", lambda.NewHandler(shipEach), memcloud.Trigger(orders))
		cloud.Function("bill", lambda.NewHandler(shipEach), memcloud.Trigger(bills))
		for range 7 {
			orders.Send("poison")
		}
		bills.Send("poison")
		cloud.Settle()
		r.Errorf("%s", "the test failed")
		r.finish()
	})
	const why = "deleted though failed: the mapping has no ReportBatchItemFailures"
	want(t, "before the timeline", r.logs[:len(r.logs)-1], []string{
		"memcloud: orders: LOST m-1 m-2 m-3 m-4 m-5 and 2 more: " + why,
		"memcloud: bills: LOST m-8: " + why,
	})
}

func TestPoisonOrderTimelines(t *testing.T) {
	tests := []struct {
		file, reason string
		mapping      *memcloud.Mapping
	}{
		{"poison-reported.txt", "the good order is done in the first batch", &memcloud.Mapping{ReportBatchItemFailures: true}},
		{"poison-lost.txt", "nobody reads the answer: the poison order is lost", nil},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			// Rule C5: the precondition.
			r := &recorder{}
			synctest.Test(t, func(t *testing.T) {
				cloud := memcloud.New(r)
				orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 30 * time.Second, MaxReceives: 3})
				cloud.Function("ship", lambda.NewHandler(shipEach), memcloud.Trigger(orders, test.mapping))
				orders.Send(`{"id":"poison"}`)
				orders.Send(`{"id":"good"}`)
				cloud.Settle()
				r.Errorf("%s", "the test failed")
				r.finish()
			})
			// What a failing test prints.
			golden(t, test.file, strings.Join(r.logs, "\n"))
		})
	}
}
