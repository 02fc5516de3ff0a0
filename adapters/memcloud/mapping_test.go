package memcloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestAnswers(t *testing.T) {
	const all, none = "bad-1 good-2", ""
	tests := []struct {
		rule, reason string
		answer       string // ID1 and ID2 stand for the message ids
		back         string // what is in the queue afterwards
	}{
		{"C5", "empty list", `{"batchItemFailures":[]}`, none},
		{"C5", "null list, as Go marshals a nil slice", `{"batchItemFailures":null}`, none},
		{"C5", "empty object", `{}`, none},
		{"C5", "null", `null`, none},
		{"C5", "nothing", ``, none},
		{"C5", "one known id", `{"batchItemFailures":[{"itemIdentifier":"ID1"}]}`, "bad-1"},
		{"C5", "all ids", `{"batchItemFailures":[{"itemIdentifier":"ID2"},{"itemIdentifier":"ID1"}]}`, all},
		{"C5.5", "an id twice", `{"batchItemFailures":[{"itemIdentifier":"ID1"},{"itemIdentifier":"ID1"}]}`, "bad-1"},
		{"C5", "no JSON", `{"batchItemFailures":`, all},
		{"C5", "empty identifier", `{"batchItemFailures":[{"itemIdentifier":""}]}`, all},
		{"C5", "null identifier", `{"batchItemFailures":[{"itemIdentifier":null}]}`, all},
		{"C5", "wrong key", `{"batchItemFailures":[{"messageId":"ID1"}]}`, all},
		{"C5", "wrong case of the key", `{"batchItemFailures":[{"ItemIdentifier":"ID1"}]}`, all},
		{"C5", "a number", `{"batchItemFailures":[{"itemIdentifier":1}]}`, all},
		{"C5", "null entry", `{"batchItemFailures":[null]}`, all},
		{"C5", "unknown id beside a known", `{"batchItemFailures":[{"itemIdentifier":"ID1"},{"itemIdentifier":"x"}]}`, all},
		{"C5.2", "wrong top-level key looks empty: silent loss", `{"BatchItemFailures":[{"itemIdentifier":"ID1"}]}`, none},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				q := cloud.Queue("orders", nil)
				cloud.Function("ship", handler(func(_ context.Context, payload []byte) ([]byte, error) {
					var e events.SQSEvent
					if err := json.Unmarshal(payload, &e); err != nil {
						return nil, err
					}
					ids := strings.NewReplacer("ID1", e.Records[0].MessageId, "ID2", e.Records[1].MessageId)
					return []byte(ids.Replace(test.answer)), nil
				}), memcloud.Trigger(q, &memcloud.Mapping{ReportBatchItemFailures: true}))
				q.Send("bad-1")
				q.Send("good-2")
				cloud.Advance(time.Second)
				want(t, "rule "+test.rule+": left in the queue", bodies(q.Messages()), test.back)
			})
		})
	}
}

func TestFailedInvocations(t *testing.T) {
	// Rule C4.4, C5, C5.1: error, panic and timeout fail the whole batch, also
	// with an answer; it comes back after the visibility timeout.
	tests := []struct {
		reason string
		h      handler
		text   string
	}{
		{"error", failing, "errorString: no luck"},
		{"error and answer", func(context.Context, []byte) ([]byte, error) { return []byte("{}"), context.Canceled }, "context canceled"},
		{"panic", func(context.Context, []byte) ([]byte, error) { panic("oh") }, "panic: oh"},
		{"timeout, deaf to its context", func(context.Context, []byte) ([]byte, error) {
			time.Sleep(5 * time.Second)
			return nil, nil
		}, "Task timed out after 3.00 seconds"},
		{"answer at the deadline", func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, nil
		}, "Task timed out after 3.00 seconds"},
	}
	for _, test := range tests {
		for _, report := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", test.reason, report), func(t *testing.T) {
				bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
					q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 2})
					cloud.Function("ship", test.h, memcloud.Trigger(q, &memcloud.Mapping{ReportBatchItemFailures: report}))
					q.Send("a")
					q.Send("b")
					cloud.Settle()
					want(t, "invocations", moments(cloud, "ship", "invoke"), []time.Duration{0, 30 * time.Second})
					want(t, "dead", bodies(q.DeadLetters()), "a b")
					if !strings.Contains(cloud.Timeline(), test.text) {
						t.Errorf("no %q in\n%s", test.text, cloud.Timeline())
					}
				})
			})
		}
	}
}

func TestBatches(t *testing.T) {
	// Rule C4.1
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		h := &answers{}
		for i := range 12 {
			q.Send(fmt.Sprint(i))
		}
		cloud.Function("ship", h, memcloud.Trigger(q))
		cloud.Settle()
		want(t, "ten, then the rest", h.batches(), []string{"0/1 1/1 2/1 3/1 4/1 5/1 6/1 7/1 8/1 9/1", "10/1 11/1"})
	})
}

func TestWindow(t *testing.T) {
	// Rule C4.1, C4.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 2})
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 3, Window: 28 * time.Second, ReportBatchItemFailures: true}))
		q.Send("a")
		cloud.Advance(10 * time.Second)
		q.Send("bad")
		cloud.Settle()
		// The batch closes 28 s after its first message; 28 + 3 > 30, so that
		// messages are hidden for 28 + 3 + 30 s. Alone, "bad" waits for company.
		want(t, "invocations", moments(cloud, "ship", "invoke"), []time.Duration{28 * time.Second, (10 + 61 + 28) * time.Second})
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 2, Window: 20 * time.Second}))
		q.Send("a")
		q.Send("b")
		cloud.Settle()
		want(t, "a full batch does not wait", moments(cloud, "ship", "invoke"), []time.Duration{0})
	})
}

func TestBigBatches(t *testing.T) {
	// Rule C4.3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		var mu sync.Mutex
		var sizes []int
		body := strings.Repeat("x", 1<<20)
		for range 10 {
			q.Send(body)
		}
		cloud.Function("ship", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, len(payload)>>20)
			return nil, nil
		}), memcloud.Trigger(q, &memcloud.Mapping{MaximumConcurrency: 2}))
		cloud.Settle()
		want(t, "MB in the payloads", sizes, []int{5, 5})
		want(t, "receives", len(moments(cloud, "orders", "receive")), 10)
	})
}

func TestExactlySixMegabytes(t *testing.T) {
	// Rule C4.3: what counts is the bytes of the payload, with what is around
	// the bodies and with their escapes.
	payloads := func(bodies ...string) (sizes []int) {
		bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", nil)
			for _, body := range bodies {
				q.Send(body)
			}
			cloud.Function("ship", handler(func(_ context.Context, payload []byte) ([]byte, error) {
				sizes = append(sizes, len(payload))
				time.Sleep(time.Duration(len(sizes))) // one after the other
				return nil, nil
			}), &memcloud.FunctionOptions{ReservedConcurrency: 1}, memcloud.Trigger(q))
			cloud.Settle()
			want(t, "left", len(q.Messages()), 0)
		})
		return sizes
	}
	const limit = 6 << 20
	around := payloads("x", "x", "x", "x", "x", "x")[0] - 6
	full := strings.Repeat("x", 1<<20)
	rest := strings.Repeat("x", limit-around-5<<20)
	want(t, "it fits", payloads(full, full, full, full, full, rest), []int{limit})
	want(t, "a byte more", len(payloads(full, full, full, full, full, rest+"x")), 2)
	want(t, "a character that takes two bytes in JSON", len(payloads(full, full, full, full, full, rest[1:]+`"`)), 2)
}

func TestScaling(t *testing.T) {
	// Rule C4.8: 5 at first, 300 more for each minute in which they are not
	// enough, 1,250 in the end; anew when the queue has been empty.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: time.Hour})
		capped := cloud.Queue("capped", &memcloud.QueueOptions{Visibility: time.Hour})
		slow := handler(func(context.Context, []byte) ([]byte, error) { time.Sleep(10 * time.Minute); return nil, nil })
		timeout := &memcloud.FunctionOptions{Timeout: 15 * time.Minute}
		cloud.Function("ship", slow, timeout, memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 1}))
		cloud.Function("bill", slow, timeout, memcloud.Trigger(capped, &memcloud.Mapping{BatchSize: 1, MaximumConcurrency: 400}))
		for range 1300 {
			q.Send("a")
			capped.Send("a")
		}
		var ship, bill []int
		for range 7 {
			cloud.Advance(time.Second)
			ship = append(ship, len(moments(cloud, "ship", "invoke")))
			bill = append(bill, len(moments(cloud, "bill", "invoke")))
			cloud.Advance(time.Minute - time.Second)
		}
		want(t, "by the minute", ship, []int{5, 305, 605, 905, 1205, 1250, 1250})
		want(t, "with a maximum", bill, []int{5, 305, 400, 400, 400, 400, 400})
		cloud.Settle()
		want(t, "left", len(q.Messages()), 0)
		before := len(moments(cloud, "ship", "invoke"))
		for range 10 {
			q.Send("a")
		}
		cloud.Advance(time.Second)
		want(t, "after it was empty", len(moments(cloud, "ship", "invoke"))-before, 5)
		cloud.Settle()
	})
}

func TestWindowVisibility(t *testing.T) {
	// Rule C4.5: only a window that would not leave the function its time
	// makes the visibility timeout longer.
	for _, test := range []struct {
		reason                      string
		visibility, window, timeout time.Duration
		back                        time.Duration
	}{
		{"no window", 30 * time.Second, 0, 3 * time.Second, 30 * time.Second},
		{"it fits", 30 * time.Second, 27 * time.Second, 3 * time.Second, 30 * time.Second},
		{"a second more", 30 * time.Second, 28 * time.Second, 3 * time.Second, 61 * time.Second},
		{"five minutes", 30 * time.Second, 5 * time.Minute, 30 * time.Second, 6 * time.Minute},
	} {
		bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: test.visibility, MaxReceives: 2})
			cloud.Function("ship", failing, memcloud.Trigger(q, &memcloud.Mapping{Window: test.window}), &memcloud.FunctionOptions{Timeout: test.timeout})
			q.Send("a")
			cloud.Settle()
			want(t, test.reason, moments(cloud, "orders", "receive"), []time.Duration{0, test.back})
		})
	}
}

func TestFailingGroup(t *testing.T) {
	// Rule C4.9, C5.6: at most one invocation a group; while one is retried
	// nothing more of its group is read, and a batch may mix groups.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{MaxReceives: 3})
		h := &answers{}
		var mu sync.Mutex
		running, most := map[string]int{}, 0
		cloud.Function("ship", handler(func(ctx context.Context, payload []byte) ([]byte, error) {
			var e events.SQSEvent
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, err
			}
			count := func(n int) {
				mu.Lock()
				defer mu.Unlock()
				groups := map[string]bool{}
				for _, m := range e.Records {
					groups[m.Attributes["MessageGroupId"]] = true
				}
				for g := range groups {
					running[g] += n
					most = max(most, running[g])
				}
			}
			count(1)
			defer count(-1)
			time.Sleep(time.Second)
			return h.Invoke(ctx, payload)
		}), memcloud.Trigger(q, &memcloud.Mapping{BatchSize: 2, ReportBatchItemFailures: true}))
		send(q, "g1bad", "g2a", "g1c", "g2b", "g3a", "g2c")
		cloud.Settle()
		want(t, "at once in a group", most, 1)
		want(t, "dead", bodies(q.DeadLetters()), "g1bad")
		// c is not reported, so it is deleted in the first batch: a function
		// that wants order must report what follows a failure.
		want(t, "batches", h.batches(), []string{"g1bad/1 g1c/1", "g1bad/2", "g1bad/3", "g2a/1 g2b/1", "g2c/1", "g3a/1"})
	})
}

func TestConcurrency(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// Rule C4.8
		slow := handler(func(context.Context, []byte) ([]byte, error) { time.Sleep(time.Second); return nil, nil })
		start := func(name string, o *memcloud.Mapping) {
			q := cloud.Queue(name, nil)
			cloud.Function("f-"+name, slow, memcloud.Trigger(q, o))
			for range 12 {
				q.Send("a")
			}
		}
		start("default", &memcloud.Mapping{BatchSize: 1})
		start("two", &memcloud.Mapping{BatchSize: 1, MaximumConcurrency: 2})
		cloud.Settle()
		count := func(name string, at time.Duration) (n int) {
			for _, m := range moments(cloud, name, "invoke") {
				if m == at {
					n++
				}
			}
			return n
		}
		want(t, "default", []int{count("f-default", 0), count("f-default", time.Second), count("f-default", 2*time.Second)}, []int{5, 5, 2})
		want(t, "two", []int{count("f-two", 0), count("f-two", 5*time.Second)}, []int{2, 2})
	})
}

func TestMappingOptions(t *testing.T) {
	// Rule C4.1, C4.5, C4.8, C3.7, D3.1, D3.2
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		standard, fifo := cloud.Queue("standard", nil), cloud.Queue("orders.fifo", nil)
		users := cloud.Table("users", nil)
		tests := []struct {
			reason, part string
			option       memcloud.FunctionOption
		}{
			{"over 10 needs a window", "greater than 0", memcloud.Trigger(standard, &memcloud.Mapping{BatchSize: 11})},
			{"10,000 at most", "BatchSize", memcloud.Trigger(standard, &memcloud.Mapping{BatchSize: 10_001, Window: time.Second})},
			{"FIFO: 10 at most", "BatchSize", memcloud.Trigger(fifo, &memcloud.Mapping{BatchSize: 11})},
			{"FIFO: no window", "not supported", memcloud.Trigger(fifo, &memcloud.Mapping{Window: time.Second})},
			{"5 minutes at most", "Window", memcloud.Trigger(standard, &memcloud.Mapping{Window: time.Hour})},
			{"two at least", "MaximumConcurrency", memcloud.Trigger(standard, &memcloud.Mapping{MaximumConcurrency: 1})},
			{"retries are a stream's", "for streams", memcloud.Trigger(standard, &memcloud.Mapping{MaximumRetries: 1})},
			{"a queue has no destination for failures", "DeadLetters", memcloud.Trigger(standard, &memcloud.Mapping{OnFailure: standard})},
			{"concurrency is a queue's", "for queues", memcloud.Trigger(users, &memcloud.Mapping{MaximumConcurrency: 2})},
			{"10,000 at most", "BatchSize", memcloud.Trigger(users, &memcloud.Mapping{BatchSize: 10_001})},
			{"10,000 at most", "MaximumRetryAttempts", memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: 10_001})},
		}
		for i, test := range tests {
			err := panicOf(func() { cloud.Function(fmt.Sprint("f", i), failing, test.option) })
			if err == nil || !strings.Contains(err.Error(), test.part) {
				t.Errorf("%s: got %v", test.reason, err)
			}
		}
		err := panicOf(func() {
			cloud.Function("slow", failing, memcloud.Trigger(standard), &memcloud.FunctionOptions{Timeout: time.Minute})
		})
		wantError(t, err, "InvalidParameterValueException", "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds")
	})
}

// The mapping's payload is what AWS sends: aws-lambda-go reads it.
func TestPayload(t *testing.T) {
	// Rule C1.1, C1.2, C1.3, C1.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		var got events.SQSEvent
		cloud.Function("ship", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			return nil, json.Unmarshal(payload, &got)
		}), memcloud.Trigger(q))
		id, err := q.SendMessage(t.Context(), memcloud.Message{Body: "a", Group: "tenant", Attributes: map[string]memcloud.Attribute{"n": {Type: "Number", Value: "1"}}})
		if err != nil {
			t.Fatal(err)
		}
		cloud.Settle()
		one := "1"
		m := got.Records[0]
		if m.ReceiptHandle == "" || m.Md5OfMessageAttributes == "" {
			t.Errorf("got %+v", m)
		}
		m.ReceiptHandle, m.Md5OfMessageAttributes = "", ""
		want(t, "record", m, events.SQSMessage{
			MessageId: id, Body: "a", Md5OfBody: "0cc175b9c0f1b6a831c399e269772661",
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": "946684800000", "SenderId": "AIDAMEMCLOUDEXAMPLE00",
				"ApproximateFirstReceiveTimestamp": "946684800000", "MessageGroupId": "tenant",
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{"n": {
				StringValue: &one, DataType: "Number", StringListValues: []string{}, BinaryListValues: [][]byte{},
			}},
			EventSource: "aws:sqs", EventSourceARN: q.ARN(), AWSRegion: "eu-west-1",
		})
		if !strings.HasSuffix(id, "-000000000001") {
			t.Errorf("%s does not end in the number of m-1", id)
		}
	})
}
