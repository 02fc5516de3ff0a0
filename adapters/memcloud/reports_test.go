package memcloud_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// What people reported about emulators of AWS, as tests: each says what was
// reported and what AWS does.

func TestReportedMalformedAnswers(t *testing.T) {
	// Rule C5, C5.3
	//
	// floci-io/floci#3152: with ReportBatchItemFailures, an answer whose
	// batchItemFailures are malformed had both messages deleted after one
	// invocation. floci-io/floci#3169, its repair, adds answers that are not
	// JSON, and must leave empty and good lists alone. On AWS a malformed
	// answer fails the whole batch, which is retried and then dead.
	tests := []struct {
		report, reason string
		answer         string // ID1 stands for the first message's id
		dead           string
	}{
		{"floci-io/floci#3152", "an empty identifier", `{"batchItemFailures":[{"itemIdentifier":""}]}`, "one two"},
		{"floci-io/floci#3152", "a null identifier", `{"batchItemFailures":[{"itemIdentifier":null}]}`, "one two"},
		{"floci-io/floci#3152", "an unknown identifier", `{"batchItemFailures":[{"itemIdentifier":"no-such-message"}]}`, "one two"},
		{"floci-io/floci#3152", "a wrong key in an entry", `{"batchItemFailures":[{"messageId":"ID1"}]}`, "one two"},
		{"floci-io/floci#3152", "a list that is none", `{"batchItemFailures":"ID1"}`, "one two"},
		{"floci-io/floci#3169", "an object for the list", `{"batchItemFailures":{"itemIdentifier":"ID1"}}`, "one two"},
		{"floci-io/floci#3169", "not JSON", `batchItemFailures`, "one two"},
		{"floci-io/floci#3169", "a good entry beside a bad one", `{"batchItemFailures":[{"itemIdentifier":"ID1"},{"foo":"ID1"}]}`, "one two"},
		{"floci-io/floci#3169", "an empty list", `{"batchItemFailures":[]}`, ""},
		{"floci-io/floci#3169", "a null list", `{"batchItemFailures":null}`, ""},
		{"floci-io/floci#3169", "an empty object", `{}`, ""},
		{"floci-io/floci#3169", "null", `null`, ""},
		{"floci-io/floci#3169", "one that failed", `{"batchItemFailures":[{"itemIdentifier":"ID1"}]}`, "one"},
	}
	for _, test := range tests {
		t.Run(test.report+"/"+test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 2})
				runs := 0
				cloud.Function("ship", handler(func(_ context.Context, payload []byte) ([]byte, error) {
					runs++
					var e events.SQSEvent
					if err := json.Unmarshal(payload, &e); err != nil {
						return nil, err
					}
					return []byte(strings.ReplaceAll(test.answer, "ID1", e.Records[0].MessageId)), nil
				}), memcloud.Trigger(q, &memcloud.Mapping{ReportBatchItemFailures: true}))
				q.Send("one")
				q.Send("two")
				cloud.Settle()
				want(t, "dead", bodies(q.DeadLetters()), test.dead)
				if retried := runs == 2; retried != (test.dead != "") {
					t.Errorf("%d invocations", runs)
				}
			})
		})
	}
}

func TestReportedFixedVisibility(t *testing.T) {
	// Rule C4.4, C2.1
	//
	// ministackorg/ministack#10: the mapping hid messages for 30 s whatever
	// the queue said, so that a slow function met its own messages again. On
	// AWS they are hidden for the queue's visibility timeout.
	for _, visibility := range []time.Duration{5 * time.Second, 30 * time.Second, 10 * time.Minute, 12 * time.Hour} {
		bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: visibility, MaxReceives: 3})
			cloud.Function("ship", failing, memcloud.Trigger(q))
			q.Send("a")
			cloud.Settle()
			want(t, visibility.String(), moments(cloud, "ship", "invoke"), []time.Duration{0, visibility, 2 * visibility})
		})
	}
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: time.Minute})
		cloud.Function("slow", handler(func(context.Context, []byte) ([]byte, error) {
			time.Sleep(50 * time.Second)
			return nil, nil
		}), &memcloud.FunctionOptions{Timeout: time.Minute}, memcloud.Trigger(q))
		q.Send("a")
		cloud.Settle()
		want(t, "a function slower than 30 s meets its message once", len(moments(cloud, "slow", "invoke")), 1)
	})
}

func TestReportedRetryInsideSend(t *testing.T) {
	// Rule C4.4, C2.6
	//
	// stackshy/cloudemu#577: SendMessage called the function itself, retried
	// in a loop until the message was dead, and blocked its sender meanwhile;
	// a delay was not waited for, and the error of one mapping kept its
	// neighbours from their messages. On AWS a send ends when the message is
	// stored, and each mapping polls for itself.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 3, Delay: 10 * time.Second})
		cloud.Function("ship", failing, memcloud.Trigger(q))
		start := time.Now()
		if _, err := q.SendMessage(t.Context(), memcloud.Message{Body: "a"}); err != nil {
			t.Errorf("the sender hears of the function's error: %v", err)
		}
		want(t, "the sender waited", time.Since(start).Truncate(time.Millisecond), 0)
		want(t, "invocations by then", len(moments(cloud, "ship", "invoke")), 0)
		cloud.Settle()
		want(t, "invocations", moments(cloud, "ship", "invoke"), []time.Duration{10 * time.Second, 40 * time.Second, 70 * time.Second})

		two := cloud.Queue("two", &memcloud.QueueOptions{MaxReceives: 1})
		h := &answers{}
		cloud.Function("first", failing, memcloud.Trigger(two, &memcloud.Mapping{BatchSize: 1, MaximumConcurrency: 2}))
		cloud.Function("second", h, memcloud.Trigger(two, &memcloud.Mapping{BatchSize: 1, MaximumConcurrency: 2}))
		for range 8 {
			two.Send("a")
		}
		cloud.Settle()
		want(t, "each message went to one of two mappings", len(h.batches())+len(two.DeadLetters()), 8)
		if len(h.batches()) == 0 {
			t.Error("the mapping beside one that fails got nothing")
		}
	})
}

func TestReportedHeadOfAGroup(t *testing.T) {
	// Rule C2.11
	//
	// localstack/localstack#12457: three messages of a group were received,
	// the first was hidden for longer, and the others came back before it. On
	// AWS nothing behind a message in flight comes.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{Visibility: 10 * time.Second})
		send(q, "g1a", "g1b", "g1c")
		got := q.Receive(5)
		want(t, "first", bodies(got), "g1a g1b g1c")
		if err := q.ChangeMessageVisibility(t.Context(), got[0].Receipt, 15*time.Second); err != nil {
			t.Fatal(err)
		}
		cloud.Advance(12 * time.Second)
		want(t, "after 12 s", bodies(q.Receive(5)), "")
		cloud.Advance(3 * time.Second)
		want(t, "after 15 s", bodies(q.Receive(5)), "g1a g1b g1c")
	})
}

func TestReportedDelayInAGroup(t *testing.T) {
	// Rule C2.11, C2.6
	//
	// floci-io/floci#2104: a message that is still delayed kept those in front
	// of it from being received. On AWS they come.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{Delay: 10 * time.Second})
		send(q, "g1a")
		cloud.Advance(10 * time.Second)
		send(q, "g1b")
		want(t, "the one in front", bodies(q.Receive(10)), "g1a")
	})
}

func TestReportedDeduplicationAfterDelete(t *testing.T) {
	// Rule C2.10
	//
	// softwaremill/elasticmq#354: a duplicate was found only while the first
	// message was in the queue. On AWS its id counts for five minutes, also
	// when a mapping has handled and deleted it.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(q))
		send(q, "g1a")
		cloud.Settle()
		want(t, "handled and deleted", len(q.Messages()), 0)
		cloud.Advance(4*time.Minute + 59*time.Second)
		send(q, "g1a")
		cloud.Settle()
		want(t, "within five minutes", len(h.batches()), 1)
		cloud.Advance(time.Second + time.Millisecond)
		send(q, "g1a")
		cloud.Settle()
		want(t, "after five minutes", len(h.batches()), 2)
	})
}

func TestReportedRedriveByMapping(t *testing.T) {
	// Rule C3.1, C4.4
	//
	// floci-io/floci#1416: a message whose function failed stayed in flight
	// for ever and was never moved. On AWS the mapping's next receive moves
	// it.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1})
		cloud.Function("ship", failing, memcloud.Trigger(q))
		q.Send("a")
		cloud.Advance(29 * time.Second)
		want(t, "in flight", len(q.Messages()), 1)
		cloud.Advance(time.Second)
		want(t, "moved", bodies(q.DeadLetters()), "a")
		want(t, "invocations", len(moments(cloud, "ship", "invoke")), 1)
	})
}
