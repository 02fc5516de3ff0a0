package memcloud_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// discarded is what a destination is told, as far as tests look at it.
type discarded struct {
	Version, Timestamp string
	RequestContext     struct {
		RequestID              string `json:"requestId"`
		FunctionArn, Condition string
		ApproximateInvokeCount int
	}
	ResponseContext *struct {
		StatusCode      int
		ExecutedVersion string
		FunctionError   *string
	}
	DDBStreamBatchInfo struct {
		ShardID, StartSequenceNumber, EndSequenceNumber                 string
		ApproximateArrivalOfFirstRecord, ApproximateArrivalOfLastRecord string
		BatchSize                                                       int
		StreamArn                                                       string
	}
	Payload *string
}

func readDiscarded(t *testing.T, text string) (d discarded) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return d
}

func TestGivenUpByItems(t *testing.T) {
	// Rule D4.5, D6.1, D6.4: the record in front goes, alone; the function
	// did not fail.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		dead := cloud.Queue("dead", nil)
		put(users, "a", "bad", "c")
		h := &changes{answer: failAt("bad")}
		f := cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: 1, ReportBatchItemFailures: true, OnFailure: dead}))
		cloud.Settle()
		want(t, "batches", h.batches, []string{"a bad c", "bad c", "c"})
		want(t, "messages", len(dead.Messages()), 1)
		d := readDiscarded(t, dead.Messages()[0].Body)
		bad := h.records[1].Change.SequenceNumber
		want(t, "version", d.Version, "1.0")
		want(t, "function", d.RequestContext.FunctionArn, f.ARN())
		want(t, "condition", d.RequestContext.Condition, "RetryAttemptsExhausted")
		want(t, "invocations", d.RequestContext.ApproximateInvokeCount, 2)
		want(t, "status", []any{d.ResponseContext.StatusCode, d.ResponseContext.ExecutedVersion}, []any{200, "$LATEST"})
		want(t, "function error", d.ResponseContext.FunctionError, nil)
		want(t, "size", d.DDBStreamBatchInfo.BatchSize, 1)
		want(t, "range", []string{d.DDBStreamBatchInfo.StartSequenceNumber, d.DDBStreamBatchInfo.EndSequenceNumber}, []string{bad, bad})
		want(t, "stream", d.DDBStreamBatchInfo.StreamArn, users.StreamARN())
		want(t, "arrival", d.DDBStreamBatchInfo.ApproximateArrivalOfFirstRecord, "2000-01-01T00:00:00Z")
		want(t, "records", d.Payload, nil)
		if !regexp.MustCompile(`^shardId-\d{20}-[0-9a-f]{8}$`).MatchString(d.DDBStreamBatchInfo.ShardID) {
			t.Errorf("shard %q", d.DDBStreamBatchInfo.ShardID)
		}
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		dead := cloud.Queue("dead", nil)
		put(users, "bad", "bad too")
		h := &changes{answer: func(r []events.DynamoDBEventRecord) ([]byte, error) { // always the first
			return failAt(r[0].Change.Keys["id"].String())(r)
		}}
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: 1, ReportBatchItemFailures: true, OnFailure: dead}))
		cloud.Settle()
		want(t, "batches", h.batches, []string{"bad bad too", "bad bad too", "bad too", "bad too"})
		for i, m := range dead.Messages() {
			want(t, fmt.Sprintf("invocations of record %d, each counted for itself", i), readDiscarded(t, m.Body).RequestContext.ApproximateInvokeCount, 2)
		}
	})
}

func TestStreamDestinations(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// Rule D6.1, D6.2, D6.5
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		topic, behind, bucket := cloud.Topic("news"), cloud.Queue("behind", nil), cloud.Bucket("discarded", nil)
		topic.Subscribe(behind, &memcloud.Subscription{Raw: true})
		arrivals := cloud.Queue("arrivals", nil)
		bucket.Notify(arrivals, nil)
		once := func(d memcloud.Destination) *memcloud.Mapping {
			return &memcloud.Mapping{MaximumRetries: -1, OnFailure: d, BatchSize: 1}
		}
		cloud.Function("to-topic", failing, memcloud.Trigger(users, once(topic)))
		cloud.Function("to-bucket", failing, memcloud.Trigger(users, once(bucket)))
		put(users, "a", "b")
		cloud.Settle()

		want(t, "messages to the topic: the mapping goes on", len(behind.Messages()), 2)
		d := readDiscarded(t, behind.Messages()[0].Body)
		want(t, "no records for a topic", d.Payload, nil)
		want(t, "objects", len(bucket.Keys()), 2)
		form := regexp.MustCompile(`^aws/lambda/[0-9a-f-]{36}/shardId-\d{20}-[0-9a-f]{8}/2000/01/01/2000-01-01T00\.00\.00-[0-9a-f-]{36}$`)
		var ids []string
		for _, key := range bucket.Keys() {
			if !form.MatchString(key) {
				t.Errorf("key %s", key)
			}
			data, _ := bucket.Get(key)
			d := readDiscarded(t, string(data))
			want(t, "condition", d.RequestContext.Condition, "RetryAttemptsExhausted")
			if d.Payload == nil {
				t.Fatalf("no payload: %s", data)
			}
			var e struct {
				Records []struct {
					Dynamodb struct{ Keys map[string]map[string]string }
				}
			}
			if err := json.Unmarshal([]byte(*d.Payload), &e); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, e.Records[0].Dynamodb.Keys["id"]["S"])
		}
		want(t, "the records", len(ids[0]+ids[1]), 2)
		want(t, "the bucket tells of its objects", strings.Count(bodies(arrivals.Messages()), "ObjectCreated:Put"), 2)
	})
}

func TestDestinationIsRefused(t *testing.T) {
	// Rule D6.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		fifo := cloud.Queue("dead.fifo", nil)
		err := panicOf(func() { cloud.Function("f", failing, memcloud.Trigger(users, &memcloud.Mapping{OnFailure: fifo})) })
		wantError(t, err, "InvalidParameterValueException", "standard queue")
		h := cloud.Function("h", failing)
		err = panicOf(func() { cloud.Function("i", failing, memcloud.Trigger(users, &memcloud.Mapping{OnFailure: h})) })
		wantError(t, err, "InvalidParameterValueException", "not a *memcloud.Function")
		var none *memcloud.Queue
		err = panicOf(func() { cloud.Function("g", failing, memcloud.Trigger(users, &memcloud.Mapping{OnFailure: none})) })
		wantError(t, err, "InvalidParameterValueException", "nil")
	})
}

func TestDestinationFails(t *testing.T) {
	// Rule H1, D6.5: what cannot be written is lost, and the mapping goes on.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: []string{"dead-letter-fails@users/dead#1"}}})
		users := cloud.Table("users", nil)
		dead := cloud.Queue("dead", nil)
		cloud.Function("f", failing, memcloud.Trigger(users, &memcloud.Mapping{BatchSize: 1, MaximumRetries: -1, OnFailure: dead}))
		put(users, "a", "b")
		cloud.Settle()
		want(t, "written", len(dead.Messages()), 1)
		want(t, "lost", len(moments(cloud, "users", "LOST")), 1)
		if !strings.Contains(cloud.Timeline(), "RetryAttemptsExhausted, and dead could not be written") {
			t.Error(cloud.Timeline())
		}
	})
}

func TestTooOldBeforeItIsRead(t *testing.T) {
	// Rule D3.2, D6.3: behind a poison record others grow too old unread.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		dead := cloud.Queue("dead", nil)
		h := &changes{answer: failAt("bad")}
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{
			BatchSize: 1, ReportBatchItemFailures: true, MaximumRecordAge: 2 * time.Minute, OnFailure: dead,
		}))
		put(users, "bad")
		cloud.Advance(time.Second)
		put(users, "unread")
		cloud.Advance(2*time.Minute + 30*time.Second)
		put(users, "good")
		cloud.Settle()
		want(t, "in the end", h.batches[len(h.batches)-1], "good")
		want(t, "seen", strings.Contains(strings.Join(h.batches, " "), "unread"), false)
		want(t, "messages", len(dead.Messages()), 2)
		d := readDiscarded(t, dead.Messages()[1].Body)
		want(t, "condition", d.RequestContext.Condition, "RecordAgeExceeded")
		want(t, "response", d.ResponseContext == nil, true)
		want(t, "invocations", d.RequestContext.ApproximateInvokeCount, 1)
	})
}
