package memcloud_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// ruleEvents reads the events that a rule has sent to a queue.
func ruleEvents(t *testing.T, q *memcloud.Queue) []events.EventBridgeEvent {
	t.Helper()
	var list []events.EventBridgeEvent
	for _, m := range q.Messages() {
		var e events.EventBridgeEvent
		if err := json.Unmarshal([]byte(m.Body), &e); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func TestLateTick(t *testing.T) {
	// Rule E1.3
	unlucky(t, []string{"delay@hourly/tick#1"}, func(t *testing.T, cloud *memcloud.Cloud) {
		hourly := cloud.Schedule("hourly", "cron(0 * * * ? *)")
		q := cloud.Queue("q", nil)
		hourly.Target(q, nil)
		cloud.Advance(time.Hour)
		cloud.Settle() // it has begun to tick
		got := ruleEvents(t, q)
		if len(got) != 1 {
			t.Fatalf("got %d events", len(got))
		}
		late := got[0].Time
		if late.Truncate(time.Minute) != time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC) || late.Second() == 0 {
			t.Errorf("the late tick is of %v", late)
		}
		cloud.Advance(time.Hour)
		want(t, "the next one is not late", ruleEvents(t, q)[1].Time, time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC))
	})
}

// TestLateRate has a rule that ticks in the last seconds of a minute.
func TestLateRate(t *testing.T) {
	// Rule E1.3, E1.4
	unlucky(t, []string{"delay@s/tick#1", "delay@s/tick#2", "duplicate@s/tick#2", "duplicate@s/tick#3"}, func(t *testing.T, cloud *memcloud.Cloud) {
		cloud.Advance(57 * time.Second)
		s := cloud.Schedule("s", "rate(1 minute)")
		q := cloud.Queue("q", nil)
		s.Target(q, nil)
		cloud.Advance(2 * time.Minute)
		cloud.Settle()
		minutes := map[string]int{}
		for _, e := range ruleEvents(t, q) {
			minutes[e.Time.Format("15:04")]++
		}
		want(t, "firings by minute", minutes, map[string]int{"00:00": 1, "00:01": 2, "00:02": 2})
	})
}

func TestDuplicateTick(t *testing.T) {
	// Rule E1.4
	tests := []struct {
		reason, fault string
		sameID        bool
		others        int // what the other target gets
	}{
		{"the rule runs twice", "duplicate@nightly/tick#1", false, 2},
		{"a target is called twice", "duplicate@nightly/deliver/q#1", true, 1},
		{"the answer of a target is lost", "call-answer-lost@nightly/deliver/q#1", true, 1},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			unlucky(t, []string{test.fault}, func(t *testing.T, cloud *memcloud.Cloud) {
				nightly := cloud.Schedule("nightly", "cron(0 3 * * ? *)")
				q, other := cloud.Queue("q", nil), cloud.Queue("other", nil)
				nightly.Target(q, nil)
				nightly.Target(other, nil)
				cloud.Advance(3 * time.Hour)
				cloud.Settle()
				got := ruleEvents(t, q)
				if len(got) != 2 {
					t.Fatalf("got %d events", len(got))
				}
				want(t, "one envelope", got[0].ID == got[1].ID, test.sameID)
				want(t, "one minute", got[0].Time.Truncate(time.Minute), got[1].Time.Truncate(time.Minute))
				want(t, "the other target", len(other.Messages()), test.others)
				want(t, "targets share an event", ruleEvents(t, other)[0].ID, got[0].ID)
			})
		})
	}
}

func TestRuleDeadLetter(t *testing.T) {
	// Rule E1.5
	tests := []struct {
		reason string
		fails  int
		target memcloud.Target
		tries  string // when they fail, in seconds after the tick
		want   map[string]string
	}{
		{"retries are exhausted", 4, memcloud.Target{Retries: 3}, "0 1 3 7", map[string]string{
			"ERROR_CODE": "THROTTLING", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": "3"}},
		{"too old", 7, memcloud.Target{MaxAge: 2 * time.Minute}, "0 1 3 7 15 31 63", map[string]string{
			"ERROR_CODE": "THROTTLING", "EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds", "RETRY_ATTEMPTS": "6"}},
		{"without retries, and the letter is the event, not the input", 1, memcloud.Target{Retries: -1, Input: `"x"`}, "0", map[string]string{
			"ERROR_CODE": "THROTTLING", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": "0"}},
		{"an error that will stay is not retried", 0, memcloud.Target{Input: "\"\uFFFE\""}, "0", map[string]string{
			"ERROR_CODE": "SDK_CLIENT_ERROR", "RETRY_ATTEMPTS": "0"}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			var faults []string
			for n := range test.fails {
				faults = append(faults, fmt.Sprintf("call-fails@nightly/deliver/q#%d", n+1))
			}
			unlucky(t, faults, func(t *testing.T, cloud *memcloud.Cloud) {
				nightly := cloud.Schedule("nightly", "cron(0 3 * * ? *)")
				q, dead := cloud.Queue("q", nil), cloud.Queue("dead", nil)
				test.target.DeadLetter = dead
				nightly.Target(q, &test.target)
				cloud.Advance(3 * time.Hour)
				cloud.Settle() // a retry that is due is work
				want(t, "delivered", bodies(q.Messages()), "")
				var tries []string
				for _, at := range moments(cloud, "nightly", "error") {
					tries = append(tries, fmt.Sprint(int((at - 3*time.Hour).Seconds())))
				}
				want(t, "tries", strings.Join(tries, " "), test.tries)
				e := ruleEvents(t, dead)
				if len(e) != 1 || e[0].Resources[0] != nightly.ARN() || e[0].DetailType != "Scheduled Event" {
					t.Fatalf("dead letters: %v", e)
				}
				got := map[string]string{}
				for name, a := range dead.Messages()[0].Attributes {
					want(t, "type of "+name, a.Type, "String")
					got[name] = a.Value
				}
				if got["ERROR_MESSAGE"] == "" {
					t.Error("no ERROR_MESSAGE")
				}
				delete(got, "ERROR_MESSAGE")
				test.want["RULE_ARN"], test.want["TARGET_ARN"] = nightly.ARN(), q.ARN()
				want(t, "attributes", got, test.want)
			})
		})
	}
}

// TestRetriesOfADay has a target that never takes anything, and a dead-letter
// queue that cannot be written.
func TestRetriesOfADay(t *testing.T) {
	// Rules E1.5 and E3.11
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			kinds := []memcloud.Fault{memcloud.CallFails}
			if lost {
				kinds = append(kinds, memcloud.DeadLetterFails)
			}
			cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Kinds: kinds, Rate: 1}})
			q, dead := cloud.Queue("q", nil), cloud.Queue("dead", nil)
			cloud.Schedule("rule", "cron(0 3 1 * ? *)").Target(q, &memcloud.Target{DeadLetter: dead})
			cloud.Scheduler("once", "at(2000-01-01T03:00:00)", nil).Target(q, &memcloud.Target{DeadLetter: dead})
			cloud.Advance(3 * time.Hour)
			cloud.Settle()
			for _, name := range []string{"rule", "once"} {
				tries := moments(cloud, name, "error")
				if len(tries) != 1+185 {
					t.Fatalf("%s: %d tries", name, len(tries))
				}
				want(t, name+": they take a day at most", tries[185]-tries[0], 84991*time.Second)
				want(t, name+" loses it", len(moments(cloud, name, "LOST")), map[bool]int{true: 1}[lost])
			}
			want(t, "dead letters", len(dead.Messages()), map[bool]int{false: 2}[lost])
		})
	}
}

func TestLostTick(t *testing.T) {
	// Rule E1.5
	unlucky(t, []string{"call-fails@nightly/deliver/f#1"}, func(t *testing.T, cloud *memcloud.Cloud) {
		nightly := cloud.Schedule("nightly", "cron(0 3 * * ? *)")
		cloud.Function("f", constant(""), memcloud.Trigger(nightly, &memcloud.Target{Retries: -1}))
		cloud.Advance(3 * time.Hour)
		want(t, "the timeline says so", len(moments(cloud, "nightly", "LOST")), 1)
		want(t, "invocations", len(moments(cloud, "f", "invoke")), 0)
	})
}

// TestUnluckySchedules has all that can happen to ticks happen at once.
func TestUnluckySchedules(t *testing.T) {
	// Rules E1.4 and E3.14
	run := func(seed uint64) (timeline string) {
		synctest.Test(t, func(t *testing.T) {
			cloud := memcloud.Open(&memcloud.Options{T: t, Seed: seed, Faults: &memcloud.Faults{Rate: 0.3}})
			rule := cloud.Schedule("rule", "rate(10 minutes)")
			s := cloud.Scheduler("s", "cron(0/15 * * * ?)", &memcloud.SchedulerOptions{TimeZone: "Asia/Kathmandu", FlexibleWindow: 7 * time.Minute})
			q, topic := cloud.Queue("q", nil), cloud.Topic("topic")
			rule.Target(q, nil)
			rule.Target(topic, nil)
			topic.Subscribe(q, nil)
			s.Target(q, &memcloud.Target{Input: keywords})
			cloud.Function("f", constant(""), memcloud.Trigger(rule))
			cloud.Advance(6 * time.Hour)
			cloud.Settle()
			timeline = cloud.Timeline()
			minutes := map[string]bool{}
			for _, m := range q.Messages() {
				var e events.EventBridgeEvent
				if json.Unmarshal([]byte(m.Body), &e) == nil && e.Source == "aws.events" {
					minutes[e.Time.Format("15:04")] = true
				}
			}
			want(t, "no tick was lost, and all are of their minute", len(minutes), 6*6+1)
		})
		return timeline
	}
	one := run(1)
	for _, kind := range []string{"delay@", "duplicate@", "call-fails@", "call-answer-lost@"} {
		if !strings.Contains(one, kind) {
			t.Errorf("no fault %s", kind)
		}
	}
	want(t, "the seed repeats it", run(1), one)
	if run(2) == one {
		t.Error("another seed gives the same")
	}
}
