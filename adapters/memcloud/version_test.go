package memcloud_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// told are the names of the events of a queue that a bucket sends to, each
// with the version if the record has one: "Put v", "Delete".
func told(t *testing.T, q *memcloud.Queue) (names []string, records []events.S3EventRecord) {
	t.Helper()
	for _, m := range q.Messages() {
		var e events.S3Event
		unmarshal(t, m.Body, &e)
		for _, r := range e.Records {
			_, name, _ := strings.Cut(r.EventName, ":")
			if r.S3.Object.VersionID != "" {
				name += " v"
			}
			names = append(names, name)
			records = append(records, r)
		}
	}
	return names, records
}

func TestDeleteObjects(t *testing.T) {
	// Rule B5.6, B1.7, B4.2
	// stackshy/cloudemu#571: deletes, alone and in batches, told nothing.
	for _, versioned := range []bool{false, true} {
		bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
			b := cloud.Bucket("uploads", &memcloud.BucketOptions{Versioned: versioned})
			b.Put("a", []byte("x"))
			b.Put("b", []byte("x"))
			b.Put("in/c", []byte("x"))
			old := b.Versions("b")[0].VersionID
			q := cloud.Queue("q", nil)
			b.Notify(q, &memcloud.Notification{Events: []string{"s3:ObjectRemoved:*"}})
			if err := b.DeleteObjects(t.Context(), memcloud.ObjectVersion{Key: "a"}, memcloud.ObjectVersion{Key: "b", VersionID: old}, memcloud.ObjectVersion{Key: "in/c"}); err != nil {
				t.Fatal(err)
			}
			names, records := told(t, q)
			if versioned {
				want(t, "events", names, []string{"DeleteMarkerCreated v", "Delete v", "DeleteMarkerCreated v"})
				want(t, "the version that is gone", records[1].S3.Object.VersionID, old)
			} else {
				want(t, "events", names, []string{"Delete", "Delete", "Delete"})
			}
			want(t, "records and messages", len(records), len(q.Messages())-1) // and the test event
			want(t, "what is left", len(b.Keys()), 0)
			if versioned { // one step, two changes of one key: their order can be told
				if err := b.DeleteObjects(t.Context(), memcloud.ObjectVersion{Key: "b"}, memcloud.ObjectVersion{Key: "b"}); err != nil {
					t.Fatal(err)
				}
				_, again := told(t, q)
				first, second := again[len(again)-2].S3.Object, again[len(again)-1].S3.Object
				if first.Key != "b" || second.Key != "b" || first.Sequencer >= second.Sequencer {
					t.Errorf("the sequencers %s and %s of one key, want the second to be the greater", first.Sequencer, second.Sequencer)
				}
			}
			wantError(t, b.DeleteObjects(t.Context()), "MalformedXML", "1000")
			wantError(t, b.DeleteObjects(t.Context(), make([]memcloud.ObjectVersion, 1001)...), "MalformedXML", "1001")
		})
	}
}

func TestDeleteMarkers(t *testing.T) {
	// Rule B1.7
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		b := cloud.Bucket("uploads", &memcloud.BucketOptions{Versioned: true})
		q := cloud.Queue("q", nil)
		b.Notify(q, &memcloud.Notification{Events: everything})
		b.Put("k", []byte("one"))
		b.Delete("k")
		b.Delete("k") // a second marker
		b.Delete("never")
		markers := b.Versions("k")
		_, err := b.GetObject(ctx, "k", markers[0].VersionID)
		wantError(t, err, "MethodNotAllowed", "delete marker")
		_, err = b.GetObject(ctx, "k", "none")
		wantError(t, err, "NoSuchVersion", "")
		for _, m := range markers[:2] {
			if _, ok := b.Get("k"); ok {
				t.Error("a marker is left, and the object visible")
			}
			if _, err := b.DeleteObject(ctx, "k", m.VersionID); err != nil {
				t.Fatal(err)
			}
		}
		data, _ := b.Get("k")
		want(t, "without markers", string(data), "one")
		// A version that is named is gone for good, also when it was a marker.
		names, records := told(t, q)
		want(t, "events", names, []string{"Put v", "DeleteMarkerCreated v", "DeleteMarkerCreated v", "DeleteMarkerCreated v", "Delete v", "Delete v"})
		want(t, "the first marker that went", records[4].S3.Object.VersionID, markers[0].VersionID)
	})
}

func TestVersioningSuspended(t *testing.T) {
	// Rule B1.9
	// localstack/localstack#1250: the version of a record named nothing.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		b := cloud.Bucket("uploads", nil)
		q := cloud.Queue("q", nil)
		b.Notify(q, &memcloud.Notification{Events: everything})
		versioning := func(enabled bool) {
			if err := b.PutBucketVersioning(ctx, enabled); err != nil {
				t.Fatal(err)
			}
		}
		b.Put("k", []byte("before"))
		versioning(true)
		b.Put("k", []byte("kept"))
		kept := b.Versions("k")[0].VersionID
		versioning(false)
		b.Put("k", []byte("null"))  // replaces "before"
		b.Put("k", []byte("null2")) // and this
		read := func(version string) string {
			o, err := b.GetObject(ctx, "k", version)
			if err != nil {
				return err.Error()
			}
			return string(o.Data)
		}
		want(t, "versions", len(b.Versions("k")), 2)
		want(t, "contents", []string{read(""), read("null"), read(kept)}, []string{"null2", "null2", "kept"})
		b.Delete("k") // the marker takes the place of the null version
		want(t, "versions with the marker", len(b.Versions("k")), 2)
		want(t, "still there", read(kept), "kept")
		if _, err := b.DeleteObject(ctx, "k", "null"); err != nil {
			t.Fatal(err)
		}
		want(t, "without the marker", read(""), "kept")
		names, records := told(t, q)
		want(t, "events", names, []string{"Put", "Put v", "Put", "Put", "DeleteMarkerCreated", "Delete"})
		want(t, "the version of a record can be read", records[1].S3.Object.VersionID, kept)
	})
}

func TestCopyObject(t *testing.T) {
	// Rule B5.6
	// stackshy/cloudemu#320: copies and multipart uploads told nothing.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		from := cloud.Bucket("from", &memcloud.BucketOptions{Versioned: true})
		to := cloud.Bucket("to", nil)
		q := cloud.Queue("q", nil)
		to.Notify(q, &memcloud.Notification{Events: everything})
		put := func(data string) {
			if _, err := from.PutObject(ctx, memcloud.Object{Key: "k", Data: []byte(data), ContentType: "text/plain", Metadata: map[string]string{"n": data}, Tags: map[string]string{"t": data}}, memcloud.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		put("one")
		put("two")
		from.Delete("k")
		marker, old := from.Versions("k")[0].VersionID, from.Versions("k")[2].VersionID

		_, err := to.CopyObject(ctx, "c", "k", &memcloud.CopyOptions{From: from})
		wantError(t, err, "NoSuchKey", "")
		_, err = to.CopyObject(ctx, "c", "k", &memcloud.CopyOptions{From: from, Version: marker})
		wantError(t, err, "InvalidRequest", "may not specifically refer to a delete marker by version id")
		_, err = to.CopyObject(ctx, "c", "k", &memcloud.CopyOptions{From: from, Version: "nothing"})
		wantError(t, err, "NoSuchVersion", "nothing")
		describe := func(o memcloud.Object, err error) string {
			if err != nil {
				return err.Error()
			}
			data, _ := to.Get(o.Key)
			return fmt.Sprint(string(data), " ", o.ContentType, " ", o.Metadata["n"], " ", o.Tags["t"], " ", o.VersionID != "")
		}
		want(t, "a version, with metadata and tags", describe(to.CopyObject(ctx, "c", "k", &memcloud.CopyOptions{From: from, Version: old})), "one text/plain one one false")
		_, err = to.CopyObject(ctx, "c", "c", nil)
		wantError(t, err, "InvalidRequest", "to copy an object to itself without changing")
		want(t, "onto itself, with other metadata", describe(to.CopyObject(ctx, "c", "c", &memcloud.CopyOptions{Replace: &memcloud.Object{ContentType: "image/png", Metadata: map[string]string{"n": "new"}}})), "one image/png new one false")
		_, err = to.CopyObject(ctx, "", "c", nil)
		wantError(t, err, "KeyTooLongError", "")
		names, _ := told(t, q)
		want(t, "events", names, []string{"Copy", "Copy"})
		if _, err := from.CopyObject(ctx, "k", "k", &memcloud.CopyOptions{Version: old}); err != nil {
			t.Errorf("an old version onto the latest: %v", err)
		}
		data, _ := from.Get("k")
		want(t, "restored", string(data), "one")
	})
}

func TestObjectTagging(t *testing.T) {
	// Rule B1.8
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		b := cloud.Bucket("uploads", nil)
		q := cloud.Queue("q", nil)
		b.Notify(q, &memcloud.Notification{Events: []string{"s3:ObjectTagging:*"}})
		b.Put("k", []byte("x"))
		before, _ := b.HeadObject(ctx, "k", "")
		tags := map[string]string{"a": "b"}
		if err := b.PutObjectTagging(ctx, "k", "", tags); err != nil {
			t.Fatal(err)
		}
		tags["a"] = "c"
		o, _ := b.HeadObject(ctx, "k", "")
		want(t, "tags", o.Tags, map[string]string{"a": "b"})
		want(t, "the object's sequencer", o.Sequencer, before.Sequencer)
		if err := b.DeleteObjectTagging(ctx, "k", ""); err != nil {
			t.Fatal(err)
		}
		names, records := told(t, q)
		want(t, "events", names, []string{"Put", "Delete"})
		for i, r := range records {
			want(t, "object", r.S3.Object, events.S3Object{Key: "k", URLDecodedKey: "k", ETag: before.ETag})
			if body := q.Messages()[i+1].Body; strings.Contains(body, `"size"`) || strings.Contains(body, `"sequencer"`) {
				t.Errorf("size or sequencer: %s", body)
			}
		}
		wantError(t, b.PutObjectTagging(ctx, "nothing", "", nil), "NoSuchKey", "")
		wantError(t, b.PutObjectTagging(ctx, "k", "nothing", nil), "NoSuchVersion", "")
		wantError(t, b.PutObjectTagging(ctx, "k", "", map[string]string{"": "x"}), "InvalidTag", "TagKey")
		wantError(t, b.PutObjectTagging(ctx, "k", "", map[string]string{"x": strings.Repeat("x", 257)}), "InvalidTag", "TagValue")
		many := map[string]string{}
		for i := range 11 {
			many[fmt.Sprint(i)] = ""
		}
		_, err := b.PutObject(ctx, memcloud.Object{Key: "k", Tags: many}, memcloud.Condition{})
		wantError(t, err, "BadRequest", "Object tags cannot be greater than 10")
	})
}

func TestExpire(t *testing.T) {
	// Rule B5.4
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		plain, versioned := cloud.Bucket("plain", nil), cloud.Bucket("versioned", &memcloud.BucketOptions{Versioned: true, EventBridge: true})
		removed, expired, bus := cloud.Queue("removed", nil), cloud.Queue("expired", nil), cloud.Queue("bus", nil)
		cloud.EventBus("default").Target(bus, &memcloud.Rule{Pattern: `{"detail-type":["Object Deleted"],"detail":{"reason":["Lifecycle Expiration"]}}`})
		for _, b := range []*memcloud.Bucket{plain, versioned} {
			b.Notify(removed, &memcloud.Notification{Events: []string{"s3:ObjectRemoved:*"}})
			b.Notify(expired, &memcloud.Notification{Events: []string{"s3:LifecycleExpiration:*"}})
			b.Put("k", nil)
			b.Expire("k")
		}
		names, _ := told(t, expired)
		want(t, "expired", names, []string{"Delete", "DeleteMarkerCreated v"})
		names, _ = told(t, removed)
		want(t, "removed", len(names), 0)
		cloud.Settle()
		want(t, "on the bus", len(bus.Messages()), 1) // Rule B6.2, B6.3
	})
}
