package memcloud_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// names returns n ids.
func names(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%02d", i)
	}
	return ids
}

// slowly takes a second for each batch.
func slowly([]events.DynamoDBEventRecord) ([]byte, error) { time.Sleep(time.Second); return nil, nil }

func TestShards(t *testing.T) {
	// Rule D1.3, D3.7
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.NewImage})
		h := &changes{answer: slowly}
		put(users, names(20)...)
		cloud.Function("f", h, memcloud.Trigger(users, &memcloud.Mapping{BatchSize: 15}))
		users.SplitShard("00")
		for _, id := range names(20) {
			users.Put(memcloud.Item{"id": id, "n": 1})
		}
		cloud.Settle()

		want(t, "the parent first, to its end", strings.Join(h.batches[:2], " "), strings.Join(names(20), " "))
		want(t, "batches of the children", len(h.batches), 2+2)
		children := slices.Sorted(slices.Values(strings.Fields(strings.Join(h.batches[2:], " "))))
		want(t, "each change once", children, names(20))
		for _, batch := range h.batches[2:] {
			if batch == "" || len(strings.Fields(batch)) == 20 {
				t.Errorf("a child has %q", batch)
			}
		}
		want(t, "the children side by side", moments(cloud, "f", "invoke"), []time.Duration{0, time.Second, 2 * time.Second, 2 * time.Second})
	})
}

func TestBlockedParent(t *testing.T) {
	// Rule D1.3: also while the parent is blocked, and over two generations.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		tries := 0
		h := &changes{answer: func([]events.DynamoDBEventRecord) ([]byte, error) {
			if tries++; tries < 3 {
				return nil, fmt.Errorf("no luck")
			}
			return nil, nil
		}}
		cloud.Function("f", h, memcloud.Trigger(users))
		put(users, "a")
		users.SplitShard("a")
		users.Put(memcloud.Item{"id": "a", "n": 1})
		users.SplitShard("a")
		users.Put(memcloud.Item{"id": "a", "n": 2})
		cloud.Settle()
		var images []string
		for _, r := range h.records {
			n := "-"
			if v, ok := r.Change.NewImage["n"]; ok {
				n = v.Number()
			}
			images = append(images, n)
		}
		want(t, "changes of the item", images, []string{"-", "-", "-", "1", "2"})
	})
}

func TestShardsOfANewMapping(t *testing.T) {
	// Rule D1.3, D3.1: the oldest shards first, or the latest position in each.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		put(users, "a")
		users.SplitShard("a")
		put(users, "b")
		oldest, latest := &changes{answer: slowly}, &changes{}
		cloud.Function("oldest", oldest, memcloud.Trigger(users))
		cloud.Function("latest", latest, memcloud.Trigger(users, &memcloud.Mapping{Latest: true}))
		put(users, "c")
		cloud.Settle()
		want(t, "from the oldest", oldest.batches[0], "a")
		want(t, "all", slices.Sorted(slices.Values(strings.Fields(strings.Join(oldest.batches, " ")))), []string{"a", "b", "c"})
		want(t, "from the latest", latest.batches, []string{"c"})
	})
}

func TestShardSplitFault(t *testing.T) {
	// Rule D1.3: a fault splits the shard of the third change.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: []string{"shard-split@users#3"}}})
		users := cloud.Table("users", nil)
		h := &changes{answer: slowly}
		cloud.Function("f", h, memcloud.Trigger(users))
		put(users, "a", "b", "a2", "b2", "c2")
		cloud.Settle()
		want(t, "faults", cloud.Faults(), []string{"shard-split@users#3"})
		want(t, "splits", len(moments(cloud, "users", "split")), 1)
		want(t, "before the split", h.batches[:2], []string{"a", "b"})
	})
}

func TestWrongUseOfStreams(t *testing.T) {
	// Rule D1.2, D1.3: the view cannot be edited, and no shard be split for ever.
	r := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(r)
		defer r.finish()
		users := cloud.Table("users", nil)
		next := 0
		refused := func(part string) {
			t.Helper()
			if len(r.errors) != next+1 || !strings.Contains(r.errors[next], "ValidationException") || !strings.Contains(r.errors[next], part) {
				t.Errorf("got %q, want %q", r.errors[next:], part)
			}
			next = len(r.errors)
		}
		users.SplitShard("a")
		refused("no stream")
		users.DisableStream()
		refused("already has a disabled stream")
		users.EnableStream("SOME_IMAGES")
		refused("no StreamViewType")
		users.EnableStream("")
		users.EnableStream(memcloud.NewImage)
		refused("already has an enabled stream")
		users.SplitShard(struct{}{})
		refused("no attribute value")
		splits := 0
		for splits < 100 && len(r.errors) == next {
			users.SplitShard("a")
			splits++
		}
		refused("cannot be split")
		want(t, "splits of one key", splits-1, 64)
		users.DisableStream()
		users.SplitShard("a")
		refused("no stream")
	})
}

func TestStreamIsDisabled(t *testing.T) {
	// Rule D1.2
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		before := users.StreamARN()
		old := &changes{answer: slowly}
		cloud.Function("old", old, memcloud.Trigger(users, &memcloud.Mapping{BatchSize: 1}))
		put(users, "a", "b")
		users.DisableStream()
		wantError(t, panicOf(func() { cloud.Function("none", old, memcloud.Trigger(users)) }), "InvalidParameterValueException", "EnableStream")
		put(users, "unseen")
		users.EnableStream(memcloud.NewImage)
		if after := users.StreamARN(); after <= before {
			t.Errorf("the ARN of the new stream is %s, that of the old one %s", after, before)
		}
		h := &changes{}
		cloud.Function("new", h, memcloud.Trigger(users))
		put(users, "c")
		cloud.Settle()
		want(t, "the old stream is read to its end, by its mapping alone", old.batches, []string{"a", "b"})
		want(t, "the new one", h.batches, []string{"c"})
		want(t, "view", h.records[0].Change.StreamViewType, "NEW_IMAGE")
		want(t, "stream", h.records[0].EventSourceArn, users.StreamARN())
		if !strings.Contains(cloud.Timeline(), "old reads the old one") {
			t.Error(cloud.Timeline())
		}
	})
}

func TestStreamForgets(t *testing.T) {
	// Rule D1.2: what is older than 24 hours is not there for a new mapping.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{Stream: memcloud.KeysOnly})
		put(users, "a")
		cloud.Advance(time.Hour)
		put(users, "b")
		cloud.Advance(23*time.Hour + time.Minute)
		h := &changes{}
		cloud.Function("f", h, memcloud.Trigger(users))
		cloud.Settle()
		want(t, "batches", h.batches, []string{"b"})
		want(t, "lost", len(moments(cloud, "users", "LOST")), 0)
	})
}

func TestTimeToLive(t *testing.T) {
	// Rule D2.4
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", &memcloud.TableOptions{TTL: "until"})
		h := &changes{}
		cloud.Function("f", h, memcloud.Trigger(users))
		at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
		users.Put(memcloud.Item{"id": "hour", "until": at(time.Hour)})
		users.Put(memcloud.Item{"id": "longer", "until": at(time.Hour)})
		users.Put(memcloud.Item{"id": "longer", "until": at(3 * time.Hour)})
		users.Put(memcloud.Item{"id": "kept", "until": at(time.Hour)})
		users.Put(memcloud.Item{"id": "kept"})
		users.Put(memcloud.Item{"id": "deleted", "until": at(time.Hour)})
		users.Delete("deleted")
		users.Put(memcloud.Item{"id": "text", "until": "1"})
		users.Put(memcloud.Item{"id": "ms", "until": time.Now().UnixMilli()})
		users.Put(memcloud.Item{"id": "fraction", "until": 1.5})
		users.Put(memcloud.Item{"id": "past", "until": at(-time.Hour)})
		users.Put(memcloud.Item{"id": "long past", "until": at(-6 * 366 * 24 * time.Hour)})
		cloud.Settle()
		if now := cloud.Now(); now > time.Second {
			t.Errorf("Settle waited until %v: nobody waits for a time to live", now)
		}
		cloud.Advance(2 * time.Hour)
		cloud.Settle()

		var left []string
		for _, item := range users.Items() {
			left = append(left, item["id"].(string))
		}
		want(t, "left", left, []string{"fraction", "kept", "long past", "longer", "ms", "text"})
		want(t, "deletes", moments(cloud, "users", "delete"), []time.Duration{0, 0, time.Hour})
		var removed []string
		for _, r := range h.records {
			if r.EventName == "REMOVE" {
				removed = append(removed, fmt.Sprint(r.Change.Keys["id"].String(), r.UserIdentity != nil))
			}
		}
		want(t, "removed, by the service or not", removed, []string{"deletedfalse", "pasttrue", "hourtrue"})
	})
}
