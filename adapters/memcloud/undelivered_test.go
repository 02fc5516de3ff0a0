package memcloud_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestSchedulerDeadLetter(t *testing.T) {
	// Rule E3.11, E3.12
	tests := []struct {
		reason string
		fails  int // tries
		target memcloud.Target
		tries  string // when they fail, in seconds after the first
		want   map[string]string
	}{
		{"retries are exhausted", 3, memcloud.Target{Retries: 2, Input: "<aws.scheduler.attempt-number>"}, "0 1 3", map[string]string{
			"ERROR_CODE": "AWS.Scheduler.InternalServerError", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": "2", "body": "3"}},
		{"without retries", 1, memcloud.Target{Retries: -1, Input: "x"}, "0", map[string]string{
			"ERROR_CODE": "AWS.Scheduler.InternalServerError", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": "0", "body": "x"}},
		{"too old", 6, memcloud.Target{MaxAge: time.Minute, Input: "x"}, "0 1 3 7 15 31", map[string]string{
			"ERROR_CODE": "AWS.Scheduler.InternalServerError", "EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds", "RETRY_ATTEMPTS": "5", "body": "x"}},
		{"an error that will stay is not retried", 0, memcloud.Target{Input: "\uFFFE"}, "0", map[string]string{
			"ERROR_CODE": "InvalidMessageContents", "RETRY_ATTEMPTS": "0"}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			var faults []string
			for n := range test.fails {
				faults = append(faults, fmt.Sprintf("call-fails@once/deliver/q#%d", n+1))
			}
			unlucky(t, faults, func(t *testing.T, cloud *memcloud.Cloud) {
				once := cloud.Scheduler("once", "at(2000-01-01T01:00:00)", nil)
				q, dead := cloud.Queue("q", nil), cloud.Queue("dead", nil)
				test.target.DeadLetter = dead
				once.Target(q, &test.target)
				cloud.Advance(time.Hour)
				cloud.Settle() // a retry that is due is work
				want(t, "delivered", bodies(q.Messages()), "")
				var tries []string
				for _, at := range moments(cloud, "once", "error") {
					tries = append(tries, fmt.Sprint(int((at - time.Hour).Seconds())))
				}
				want(t, "tries", strings.Join(tries, " "), test.tries)
				letters := dead.Messages()
				if len(letters) != 1 {
					t.Fatalf("%d dead letters", len(letters))
				}
				got := map[string]string{}
				for name, a := range letters[0].Attributes {
					want(t, "type of "+name, a.Type, "String")
					got[name] = a.Value
				}
				if test.fails > 0 {
					got["body"] = letters[0].Body
				}
				if len(got["EXECUTION_ID"]) != 16 || got["ERROR_MESSAGE"] == "" {
					t.Errorf("got %v", got)
				}
				delete(got, "EXECUTION_ID")
				delete(got, "ERROR_MESSAGE")
				test.want["SCHEDULE_ARN"] = "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/once"
				test.want["TARGET_ARN"] = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
				test.want["SCHEDULED_TIME"] = "2000-01-01T01:00:00Z"
				test.want["IS_PAYLOAD_TRUNCATED"] = "false"
				want(t, "attributes", got, test.want)
			})
		})
	}
}

// TestDeadLetterOfFunctionAndTopic names the call that failed, not its target.
func TestDeadLetterOfFunctionAndTopic(t *testing.T) {
	// Rule E3.12
	unlucky(t, []string{"call-fails@a/deliver/f#1", "call-fails@b/deliver/t#1"}, func(t *testing.T, cloud *memcloud.Cloud) {
		dead := cloud.Queue("dead", nil)
		o := &memcloud.Target{Retries: -1, DeadLetter: dead}
		a, b := cloud.Scheduler("a", "at(2000-01-01T01:00:00)", nil), cloud.Scheduler("b", "at(2000-01-01T02:00:00)", nil)
		cloud.Function("f", constant(""), memcloud.Trigger(a, o))
		b.Target(cloud.Topic("t"), o)
		cloud.Advance(2 * time.Hour)
		var got []string
		for _, m := range dead.Messages() {
			got = append(got, m.Attributes["TARGET_ARN"].Value)
			var e events.EventBridgeEvent
			if err := json.Unmarshal([]byte(m.Body), &e); err != nil || e.Source != "aws.scheduler" {
				t.Errorf("%v in %s", err, m.Body)
			}
		}
		want(t, "targets", got, []string{"arn:aws:scheduler:::aws-sdk:lambda:invoke", "arn:aws:scheduler:::aws-sdk:sns:publish"})
	})
}

// TestTooLarge has inputs that outgrow what their targets take when the
// keywords are replaced.
func TestTooLarge(t *testing.T) {
	// Rules E3.11 and E3.12
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		dead := cloud.Queue("dead", nil)
		long := strings.Repeat("n", 64)
		for i, target := range []memcloud.Recipient{cloud.Queue("q", nil), cloud.Topic("t"), cloud.Function("f", constant(""))} {
			s := cloud.Scheduler(long, "at(2000-01-01T01:00:00)", &memcloud.SchedulerOptions{Group: fmt.Sprint(i, strings.Repeat("g", 63))})
			s.Target(target, &memcloud.Target{DeadLetter: dead, Input: `["` + strings.Repeat("<aws.scheduler.schedule-arn>", 9300) + `"]`})
		}
		cloud.Advance(time.Hour)
		var codes []string
		for _, m := range dead.Messages() {
			codes = append(codes, m.Attributes["ERROR_CODE"].Value+" "+m.Attributes["IS_PAYLOAD_TRUNCATED"].Value)
			if len(m.Body) > 1<<20 || len(m.Body) < 1<<19 {
				t.Errorf("the letter has %d bytes", len(m.Body))
			}
		}
		want(t, "codes", codes, []string{"InvalidParameterValue true", "InvalidParameter true", "RequestEntityTooLargeException true"})
		want(t, "invocations", len(moments(cloud, "f", "invoke")), 0)
	})
}
