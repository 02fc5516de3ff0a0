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
