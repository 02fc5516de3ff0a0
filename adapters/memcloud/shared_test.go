package memcloud_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// TestNothingIsShared: whatever callers do with what they gave or got, nobody
// else sees it, neither a later reader nor another delivery.
func TestNothingIsShared(t *testing.T) {
	attributes := func() map[string]memcloud.Attribute {
		return map[string]memcloud.Attribute{"a": {Type: "Binary", Binary: []byte("good")}, "s": {Type: "String", Value: "good"}}
	}
	spoil := func(a map[string]memcloud.Attribute) {
		copy(a["a"].Binary, "BAD!")
		a["s"] = memcloud.Attribute{Type: "String", Value: "BAD!"}
	}
	good := func(t *testing.T, what string, a map[string]memcloud.Attribute) {
		t.Helper()
		want(t, what, a, attributes())
	}
	tests := []struct {
		reason string
		try    func(t *testing.T, cloud *memcloud.Cloud)
	}{
		{"a message that is sent and received", func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("q", &memcloud.QueueOptions{Visibility: time.Second})
			a := attributes()
			q.SendBatch(memcloud.Message{Body: "1", Attributes: a})
			spoil(a)
			good(t, "SendBatch", q.Messages()[0].Attributes)
			spoil(q.Messages()[0].Attributes)
			good(t, "Messages", q.Messages()[0].Attributes)
			spoil(q.Receive(1)[0].Attributes)
			cloud.Advance(time.Second)
			good(t, "the next receive", q.Receive(1)[0].Attributes)

			other := cloud.Queue("other", nil)
			a = attributes()
			if _, err := other.SendMessage(t.Context(), memcloud.Message{Body: "1", Attributes: a}); err != nil {
				t.Fatal(err)
			}
			spoil(a)
			batch := []memcloud.Message{{Body: "2", Attributes: attributes()}}
			if _, err := other.SendMessageBatch(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			spoil(batch[0].Attributes)
			good(t, "SendMessage", other.Messages()[0].Attributes)
			good(t, "SendMessageBatch", other.Messages()[1].Attributes)
		}},
		{"a notice for two subscribers", func(t *testing.T, cloud *memcloud.Cloud) {
			topic, one, two := cloud.Topic("t"), cloud.Queue("one", nil), cloud.Queue("two", nil)
			for _, q := range []*memcloud.Queue{one, two} {
				topic.Subscribe(q, &memcloud.Subscription{Raw: true})
			}
			a := attributes()
			if _, err := topic.Publish(t.Context(), memcloud.Notice{Message: "m", Attributes: a}); err != nil {
				t.Fatal(err)
			}
			spoil(a)
			spoil(one.Receive(1)[0].Attributes)
			good(t, "the other's", two.Receive(1)[0].Attributes)
		}},
		{"an event and its resources", func(t *testing.T, cloud *memcloud.Cloud) {
			bus, q := cloud.EventBus("b"), cloud.Queue("q", nil)
			bus.Target(q, nil)
			resources := []string{"good"}
			if _, err := bus.PutEvents(t.Context(), memcloud.BusEvent{Source: "shop", DetailType: "d", Detail: "{}", Resources: resources}); err != nil {
				t.Fatal(err)
			}
			resources[0] = "BAD!"
			cloud.Settle()
			if body := q.Messages()[0].Body; !strings.Contains(body, `["good"]`) {
				t.Errorf("got %s", body)
			}
		}},
		{"an object", func(t *testing.T, cloud *memcloud.Cloud) {
			ctx, b := t.Context(), cloud.Bucket("b", nil)
			o := memcloud.Object{Key: "k", Data: []byte("good"), Metadata: map[string]string{"m": "good"}, Tags: map[string]string{"t": "good"}}
			put, err := b.PutObject(ctx, o, memcloud.Condition{})
			if err != nil {
				t.Fatal(err)
			}
			check := func(what string) {
				t.Helper()
				got, err := b.GetObject(ctx, "k", "")
				want(t, what, []any{string(got.Data), got.Metadata["m"], got.Tags["t"], len(got.MD5), err}, []any{"good", "good", "good", 16, nil})
				if got.MD5[0] == 0 && got.MD5[1] == 0 {
					t.Errorf("%s: the MD5 is %x", what, got.MD5)
				}
			}
			spoilObject := func(o *memcloud.Object) {
				copy(o.Data, "BAD!")
				clear(o.MD5)
				for _, m := range []map[string]string{o.Metadata, o.Tags} {
					for k := range m {
						m[k] = "BAD!"
					}
				}
			}
			spoilObject(&o)
			spoilObject(&put)
			check("PutObject")
			got, _ := b.GetObject(ctx, "k", "")
			spoilObject(&got)
			check("GetObject")
			head, _ := b.HeadObject(ctx, "k", "")
			spoilObject(&head)
			check("HeadObject")
			list, _, _ := b.ListObjects(ctx, "", "", 10)
			spoilObject(&list[0])
			check("ListObjects")
			versions := b.Versions("k")
			spoilObject(&versions[0])
			check("Versions")
			data, _ := b.Get("k")
			copy(data, "BAD!")
			check("Get")
			replace := memcloud.Object{Metadata: map[string]string{"m": "good"}}
			copied, err := b.CopyObject(ctx, "copy", "k", &memcloud.CopyOptions{Replace: &replace})
			if err != nil {
				t.Fatal(err)
			}
			spoilObject(&replace)
			spoilObject(&copied)
			check("the source of CopyObject")
			head, _ = b.HeadObject(ctx, "copy", "")
			want(t, "the copy", head.Metadata["m"], "good")
			tags := map[string]string{"t": "good"}
			if err := b.PutObjectTagging(ctx, "k", "", tags); err != nil {
				t.Fatal(err)
			}
			tags["t"] = "BAD!"
			check("PutObjectTagging")
		}},
		{"a part", func(t *testing.T, cloud *memcloud.Cloud) {
			ctx, b := t.Context(), cloud.Bucket("b", nil)
			id, err := b.CreateMultipartUpload(ctx, memcloud.Object{Key: "k"})
			if err != nil {
				t.Fatal(err)
			}
			data := []byte("good")
			etag, err := b.UploadPart(ctx, "k", id, 1, data)
			if err != nil {
				t.Fatal(err)
			}
			copy(data, "BAD!")
			if _, err := b.CompleteMultipartUpload(ctx, "k", id, []memcloud.Part{{Number: 1, ETag: etag}}, memcloud.Condition{}); err != nil {
				t.Fatal(err)
			}
			data, _ = b.Get("k")
			want(t, "the object", string(data), "good")
		}},
		{"an item", func(t *testing.T, cloud *memcloud.Cloud) {
			users := cloud.Table("t", nil)
			item := func() memcloud.Item {
				return memcloud.Item{"id": "1", "b": []byte("good"), "m": memcloud.Item{"x": "good"}, "l": []any{"good"}, "s": memcloud.StringSet{"good"}}
			}
			spoilItem := func(i memcloud.Item) {
				copy(i["b"].([]byte), "BAD!")
				i["m"].(memcloud.Item)["x"] = "BAD!"
				i["l"].([]any)[0] = "BAD!"
				i["s"].(memcloud.StringSet)[0] = "BAD!"
				i["new"] = "BAD!"
			}
			check := func(what string) {
				t.Helper()
				got, _ := users.Get("1")
				want(t, what, got, item())
			}
			given := item()
			users.Put(given)
			spoilItem(given)
			check("Put")
			got, _ := users.Get("1")
			spoilItem(got)
			check("Get")
			spoilItem(users.Items()[0])
			check("Items")
			got, _ = users.GetItem(t.Context(), memcloud.Item{"id": "1"})
			spoilItem(got)
			check("GetItem")
			if err := users.Transact(t.Context(), "", func(x *memcloud.Tx) error {
				got, err := x.Get(memcloud.Item{"id": "1"})
				spoilItem(got)
				spoilItem(x.Items()[0])
				return err
			}); err != nil {
				t.Fatal(err)
			}
			check("Tx.Get and Tx.Items")
		}},
		{"what a function is given and answers", func(t *testing.T, cloud *memcloud.Cloud) {
			var answer []byte
			f := cloud.Function("f", handler(func(_ context.Context, payload []byte) ([]byte, error) {
				clear(payload)
				answer = []byte(`"good"`)
				return answer, nil
			}))
			payload := []byte(`"good"`)
			got, err := f.Invoke(t.Context(), payload)
			clear(answer)
			want(t, "the answer and the payload", []any{string(got), string(payload), err}, []any{`"good"`, `"good"`, nil})
		}},
		{"each try of an asynchronous event, a stream's batch and a queue's", func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue("q", &memcloud.QueueOptions{MaxReceives: 2})
			users := cloud.Table("t", nil)
			scribble := func(seen *int) memcloud.Handler {
				return handler(func(_ context.Context, payload []byte) ([]byte, error) {
					if !json.Valid(payload) {
						t.Errorf("try %d gets %q", *seen, payload)
					}
					*seen++
					clear(payload)
					if *seen < 2 {
						return nil, context.Canceled
					}
					return nil, nil
				})
			}
			var seen [4]int
			cloud.Function("f0", scribble(&seen[0])).Send([]byte(`{}`))
			cloud.Function("f1", scribble(&seen[1]), memcloud.Trigger(q))
			cloud.Function("f2", scribble(&seen[2]), memcloud.Trigger(users))
			bus := cloud.EventBus("b")
			cloud.Function("f3", scribble(&seen[3]), memcloud.Trigger(bus))
			behind := cloud.Queue("behind", nil)
			bus.Target(behind, nil)
			q.Send("a")
			put(users, "a")
			bus.Send("shop", "d", "{}")
			cloud.Settle()
			want(t, "tries", seen, [4]int{2, 2, 2, 2})
			want(t, "the bus's other target", json.Valid([]byte(behind.Messages()[0].Body)), true)
		}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) { bubble(t, test.try) })
	}
}
