package memcloud_test

import (
	"encoding/json"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestBucketToEventBus(t *testing.T) {
	// Rule B3.3, B6.1, B6.2, B6.3, B6.4, B7.1
	// localstack/localstack#11448: the version was missing, and a delete
	// marker was "Permanently Deleted".
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		b := cloud.Bucket("uploads", &memcloud.BucketOptions{Versioned: true, EventBridge: true})
		q := cloud.Queue("q", nil)
		cloud.EventBus("default").Target(q, &memcloud.Rule{Pattern: `{"source":["aws.s3"],"detail":{"bucket":{"name":["uploads"]}}}`})
		b.Put("a b+1%.txt", []byte("hello"))
		if _, err := b.CopyObject(t.Context(), "copy", "a b+1%.txt", nil); err != nil {
			t.Fatal(err)
		}
		b.Delete("a b+1%.txt")
		versions := b.Versions("a b+1%.txt")
		if _, err := b.DeleteObject(t.Context(), "a b+1%.txt", versions[1].VersionID); err != nil {
			t.Fatal(err)
		}
		cloud.Settle()

		type object struct {
			Key       string `json:"key"`
			Size      *int   `json:"size"`
			ETag      string `json:"etag"`
			Version   string `json:"version-id"`
			Sequencer string `json:"sequencer"`
		}
		type detail struct {
			Version string `json:"version"`
			Bucket  struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object    object `json:"object"`
			RequestID string `json:"request-id"`
			Requester string `json:"requester"`
			Address   string `json:"source-ip-address"`
			Reason    string `json:"reason"`
			Deletion  string `json:"deletion-type"`
		}
		five := 5
		const hello = "5d41402abc4b2a76b9719d911017c592"
		wants := []struct {
			detailType, reason, deletion string
			object                       object
		}{
			{"Object Created", "PutObject", "", object{Key: "a b+1%.txt", Size: &five, ETag: hello, Version: versions[1].VersionID}},
			{"Object Created", "CopyObject", "", object{Key: "copy", Size: &five, ETag: hello, Version: b.Versions("copy")[0].VersionID}},
			{"Object Deleted", "DeleteObject", "Delete Marker Created", object{Key: "a b+1%.txt", ETag: "d41d8cd98f00b204e9800998ecf8427e", Version: versions[0].VersionID}},
			{"Object Deleted", "DeleteObject", "Permanently Deleted", object{Key: "a b+1%.txt", Version: versions[1].VersionID}},
		}
		messages := q.Messages()
		want(t, "events", len(messages), len(wants))
		ids := map[string]bool{}
		for i, w := range wants {
			e := envelope(t, messages[i].Body)
			var d detail
			if err := json.Unmarshal(e.Detail, &d); err != nil {
				t.Fatal(err)
			}
			want(t, "envelope", []string{e.Source, e.DetailType, e.Resources[0]}, []string{"aws.s3", w.detailType, b.ARN()})
			want(t, "detail", []string{d.Version, d.Bucket.Name, d.Requester, d.Reason, d.Deletion}, []string{"0", "uploads", memcloud.Account, w.reason, w.deletion})
			if d.Object.Sequencer == "" || d.RequestID == "" || d.Address == "" {
				t.Errorf("sequencer, request id and address are missing: %+v", d)
			}
			d.Object.Sequencer = ""
			want(t, "object", d.Object, w.object)
			ids[e.ID] = true
		}
		want(t, "ids", len(ids), len(wants))
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("q", nil)
		cloud.EventBus("default").Target(q, nil)
		cloud.Bucket("silent", nil).Put("k", nil)
		cloud.Settle()
		want(t, "events of a bucket without EventBridge", len(q.Messages()), 0)
	})
}
