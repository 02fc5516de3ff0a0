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

// notices is a handler that keeps S3's records.
type notices struct {
	mu      sync.Mutex
	records []events.S3EventRecord
	raw     []string
}

func (n *notices) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.S3Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records = append(n.records, e.Records...)
	n.raw = append(n.raw, string(payload))
	return nil, nil
}

func (n *notices) names() string {
	var list []string
	for _, r := range n.records {
		list = append(list, r.EventName+" "+r.S3.Object.Key)
	}
	return strings.Join(list, ", ")
}

var everything = []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}

func TestBucketEvents(t *testing.T) {
	// Rule B1.1, B1.2, B1.6, B1.7, B1.9, B3.1, B3.5, B5.6
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		b := cloud.Bucket("uploads", nil)
		h := &notices{}
		cloud.Function("thumb", h, memcloud.Trigger(b, &memcloud.Notification{Events: everything, ID: "all"}))
		b.Put("in/a b+ü.jpg", []byte("hello"))
		cloud.Settle()
		if _, err := b.CopyObject(t.Context(), "copy", "in/a b+ü.jpg", nil); err != nil {
			t.Fatal(err)
		}
		cloud.Settle()
		b.Delete("in/a b+ü.jpg")
		b.Delete("in/a b+ü.jpg") // nothing there any more: no event (Rule B5.4)
		cloud.Settle()
		b.Put("empty", nil)
		cloud.Settle()
		want(t, "events", h.names(), "ObjectCreated:Put in/a+b%2B%C3%BC.jpg, ObjectCreated:Copy copy, ObjectRemoved:Delete in/a+b%2B%C3%BC.jpg, ObjectCreated:Put empty")

		put, deleted := h.records[0], h.records[2]
		want(t, "put", put.S3.Object, events.S3Object{
			Key: "in/a+b%2B%C3%BC.jpg", URLDecodedKey: "in/a b+ü.jpg", Size: 5, ETag: "5d41402abc4b2a76b9719d911017c592", Sequencer: put.S3.Object.Sequencer,
		})
		want(t, "delete", deleted.S3.Object, events.S3Object{
			Key: "in/a+b%2B%C3%BC.jpg", URLDecodedKey: "in/a b+ü.jpg", Sequencer: deleted.S3.Object.Sequencer,
		})
		if strings.Contains(h.raw[2], `"size"`) || strings.Contains(h.raw[2], `"eTag"`) || !strings.Contains(h.raw[3], `"size":0`) {
			t.Errorf("size and eTag: absent of a delete, there of an empty object:\n%s\n%s", h.raw[2], h.raw[3])
		}
		if len(put.S3.Object.Sequencer) != 18 || put.S3.Object.Sequencer >= deleted.S3.Object.Sequencer {
			// Rule B4.2
			t.Errorf("sequencers %s, %s", put.S3.Object.Sequencer, deleted.S3.Object.Sequencer)
		}
		want(t, "configuration", put.S3.ConfigurationID, "all")
		want(t, "bucket", put.S3.Bucket.Arn, "arn:aws:s3:::uploads")
		want(t, "source", []string{put.EventSource, put.AWSRegion}, []string{"aws:s3", "eu-west-1"})
		if put.ResponseElements["x-amz-request-id"] == "" || put.ResponseElements["x-amz-id-2"] == "" || put.ResponseElements["x-amz-request-id"] == deleted.ResponseElements["x-amz-request-id"] {
			t.Errorf("response elements %v, %v", put.ResponseElements, deleted.ResponseElements)
		}
	})
}

func TestVersions(t *testing.T) {
	// Rule B1.7, B1.9
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		b := cloud.Bucket("uploads", &memcloud.BucketOptions{Versioned: true})
		h := &notices{}
		cloud.Function("thumb", h, memcloud.Trigger(b, &memcloud.Notification{Events: everything}))
		b.Put("k", []byte("one"))
		b.Put("k", []byte("two"))
		b.Delete("k")
		if _, ok := b.Get("k"); ok {
			t.Error("a marker hides the object")
		}
		versions := b.Versions("k")
		want(t, "versions", len(versions), 3)
		old, err := b.GetObject(ctx, "k", versions[2].VersionID)
		if err != nil || string(old.Data) != "one" {
			t.Errorf("got %s, %v", old.Data, err)
		}
		if _, err := b.DeleteObject(ctx, "k", versions[0].VersionID); err != nil {
			t.Fatal(err)
		}
		data, _ := b.Get("k")
		want(t, "after the marker is deleted", string(data), "two")
		cloud.Settle()
		want(t, "events", len(h.records), 4)
		for _, r := range h.records {
			switch r.EventName {
			case "ObjectRemoved:DeleteMarkerCreated":
				want(t, "marker", []string{r.S3.Object.ETag, r.S3.Object.VersionID}, []string{"d41d8cd98f00b204e9800998ecf8427e", versions[0].VersionID})
			case "ObjectRemoved:Delete":
				want(t, "the version that was named", r.S3.Object.VersionID, versions[0].VersionID)
			}
		}
	})
}

func TestNotificationFilter(t *testing.T) {
	// Rule B5.1
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		b := cloud.Bucket("uploads", nil)
		h := &notices{}
		cloud.Function("thumb", h, memcloud.Trigger(b, &memcloud.Notification{Prefix: "in/", Suffix: ".jpg"}))
		for _, key := range []string{"in/a.jpg", "out/a.jpg", "in/a.png", "in/*.jpg"} {
			b.Put(key, []byte("x"))
			cloud.Settle()
		}
		b.Delete("in/a.jpg")
		cloud.Settle()
		want(t, "events", h.names(), "ObjectCreated:Put in/a.jpg, ObjectCreated:Put in/*.jpg")
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// A configuration is encoded like a form, the key is not.
		b := cloud.Bucket("uploads", nil)
		q := cloud.Queue("q", nil)
		b.Notify(q, &memcloud.Notification{Prefix: "my+files/", Suffix: "%2B"})
		for _, key := range []string{"my files/a+", "my+files/a+", "my files/a%2B", "my files/a "} {
			b.Put(key, nil)
		}
		_, records := told(t, q)
		want(t, "events", len(records), 1)
		want(t, "key", records[0].S3.Object.Key, "my+files/a%2B")
	})
}

func TestNotificationTargets(t *testing.T) {
	// Rule B2.1, B2.2, B7.1
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		b := cloud.Bucket("uploads", nil)
		direct, viaTopic, raw := cloud.Queue("direct", nil), cloud.Queue("via-topic", nil), cloud.Queue("raw", nil)
		topic := cloud.Topic("news")
		topic.Subscribe(viaTopic, nil)
		topic.Subscribe(raw, &memcloud.Subscription{Raw: true})
		b.Notify(direct, &memcloud.Notification{Prefix: "q/"})
		b.Notify(topic, &memcloud.Notification{Prefix: "t/"})
		cloud.Function("f", failing, memcloud.Trigger(b, &memcloud.Notification{Prefix: "f/"}))
		cloud.Settle()
		want(t, "a function gets no test event", len(moments(cloud, "f", "invoke")), 0)

		var test events.S3TestEvent
		for _, q := range []*memcloud.Queue{direct, raw} {
			body := []byte(q.Messages()[0].Body)
			if err := json.Unmarshal(body, &test); err != nil || test.Event != "s3:TestEvent" || test.Service != "Amazon S3" || test.Bucket != "uploads" {
				t.Errorf("%s: %+v, %v", q.Name(), test, err)
			}
		}
		b.Put("q/a", []byte("x"))
		b.Put("t/a", []byte("x"))
		record := func(body string) string {
			var e events.S3Event
			if err := json.Unmarshal([]byte(body), &e); err != nil || len(e.Records) != 1 {
				t.Fatalf("%s: %v", body, err)
			}
			return e.Records[0].S3.Object.Key
		}
		want(t, "direct", record(direct.Messages()[1].Body), "q/a")
		want(t, "raw", record(raw.Messages()[1].Body), "t/a")
		var n events.SNSEntity
		if err := json.Unmarshal([]byte(viaTopic.Messages()[1].Body), &n); err != nil {
			t.Fatal(err)
		}
		want(t, "envelope", []string{n.Type, n.Subject, n.TopicArn, record(n.Message)}, []string{"Notification", "Amazon S3 Notification", topic.ARN(), "t/a"})
	})
}

func TestNotificationConfiguration(t *testing.T) {
	// Rule B5.2, B5.3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("q", nil)
		fifo := cloud.Queue("q.fifo", nil)
		tests := []struct {
			reason string
			a, b   memcloud.Notification
			ok     bool
		}{
			{"suffixes cannot both match", memcloud.Notification{Prefix: "in/", Suffix: ".jpg"}, memcloud.Notification{Prefix: "in/", Suffix: ".png"}, true},
			{"prefixes cannot both match", memcloud.Notification{Prefix: "in/"}, memcloud.Notification{Prefix: "out/"}, true},
			{"types cannot both match", memcloud.Notification{}, memcloud.Notification{Events: []string{"s3:ObjectRemoved:*"}}, true},
			{"the same", memcloud.Notification{}, memcloud.Notification{}, false},
			{"one prefix in the other", memcloud.Notification{Prefix: "in/"}, memcloud.Notification{Prefix: "in/jpg/"}, false},
			{"one suffix in the other", memcloud.Notification{Suffix: "g"}, memcloud.Notification{Prefix: "in/", Suffix: ".jpg"}, false},
			{"wildcard", memcloud.Notification{}, memcloud.Notification{Events: []string{"s3:ObjectCreated:Copy"}}, false},
		}
		for i, test := range tests {
			b := cloud.Bucket(string(rune('a'+i)), nil)
			b.Notify(q, &test.a)
			if err := panicOf(func() { b.Notify(q, &test.b) }); test.ok && err != nil {
				t.Errorf("%s: %v", test.reason, err)
			} else if !test.ok {
				wantError(t, err, "InvalidArgument", "overlapping suffixes")
			}
			// Rule B2.2: a configuration that is refused sends no test event.
			tested := 0
			for _, m := range q.Messages() {
				var e events.S3TestEvent
				unmarshal(t, m.Body, &e)
				if e.Bucket == b.Name() {
					tested++
				}
			}
			want(t, test.reason, tested == 2, test.ok)
		}
		b := cloud.Bucket("uploads", nil)
		wantError(t, panicOf(func() { b.Notify(fifo, nil) }), "InvalidArgument", "FIFO")
		for reason, n := range map[string]memcloud.Notification{
			"filter":         {Prefix: "%zz"},
			"1024":           {Suffix: strings.Repeat("x", 1025)},
			"255":            {ID: strings.Repeat("x", 256)},
			"must be unique": {ID: "taken", Prefix: "b/"},
		} {
			b := cloud.Bucket("bucket "+reason, nil)
			b.Notify(q, &memcloud.Notification{ID: "taken", Prefix: "a/"})
			wantError(t, panicOf(func() { b.Notify(q, &n) }), "InvalidArgument", reason)
		}
		many := cloud.Bucket("many", nil)
		for i := range 100 {
			many.Notify(q, &memcloud.Notification{Prefix: fmt.Sprintf("%02d/", i)})
		}
		wantError(t, panicOf(func() { many.Notify(q, &memcloud.Notification{Prefix: "x/"}) }), "TooManyConfigurations", "100")
		wantError(t, panicOf(func() { b.Notify(q, &memcloud.Notification{Events: []string{"ObjectCreated:Put"}}) }), "InvalidArgument", "ObjectCreated:Put")
	})
}

func TestNotificationFaults(t *testing.T) {
	// Rule B4.1, B4.2
	tests := []struct {
		reason string
		fault  string
		bodies string
	}{
		{"twice", "duplicate@uploads/notify/q#1", "1 1 2"},
		{"late, and so after the next", "delay@uploads/notify/q#1", "2 1"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			unlucky(t, []string{test.fault}, func(t *testing.T, cloud *memcloud.Cloud) {
				b := cloud.Bucket("uploads", nil)
				q := cloud.Queue("q", nil)
				b.Notify(q, nil)
				b.Put("k", []byte("1"))
				b.Put("k", []byte("22"))
				cloud.Settle()
				_, records := told(t, q)
				var sizes []string
				sequencers := map[int64]string{}
				for _, r := range records {
					o := r.S3.Object
					sizes = append(sizes, fmt.Sprint(o.Size))
					if known := sequencers[o.Size]; known != "" && known != o.Sequencer {
						t.Error("a duplicate has a sequencer of its own")
					}
					sequencers[o.Size] = o.Sequencer
				}
				want(t, "sizes", strings.Join(sizes, " "), test.bodies)
				if sequencers[1] >= sequencers[2] {
					t.Errorf("sequencers %v", sequencers)
				}
			})
		})
	}
	unlucky(t, []string{"duplicate@uploads/notify/default#1"}, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("q", nil)
		cloud.EventBus("default").Target(q, nil)
		cloud.Bucket("uploads", &memcloud.BucketOptions{EventBridge: true}).Put("k", nil)
		cloud.Settle()
		want(t, "events on the bus", len(q.Messages()), 2)
	})
}

func TestObjects(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		b := cloud.Bucket("uploads", nil)
		data := []byte("hello")
		o, err := b.PutObject(ctx, memcloud.Object{Key: "k", Data: data, ContentType: "text/plain", Metadata: map[string]string{"a": "b"}}, memcloud.Condition{IfNoneMatch: true})
		if err != nil {
			t.Fatal(err)
		}
		data[0] = 'x'
		got, err := b.GetObject(ctx, "k", "")
		if err != nil || string(got.Data) != "hello" || got.ContentType != "text/plain" || got.Metadata["a"] != "b" {
			t.Errorf("got %+v, %v", got, err)
		}
		got.Data[0], got.Metadata["a"] = 'y', "c"
		again, _ := b.GetObject(ctx, "k", "")
		want(t, "nothing is shared", string(again.Data)+again.Metadata["a"], "hellob")

		_, err = b.PutObject(ctx, memcloud.Object{Key: "k"}, memcloud.Condition{IfNoneMatch: true})
		wantError(t, err, "PreconditionFailed", "")
		_, err = b.PutObject(ctx, memcloud.Object{Key: "k"}, memcloud.Condition{IfMatch: "other"})
		wantError(t, err, "PreconditionFailed", "")
		if _, err = b.PutObject(ctx, memcloud.Object{Key: "k", Data: []byte("new")}, memcloud.Condition{IfMatch: o.ETag}); err != nil {
			t.Error(err)
		}
		_, err = b.PutObject(ctx, memcloud.Object{Key: "nothing"}, memcloud.Condition{IfMatch: o.ETag})
		wantError(t, err, "NoSuchKey", "nothing")
		_, err = b.GetObject(ctx, "nothing", "")
		wantError(t, err, "NoSuchKey", "nothing")
		_, err = b.HeadObject(ctx, "nothing", "")
		wantError(t, err, "NoSuchKey", "nothing")
		_, err = b.CopyObject(ctx, "to", "nothing", nil)
		wantError(t, err, "NoSuchKey", "nothing")
		_, err = b.PutObject(ctx, memcloud.Object{Key: strings.Repeat("k", 1025)}, memcloud.Condition{})
		wantError(t, err, "KeyTooLongError", "1025")

		b.Put("a/1", nil)
		b.Put("a/2", nil)
		b.Put("a/3", nil)
		list, more, _ := b.ListObjects(ctx, "a/", "a/1", 1)
		if len(list) != 1 || list[0].Key != "a/2" || !more {
			t.Errorf("got %v, %v", list, more)
		}
		existed, _ := b.DeleteObject(ctx, "a/1", "")
		again2, _ := b.DeleteObject(ctx, "a/1", "")
		want(t, "existed", []bool{existed, again2}, []bool{true, false})
		want(t, "keys", strings.Join(b.Keys(), " "), "a/2 a/3 k")
	})
}

func TestAsynchronousInvocation(t *testing.T) {
	// Rule B7.3, B7.6, A6.2
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		b := cloud.Bucket("uploads", nil)
		dead := cloud.Queue("dead", nil)
		var ids, payloads []string
		h := handler(func(_ context.Context, payload []byte) ([]byte, error) {
			payloads = append(payloads, string(payload))
			clear(payload) // a handler may scribble
			panic("cannot scale\n" + strings.Repeat("x", 2000))
		})
		cloud.Function("thumb", h, memcloud.Trigger(b), &memcloud.FunctionOptions{
			DeadLetter: dead,
			Context: func(ctx context.Context, inv memcloud.Invocation) context.Context {
				ids = append(ids, inv.RequestID)
				return ctx
			},
		})
		b.Put("a.jpg", []byte("x"))
		cloud.Settle()
		want(t, "tries", moments(cloud, "thumb", "invoke"), []time.Duration{0, time.Minute, 3 * time.Minute})
		want(t, "one request id", ids, []string{ids[0], ids[0], ids[0]})
		want(t, "equal payloads", payloads, []string{payloads[0], payloads[0], payloads[0]})
		got := dead.Messages()
		if len(got) != 1 || got[0].Body != payloads[0] {
			t.Fatalf("dead letters: %v", got)
		}
		// Rule H1: the message is the event, its attributes tell the rest.
		a := got[0].Attributes
		want(t, "attributes", []string{a["RequestID"].Value, a["ErrorCode"].Type, a["ErrorCode"].Value}, []string{ids[0], "Number", "200"})
		want(t, "the first KB", len(a["ErrorMessage"].Value), 1024)
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// A partial answer is no failure here.
		b := cloud.Bucket("uploads", nil)
		cloud.Function("thumb", constant(`{"batchItemFailures":[{"itemIdentifier":"x"}]}`), memcloud.Trigger(b))
		b.Put("a.jpg", nil)
		cloud.Settle()
		want(t, "tries", len(moments(cloud, "thumb", "invoke")), 1)
	})
}

func TestAsynchronousLimits(t *testing.T) {
	// Rule B7.5
	tests := []struct {
		reason string
		o      memcloud.FunctionOptions
		tries  []time.Duration
	}{
		{"no retries", memcloud.FunctionOptions{Retries: -1}, []time.Duration{0}},
		{"one retry", memcloud.FunctionOptions{Retries: 1}, []time.Duration{0, time.Minute}},
		{"too old for the third try", memcloud.FunctionOptions{MaxAge: 2 * time.Minute}, []time.Duration{0, time.Minute}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				f := cloud.Function("f", failing, &test.o)
				f.Send([]byte("{}"))
				cloud.Settle()
				want(t, "tries", moments(cloud, "f", "invoke"), test.tries)
				want(t, "lost", len(moments(cloud, "f", "LOST")), 1)
			})
		})
	}
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		fifo := cloud.Queue("dead.fifo", nil)
		for name, o := range map[string]*memcloud.FunctionOptions{
			"a": {Retries: 3}, "b": {MaxAge: time.Second}, "c": {Timeout: time.Hour}, "d": {DeadLetter: fifo},
		} {
			if panicOf(func() { cloud.Function(name, failing, o) }) == nil {
				t.Errorf("%+v was taken", o)
			}
		}
	})
}

func TestInvoke(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		f := cloud.Function("echo", handler(func(ctx context.Context, payload []byte) ([]byte, error) {
			deadline, _ := ctx.Deadline()
			return append(payload, []byte(" "+time.Until(deadline).Round(time.Millisecond).String())...), nil
		}))
		answer, err := f.Invoke(t.Context(), []byte("12"))
		if string(answer) != "12 3s" || err != nil {
			t.Errorf("got %s, %v", answer, err)
		}
		_, err = cloud.Function("fails", failing).Invoke(t.Context(), nil)
		e, ok := err.(*memcloud.FunctionError)
		if !ok || e.Type != "errorString" || e.Message != "no luck" {
			t.Errorf("got %v", err)
		}
	})
}

func TestTopic(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		topic := cloud.Topic("news")
		enveloped, raw := cloud.Queue("enveloped", nil), cloud.Queue("raw", nil)
		topic.Subscribe(enveloped, nil)
		topic.Subscribe(raw, &memcloud.Subscription{Raw: true})
		var got events.SNSEvent
		cloud.Function("f", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			return nil, json.Unmarshal(payload, &got)
		}), memcloud.Trigger(topic))
		attributes := map[string]memcloud.Attribute{"type": {Type: "String", Value: "x"}}
		id, err := topic.Publish(t.Context(), memcloud.Notice{Message: "hello", Subject: "s", Attributes: attributes})
		if err != nil {
			t.Fatal(err)
		}
		cloud.Settle()
		// Rule F3.2: enveloped, raw; F3.12: one record to a function.
		var n events.SNSEntity
		if err := json.Unmarshal([]byte(enveloped.Messages()[0].Body), &n); err != nil {
			t.Fatal(err)
		}
		want(t, "envelope", []string{n.MessageID, n.Message, n.Subject}, []string{id, "hello", "s"})
		want(t, "raw", []string{raw.Messages()[0].Body, raw.Messages()[0].Attributes["type"].Value}, []string{"hello", "x"})
		want(t, "records", len(got.Records), 1)
		want(t, "function", []string{got.Records[0].SNS.MessageID, got.Records[0].SNS.Message}, []string{id, "hello"})
		if !strings.HasPrefix(got.Records[0].EventSubscriptionArn, topic.ARN()+":") {
			t.Errorf("subscription %s", got.Records[0].EventSubscriptionArn)
		}
		_, err = topic.Publish(t.Context(), memcloud.Notice{})
		wantError(t, err, "InvalidParameter", "Empty message")
		wantError(t, panicOf(func() { topic.Subscribe(cloud.Queue("q.fifo", nil), nil) }), "InvalidParameter", "FIFO")
	})
}
