package enginetest

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var notificationScripts = []script{
	{"notify", notify},
	{"notifykeys", notifyKeys},
	{"notifyfilter", notifyFilter},
	{"notifyversions", notifyVersions},
	{"notifyothers", notifyOthers},
	{"notifymultipart", notifyMultipart},
	{"notifytopic", notifyTopic},
	{"notifyrefused", notifyRefused},
}

// events takes what a bucket sent to a queue, and returns the records.
func events(r *Run, q Queue) []document {
	r.t.Helper()
	var records []document
	for {
		messages := r.Receive(q, 10)
		if len(messages) == 0 {
			return records
		}
		for _, m := range messages {
			records = append(records, recordsIn(m.Body)...)
			r.Must(q.DeleteMessage(r.ctx, m.Receipt))
		}
	}
}

// recordsIn returns the records of a notification. A body that is none gives
// itself.
func recordsIn(body string) []document {
	var notification struct{ Records []json.RawMessage }
	if err := json.Unmarshal([]byte(body), &notification); err != nil || notification.Records == nil {
		return []document{parse(body)}
	}
	var records []document
	for _, text := range notification.Records {
		records = append(records, parse(string(text)))
	}
	return records
}

// summary writes records in one line: their names and keys, as a set, for
// their order means nothing.
func summary(records []document) string {
	var list []string
	for _, d := range records {
		list = append(list, d.text("eventName")+d.text("Event")+" "+d.text("s3.object.key"))
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

// named returns the first record with the event name.
func named(records []document, name string) document {
	for _, d := range records {
		if d.text("eventName") == name {
			return d
		}
	}
	return nil
}

func notify(r *Run) {
	b, q := r.Bucket("uploads", nil), r.Queue("changes", nil)
	r.See("configure", b.Notify(q, memcloud.Notification{Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}, ID: "all"}))
	test := parse(r.One(q).Body)
	r.SeeMembers("members of the test event", test)
	r.SeeDocument("test event", test, "Service", "Event", "Bucket")
	events(r, q)

	p := b.Portable()
	defer p.Close()
	r.Must(p.WriteAll(r.ctx, "a.txt", []byte("hello"), &blob.WriterOptions{ContentType: "text/plain"}))
	created := events(r, q)
	r.See("write", summary(created))
	record := named(created, "ObjectCreated:Put")
	r.SeeMembers("members of a put", record)
	r.SeeDocument("put", record, "eventSource", "awsRegion", "s3.s3SchemaVersion", "s3.configurationId", "s3.bucket.name", "s3.bucket.arn",
		"s3.object.key", "s3.object.size", "s3.object.eTag")
	_, err := time.Parse(time.RFC3339, record.text("eventTime"))
	r.See("put: the time has a zone", err == nil)
	r.See("put: major version", strings.Split(record.text("eventVersion"), ".")[0])

	r.Must(p.WriteAll(r.ctx, "empty", nil, &blob.WriterOptions{ContentType: "text/plain"}))
	created = events(r, q)
	r.See("write nothing", summary(created))
	r.See("the size of nothing", named(created, "ObjectCreated:Put")["s3.object.size"])

	r.Must(p.Copy(r.ctx, "b.txt", "a.txt", nil))
	created = events(r, q)
	r.See("copy", summary(created))
	r.See("the size of the copy", named(created, "ObjectCreated:Copy")["s3.object.size"])

	r.Must(b.DeleteObject(r.ctx, "a.txt", ""))
	removed := events(r, q)
	r.See("delete", summary(removed))
	r.SeeMembers("members of a removal", named(removed, "ObjectRemoved:Delete"))
	r.SeeDocument("removal", named(removed, "ObjectRemoved:Delete"), "s3.object.key", "s3.object.size", "s3.object.eTag")

	r.Must(b.DeleteObject(r.ctx, "a.txt", ""))
	r.See("delete what is not there", summary(events(r, q)))
	r.SeeCode("a write that fails", p.WriteAll(r.ctx, "b.txt", []byte("x"), &blob.WriterOptions{IfNotExist: true}))
	r.See("and tells nothing", summary(events(r, q)))
	_, err = p.ReadAll(r.ctx, "b.txt")
	r.SeeCode("a read", err)
	r.See("and tells nothing either", summary(events(r, q)))
}

func notifyKeys(r *Run) {
	b, q := r.Bucket("uploads", nil), r.Queue("changes", nil)
	r.Must(b.Notify(q, memcloud.Notification{Events: []string{"s3:ObjectCreated:Put"}}))
	events(r, q)
	for _, key := range []string{"plain.txt", "a b.txt", "dir/file.txt", "a+b", "a@b", "100%", "ä", "a&b=c", "-_.,;:!"} {
		r.Must(put(r, b, key))
		record := named(events(r, q), "ObjectCreated:Put")
		r.See("key "+key, record.text("s3.object.key"))
	}
}

func notifyFilter(r *Run) {
	b := r.Bucket("uploads", nil)
	pictures, logs, deletions := r.Queue("pictures", nil), r.Queue("logs", nil), r.Queue("deletions", nil)
	r.See("prefix and suffix", b.Notify(pictures, memcloud.Notification{Events: []string{"s3:ObjectCreated:*"}, Prefix: "in/", Suffix: ".jpg"}))
	r.See("suffix alone", b.Notify(logs, memcloud.Notification{Events: []string{"s3:ObjectCreated:Put"}, Suffix: ".log"}))
	r.See("another event", b.Notify(deletions, memcloud.Notification{Events: []string{"s3:ObjectRemoved:Delete"}}))
	for _, q := range []Queue{pictures, logs, deletions} {
		events(r, q)
	}
	for _, key := range []string{"in/a.jpg", "in/a.png", "a.jpg", "in/a.JPG", "in/a.log", "xin/a.jpg", "in/.jpg", "a.log", "a.log.jpg"} {
		r.Must(put(r, b, key))
		r.See("put "+key, fmt.Sprintf("pictures %q, logs %q", summary(events(r, pictures)), summary(events(r, logs))))
	}
	_, err := b.CopyObject(r.ctx, "copy.log", "a.log")
	r.Must(err)
	r.See("copy", summary(events(r, logs)))
	r.See("no deletion so far", summary(events(r, deletions)))
	r.Must(b.DeleteObject(r.ctx, "a.log", ""))
	r.See("deletion", summary(events(r, deletions)))
}

func notifyVersions(r *Run) {
	b, q := r.Bucket("uploads", &memcloud.BucketOptions{Versioned: true}), r.Queue("changes", nil)
	r.Must(b.Notify(q, memcloud.Notification{Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}}))
	events(r, q)
	o, err := b.PutObject(r.ctx, memcloud.Object{Key: "a", Data: []byte("one")}, memcloud.Condition{})
	r.Must(err)
	r.Name(o.VersionID, "version-one")
	created := events(r, q)
	r.See("put", summary(created))
	r.SeeDocument("put", named(created, "ObjectCreated:Put"), "s3.object.versionId")
	r.Must(b.DeleteObject(r.ctx, "a", ""))
	removed := events(r, q)
	r.See("delete", summary(removed))
	r.SeeDocument("marker", named(removed, "ObjectRemoved:DeleteMarkerCreated"), "s3.object.eTag")
	r.Must(b.DeleteObject(r.ctx, "a", o.VersionID))
	removed = events(r, q)
	r.See("delete the version", summary(removed))
	r.SeeDocument("removal", named(removed, "ObjectRemoved:Delete"), "s3.object.versionId", "s3.object.size")
}

// notifyOthers is about uploads in parts, deletes of several, and tags.
func notifyOthers(r *Run) {
	b, q := r.Bucket("uploads", nil), r.Queue("changes", nil)
	r.See("configure", b.Notify(q, memcloud.Notification{Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"}}))
	events(r, q)
	id, err := b.CreateMultipartUpload(r.ctx, memcloud.Object{Key: "big"})
	r.Must(err)
	etag, err := b.UploadPart(r.ctx, "big", id, 1, []byte("hello"))
	r.Must(err)
	r.See("before it is complete", summary(events(r, q)))
	_, err = b.CompleteMultipartUpload(r.ctx, "big", id, []memcloud.Part{{Number: 1, ETag: etag}}, memcloud.Condition{})
	r.Must(err)
	created := events(r, q)
	r.See("complete", summary(created))
	record := named(created, "ObjectCreated:CompleteMultipartUpload")
	r.SeeDocument("upload in parts", record, "s3.object.key", "s3.object.size", "s3.object.eTag")

	r.Must(put(r, b, "a"))
	r.Must(put(r, b, "b"))
	events(r, q)
	r.Must(b.DeleteObjects(r.ctx, memcloud.ObjectVersion{Key: "a"}, memcloud.ObjectVersion{Key: "b"}))
	r.See("delete two", summary(events(r, q)))
	r.See("tag", b.PutObjectTagging(r.ctx, "big", "", map[string]string{"k": "v"}))
	tagged := events(r, q)
	r.See("events of the tag", summary(tagged))
	r.SeeDocument("tags", named(tagged, "ObjectTagging:Put"), "s3.object.size")
	r.See("take the tags away", b.DeleteObjectTagging(r.ctx, "big", ""))
	r.See("events of that", summary(events(r, q)))
}

func notifyMultipart(r *Run) {
	b, q := r.Bucket("uploads", nil), r.Queue("changes", nil)
	r.Must(b.Notify(q, memcloud.Notification{Events: []string{"s3:ObjectCreated:*"}}))
	events(r, q)
	p := b.Portable()
	defer p.Close()
	r.Must(p.WriteAll(r.ctx, "big", make([]byte, 17<<20), nil))
	created := events(r, q)
	r.See("17 MB through gocloud", summary(created))
	size := "absent"
	for _, record := range created {
		size = record["s3.object.size"]
	}
	r.See("size", size)
}

// notifyTopic sends a bucket's events through a topic.
func notifyTopic(r *Run) {
	b, topic := r.Bucket("uploads", nil), r.Topic("changes")
	enveloped, raw := r.Queue("enveloped", nil), r.Queue("raw", nil)
	r.Must(topic.Subscribe(enveloped, false))
	r.Must(topic.Subscribe(raw, true))
	r.See("configure", b.Notify(topic, memcloud.Notification{Events: []string{"s3:ObjectCreated:Put"}}))
	envelope := parse(r.One(enveloped).Body)
	r.See("test event: subject", envelope.text("Subject"))
	r.See("test event: enveloped", parse(envelope.text("Message")).text("Event"))
	r.See("test event: raw", parse(r.One(raw).Body).text("Event"))

	r.Must(put(r, b, "a b"))
	m := r.One(enveloped)
	envelope = parse(m.Body)
	r.SeeMembers("members of the envelope", envelope)
	r.SeeDocument("enveloped", envelope, "Type", "TopicArn", "Subject")
	r.See("enveloped: attributes", Attributes(m.Attributes))
	inside := recordsIn(envelope.text("Message"))
	r.See("enveloped: records", len(inside))
	r.SeeDocument("record", inside[0], "eventName", "s3.bucket.name", "s3.object.key", "s3.object.size")
	m = r.One(raw)
	r.See("raw: attributes", Attributes(m.Attributes))
	r.See("raw: records", summary(recordsIn(m.Body)))
	r.See("raw: as enveloped", m.Body == envelope.text("Message"))
	r.See("one message each", fmt.Sprint(r.Receive(enveloped, 10), ", ", r.Receive(raw, 10)))
}

func notifyRefused(r *Run) {
	b, q := r.Bucket("uploads", nil), r.Queue("changes", nil)
	created := []string{"s3:ObjectCreated:*"}
	r.See("first", b.Notify(q, memcloud.Notification{Events: created, Prefix: "in/", Suffix: ".jpg"}))
	r.See("overlapping", b.Notify(r.Queue("others", nil), memcloud.Notification{Events: created, Prefix: "in/a", Suffix: ".jpg"}))
	r.See("overlapping prefixes alone", b.Notify(r.Queue("pngs", nil), memcloud.Notification{Events: created, Prefix: "in/a", Suffix: ".png"}))
	r.See("no such event", b.Notify(r.Queue("none", nil), memcloud.Notification{Events: []string{"s3:ObjectSeen"}, Prefix: "x/"}))
	r.See("a FIFO queue", b.Notify(r.Queue("orders.fifo", nil), memcloud.Notification{Events: created, Prefix: "y/"}))
}
