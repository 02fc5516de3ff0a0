package memcloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// each makes a handler of a function for one message.
func each(f func(ctx context.Context, m events.SQSMessage) error) memcloud.Handler {
	return handler(func(ctx context.Context, payload []byte) ([]byte, error) {
		var e events.SQSEvent
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, err
		}
		for _, m := range e.Records {
			if err := f(ctx, m); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

func TestLaws(t *testing.T) {
	type cloud = *memcloud.Cloud
	tests := []struct {
		reason  string
		handler func(cloud) memcloud.Handler
		law     string // that is broken, as the sentence begins; "": none
	}{
		{
			"a total that grows with each delivery",
			func(c cloud) memcloud.Handler { return &ledger{c.Table("ledger", nil), false} },
			"not idempotent: table ledger, row total: n 3 → ",
		},
		{
			"a total that does not",
			func(c cloud) memcloud.Handler { return &ledger{c.Table("ledger", nil), true} },
			"",
		},
		{
			"the first of two effects is taken for both",
			func(c cloud) memcloud.Handler {
				rows, mail := c.Table("rows", nil), c.Topic("mail")
				return each(func(ctx context.Context, m events.SQSMessage) error {
					if row, err := rows.GetItem(ctx, memcloud.Item{"id": m.Body}); err != nil || row != nil {
						return err
					}
					if err := rows.PutItem(ctx, memcloud.Item{"id": m.Body}); err != nil {
						return err
					}
					_, err := mail.Publish(ctx, memcloud.Notice{Message: m.Body})
					return err
				})
			},
			"work is lost: topic mail, message a is missing after a crash ",
		},
		{
			"the row is written after what it stands for; its time differs from run to run",
			func(c cloud) memcloud.Handler {
				rows, mail := c.Table("rows", nil), c.Topic("mail")
				return each(func(ctx context.Context, m events.SQSMessage) error {
					if row, err := rows.GetItem(ctx, memcloud.Item{"id": m.Body}); err != nil || row != nil {
						return err
					}
					if _, err := mail.Publish(ctx, memcloud.Notice{Message: m.Body}); err != nil {
						return err
					}
					return rows.PutItem(ctx, memcloud.Item{"id": m.Body, "at": time.Now().Unix()})
				})
			},
			"",
		},
		{
			"a new row for each delivery, under an id that nobody knows",
			func(c cloud) memcloud.Handler {
				rows := c.Table("rows", nil)
				return each(func(ctx context.Context, m events.SQSMessage) error {
					return rows.PutItem(ctx, memcloud.Item{"id": fmt.Sprint(time.Now().UnixNano()), "order": m.Body})
				})
			},
			"not idempotent: table rows, 3 rows → 4",
		},
		{
			"the last one wins",
			func(c cloud) memcloud.Handler {
				last := c.Bucket("last", nil)
				return each(func(ctx context.Context, m events.SQSMessage) error {
					_, err := last.PutObject(ctx, memcloud.Object{Key: "last", Data: []byte(m.Body)}, memcloud.Condition{})
					return err
				})
			},
			`bucket last, object last: data "c" → `,
		},
		{
			"it never works",
			func(cloud) memcloud.Handler { return failing },
			"memcloud: the handler fails for every sample",
		},
		{
			"it does nothing that can be seen",
			func(cloud) memcloud.Handler { return constant("") },
			"memcloud: the handler changes no bucket",
		},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			found := memcloud.SearchLaws(t, test.handler, memcloud.FromQueue("orders", &memcloud.QueueOptions{MaxReceives: 5}, nil),
				memcloud.Message{Body: "a"}, memcloud.Message{Body: "b"}, memcloud.Message{Body: "c"})
			switch {
			case found == nil && test.law != "":
				t.Error("nothing was found")
			case found != nil && (test.law == "" || !strings.Contains(found.Errors[0], test.law) || found.Divergence != ""):
				t.Errorf("found %s", found)
			case found != nil:
				t.Log(found.Errors[0], found.Tried)
			}
		})
	}
}

func TestLawsOfEventBuses(t *testing.T) {
	event := func(id string) memcloud.BusEvent {
		return memcloud.BusEvent{Source: "shop", DetailType: "Order Placed", Detail: `{"id":"` + id + `"}`}
	}
	found := memcloud.SearchLaws(t, func(c *memcloud.Cloud) memcloud.Handler {
		rows, audit := c.Table("rows", nil), c.EventBus("audit")
		return handler(func(ctx context.Context, payload []byte) ([]byte, error) {
			var e struct{ Detail struct{ ID string } }
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, err
			}
			if row, err := rows.GetItem(ctx, memcloud.Item{"id": e.Detail.ID}); err != nil || row != nil {
				return nil, err
			}
			if err := rows.PutItem(ctx, memcloud.Item{"id": e.Detail.ID}); err != nil {
				return nil, err
			}
			_, err := audit.PutEvents(ctx, event("audited "+e.Detail.ID))
			return nil, err
		})
	}, memcloud.FromEventBus("shop", nil), event("a"), event("b"))
	if found == nil || !strings.Contains(found.Errors[0], "work is lost: event bus audit, event shop: Order Placed {\"id\":\"audited ") {
		t.Errorf("found %v", found)
	}
}

// counting counts its runs in a row, careless; the careful one says only that
// there was one.
func counting(careful bool) func(*memcloud.Cloud) memcloud.Handler {
	return func(c *memcloud.Cloud) memcloud.Handler {
		runs := c.Table("runs", nil)
		return handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			return nil, runs.Transact(ctx, "put\x00run", func(x *memcloud.Tx) error {
				row, err := x.Get(memcloud.Item{"id": "all"})
				if err != nil {
					return err
				}
				n := int64(0)
				if row != nil && !careful {
					n, _ = row["n"].(json.Number).Int64()
				}
				return x.Put(memcloud.Item{"id": "all", "n": n + 1})
			})
		})
	}
}

// tryEntry looks for the careless one's fault, and for none in the careful one.
func tryEntry[S any](entry memcloud.Entry[S], samples ...S) func(t *testing.T) {
	return func(t *testing.T) {
		found := memcloud.SearchLaws(t, counting(false), entry, samples...)
		if found == nil || !strings.HasPrefix(found.Errors[0], "not idempotent: table runs, row all: n ") || len(found.Faults) != 1 {
			t.Errorf("found %v", found)
		}
		if found := memcloud.SearchLaws(t, counting(true), entry, samples...); found != nil {
			t.Errorf("found %s", found)
		}
	}
}

// Laws break a handler whatever it is that triggers it.
func TestLawsOfEntries(t *testing.T) {
	t.Run("queue", tryEntry(memcloud.FromQueue("in", nil, nil), memcloud.Message{Body: "a"}))
	t.Run("topic", tryEntry(memcloud.FromTopic("in"), memcloud.Notice{Message: "a"}))
	t.Run("bus", tryEntry(memcloud.FromEventBus("in", nil), memcloud.BusEvent{Source: "shop", DetailType: "d", Detail: "{}"}))
	t.Run("bucket", tryEntry(memcloud.FromBucket("in", nil, nil), memcloud.Object{Key: "a"}))
	t.Run("table", tryEntry(memcloud.FromTable("in", nil, nil), memcloud.Item{"id": "a"}))
	t.Run("schedule", tryEntry(memcloud.FromSchedule("in", "rate(1 day)"), time.Hour))
}

// What Laws compares of an object, and what they leave alone.
func TestLawsOfObjects(t *testing.T) {
	entry := memcloud.FromQueue("in", &memcloud.QueueOptions{MaxReceives: 2}, nil)
	objects := func(object func(m events.SQSMessage) memcloud.Object) func(*memcloud.Cloud) memcloud.Handler {
		return func(c *memcloud.Cloud) memcloud.Handler {
			b := c.Bucket("out", nil)
			return each(func(ctx context.Context, m events.SQSMessage) error {
				_, err := b.PutObject(ctx, object(m), memcloud.Condition{})
				return err
			})
		}
	}
	receives := func(m events.SQSMessage) map[string]string {
		return map[string]string{"n": m.Attributes["ApproximateReceiveCount"]}
	}
	tests := []struct {
		reason  string
		handler func(*memcloud.Cloud) memcloud.Handler
		part    string // of the error; "": none
	}{
		{"metadata", objects(func(m events.SQSMessage) memcloud.Object { return memcloud.Object{Key: "k", Metadata: receives(m)} }), "object k: metadata map[n:1] → map[n:2]"},
		{"tags", objects(func(m events.SQSMessage) memcloud.Object { return memcloud.Object{Key: "k", Tags: receives(m)} }), "object k: tags map[n:1] → map[n:2]"},
		{"an object of a name by luck, only if it is the first delivery", func(c *memcloud.Cloud) memcloud.Handler {
			b, begun := c.Bucket("out", nil), c.Table("begun", nil)
			return each(func(ctx context.Context, m events.SQSMessage) error {
				if row, err := begun.GetItem(ctx, memcloud.Item{"id": m.Body}); err != nil || row != nil {
					return err
				}
				if err := begun.PutItem(ctx, memcloud.Item{"id": m.Body}); err != nil {
					return err
				}
				_, err := b.PutObject(ctx, memcloud.Object{Key: fmt.Sprint(time.Now().UnixNano())}, memcloud.Condition{})
				return err
			})
		}, "work is lost: bucket out, 1 objects are missing"},
		{"what became a dead letter was not lost", func(c *memcloud.Cloud) memcloud.Handler {
			b := c.Bucket("out", nil)
			return each(func(ctx context.Context, m events.SQSMessage) error {
				if m.Attributes["ApproximateReceiveCount"] != "1" {
					return context.Canceled // until it is dead
				}
				_, err := b.PutObject(ctx, memcloud.Object{Key: "k"}, memcloud.Condition{})
				return err
			})
		}, ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			found := memcloud.SearchLaws(t, test.handler, entry, memcloud.Message{Body: "a"})
			switch {
			case (found != nil) != (test.part != ""):
				t.Errorf("found %v", found)
			case found != nil && !strings.Contains(found.Errors[0], test.part):
				t.Errorf("got %q, want %q", found.Errors[0], test.part)
			}
		})
	}
}
