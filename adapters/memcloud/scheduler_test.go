package memcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// keywords is an input with all of Scheduler's.
const keywords = `{"arn":"<aws.scheduler.schedule-arn>","time":"<aws.scheduler.scheduled-time>","id":"<aws.scheduler.execution-id>","try":<aws.scheduler.attempt-number>,"n":1}`

const weeklyARN = "arn:aws:scheduler:eu-west-1:123456789012:schedule/reports/weekly"

func TestSchedulerNotification(t *testing.T) {
	// Rule E3.2, E3.11
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		weekly := cloud.Scheduler("weekly", "cron(0 3 ? * MON)", &memcloud.SchedulerOptions{Group: "reports"})
		dead := cloud.Queue("dead", nil)
		var got map[string]any
		cloud.Function("f", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			if err := json.Unmarshal(payload, &got); err != nil {
				t.Error(err)
			}
			return nil, errors.New("no luck")
		}), memcloud.Trigger(weekly, &memcloud.Target{Retries: -1, DeadLetter: dead}))
		cloud.Advance(51 * time.Hour)
		cloud.Settle()
		want(t, "ARN", weekly.ARN(), weeklyARN)
		id, _ := got["id"].(string)
		if len(id) != 36 {
			t.Errorf("the id is %q", id)
		}
		want(t, "payload", got, map[string]any{
			"version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": "123456789012",
			"time": "2000-01-03T03:00:00Z", "region": "eu-west-1", "resources": []any{weeklyARN}, "detail": "{}",
		})
		want(t, "the function's own tries", len(moments(cloud, "f", "invoke")), 3)
		want(t, "dead letters: a failing function is no failure of Scheduler", bodies(dead.Messages()), "")
	})
}

func TestSchedulerInput(t *testing.T) {
	// Rule E3.1, E3.3
	type input struct {
		ARN, Time, ID string
		Try, N        int
	}
	unlucky(t, []string{"call-fails@reports/weekly/deliver/q#2"}, func(t *testing.T, cloud *memcloud.Cloud) {
		weekly := cloud.Scheduler("weekly", "rate(3 days)", &memcloud.SchedulerOptions{Group: "reports"})
		q := cloud.Queue("q", nil)
		weekly.Target(q, &memcloud.Target{Input: keywords})
		text := cloud.Scheduler("text", "at(2000-01-01T01:00:00)", nil)
		topic := cloud.Topic("topic")
		plain := cloud.Queue("plain", nil)
		topic.Subscribe(plain, &memcloud.Subscription{Raw: true})
		text.Target(topic, &memcloud.Target{Input: "no JSON, <aws.scheduler.unknown> at <aws.scheduler.scheduled-time>"})
		cloud.Advance(3*24*time.Hour + time.Minute)
		want(t, "text", bodies(plain.Messages()), "no JSON, <aws.scheduler.unknown> at 2000-01-01T01:00:00Z")
		var got []input
		ids := map[string]bool{}
		for _, m := range q.Messages() {
			var i input
			if err := json.Unmarshal([]byte(m.Body), &i); err != nil {
				t.Fatalf("%v in %s", err, m.Body)
			}
			if ids[i.ID] || len(i.ID) != 16 {
				t.Errorf("the execution id %q", i.ID)
			}
			ids[i.ID] = true
			i.ID = ""
			got = append(got, i)
		}
		// The second tick was delivered by its second try.
		want(t, "inputs", got, []input{
			{ARN: weeklyARN, Time: "2000-01-01T00:00:00Z", Try: 1, N: 1},
			{ARN: weeklyARN, Time: "2000-01-04T00:00:00Z", Try: 2, N: 1},
		})
	})
}

// TestExecutionIDs are of an attempt, not of a tick: the answer of the first
// attempt is lost, so both arrive.
func TestExecutionIDs(t *testing.T) {
	// Rule E3.3, E3.14
	unlucky(t, []string{"call-answer-lost@once/deliver/q#1"}, func(t *testing.T, cloud *memcloud.Cloud) {
		once := cloud.Scheduler("once", "at(2000-01-01T01:00:00)", nil)
		q := cloud.Queue("q", nil)
		once.Target(q, &memcloud.Target{Input: "<aws.scheduler.execution-id> <aws.scheduler.scheduled-time> <aws.scheduler.attempt-number>"})
		cloud.Advance(time.Hour)
		cloud.Settle()
		got := strings.Fields(bodies(q.Messages()))
		if len(got) != 6 || got[0] == got[3] || got[1] != got[4] || got[2] != "1" || got[5] != "2" {
			t.Errorf("got %q", got)
		}
	})
}

func TestSchedulerExpressions(t *testing.T) {
	// The bubble's time begins on Saturday, 2000-01-01 00:00:00 UTC. In Berlin
	// clocks went forward on 03-26 01:00 UTC, and back on 10-29 01:00 UTC.
	berlin := func(o memcloud.SchedulerOptions) memcloud.SchedulerOptions {
		o.TimeZone = "Europe/Berlin"
		return o
	}
	date := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2000, month, day, hour, minute, 0, 0, time.UTC)
	}
	none := memcloud.SchedulerOptions{}
	tests := []struct {
		rule, reason, expression string
		options                  memcloud.SchedulerOptions
		until                    time.Time
		ticks                    string
	}{
		{"E2.1", "a rate", "rate(5 minutes)", none, date(1, 1, 0, 11), "01-01 00:00, 01-01 00:05, 01-01 00:10"},
		{"E3.8", "a rate begins when it is made", "rate(1 hour)", none, date(1, 1, 1, 0), "01-01 00:00, 01-01 01:00"},
		{"E2.2", "six fields", "cron(0 8 1 * ? *)", none, date(2, 2, 0, 0), "01-01 08:00, 02-01 08:00"},
		{"E2.2", "five fields", "cron(0 8 1 * ?)", none, date(2, 2, 0, 0), "01-01 08:00, 02-01 08:00"},
		{"E2.9", "once", "at(2000-01-02T03:04:05)", none, date(3, 1, 0, 0), "01-02 03:04"},
		{"E3.5", "cron in a zone", "cron(0 1 * * ? *)", berlin(none), date(1, 3, 0, 0), "01-02 00:00, 01-03 00:00"},
		{"E3.5", "the weekday is the zone's", "cron(30 0 ? * MON *)", berlin(none), date(1, 10, 0, 0), "01-02 23:30, 01-09 23:30"},
		{"E3.5", "at in a zone", "at(2000-06-01T12:00:00)", berlin(none), date(7, 1, 0, 0), "06-01 10:00"},
		{"E3.6", "a local time that does not exist", "cron(30 2 25-27 3 ? 2000)", berlin(none), date(4, 1, 0, 0), "03-25 01:30, 03-27 00:30"},
		{"E3.6", "around it all is well", "cron(59,0 1,3 26 3 ? 2000)", berlin(none), date(4, 1, 0, 0), "03-26 00:00, 03-26 00:59, 03-26 01:00, 03-26 01:59"},
		{"E3.6", "once, at a time that does not exist", "at(2000-03-26T02:30:00)", berlin(none), date(4, 1, 0, 0), ""},
		{"E3.6", "a local time that is there twice", "cron(30 2 28-30 10 ? 2000)", berlin(none), date(11, 1, 0, 0), "10-28 00:30, 10-29 00:30, 10-30 01:30"},
		{"E3.6", "several of them", "cron(0/30 1-3 29 10 ? 2000)", berlin(none), date(11, 1, 0, 0), "10-28 23:00, 10-28 23:30, 10-29 00:00, 10-29 00:30, 10-29 02:00, 10-29 02:30"},
		{"E3.6", "once, at a time that is there twice", "at(2000-10-29T02:30:00)", berlin(none), date(11, 1, 0, 0), "10-29 00:30"},
		{"E3.6", "UTC has none of this", "cron(30 2 25-27 3 ? 2000)", none, date(4, 1, 0, 0), "03-25 02:30, 03-26 02:30, 03-27 02:30"},
		{"E3.7", "a day is 24 hours", "rate(1 day)", berlin(memcloud.SchedulerOptions{Start: date(3, 25, 8, 0)}), date(3, 27, 9, 0), "03-25 08:00, 03-26 08:00, 03-27 08:00"},
		{"E3.8", "a rate begins at its start", "rate(2 hours)", memcloud.SchedulerOptions{Start: date(1, 1, 5, 30)}, date(1, 1, 9, 0), "01-01 05:30, 01-01 07:30"},
		{"E3.10", "a start just past", "rate(2 hours)", memcloud.SchedulerOptions{Start: date(1, 1, 0, 0).Add(-4 * time.Minute)}, date(1, 1, 3, 0), "01-01 00:00, 01-01 02:00"},
		{"E3.10", "bounds of cron", "cron(0 * * * ? *)", memcloud.SchedulerOptions{Start: date(1, 1, 5, 0), End: date(1, 1, 7, 0)}, date(1, 2, 0, 0), "01-01 05:00, 01-01 06:00, 01-01 07:00"},
		{"E3.10", "the end of a rate", "rate(1 hour)", memcloud.SchedulerOptions{End: date(1, 1, 1, 30)}, date(1, 2, 0, 0), "01-01 00:00, 01-01 01:00"},
		{"E2.9", "at has no bounds", "at(2000-01-03T00:00:00)", memcloud.SchedulerOptions{Start: date(1, 5, 0, 0), End: date(1, 2, 0, 0)}, date(1, 9, 0, 0), "01-03 00:00"},
		{"E2.3", "no tick at all", "cron(0 0 1 1 ? 1999)", none, date(1, 9, 0, 0), ""},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				start := time.Now()
				s := cloud.Scheduler("s", test.expression, &test.options)
				s.Target(cloud.Queue("q", nil), nil)
				cloud.Advance(test.until.Sub(start) + time.Second)
				var got []string
				for _, at := range moments(cloud, "s", "tick") {
					got = append(got, start.Add(at).UTC().Format("01-02 15:04"))
				}
				want(t, "ticks", strings.Join(got, ", "), test.ticks)
			})
		})
	}
}

func TestFlexibleWindow(t *testing.T) {
	// Rule E3.9
	firings := func(seed uint64) (offsets []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			cloud := memcloud.Open(&memcloud.Options{T: t, Seed: seed})
			s := cloud.Scheduler("s", "rate(10 minutes)", &memcloud.SchedulerOptions{FlexibleWindow: 15 * time.Minute, End: time.Now().Add(200 * time.Minute)})
			q := cloud.Queue("q", nil)
			s.Target(q, &memcloud.Target{Input: "<aws.scheduler.scheduled-time>"})
			cloud.Settle()
			want(t, "Settle waits for no tick, nor for its window", cloud.Now() < time.Second, true)
			cloud.Advance(4 * time.Hour)
			nominal := map[string]bool{}
			for _, m := range q.Messages() {
				at, err := time.Parse(time.RFC3339, m.Body)
				if err != nil || at.Sub(at.Truncate(10*time.Minute)) > 0 || nominal[m.Body] {
					t.Errorf("scheduled time %s, %v", m.Body, err)
				}
				nominal[m.Body] = true
				offsets = append(offsets, m.Sent.Sub(at).Truncate(time.Millisecond))
			}
		})
		return offsets
	}
	one := firings(1)
	want(t, "ticks", len(one), 20)
	different := map[time.Duration]bool{}
	for _, d := range one {
		different[d] = true
		if d < 0 || d >= 15*time.Minute {
			t.Errorf("delivered %v after the nominal time", d)
		}
	}
	if len(different) < 10 {
		t.Errorf("%d different offsets only: %v", len(different), one)
	}
	want(t, "the seed repeats them", firings(1), one)
	if fmt.Sprint(firings(2)) == fmt.Sprint(one) {
		t.Error("another seed gives the same")
	}
}

func TestAfterCompletion(t *testing.T) {
	// Rule E3.10
	deleted := &memcloud.SchedulerOptions{DeleteAfterCompletion: true}
	tests := []struct {
		reason, expression string
		options            *memcloud.SchedulerOptions
		faults             []string
		free               int // the second at which the name is free again; -1: never
	}{
		{"a schedule stays by default", "at(2000-01-01T00:01:00)", nil, nil, -1},
		{"and is deleted if it is to be", "at(2000-01-01T00:01:00)", deleted, nil, 60},
		{"not before it was retried", "at(2000-01-01T00:01:00)", deleted, []string{"call-fails@s/deliver/q#1", "call-fails@s/deliver/q#2"}, 63},
		{"not before a second firing", "at(2000-01-01T00:01:00)", deleted, []string{"duplicate@s/tick#1"}, 90},
		{"nor a late one", "at(2000-01-01T00:01:00)", deleted, []string{"delay@s/tick#1"}, 97},
		{"a year that ends", "cron(0 0 1 1 ? 1999-2000)", deleted, nil, 0},
		{"at the last tick before its end", "rate(1 minute)", &memcloud.SchedulerOptions{DeleteAfterCompletion: true, End: time.Date(2000, 1, 1, 0, 2, 30, 0, time.UTC)}, nil, 120},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			unlucky(t, test.faults, func(t *testing.T, cloud *memcloud.Cloud) {
				q := cloud.Queue("q", nil)
				cloud.Scheduler("s", test.expression, test.options).Target(q, nil)
				cloud.Advance(time.Hour)
				at := -1
				for _, m := range moments(cloud, "s", "delete") {
					at = int(m.Seconds())
				}
				want(t, "deleted", at, test.free)
				err := panicOf(func() { cloud.Scheduler("s", "rate(1 day)", nil) })
				want(t, "the name is taken", err != nil, test.free < 0)
			})
		})
	}
}

func TestSchedulerFIFO(t *testing.T) {
	// Rule E3.13
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		equal := cloud.Queue("equal.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true})
		timed := cloud.Queue("timed.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true})
		cloud.Scheduler("equal", "rate(2 minutes)", nil).Target(equal, &memcloud.Target{Group: "g", Input: "x"})
		cloud.Scheduler("timed", "rate(2 minutes)", nil).Target(timed, &memcloud.Target{Group: "g", Input: "<aws.scheduler.scheduled-time>"})
		cloud.Advance(5 * time.Minute)
		want(t, "equal input within five minutes is one message", bodies(equal.Messages()), "x")
		want(t, "the scheduled time tells them apart", len(timed.Messages()), 3)
		want(t, "group", timed.Messages()[0].Group, "g")

		s := cloud.Scheduler("s", "rate(1 day)", nil)
		plain := cloud.Queue("plain.fifo", nil)
		wantError(t, panicOf(func() { s.Target(equal, nil) }), "ValidationException", "a FIFO queue needs a group")
		wantError(t, panicOf(func() { s.Target(plain, &memcloud.Target{Group: "g"}) }), "ValidationException", "content-based deduplication")
		wantError(t, panicOf(func() { s.Target(cloud.Queue("q", nil), &memcloud.Target{Group: "g"}) }), "ValidationException", "takes no group")
	})
}

func TestWrongSchedulers(t *testing.T) {
	// Rules E2.1, E2.2, E2.4, E2.9, E3.1, E3.5, E3.9, E3.10 and E3.11
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		reason, name, expression string
		options                  memcloud.SchedulerOptions
		message                  string
	}{
		{"no expression", "s", "", memcloud.SchedulerOptions{}, "Invalid Schedule Expression"},
		{"four fields", "s", "cron(0 1 * ?)", memcloud.SchedulerOptions{}, "six fields"},
		{"both days", "s", "cron(0 1 * * * *)", memcloud.SchedulerOptions{}, "exactly one of"},
		{"both days in five fields", "s", "cron(0 1 * * *)", memcloud.SchedulerOptions{}, "exactly one of"},
		{"blanks", "s", "rate( 1 day)", memcloud.SchedulerOptions{}, "a rate is"},
		{"a time with a zone", "s", "at(2000-01-02T00:00:00Z)", memcloud.SchedulerOptions{}, "without a zone"},
		{"a time with a fraction", "s", "at(2000-01-02T00:00:00.5)", memcloud.SchedulerOptions{}, "without a zone"},
		{"a date", "s", "at(2000-01-02)", memcloud.SchedulerOptions{}, "yyyy-mm-dd"},
		{"no such day", "s", "at(2000-02-30T00:00:00)", memcloud.SchedulerOptions{}, "yyyy-mm-dd"},
		{"a time that is past", "s", "at(1999-12-31T23:59:59)", memcloud.SchedulerOptions{}, "past"},
		{"too long", "s", "rate(1 day" + strings.Repeat(" ", 250) + ")", memcloud.SchedulerOptions{}, "longer"},
		{"no ASCII", "s", "cron(0 0 ? * \u017FUN *)", memcloud.SchedulerOptions{}, "ASCII"},
		{"no name", "", "rate(1 day)", memcloud.SchedulerOptions{}, "a name has"},
		{"a name with a slash", "a/b", "rate(1 day)", memcloud.SchedulerOptions{}, "a name has"},
		{"a group with a slash", "s", "rate(1 day)", memcloud.SchedulerOptions{Group: "a/b"}, "a name has"},
		{"no such zone", "s", "rate(1 day)", memcloud.SchedulerOptions{TimeZone: "Europe/Nowhere"}, "Timezone"},
		{"the zone of the machine", "s", "rate(1 day)", memcloud.SchedulerOptions{TimeZone: "Local"}, "Timezone"},
		{"a window of seconds", "s", "rate(1 day)", memcloud.SchedulerOptions{FlexibleWindow: 90 * time.Second}, "1 to 1440"},
		{"a window of days", "s", "rate(1 day)", memcloud.SchedulerOptions{FlexibleWindow: 1441 * time.Minute}, "1 to 1440"},
		{"a negative window", "s", "rate(1 day)", memcloud.SchedulerOptions{FlexibleWindow: -time.Minute}, "1 to 1440"},
		{"an old start", "s", "rate(1 day)", memcloud.SchedulerOptions{Start: now.Add(-6 * time.Minute)}, "The StartDate you specify cannot be earlier than 5 minutes ago."},
		{"an old end", "s", "rate(1 day)", memcloud.SchedulerOptions{End: now.Add(-time.Minute)}, "The EndDate"},
		{"an end before the start", "s", "rate(1 day)", memcloud.SchedulerOptions{Start: now.Add(2 * time.Hour), End: now.Add(time.Hour)}, "The EndDate"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				wantError(t, panicOf(func() { cloud.Scheduler(test.name, test.expression, &test.options) }), "ValidationException", test.message)
			})
		})
	}
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		s := cloud.Scheduler("s", "rate(1 day)", nil)
		q, fifo := cloud.Queue("q", nil), cloud.Queue("q.fifo", nil)
		f := cloud.Function("f", constant(""))
		for _, o := range []memcloud.Target{{Retries: -2}, {Retries: 186}, {MaxAge: 59 * time.Second}, {MaxAge: 25 * time.Hour}, {DeadLetter: fifo}, {Input: strings.Repeat("x", 256<<10+1)}} {
			wantError(t, panicOf(func() { s.Target(q, &o) }), "ValidationException", "")
		}
		wantError(t, panicOf(func() { s.Target(f, &memcloud.Target{Input: "no JSON"}) }), "ValidationException", "well-formed JSON")
		wantError(t, panicOf(func() { s.Target(nil, nil) }), "ValidationException", "Target")
		s.Target(f, &memcloud.Target{Input: keywords})
		wantError(t, panicOf(func() { s.Target(q, nil) }), "ValidationException", "one target")
		cloud.Scheduler("s", "rate(1 day)", &memcloud.SchedulerOptions{Group: "other"}) // a group has its own names
		if panicOf(func() { cloud.Scheduler("s", "rate(1 day)", nil) }) == nil {
			t.Error("the name was taken twice")
		}
	})
}
