package portable_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

func TestBucketWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		uploads := cloud.Bucket("uploads", nil)
		seen := cloud.Queue("seen", nil)
		uploads.Notify(seen, nil)
		seen.Receive(10) // the test event
		b := portable.Bucket(uploads)

		w, err := b.NewWriter(t.Context(), "a b.txt", &blob.WriterOptions{ContentType: "text/x", Metadata: map[string]string{"who@": "Zoë"}})
		must(t, err)
		io.WriteString(w, "hel")
		io.WriteString(w, "lo")
		if _, ok := uploads.Get("a b.txt"); ok {
			t.Error("an object is there before its writer is closed")
		}
		must(t, w.Close())

		cancelled, cancel := context.WithCancel(t.Context())
		w, err = b.NewWriter(cancelled, "never", nil)
		must(t, err)
		io.WriteString(w, "half")
		cancel()
		if err := w.Close(); err == nil {
			t.Error("a cancelled writer says that it has written")
		}
		wantCode(t, b.WriteAll(t.Context(), "a b.txt", nil, &blob.WriterOptions{IfNotExist: true}), gcerrors.FailedPrecondition)

		err = b.WriteAll(t.Context(), strings.Repeat("k", 1025), nil, nil)
		wantCode(t, err, gcerrors.InvalidArgument)
		var refused *memcloud.Error
		if !b.ErrorAs(err, &refused) || refused.Code != "KeyTooLongError" {
			t.Errorf("S3's error is %v", refused)
		}

		got, err := b.Attributes(t.Context(), "a b.txt")
		must(t, err)
		var object memcloud.Object
		if !got.As(&object) {
			t.Fatal("attributes give no memcloud.Object")
		}
		if diff := cmp.Diff([]any{`"5d41402abc4b2a76b9719d911017c592"`, "text/x", map[string]string{"who@": "Zoë"}, int64(5)},
			[]any{got.ETag, got.ContentType, got.Metadata, got.Size}); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]string{"who__0x40__": "Zo%C3%AB"}, object.Metadata); diff != "" {
			t.Errorf("metadata in S3's headers: %s", diff)
		}
		if diff := cmp.Diff([]string{"a b.txt"}, uploads.Keys()); diff != "" {
			t.Error(diff)
		}
		cloud.Settle()
		messages := seen.Receive(10)
		if len(messages) != 1 || !strings.Contains(messages[0].Body, `"eTag":"5d41402abc4b2a76b9719d911017c592"`) {
			t.Errorf("one write sent %+v", messages)
		}
	})
}

func TestBucketEscapesKeys(t *testing.T) {
	tests := []struct{ key, stored, reason string }{
		{"plain +%2F/ü.txt", "plain +%2F/ü.txt", "S3 takes these as they are"},
		{"../up", "..__0x2f__up", "S3 refuses ../"},
		{"tab\there", "tab__0x9__here", "a control character"},
		{"__0x2f__", "__0x5f___0x2f__", "what looks like an escape"},
		{"__0xzz__", "__0xzz__", "no hexadecimal digits: no escape"},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				uploads := memcloud.New(t).Bucket("uploads", nil)
				b := portable.Bucket(uploads)
				must(t, b.WriteAll(t.Context(), tc.key, []byte("x"), nil))
				if diff := cmp.Diff([]string{tc.stored}, uploads.Keys()); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff([]string{tc.key}, list(t, b, nil)); diff != "" {
					t.Error(diff)
				}
				if data, err := b.ReadAll(t.Context(), tc.key); err != nil || string(data) != "x" {
					t.Errorf("read %q, %v", data, err)
				}
				must(t, b.Delete(t.Context(), tc.key))
				wantCode(t, b.Delete(t.Context(), tc.key), gcerrors.NotFound)
			})
		})
	}
}

func TestBucketPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := portable.Bucket(memcloud.New(t).Bucket("uploads", nil))
		for _, key := range []string{"a/1", "a/2", "a/3", "a0", "b", "c/1", "c/2"} {
			must(t, b.WriteAll(t.Context(), key, []byte("x"), nil))
		}
		tests := []struct {
			options blob.ListOptions
			want    [][]string
		}{
			{blob.ListOptions{}, [][]string{{"a/1", "a/2"}, {"a/3", "a0"}, {"b", "c/1"}, {"c/2"}}},
			{blob.ListOptions{Delimiter: "/"}, [][]string{{"a/", "a0"}, {"b", "c/"}}},
			{blob.ListOptions{Prefix: "a/", Delimiter: "/"}, [][]string{{"a/1", "a/2"}, {"a/3"}}},
			{blob.ListOptions{Prefix: "x"}, [][]string{nil}},
		}
		for _, tc := range tests {
			var got [][]string
			for token := blob.FirstPageToken; token != nil; {
				objects, next, err := b.ListPage(t.Context(), token, 2, &tc.options)
				must(t, err)
				var page []string
				for _, o := range objects {
					page = append(page, o.Key)
				}
				got, token = append(got, page), next
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%+v: %s", tc.options, diff)
			}
		}
	})
}

func TestBucketRanges(t *testing.T) {
	tests := []struct {
		offset, length int64
		want           string
		code           gcerrors.ErrorCode
		reason         string
	}{
		{0, -1, "0123456789", gcerrors.OK, "all"},
		{7, -1, "789", gcerrors.OK, "from the middle"},
		{2, 3, "234", gcerrors.OK, "a part"},
		{8, 100, "89", gcerrors.OK, "a range beyond the end is cut"},
		{2, 0, "", gcerrors.OK, "nothing"},
		{10, -1, "", gcerrors.InvalidArgument, "S3 answers InvalidRange"},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := portable.Bucket(memcloud.New(t).Bucket("uploads", nil))
				must(t, b.WriteAll(t.Context(), "digits", []byte("0123456789"), nil))
				r, err := b.NewRangeReader(t.Context(), "digits", tc.offset, tc.length, nil)
				wantCode(t, err, tc.code)
				if err != nil {
					return
				}
				data, err := io.ReadAll(r)
				if err != nil || string(data) != tc.want || r.Size() != 10 {
					t.Errorf("read %q of %d, %v", data, r.Size(), err)
				}
			})
		})
	}
}

func TestBucketSharesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := memcloud.New(t).Bucket("uploads", nil)
		b := portable.Bucket(uploads)
		data, metadata := []byte("precious"), map[string]string{"k": "v"}
		must(t, b.WriteAll(t.Context(), "key", data, &blob.WriterOptions{Metadata: metadata}))
		must(t, b.Copy(t.Context(), "copy", "key", nil))
		clear(data)
		metadata["k"] = "scribble"
		for _, key := range []string{"key", "copy", "key", "copy"} {
			got, err := b.ReadAll(t.Context(), key)
			must(t, err)
			attributes, err := b.Attributes(t.Context(), key)
			must(t, err)
			if string(got) != "precious" || attributes.Metadata["k"] != "v" || attributes.MD5[0] == 0 {
				t.Fatalf("%s: %q %v %x", key, got, attributes.Metadata, attributes.MD5)
			}
			clear(got)
			clear(attributes.MD5)
			attributes.Metadata["k"] = "scribble"
			var object memcloud.Object
			attributes.As(&object)
			clear(object.Metadata)
		}
	})
}

// TestZombies has a function that goes on after its time: what it does then
// must not happen.
func TestZombies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		uploads, table := cloud.Bucket("uploads", nil), cloud.Table("rows", nil)
		b, rows := portable.Bucket(uploads), portable.Collection(table, nil)
		var codes []gcerrors.ErrorCode
		start := cloud.Queue("start", &memcloud.QueueOptions{MaxReceives: 1})
		cloud.Function("slow", handler(func(ctx context.Context, _ []byte) error {
			must(t, b.WriteAll(ctx, "in time", nil, nil))
			<-ctx.Done()
			ctx = context.WithoutCancel(ctx)
			synctest.Wait()
			for range 2 {
				codes = append(codes, gcerrors.Code(b.WriteAll(ctx, "late", nil, nil)), gcerrors.Code(rows.Put(ctx, map[string]any{"id": "late"})))
			}
			return nil
		}), memcloud.Trigger(start))
		start.Send("go")
		cloud.Settle()
		late := gcerrors.Canceled
		if diff := cmp.Diff([]gcerrors.ErrorCode{late, late, late, late}, codes); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"in time"}, uploads.Keys()); diff != "" {
			t.Error(diff)
		}
		if len(table.Items()) > 0 {
			t.Error("a row was written too late")
		}
	})
}

func list(t *testing.T, b *blob.Bucket, o *blob.ListOptions) []string {
	t.Helper()
	var keys []string
	for it := b.List(o); ; {
		object, err := it.Next(t.Context())
		if err == io.EOF {
			return keys
		}
		must(t, err)
		keys = append(keys, object.Key)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code gcerrors.ErrorCode) {
	t.Helper()
	if got := gcerrors.Code(err); got != code {
		t.Errorf("code %v (%v), want %v", got, err, code)
	}
}
