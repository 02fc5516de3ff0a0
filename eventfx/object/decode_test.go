package object_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/internal/kindlaw"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		reason  string
		rule    string
		message *eventfx.Message
		want    object.Change
	}{
		{
			reason: "a form-encoded key: plus is a space, %2B a plus", rule: "B3.1",
			message: s3("ObjectCreated:Put", "red flower+a@b.jpg", `{"key":"red+flower%2Ba%40b.jpg","size":5,"eTag":"5d41","sequencer":"0055AED6DCD90281E5"}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Put", Key: "red flower+a@b.jpg", Size: 5, ETag: "5d41", Sequencer: "0055AED6DCD90281E5"},
		},
		{
			reason: "an adapter that follows the published one puts the encoded key into the subject", rule: "A8",
			message: s3("ObjectCreated:Put", "red+flower%2Ba%40b.jpg", `{"key":"red+flower%2Ba%40b.jpg","size":5}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Put", Key: "red flower+a@b.jpg", Size: 5},
		},
		{
			reason: "a plus in the subject may be a space, too", rule: "A8",
			message: s3("ObjectCreated:Put", "red+flower.jpg", `{"key":"red+flower.jpg","size":5}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Put", Key: "red flower.jpg", Size: 5},
		},
		{
			reason: "CloudEvents forbids the key, so the subject is the encoded one", rule: "B3.4",
			message: s3("ObjectCreated:Put", "a%0Ab", `{"key":"a%0Ab","size":5}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Put", Key: "a\nb", Size: 5},
		},
		{
			reason: "an invalid escape is no reason to lose the event", rule: "B3.2",
			message: s3("ObjectCreated:Put", "100%.txt", `{"key":"100%.txt","size":5}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Put", Key: "100%.txt", KeyEncoded: true, Size: 5},
		},
		{
			reason:  "JSON escapes of the key are undone first",
			message: s3("ObjectCreated:Copy", "", `{"key":"\u0061\/b%C3%A4","size":5}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Copy", Key: "a/bä", Size: 5},
		},
		{
			reason: "size 0 is an empty object", rule: "B1.7",
			message: s3("ObjectCreated:Put", "a", `{"key":"a","size":0}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Put", Key: "a", Size: 0},
		},
		{
			reason: "a removal has neither size nor tag", rule: "B1.7",
			message: s3("ObjectRemoved:Delete", "a", `{"key":"a","sequencer":"0055AED6DCD90281E6"}`),
			want:    object.Change{Kind: object.Remove, Service: "s3", Event: "ObjectRemoved:Delete", Key: "a", Size: -1, Sequencer: "0055AED6DCD90281E6"},
		},
		{
			reason: "a delete marker has a tag and a version", rule: "B1.7",
			message: s3("ObjectRemoved:DeleteMarkerCreated", "a", `{"key":"a","eTag":"d41d8cd9","versionId":"v2","sequencer":"0055AED6DCD90281E6"}`),
			want:    object.Change{Kind: object.Remove, Service: "s3", Event: "ObjectRemoved:DeleteMarkerCreated", Key: "a", Size: -1, ETag: "d41d8cd9", Version: "v2", Sequencer: "0055AED6DCD90281E6", Marker: true},
		},
		{
			reason: "lifecycle rules remove by events of their own", rule: "B5.4",
			message: s3("LifecycleExpiration:DeleteMarkerCreated", "a", `{"key":"a","versionId":"v2"}`),
			want:    object.Change{Kind: object.Remove, Service: "s3", Event: "LifecycleExpiration:DeleteMarkerCreated", Key: "a", Size: -1, Version: "v2", Marker: true},
		},
		{
			reason: "tags are neither new content nor a removal, and have no sequencer", rule: "B1.8",
			message: s3("ObjectTagging:Put", "a", `{"key":"a","eTag":"5d41","versionId":null}`),
			want:    object.Change{Kind: object.Other, Service: "s3", Event: "ObjectTagging:Put", Key: "a", Size: -1, ETag: "5d41"},
		},
		{
			reason: "a null version is none", rule: "B1.9",
			message: s3("ObjectCreated:Put", "a", `{"key":"a","size":null,"versionId":null}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Put", Key: "a", Size: -1},
		},
		{
			reason: "the prefix of configurations is no part of the event", rule: "B1.6",
			message: s3("s3:ObjectCreated:Post", "a", `{"key":"a","size":5}`),
			want:    object.Change{Kind: object.Create, Service: "s3", Event: "ObjectCreated:Post", Key: "a", Size: 5},
		},
		{
			reason: "EventBridge does not encode keys", rule: "B3.3",
			message: s3EventBridge("ObjectCreated", "a+b 100%25.jpg", `{"key":"a+b 100%25.jpg","size":5,"etag":"5d41","version-id":"v1","sequencer":"617f08299329d189"}`, `,"reason":"PutObject"`),
			want:    object.Change{Kind: object.Create, Service: "eventbridge", Event: "ObjectCreated", Key: "a+b 100%25.jpg", Size: 5, ETag: "5d41", Version: "v1", Sequencer: "617f08299329d189"},
		},
		{
			reason: "CloudEvents forbids the key on EventBridge, too", rule: "B3.4",
			message: s3EventBridge("ObjectCreated", "a%0Ab", `{"key":"a\nb","size":5}`, ""),
			want:    object.Change{Kind: object.Create, Service: "eventbridge", Event: "ObjectCreated", Key: "a\nb", Size: 5},
		},
		{
			reason: "emulators write eTag", rule: "B6.1",
			message: s3EventBridge("ObjectCreated", "a", `{"key":"a","size":5,"eTag":"5d41"}`, ""),
			want:    object.Change{Kind: object.Create, Service: "eventbridge", Event: "ObjectCreated", Key: "a", Size: 5, ETag: "5d41"},
		},
		{
			reason: "the deletion type tells of a delete marker", rule: "B6.3",
			message: s3EventBridge("ObjectDeleted", "a", `{"key":"a","etag":"d41d8cd9","version-id":"v2","sequencer":"61"}`, `,"deletion-type":"Delete Marker Created"`),
			want:    object.Change{Kind: object.Remove, Service: "eventbridge", Event: "ObjectDeleted", Key: "a", Size: -1, ETag: "d41d8cd9", Version: "v2", Sequencer: "61", Marker: true},
		},
		{
			reason: "a permanent removal has neither size nor tag", rule: "B6.4",
			message: s3EventBridge("ObjectDeleted", "a", `{"key":"a","sequencer":"61"}`, `,"deletion-type":"Permanently Deleted"`),
			want:    object.Change{Kind: object.Remove, Service: "eventbridge", Event: "ObjectDeleted", Key: "a", Size: -1, Sequencer: "61"},
		},
		{
			reason: "the other detail types", rule: "B6.2",
			message: s3EventBridge("ObjectTagsAdded", "a", `{"key":"a","etag":"d41d8cd9"}`, ""),
			want:    object.Change{Kind: object.Other, Service: "eventbridge", Event: "ObjectTagsAdded", Key: "a", Size: -1, ETag: "d41d8cd9"},
		},
		{
			reason:  "Google's sizes and generations are strings",
			message: gcs("finalized", "in/a b+c.jpg"),
			want:    object.Change{Kind: object.Create, Service: "gcs", Event: "finalized", Key: "in/a b+c.jpg", Size: 352, ETag: "CNHZkbuF/ugCEAE=", Version: "1587627537231057", Sequencer: "1587627537231057"},
		},
		{
			reason: "a sender may encode the subject; the data names the object as it is",
			message: message("google.cloud.storage.object.v1.finalized", "//storage.googleapis.com/projects/_/buckets/my.bucket",
				"objects/a%20b", `{"bucket":"my.bucket","name":"a b","size":5,"generation":7}`),
			want: object.Change{Kind: object.Create, Service: "gcs", Event: "finalized", Key: "a b", Size: 5, Version: "7", Sequencer: "7"},
		},
		{
			reason:  "the end of a generation names it",
			message: gcs("deleted", "100%.jpg"),
			want:    object.Change{Kind: object.Remove, Service: "gcs", Event: "deleted", Key: "100%.jpg", Size: 352, ETag: "CNHZkbuF/ugCEAE=", Version: "1587627537231057", Sequencer: "1587627537231057"},
		},
		{
			reason:  "an archived generation is left behind",
			message: gcs("archived", "a"),
			want:    object.Change{Kind: object.Remove, Service: "gcs", Event: "archived", Key: "a", Size: 352, ETag: "CNHZkbuF/ugCEAE=", Version: "1587627537231057", Sequencer: "1587627537231057", Marker: true},
		},
		{
			reason:  "metadata is no content",
			message: gcs("metadataUpdated", "a"),
			want:    object.Change{Kind: object.Other, Service: "gcs", Event: "metadataUpdated", Key: "a", Size: 352, ETag: "CNHZkbuF/ugCEAE=", Version: "1587627537231057", Sequencer: "1587627537231057"},
		},
		{
			reason:  "the key on Azure follows /blobs/ and may hold it again",
			message: azure("BlobCreated", "/blobServices/default/containers/my.bucket/blobs/in/blobs/a+b.jpg", "PutBlockList"),
			want:    object.Change{Kind: object.Create, Service: "azure", Event: "BlobCreated", Key: "in/blobs/a+b.jpg", Size: 352, ETag: "0x8D4BCC2E4835CD0", Sequencer: "00000000000004420000000000028963"},
		},
		{
			reason:  "the leading slash of Azure's subject is optional",
			message: azure("BlobDeleted", "blobServices/default/containers/my.bucket/blobs/a", "DeleteBlob"),
			want:    object.Change{Kind: object.Remove, Service: "azure", Event: "BlobDeleted", Key: "a", Size: 352, ETag: "0x8D4BCC2E4835CD0", Sequencer: "00000000000004420000000000028963"},
		},
		{
			reason:  "a file that was opened on Azure has no content yet",
			message: azure("BlobCreated", "/blobServices/default/containers/my.bucket/blobs/a", "CreateFile"),
			want:    object.Change{Kind: object.Other, Service: "azure", Event: "BlobCreated", Key: "a", Size: 352, ETag: "0x8D4BCC2E4835CD0", Sequencer: "00000000000004420000000000028963"},
		},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			tt.want.Bucket, tt.want.Time = "my.bucket", noon
			got, err := object.Any{}.Decode(tt.message)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rule %s (-want +got):\n%s", tt.rule, diff)
			}
			checkMatch(t, tt.message, tt.want)
		})
	}
}

// checkMatch checks that sources match m exactly when they fit what m decodes
// to, and the law of kinds.
func checkMatch(t *testing.T, m *eventfx.Message, c object.Change) {
	t.Helper()
	cut := len(c.Key) / 2
	for _, f := range []object.Any{
		{}, {Bucket: c.Bucket}, {Bucket: "bucket"}, {Bucket: c.Bucket + "x"}, {Bucket: strings.ToUpper(c.Bucket)},
		{Prefix: c.Key}, {Prefix: c.Key[:cut]}, {Prefix: c.Key + "x"}, {Prefix: "in/"},
		{Suffix: c.Key}, {Suffix: c.Key[cut:]}, {Suffix: "x" + c.Key}, {Suffix: ".JPG"}, {Suffix: ".jpg"},
		{Bucket: c.Bucket, Prefix: c.Key, Suffix: c.Key}, {Bucket: "other", Prefix: c.Key},
	} {
		fits := (f.Bucket == "" || f.Bucket == c.Bucket) && strings.HasPrefix(c.Key, f.Prefix) && strings.HasSuffix(c.Key, f.Suffix)
		if got := kindlaw.Check(t, f, m); got != fits {
			t.Errorf("%v: match %v", f, got)
		}
		if got := kindlaw.Check(t, object.Created(f), m); got != (fits && c.Kind == object.Create) {
			t.Errorf("%v: match %v", object.Created(f), got)
		}
		if got := kindlaw.Check(t, object.Removed(f), m); got != (fits && c.Kind == object.Remove) {
			t.Errorf("%v: match %v", object.Removed(f), got)
		}
	}
}

func TestCreatedOnAzure(t *testing.T) {
	const subject = "/blobServices/default/containers/photos/blobs/a.jpg"
	for api, want := range map[string]bool{
		"PutBlob": true, "PutBlockList": true, "CopyBlob": true, "FlushWithClose": true, "SftpCommit": true,
		"CreateFile": false, "SftpCreate": false, "putblob": false, "": false,
	} {
		if got := (object.Created{Bucket: "photos"}).Match(azure("BlobCreated", subject, api)); got != want {
			t.Errorf("api %q: match %v", api, got)
		}
	}
}

// The events of stores that are not S3, but speak its language, have a source
// of which the bucket cannot be cut.
func TestOtherStores(t *testing.T) {
	// Rule A7.2
	m := s3("ObjectCreated:Put", "a.jpg", `{"key":"a.jpg","size":1}`)
	m.SetSource("minio:s3..my.bucket")
	checkMatch(t, m, object.Change{Kind: object.Create, Bucket: "my.bucket", Key: "a.jpg"})
}

func TestNoObjectEvents(t *testing.T) {
	const subject = "/blobServices/default/containers/photos/blobs/a.jpg"
	for _, m := range []*eventfx.Message{
		{},
		message("com.amazonaws.s3.", "aws:s3.eu-west-1.b", "a", "{}"),
		message("com.amazonaws.s3", "aws:s3.eu-west-1.b", "a", "{}"),
		message("com.amazonaws.sqs.message", "aws:s3.eu-west-1.b", "a", `{"s3":{"bucket":{"name":"b"},"object":{"key":"a"}}}`),
		message("google.cloud.storage.object.v1.", "//storage.googleapis.com/projects/_/buckets/b", "objects/a", "{}"),
		azure("DirectoryCreated", subject, "CreateDirectory"),
		azure("BlobCreated", "/blobServices/default/containers/photos", "PutBlob"),
		azure("BlobCreated", "/blobServices/default/containers/photos/blobs/", "PutBlob"),
		azure("BlobInventoryPolicyCompleted", "/blobDataManagement/inventoryPolicy", ""),
	} {
		if (object.Any{}).Match(m) {
			t.Errorf("%s %s matched", m.Type(), m.Subject())
		}
		if c, err := (object.Any{}).Decode(m); err == nil {
			t.Errorf("%s %s gave %v", m.Type(), m.Subject(), c)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, tt := range []struct {
		reason  string
		message *eventfx.Message
		want    string
	}{
		{"no data", message("com.amazonaws.s3.ObjectCreated:Put", "aws:s3.eu-west-1.b", "a", ""), "unexpected end"},
		{"truncated", message("com.amazonaws.s3.ObjectCreated:Put", "aws:s3.eu-west-1.b", "a", `{"s3":{`), "unexpected end"},
		{"bytes after the end", message("com.amazonaws.s3.ObjectCreated:Put", "aws:s3.eu-west-1.b", "a", `{} {}`), "offset 3"},
		{"not an object", message("com.amazonaws.s3.ObjectCreated:Put", "aws:s3.eu-west-1.b", "a", `[]`), "JSON array at offset 0: want object"},
		{"a key that is none", s3("ObjectCreated:Put", "a", `{"key":12}`), "JSON number at offset"},
		{"a size that is none", s3("ObjectCreated:Put", "a", `{"key":"a","size":true}`), "JSON boolean at offset"},
		{"half a byte", s3("ObjectCreated:Put", "a", `{"key":"a","size":0.5}`), `size "0.5" at offset`},
		{"a negative size", s3EventBridge("ObjectCreated", "a", `{"key":"a","size":-1}`, ""), `size "-1" at offset`},
		{"words for a size", message("google.cloud.storage.object.v1.finalized", "//storage.googleapis.com/projects/_/buckets/b", "objects/a", `{"size":"many"}`), `size "many" at offset`},
		{"no key", s3("ObjectCreated:Put", "", `{"size":1}`), "names no object"},
		{"no bucket", message("com.amazonaws.s3.ObjectCreated", "aws.s3", "a", `{"object":{"key":"a"}}`), "names no bucket"},
		{"Azure without data", func() *eventfx.Message {
			return message("Microsoft.Storage.BlobDeleted", "/a", "/blobServices/default/containers/photos/blobs/a.jpg", "x")
		}(), "invalid JSON at offset 0"},
	} {
		c, err := (object.Any{}).Decode(tt.message)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.message.Type()) {
			t.Errorf("%s: %+v, error %v, want %q", tt.reason, c, err, tt.want)
		}
		if (object.Any{Bucket: "b", Prefix: "x"}).Match(tt.message) {
			t.Errorf("%s: an object of unknown name matched", tt.reason)
		}
	}
}

func TestString(t *testing.T) {
	for want, src := range map[string]eventfx.Source[object.Change]{
		`object.Created{}`:                                             object.Created{},
		`object.Created{Bucket: "uploads"}`:                            object.Created{Bucket: "uploads"},
		`object.Removed{Prefix: "a\nb"}`:                               object.Removed{Prefix: "a\nb"},
		`object.Any{Bucket: "uploads", Prefix: "in/", Suffix: ".jpg"}`: object.Any{Bucket: "uploads", Prefix: "in/", Suffix: ".jpg"},
	} {
		if got := src.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Most messages that a router asks about are for another route.
func TestMatchAllocatesNothing(t *testing.T) {
	created := object.Created{Bucket: "my.bucket", Prefix: "in/", Suffix: ".jpg"}
	for _, m := range []*eventfx.Message{
		s3("ObjectCreated:Put", "in/a b.jpg", `{"key":"in/a+b.jpg"}`),
		s3EventBridge("ObjectCreated", "in/a+b.jpg", `{"key":"in/a+b.jpg"}`, ""),
		gcs("finalized", "in/a+b.jpg"),
		gcs("deleted", "in/a+b.jpg"),
	} {
		if n := testing.AllocsPerRun(100, func() { created.Match(m) }); n != 0 {
			t.Errorf("%s: %v allocations", m.Type(), n)
		}
	}
}
