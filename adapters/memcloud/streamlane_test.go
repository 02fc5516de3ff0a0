package memcloud_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestParallelization(t *testing.T) {
	// Rule D3.6
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Sort: "n", SortType: "N", Stream: memcloud.NewImage})
		for round := range 3 {
			for i := range 13 {
				// One partition key: it is the item that counts.
				users.Put(memcloud.Item{"id": "u", "n": i, "round": round})
			}
		}
		var (
			mu      sync.Mutex
			rounds  = map[string]string{}
			running int
			most    int
			busy    = map[string]bool{}
		)
		h := &changes{answer: func(records []events.DynamoDBEventRecord) ([]byte, error) {
			mu.Lock()
			running++
			most = max(most, running)
			for _, r := range records {
				n := r.Change.Keys["n"].Number()
				if busy[n] {
					t.Errorf("two invocations have item %s at once", n)
				}
				rounds[n] += r.Change.NewImage["round"].Number()
			}
			for _, r := range records {
				busy[r.Change.Keys["n"].Number()] = true
			}
			mu.Unlock()
			if records[0].Change.Keys["n"].Number() == "0" {
				time.Sleep(9 * time.Second) // the other lanes go ahead
			}
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			running--
			for _, r := range records {
				delete(busy, r.Change.Keys["n"].Number())
			}
			return nil, nil
		}}
		cloud.Function("f", h, &memcloud.FunctionOptions{Timeout: time.Minute}, memcloud.Trigger(users, &memcloud.Mapping{BatchSize: 2, ParallelizationFactor: 4}))
		cloud.Settle()
		for n, got := range rounds {
			want(t, "changes of item "+n, got, "012")
		}
		want(t, "items", len(rounds), 13)
		want(t, "side by side", most, 4)
	})
}

func TestPoisonBlocksItsLane(t *testing.T) {
	// Rule D3.3, D3.6
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		var mu sync.Mutex
		done := map[string]time.Duration{}
		h := &changes{answer: func(records []events.DynamoDBEventRecord) ([]byte, error) {
			now := cloud.Now().Truncate(time.Second)
			mu.Lock()
			defer mu.Unlock()
			if records[0].Change.Keys["id"].String() == "00" {
				return nil, errors.New("no luck")
			}
			done[records[0].Change.Keys["id"].String()] = now
			return nil, nil
		}}
		put(users, names(20)...)
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{BatchSize: 1, ParallelizationFactor: 10, MaximumRetries: 3}))
		cloud.Settle()
		late := 0
		for _, at := range done {
			if at > 0 {
				late++
			}
		}
		want(t, "done", len(done), 19)
		if late == 0 || late > 10 {
			t.Errorf("%d of 19 waited for the poison", late)
		}
	})
}

func TestThrottledStream(t *testing.T) {
	// Rule D3.4: being throttled is no retry.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		h := &changes{answer: func(r []events.DynamoDBEventRecord) ([]byte, error) {
			if len(r) == 0 {
				time.Sleep(10 * time.Second) // the direct call
			}
			return nil, nil
		}}
		f := cloud.Function("f", h, &memcloud.FunctionOptions{Timeout: time.Minute, ReservedConcurrency: 1},
			memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: -1}))
		go func() { _, _ = f.Invoke(t.Context(), []byte("{}")) }()
		cloud.Advance(time.Second)
		put(users, "a")
		cloud.Settle()
		want(t, "batches", h.batches, []string{"", "a"})
		want(t, "throttled at", moments(cloud, "f", "throttle"), []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second})
		want(t, "lost", len(moments(cloud, "users", "LOST")), 0)
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		f := cloud.Function("f", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			if string(payload) == "{}" {
				time.Sleep(10 * time.Second)
				return nil, nil
			}
			return nil, errors.New("no luck")
		}), &memcloud.FunctionOptions{Timeout: time.Minute, ReservedConcurrency: 1}, memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: 1}))
		go func() { _, _ = f.Invoke(t.Context(), nil) }()
		cloud.Advance(time.Second)
		put(users, "a")
		cloud.Settle()
		want(t, "throttled, and nevertheless tried twice", len(moments(cloud, "f", "invoke")), 1+2)
	})
}

func TestThrottledUntilTooOld(t *testing.T) {
	// Rule D3.4, D6.3: until the records are too old; they count as tried once.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		dead := cloud.Queue("dead", nil)
		cloud.Function("f", constant(""), &memcloud.FunctionOptions{ReservedConcurrency: -1},
			memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: -1, MaximumRecordAge: 10 * time.Minute, OnFailure: dead}))
		put(users, "a")
		cloud.Settle()
		body := bodies(dead.Messages())
		if !strings.Contains(body, `"condition":"RecordAgeExceeded","approximateInvokeCount":1`) {
			t.Errorf("got %s", body)
		}
		want(t, "invoked", len(moments(cloud, "f", "invoke")), 0)
	})
}

func TestBatchIsReadAgain(t *testing.T) {
	// Rule D3.8
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Kinds: []memcloud.Fault{memcloud.Duplicate}, Rate: 1}})
		users := cloud.Table("users", nil)
		h := &changes{}
		cloud.Function("f", h, memcloud.Trigger(users))
		put(users, "a", "b")
		cloud.Settle()
		want(t, "each batch twice", h.batches, []string{"a", "a", "b", "b"})
		want(t, "faults", cloud.Faults(), []string{"duplicate@users/f#1", "duplicate@users/f#2"})
	})
}

func TestReadLimits(t *testing.T) {
	// Rule D1.5, D3.1
	large := strings.Repeat("x", 390<<10)
	tests := []struct {
		reason  string
		n       int
		text    string
		mapping memcloud.Mapping
		sizes   []int
	}{
		{"a read has 1,000 records at most", 1500, "", memcloud.Mapping{BatchSize: 10_000}, []int{1000, 500}},
		{"a window gathers several reads", 1500, "", memcloud.Mapping{BatchSize: 10_000, Window: time.Second}, []int{1500}},
		{"a read has 1 MB at most", 5, large, memcloud.Mapping{}, []int{2, 2, 1}},
		{"a payload has 6 MB at most", 20, large, memcloud.Mapping{Window: time.Second}, []int{15, 5}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.NewImage})
				_ = users.Transact(t.Context(), "", func(x *memcloud.Tx) error {
					for i := range test.n {
						if err := x.Put(memcloud.Item{"id": fmt.Sprint(i), "text": test.text}); err != nil {
							t.Error(err)
						}
					}
					return nil
				})
				var sizes []int
				cloud.Function("f", handler(func(_ context.Context, payload []byte) ([]byte, error) {
					sizes = append(sizes, strings.Count(string(payload), `"eventID"`))
					if len(payload) > 6<<20 {
						t.Errorf("the payload has %d bytes", len(payload))
					}
					return nil, nil
				}), memcloud.Trigger(users, &test.mapping))
				cloud.Settle()
				want(t, "batches", sizes, test.sizes)
			})
		})
	}
}
