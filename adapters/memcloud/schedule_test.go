package memcloud_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestTick(t *testing.T) {
	// Rule E1.1, E1.2, E1.6
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		nightly := cloud.Schedule("nightly", "cron(0 3 * * ? *)")
		q := cloud.Queue("ticks", nil)
		nightly.Target(q, &memcloud.Target{Input: `{"clean":"all"}`})
		var got events.EventBridgeEvent
		fail := true
		cloud.Function("f", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			if fail {
				fail = false
				panic("once")
			}
			return nil, json.Unmarshal(payload, &got)
		}), memcloud.Trigger(nightly))
		cloud.Advance(3 * time.Hour)
		cloud.Settle()
		want(t, "asynchronous: tried again", moments(cloud, "f", "invoke"), []time.Duration{3 * time.Hour, 3*time.Hour + time.Minute})
		want(t, "input", bodies(q.Messages()), `{"clean":"all"}`)
		id := got.ID
		if id == "" {
			t.Error("no id")
		}
		want(t, "event", got, events.EventBridgeEvent{
			Version: "0", ID: id, DetailType: "Scheduled Event", Source: "aws.events", AccountID: "123456789012", Region: "eu-west-1",
			Time: time.Date(2000, 1, 1, 3, 0, 0, 0, time.UTC), Resources: []string{nightly.ARN()}, Detail: json.RawMessage("{}"),
		})
	})
}

func TestExpressions(t *testing.T) {
	// The bubble's time begins on Saturday, 2000-01-01 00:00:00 UTC.
	tests := []struct {
		rule, expression string
		ticks            string // the first ones
	}{
		{"E3.8", "rate(5 minutes)", "01-01 00:00, 01-01 00:05, 01-01 00:10"},
		{"E2.1", "rate(1 day)", "01-01 00:00, 01-02 00:00"},
		{"E2.2", "cron(0 8 1 * ? *)", "01-01 08:00, 02-01 08:00"},
		{"E2.3", "cron(0 12 ? * 1 *)", "01-02 12:00, 01-09 12:00"},              // 1 is Sunday
		{"E2.3", "cron(0 12 ? * mon-FRI *)", "01-03 12:00, 01-04 12:00"},        // names
		{"E2.3", "cron(0 0 1 JAN,MAR ? 2000-2001)", "03-01 00:00, 01-01 00:00"}, // 00:00 of the first day is past
		{"E2.5", "cron(0 0 L * ? *)", "01-31 00:00, 02-29 00:00, 03-31 00:00"},
		{"E2.5", "cron(0 0 ? * 6L *)", "01-28 00:00, 02-25 00:00"},
		{"E2.5", "cron(0 0 ? * L *)", "01-08 00:00, 01-15 00:00"}, // the last day of the week
		{"E2.5", "cron(0 0 3W * ? *)", "01-03 00:00, 02-03 00:00"},
		{"E2.5", "cron(0 0 15W * ? *)", "01-14 00:00, 02-15 00:00"}, // the 15th is a Saturday
		{"E2.5", "cron(0 0 ? * 3#2 *)", "01-11 00:00, 02-08 00:00"},
		{"E2.5", "cron(0 0 ? * SAT#3 *)", "01-15 00:00, 02-19 00:00"},
		{"E2.6", "cron(1/20 * * * ? *)", "01-01 00:01, 01-01 00:21, 01-01 00:41, 01-01 01:01"},
		{"E2.6", "cron(*/15 0 1 1 ? *)", "01-01 00:15, 01-01 00:30, 01-01 00:45, 01-01 00:00"},
		{"E2.6", "cron(0-59/30 5 * * ? *)", "01-01 05:00, 01-01 05:30, 01-02 05:00"},
		{"E2.8", "cron(0 22-1 ? * MON *)", "01-03 00:00, 01-03 01:00, 01-03 22:00, 01-03 23:00, 01-10 00:00"},
		{"E2.10", "cron(0 0 1W * ? *)", "01-03 00:00, 02-01 00:00"}, // the 1st is a Saturday; it stays in the month
		{"E2.10", "cron(0 0 30W APR ? *)", "04-28 00:00"},           // the 30th is a Sunday, and the last
		{"E2.10", "cron(0 0 31W * ? *)", "01-31 00:00, 03-31 00:00"},
		{"E2.3", "cron(0 0 1 1 ? 1999)", ""},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+test.expression, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				s := cloud.Schedule("s", test.expression)
				q := cloud.Queue("q", nil)
				s.Target(q, nil)
				n := strings.Count(test.ticks, ",") + 1
				var got []string
				for len(got) < n && cloud.Now() < 400*24*time.Hour {
					cloud.Advance(24 * time.Hour)
					got = nil
					for _, at := range moments(cloud, "s", "tick") {
						got = append(got, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(at).Format("01-02 15:04"))
					}
				}
				list := strings.Join(got[:min(n, len(got))], ", ")
				want(t, "ticks", list, test.ticks)
			})
		})
	}
}

func TestWrongExpressions(t *testing.T) {
	// Rule E1.2, E2.1, E2.2, E2.3, E2.4, E2.5, E2.7, E2.9
	wrong := []string{
		"", "rate", "rate(5 minutes", "rate(0 minutes)", "rate(-1 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 seconds)", "rate(1 year)",
		"rate( 5 minutes)", "rate(5 minutes )", " rate(5 minutes)", "rate(5 minutess)", "rate(5  minutes)", "rate(99999999999999999999 days)", "rate(999999999 days)",
		"cron(0 1 * * * *)", "cron(0 1 ? * ? *)", "cron(0 8 1 * ?)", "cron(* * * * *)", "cron(7 20 * * NOT *)", "cron(60 * * * ? *)", "cron(0 24 * * ? *)",
		"cron(0 0 0 * ? *)", "cron(0 0 ? * 0 *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * 3#6 *)", "cron(0 0 ? * 3#1,4#1 *)", "cron(0 0 L-1 * ? *)",
		"cron(0 0 1,L * ? *)", "cron(0 0 32W * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 * * ? 1969)", "cron(0 0 * * ? 2200)", "cron(*/0 * * * ? *)", "cron(a/b * * * ? *)",
		"cron( 0 8 1 * ? *)", "cron(0 8  1 * ? *)", "cron(0 8 1 * ? *) ", "@daily", "at(2000-01-01T00:00:00)", "cron(+1 * * * ? *)", "cron(1--2 * * * ? *)", "cron(, * * * ? *)",
	}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		for _, expression := range wrong {
			err := panicOf(func() { cloud.Schedule("s", expression) })
			if err == nil {
				t.Fatalf("%q was taken", expression)
			}
			wantError(t, err, "ValidationException", "Parameter ScheduleExpression is not valid.")
		}
		s := cloud.Schedule("s", "rate(1 day)")
		wantError(t, panicOf(func() { s.Target(cloud.Queue("q", nil), &memcloud.Target{Input: "no JSON"}) }), "ValidationException", "JSON syntax error")
		long := func(n int) *memcloud.Target { return &memcloud.Target{Input: `"` + strings.Repeat("x", n-2) + `"`} }
		s.Target(cloud.Queue("long", nil), long(8192))
		wantError(t, panicOf(func() { s.Target(cloud.Queue("longer", nil), long(8193)) }), "ValidationException", "input for target longer")
	})
}
