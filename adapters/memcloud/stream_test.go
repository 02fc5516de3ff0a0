package memcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// changes is a handler of a stream that keeps the keys of each batch, and
// answers as told.
type changes struct {
	mu      sync.Mutex
	batches []string
	records []events.DynamoDBEventRecord
	answer  func(records []events.DynamoDBEventRecord) ([]byte, error)
}

func (c *changes) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var keys []string
	for _, r := range e.Records {
		keys = append(keys, r.Change.Keys["id"].String())
	}
	c.mu.Lock()
	c.batches = append(c.batches, strings.Join(keys, " "))
	c.records = append(c.records, e.Records...)
	c.mu.Unlock() // answer may sleep
	if c.answer == nil {
		return nil, nil
	}
	return c.answer(e.Records)
}

// failAt answers with the sequence number of the first record of that key.
func failAt(key string) func([]events.DynamoDBEventRecord) ([]byte, error) {
	return func(records []events.DynamoDBEventRecord) ([]byte, error) {
		for _, r := range records {
			if r.Change.Keys["id"].String() == key {
				return fmt.Appendf(nil, `{"batchItemFailures":[{"itemIdentifier":%q}]}`, r.Change.SequenceNumber), nil
			}
		}
		return nil, nil
	}
}

func put(users *memcloud.Table, ids ...string) {
	for _, id := range ids {
		users.Put(memcloud.Item{"id": id})
	}
}

func TestStreamRecords(t *testing.T) {
	// Rule D1.1, D1.4, D2.1, D2.2, D2.3, D2.4
	views := map[memcloud.StreamView][2]string{ // new images, old images of insert, modify, remove
		memcloud.KeysOnly:        {"---", "---"},
		memcloud.NewImage:        {"nn-", "---"},
		memcloud.OldImage:        {"---", "-oo"},
		memcloud.NewAndOldImages: {"nn-", "-oo"},
	}
	for view, images := range views {
		t.Run(string(view), func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				users := cloud.Table("users", &memcloud.TableOptions{Sort: "n", SortType: "N", Stream: view})
				h := &changes{}
				cloud.Function("f", h, memcloud.Trigger(users))
				item := memcloud.Item{"id": "u", "n": 1, "name": "Ann"}
				users.Put(item)
				users.Put(memcloud.Item{"id": "u", "n": 1.0, "name": "Ann"}) // changes nothing
				users.Put(memcloud.Item{"id": "u", "n": 1, "name": "Bob"})
				users.Expire("u", 1)
				users.Delete("u", 1) // nothing there
				cloud.Settle()

				var kinds, news, olds string
				last := new(big.Int)
				ids := map[string]bool{}
				for _, r := range h.records {
					kinds += r.EventName + " "
					news += map[bool]string{true: "n", false: "-"}[r.Change.NewImage != nil]
					olds += map[bool]string{true: "o", false: "-"}[r.Change.OldImage != nil]
					want(t, "keys", []string{r.Change.Keys["id"].String(), r.Change.Keys["n"].Number()}, []string{"u", "1"})
					want(t, "stream", []string{r.EventSourceArn, r.EventSource, r.Change.StreamViewType}, []string{users.StreamARN(), "aws:dynamodb", string(view)})
					want(t, "created", r.Change.ApproximateCreationDateTime.Time, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
					n, ok := new(big.Int).SetString(r.Change.SequenceNumber, 10)
					if !ok || n.Cmp(last) <= 0 || len(r.Change.SequenceNumber) < 21 {
						t.Errorf("sequence number %s after %s", r.Change.SequenceNumber, last)
					}
					last = n
					ids[r.EventID] = true
				}
				want(t, "kinds", kinds, "INSERT MODIFY REMOVE ")
				want(t, "new images", news, images[0])
				want(t, "old images", olds, images[1])
				want(t, "event ids", len(ids), 3)
				want(t, "identity", h.records[2].UserIdentity, &events.DynamoDBUserIdentity{Type: "Service", PrincipalID: "dynamodb.amazonaws.com"})
				if h.records[1].UserIdentity != nil {
					t.Error("an ordinary change has the service's identity")
				}
			})
		})
	}
}

func TestSequenceNumbersAreNoStrings(t *testing.T) {
	// Rule D2.3, D4.7: soon one has a digit more than the one before.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &changes{}
		cloud.Function("f", h, memcloud.Trigger(users))
		put(users, "a", "b", "c", "d")
		cloud.Settle()
		first, last := h.records[0].Change.SequenceNumber, h.records[3].Change.SequenceNumber
		if len(first) == len(last) || first < last {
			t.Errorf("sequence numbers from %s to %s can be compared as strings", first, last)
		}
	})
}

func TestStreamBatches(t *testing.T) {
	// Rule D3.1
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		put(users, "a", "b", "c")
		oldest, latest, window := &changes{}, &changes{}, &changes{}
		cloud.Function("oldest", oldest, memcloud.Trigger(users, &memcloud.Mapping{BatchSize: 2}))
		cloud.Function("latest", latest, memcloud.Trigger(users, &memcloud.Mapping{Latest: true}))
		cloud.Function("window", window, memcloud.Trigger(users, &memcloud.Mapping{Window: 10 * time.Second, BatchSize: 4}))
		cloud.Advance(9 * time.Second)
		put(users, "d")
		cloud.Settle()
		put(users, "e")
		cloud.Settle()
		want(t, "from the oldest", oldest.batches, []string{"a b", "c", "d", "e"})
		want(t, "from the latest", latest.batches, []string{"d", "e"})
		want(t, "by window or size", window.batches, []string{"a b c d", "e"})
		want(t, "window", moments(cloud, "window", "invoke"), []time.Duration{9 * time.Second, 19 * time.Second})
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		for i := range 101 {
			put(users, fmt.Sprintf("%03d", i))
		}
		unset := &changes{}
		cloud.Function("unset", unset, memcloud.Trigger(users))
		cloud.Settle()
		var sizes []int
		for _, batch := range unset.batches {
			sizes = append(sizes, len(strings.Fields(batch)))
		}
		want(t, "a hundred unless set", sizes, []int{100, 1})
	})
}

func TestStreamBlocksOnFailure(t *testing.T) {
	// Rule D3.2, D3.3, D3.4, D6.1, D6.3, D6.4
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		dead := cloud.Queue("dead", nil)
		put(users, "a", "b")
		h := &changes{answer: func(records []events.DynamoDBEventRecord) ([]byte, error) {
			if records[0].Change.Keys["id"].String() == "a" {
				return nil, errors.New("no luck")
			}
			return nil, nil
		}}
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: 2, OnFailure: dead}))
		cloud.Advance(time.Millisecond)
		put(users, "c")
		cloud.Settle()
		want(t, "two retries, three invocations; c waits", h.batches, []string{"a b", "a b", "a b", "c"})
		var failure struct {
			RequestContext struct {
				RequestID              string `json:"requestId"`
				Condition              string
				ApproximateInvokeCount int
			}
			ResponseContext    struct{ FunctionError *string }
			DDBStreamBatchInfo struct {
				ShardID, StartSequenceNumber, EndSequenceNumber, StreamArn string
				BatchSize                                                  int
			}
		}
		body := dead.Messages()[0].Body
		if err := json.Unmarshal([]byte(body), &failure); err != nil {
			t.Fatal(err)
		}
		info := failure.DDBStreamBatchInfo
		want(t, "condition", failure.RequestContext.Condition, "RetryAttemptsExhausted")
		want(t, "invocations", failure.RequestContext.ApproximateInvokeCount, 3)
		want(t, "error", *failure.ResponseContext.FunctionError, "Unhandled")
		want(t, "range", []string{info.StartSequenceNumber, info.EndSequenceNumber}, []string{h.records[0].Change.SequenceNumber, h.records[1].Change.SequenceNumber})
		want(t, "size", info.BatchSize, 2)
		want(t, "records", strings.Contains(body, "Keys"), false)
	})
}

func TestPoisonRecordBlocksForADay(t *testing.T) {
	// Rule D1.2, D3.3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &changes{answer: failAt("bad")}
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{ReportBatchItemFailures: true}))
		put(users, "bad")
		cloud.Advance(time.Hour)
		put(users, "good")
		cloud.Settle()
		if now := cloud.Now(); now < 24*time.Hour || now > 24*time.Hour+2*time.Minute {
			t.Errorf("settled after %v", now)
		}
		want(t, "in the end", h.batches[len(h.batches)-1], "good")
		want(t, "lost", len(moments(cloud, "users", "LOST")), 1)
	})
}

func TestRecordAge(t *testing.T) {
	// Rule D3.2, D6.3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		dead := cloud.Queue("dead", nil)
		cloud.Function("f", failing, memcloud.Trigger(users, &memcloud.Mapping{MaximumRecordAge: time.Minute, OnFailure: dead}))
		put(users, "a")
		cloud.Settle()
		body := dead.Messages()[0].Body
		if !strings.Contains(body, `"condition":"RecordAgeExceeded"`) || strings.Contains(body, "responseContext") {
			t.Errorf("got %s", body)
		}
	})
}

func TestBisect(t *testing.T) {
	// Rule D3.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		put(users, "a", "b", "bad", "c")
		h := &changes{answer: func(records []events.DynamoDBEventRecord) ([]byte, error) {
			for _, r := range records {
				if r.Change.Keys["id"].String() == "bad" {
					return nil, errors.New("no luck")
				}
			}
			return nil, nil
		}}
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: 1, BisectBatchOnFunctionError: true}))
		cloud.Settle()
		want(t, "halves in order; a split is no retry", h.batches, []string{"a b bad c", "a b", "bad c", "bad", "bad", "c"})
	})
}

func TestStreamAnswers(t *testing.T) {
	tests := []struct {
		rule, reason string
		answer       func([]events.DynamoDBEventRecord) ([]byte, error)
		mapping      memcloud.Mapping
		batches      []string
	}{
		{"D4.1", "the failed one and everything after it, also what succeeded", failAt("b"), memcloud.Mapping{MaximumRetries: 1},
			[]string{"a b c", "b c", "c"}},
		{"D4.1", "the lowest counts, whatever the order", func(r []events.DynamoDBEventRecord) ([]byte, error) {
			if len(r) < 3 {
				return nil, nil
			}
			return fmt.Appendf(nil, `{"batchItemFailures":[{"itemIdentifier":%q},{"itemIdentifier":%q}]}`, r[2].Change.SequenceNumber, r[1].Change.SequenceNumber), nil
		}, memcloud.Mapping{}, []string{"a b c", "b c"}},
		{"D4.2", "empty object", constantAnswer(`{}`), memcloud.Mapping{}, []string{"a b c"}},
		{"D4.2", "null list", constantAnswer(`{"batchItemFailures":null}`), memcloud.Mapping{}, []string{"a b c"}},
		{"D4.3", "empty identifier", constantAnswer(`{"batchItemFailures":[{"itemIdentifier":""}]}`), memcloud.Mapping{MaximumRetries: 1}, []string{"a b c", "a b c"}},
		{"D4.3", "a number", constantAnswer(`{"batchItemFailures":[{"itemIdentifier":1}]}`), memcloud.Mapping{MaximumRetries: 1}, []string{"a b c", "a b c"}},
		{"D4.3", "wrong key", constantAnswer(`{"batchItemFailures":[{"id":"1"}]}`), memcloud.Mapping{MaximumRetries: 1}, []string{"a b c", "a b c"}},
		{"D4.4", "cut, not halved", failAt("b"), memcloud.Mapping{MaximumRetries: 1, BisectBatchOnFunctionError: true}, []string{"a b c", "b c", "c"}},
		{"D4.4", "an error halves, whatever else is set", func(r []events.DynamoDBEventRecord) ([]byte, error) {
			if len(r) > 1 {
				return nil, errors.New("no luck")
			}
			return nil, nil
		}, memcloud.Mapping{MaximumRetries: 1, BisectBatchOnFunctionError: true}, []string{"a b c", "a", "b c", "b", "c"}},
		{"D4.4", "cut in a half", func(r []events.DynamoDBEventRecord) ([]byte, error) {
			if len(r) == 3 {
				return nil, errors.New("no luck")
			}
			return failAt("c")(r)
		}, memcloud.Mapping{MaximumRetries: 1, BisectBatchOnFunctionError: true}, []string{"a b c", "a", "b c", "c"}},
		{"D4.5", "a partial answer counts for the record in front", failAt("a"), memcloud.Mapping{MaximumRetries: 2}, []string{"a b c", "a b c", "a b c", "b c"}},
		{"D4.5", "no retry", failAt("b"), memcloud.Mapping{MaximumRetries: -1}, []string{"a b c", "c"}},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
				put(users, "a", "b", "c")
				h := &changes{answer: test.answer}
				test.mapping.ReportBatchItemFailures = true
				cloud.Function("f", h, memcloud.Trigger(users, &test.mapping))
				cloud.Settle()
				want(t, "batches", h.batches, test.batches)
			})
		})
	}
}

func TestLowestFailureIsTheCheckpoint(t *testing.T) {
	// Rule D4.1
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		var ids []string
		for i := range 40 {
			ids = append(ids, fmt.Sprintf("%02d", i))
		}
		put(users, ids...)
		h := &changes{answer: func(records []events.DynamoDBEventRecord) ([]byte, error) {
			if len(records) < 40 {
				return nil, nil
			}
			var items []map[string]string
			for i := 39; i >= 5; i-- {
				items = append(items, map[string]string{"itemIdentifier": records[i].Change.SequenceNumber})
			}
			return json.Marshal(map[string]any{"batchItemFailures": items})
		}}
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{ReportBatchItemFailures: true}))
		cloud.Settle()
		want(t, "batches", h.batches, []string{strings.Join(ids, " "), strings.Join(ids[5:], " ")})
	})
}

func constantAnswer(answer string) func([]events.DynamoDBEventRecord) ([]byte, error) {
	return func([]events.DynamoDBEventRecord) ([]byte, error) { return []byte(answer), nil }
}

func TestUnreadStreamAnswer(t *testing.T) {
	// Rule D4.1, as C5: without ReportBatchItemFailures the answer is not read.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &changes{answer: failAt("a")}
		cloud.Function("f", h, memcloud.Trigger(users))
		put(users, "a")
		cloud.Settle()
		want(t, "batches", h.batches, []string{"a"})
		if !strings.Contains(cloud.Timeline(), "passed over though failed") {
			t.Error(cloud.Timeline())
		}
	})
}
