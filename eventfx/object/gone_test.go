package object_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
)

func TestIfGone(t *testing.T) {
	errDown := errors.New("bucket is down")
	exists := func(_ context.Context, c object.Change) (bool, error) {
		if c.Key == "unknown" {
			return false, errDown
		}
		return c.Key == "overwritten", nil
	}
	for _, tt := range []struct {
		reason      string
		group       string
		messages    []*eventfx.Message
		handled     []string
		notDone     []string
		handlerFail string
	}{
		{reason: "the object is gone", messages: []*eventfx.Message{gcs("deleted", "gone")}, handled: []string{"gone"}},
		{reason: "the generation was overwritten", messages: []*eventfx.Message{gcs("deleted", "overwritten")}},
		{reason: "archived, and a newer one is live", messages: []*eventfx.Message{gcs("archived", "overwritten")}},
		{reason: "it is for every service", messages: []*eventfx.Message{azure("BlobDeleted", "/blobServices/default/containers/b/blobs/overwritten", "DeleteBlob")}},
		{reason: "a look that failed fails its message alone", messages: []*eventfx.Message{gcs("deleted", "gone"), gcs("deleted", "unknown"), gcs("deleted", "too")}, handled: []string{"gone", "too"}, notDone: []string{"unknown: object: look at \"unknown\" in bucket \"my.bucket\": bucket is down"}},
		{reason: "in a group what follows waits", group: "g", messages: []*eventfx.Message{gcs("deleted", "gone"), gcs("deleted", "unknown"), gcs("deleted", "too")}, handled: []string{"gone"}, notDone: []string{"unknown: object: look at \"unknown\" in bucket \"my.bucket\": bucket is down", "too: an earlier message of its group failed: eventfx: message not finished"}},
		{reason: "the handler's failures stay its own", handlerFail: "gone", messages: []*eventfx.Message{gcs("deleted", "overwritten"), gcs("deleted", "gone"), gcs("deleted", "too")}, handled: []string{"gone", "too"}, notDone: []string{"gone: handler"}},
		{reason: "new content needs no look", messages: []*eventfx.Message{gcs("finalized", "unknown")}, handled: []string{"unknown"}},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			var handled []string
			r := &eventfx.Router{}
			eventfx.OnBatch(r, object.Any{}, func(_ context.Context, b *eventfx.Batch[object.Change]) error {
				for e := range b.All() {
					handled = append(handled, e.Data.Key)
					if e.Data.Key == tt.handlerFail {
						b.Fail(e, errors.New("handler"))
					}
				}
				return nil
			}, object.IfGone(exists))
			for _, m := range tt.messages {
				m.Group = tt.group
			}
			var notDone []string
			for _, f := range r.Deliver(t.Context(), tt.messages) {
				c, err := object.Any{}.Decode(f.Message)
				if err != nil {
					t.Fatal(err)
				}
				notDone = append(notDone, c.Key+": "+f.Err.Error())
			}
			if diff := cmp.Diff(tt.handled, handled); diff != "" {
				t.Errorf("handled (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.notDone, notDone); diff != "" {
				t.Errorf("not done (-want +got):\n%s", diff)
			}
		})
	}
}
