package memcloud_test

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

const mib = 1 << 20

func TestMultipartUpload(t *testing.T) {
	// Rule B1.11, B5.6
	// localstack/localstack#6676 sent the notification when the upload began,
	// and getmoto/moto#7435 would have sent ObjectCreated:Put, too.
	// scality/cloudserver#789 refused part numbers with gaps.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		b := cloud.Bucket("uploads", &memcloud.BucketOptions{EventBridge: true})
		h := &notices{}
		cloud.Function("thumb", h, memcloud.Trigger(b, &memcloud.Notification{Events: everything}))
		bus := cloud.Queue("bus", nil)
		cloud.EventBus("default").Target(bus, nil)

		id, err := b.CreateMultipartUpload(ctx, memcloud.Object{Key: "big", ContentType: "text/plain", Metadata: map[string]string{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		first, last := bytes.Repeat([]byte("a"), 5*mib), []byte("end")
		var parts []memcloud.Part
		for _, p := range []struct {
			number int
			data   []byte
		}{{7, last}, {2, []byte("replaced")}, {2, first}} {
			etag, err := b.UploadPart(ctx, "big", id, p.number, p.data)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "ETag of a part", etag, fmt.Sprintf("%x", md5.Sum(p.data)))
			p.data[0] = 'a'
		}
		last[0] = 'e'
		cloud.Settle()
		want(t, "events before the end", len(h.records), 0)
		if _, ok := b.Get("big"); ok {
			t.Error("the object is there before the end")
		}
		parts, err = b.ListParts(ctx, "big", id)
		if err != nil {
			t.Fatal(err)
		}
		one, two := md5.Sum(first), md5.Sum([]byte("end"))
		want(t, "parts", fmt.Sprint(parts), fmt.Sprintf("[{2 %x 5242880} {7 %x 3}]", one, md5.Sum([]byte("end"))))
		o, err := b.CompleteMultipartUpload(ctx, "big", id, parts, memcloud.Condition{})
		if err != nil {
			t.Fatal(err)
		}
		etag := fmt.Sprintf("%x-2", md5.Sum(append(one[:], two[:]...)))
		want(t, "object", []string{o.ETag, o.ContentType, o.Metadata["a"], fmt.Sprint(o.Size)}, []string{etag, "text/plain", "b", "5242883"})
		data, _ := b.Get("big")
		if !bytes.Equal(data, append(first, "end"...)) {
			t.Error("the data differ")
		}
		cloud.Settle()
		want(t, "events", h.names(), "ObjectCreated:CompleteMultipartUpload big")
		want(t, "the event's object", []string{h.records[0].S3.Object.ETag, fmt.Sprint(h.records[0].S3.Object.Size)}, []string{etag, "5242883"})
		want(t, "on the bus", len(bus.Messages()), 1)
		if !strings.Contains(bus.Messages()[0].Body, `"reason":"CompleteMultipartUpload"`) {
			t.Error(bus.Messages()[0].Body)
		}

		// A copy is in one piece, and so its ETag is an MD5 again.
		copied, err := b.CopyObject(ctx, "copy", "big", nil)
		if err != nil || copied.ETag != fmt.Sprintf("%x", md5.Sum(data)) {
			t.Errorf("got %v, %v", copied.ETag, err)
		}
		_, err = b.CompleteMultipartUpload(ctx, "big", id, parts, memcloud.Condition{})
		wantError(t, err, "NoSuchUpload", "The specified upload does not exist.")
	})
}

func TestMultipartErrors(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		b := cloud.Bucket("uploads", nil)
		h := &notices{}
		cloud.Function("thumb", h, memcloud.Trigger(b, &memcloud.Notification{Events: everything}))
		begin := func() string {
			id, err := b.CreateMultipartUpload(ctx, memcloud.Object{Key: "k"})
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		id := begin()
		small, _ := b.UploadPart(ctx, "k", id, 1, make([]byte, 5*mib-1))
		big, _ := b.UploadPart(ctx, "k", id, 2, make([]byte, 5*mib))
		end, _ := b.UploadPart(ctx, "k", id, 10000, nil)
		tests := []struct {
			reason     string
			parts      []memcloud.Part
			condition  memcloud.Condition
			code, part string
		}{
			{"no parts", nil, memcloud.Condition{}, "MalformedXML", "not well-formed"},
			{"a part that is too small, and not the last", []memcloud.Part{{Number: 1, ETag: small}, {Number: 2, ETag: big}}, memcloud.Condition{}, "EntityTooSmall", "part 1"},
			{"not in order", []memcloud.Part{{Number: 10000, ETag: end}, {Number: 2, ETag: big}}, memcloud.Condition{}, "InvalidPartOrder", "ascending"},
			{"twice", []memcloud.Part{{Number: 2, ETag: big}, {Number: 2, ETag: big}}, memcloud.Condition{}, "InvalidPartOrder", "ascending"},
			{"not uploaded", []memcloud.Part{{Number: 3, ETag: big}}, memcloud.Condition{}, "InvalidPart", "part 3"},
			{"another ETag", []memcloud.Part{{Number: 2, ETag: small}}, memcloud.Condition{}, "InvalidPart", "part 2"},
			{"a condition", []memcloud.Part{{Number: 2, ETag: big}}, memcloud.Condition{IfMatch: "x"}, "NoSuchKey", ""},
		}
		for _, test := range tests {
			_, err := b.CompleteMultipartUpload(ctx, "k", id, test.parts, test.condition)
			if err == nil {
				t.Errorf("%s: no error", test.reason)
				continue
			}
			wantError(t, err, test.code, test.part)
		}
		// The upload has survived all that, and needs only some of the parts.
		o, err := b.CompleteMultipartUpload(ctx, "k", id, []memcloud.Part{{Number: 2, ETag: `"` + big + `"`}, {Number: 10000, ETag: end}}, memcloud.Condition{})
		if err != nil || o.Size != 5*mib {
			t.Errorf("got %d, %v", o.Size, err)
		}

		// jubos/fake-s3#238 took part 0.
		for _, number := range []int{0, 10001, -1} {
			_, err := b.UploadPart(ctx, "k", begin(), number, nil)
			wantError(t, err, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
		}
		id = begin()
		if err := b.AbortMultipartUpload(ctx, "k", id); err != nil {
			t.Fatal(err)
		}
		_, err = b.UploadPart(ctx, "k", id, 1, nil)
		wantError(t, err, "NoSuchUpload", "")
		_, err = b.UploadPart(ctx, "other", begin(), 1, nil)
		wantError(t, err, "NoSuchUpload", "")
		_, err = b.ListParts(ctx, "k", "nothing")
		wantError(t, err, "NoSuchUpload", "")
		wantError(t, b.AbortMultipartUpload(ctx, "k", id), "NoSuchUpload", "")
		_, err = b.CreateMultipartUpload(ctx, memcloud.Object{Key: "k", Data: []byte("x")})
		wantError(t, err, "InvalidRequest", "parts")
		_, err = b.CreateMultipartUpload(ctx, memcloud.Object{})
		wantError(t, err, "KeyTooLongError", "")
		cloud.Settle()
		want(t, "what failed tells nothing", len(h.records), 1) // Rule B5.4
	})
}
