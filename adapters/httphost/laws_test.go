package httphost

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/internal/kindlaw"
)

// Every kind recognises and decodes every message from its CloudEvent alone.
func TestKindsNeedTheEventAlone(t *testing.T) {
	matches := make(map[string]int)
	for name, request := range samples(t) {
		t.Run(name, func(t *testing.T) {
			rec := record(nil)
			serve(newTestHandler(t, rec.router, Options{}), request())
			for _, m := range rec.messages {
				for _, bucket := range []string{"", "photos", "other"} {
					checkKind(t, matches, object.Created{Bucket: bucket}, m)
					checkKind(t, matches, object.Removed{Bucket: bucket}, m)
					checkKind(t, matches, object.Any{Bucket: bucket, Prefix: "in/", Suffix: ".jpg"}, m)
				}
				for _, name := range []string{"", "orders", "jobs", "other"} {
					checkKind(t, matches, queue.Text{Queue: name}, m)
					checkKind(t, matches, queue.Raw{Queue: name}, m)
					checkKind(t, matches, queue.JSON[map[string]any]{Queue: name, Type: "order.placed"}, m)
				}
			}
		})
	}
	for _, kind := range []string{"object.Created", "object.Removed", "object.Any", "queue.Text", "queue.Raw", "queue.JSON"} {
		if matches[kind] == 0 {
			t.Errorf("no sample has a message for %s", kind)
		}
	}
}

func checkKind[T any](t *testing.T, matches map[string]int, src eventfx.Source[T], m *eventfx.Message) {
	t.Helper()
	if kindlaw.Check(t, src, m) {
		kind, _, _ := strings.Cut(src.String(), "{")
		kind, _, _ = strings.Cut(kind, "[")
		matches[kind]++
	}
}

// What each sample of a cloud is to a router that was written for S3.
func TestObjects(t *testing.T) {
	const generation = "1795424400123456"
	type seen struct {
		Source                string
		Key, Version, Service string
		Size                  int64
	}
	cat := func(source, version, service string, size int64) []seen {
		return []seen{{source, "in/cat 1.jpg", version, service, size}}
	}
	for name, want := range map[string][]seen{
		"gcs_eventarc_finalized":         cat("created", generation, "gcs", 352),
		"gcs_eventarc_deleted":           cat("removed", generation, "gcs", 352),
		"gcs_pubsub_finalize":            cat("created", generation, "gcs", 352),
		"gcs_pubsub_finalize_no_payload": cat("created", generation, "gcs", -1),
		"gcs_pubsub_delete":              cat("removed", generation, "gcs", 352),
		"gcs_pubsub_delete_overwritten":  nil,
		"gcs_pubsub_archive":             cat("removed", generation, "gcs", 352),
		"gcs_pubsub_archive_overwritten": nil,
		"gcs_pubsub_metadata":            {{Source: "other"}},
		"azure_blob_created":             cat("created", "", "azure", 352),
		"azure_blob_deleted":             cat("removed", "", "azure", -1),
		"azure_blob_opened":              {{Source: "other"}},
		"azure_own_schema":               cat("created", "", "azure", 352),
	} {
		t.Run(name, func(t *testing.T) {
			r := &eventfx.Router{}
			var got []seen
			on := func(what string, src eventfx.Source[object.Change]) {
				eventfx.On(r, src, eventfx.Data(func(_ context.Context, c object.Change) error {
					got = append(got, seen{what, c.Key, c.Version, c.Service, c.Size})
					return nil
				}))
			}
			on("created", object.Created{Bucket: "photos", Suffix: ".jpg"})
			on("removed", object.Removed{Bucket: "photos", Suffix: ".jpg"})
			r.Default = func(context.Context, *eventfx.Delivery) error {
				got = append(got, seen{Source: "other"})
				return nil
			}
			if w := serve(newTestHandler(t, r, Options{}), samples(t)[name]()); w.Code != 204 {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Azure's sequencers compare as plain strings, per blob.
func TestOrderOnAzure(t *testing.T) {
	decode := func(name string) object.Change {
		rec := record(nil)
		serve(newTestHandler(t, rec.router, Options{}), samples(t)[name]())
		c, err := object.Any{}.Decode(rec.messages[0])
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	created, deleted := decode("azure_blob_created"), decode("azure_blob_deleted")
	if order, ok := created.Compare(deleted); order != -1 || !ok {
		t.Errorf("created is %d, %v, want before deleted", order, ok)
	}
	deleted.Key = "other"
	if _, ok := created.Compare(deleted); ok {
		t.Error("two blobs have an order")
	}
}
