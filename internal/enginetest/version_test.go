package enginetest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// What gocloud cannot say of a bucket, or does without saying.
var versionScripts = []script{
	{"versions", versions},
	{"suspended", suspended},
	{"multipart", multipart},
	{"parts", parts},
}

func versions(r *Run) {
	bucket := r.Bucket("files", &memcloud.BucketOptions{Versioned: true})
	b := bucket.Portable()
	defer b.Close()
	var ids []string
	for _, data := range []string{"one", "two", "three"} {
		o, err := bucket.PutObject(r.ctx, memcloud.Object{Key: "a", Data: []byte(data)}, memcloud.Condition{})
		r.See("put "+data, err)
		r.See(data+" has a version", o.VersionID != "" && !slices.Contains(ids, o.VersionID))
		r.Name(o.VersionID, "version-"+data)
		ids = append(ids, o.VersionID)
	}
	seeVersions := func(step string) {
		list, err := bucket.Versions(r.ctx, "a")
		r.Must(err)
		var texts []string
		for _, v := range list {
			text := v.VersionID
			if v.DeleteMarker {
				text = "a-delete-marker"
			}
			texts = append(texts, text)
		}
		r.See(step, strings.Join(texts, " "))
	}
	get := func(step, version string) {
		o, err := bucket.GetObject(r.ctx, "a", version)
		r.See(step, err)
		r.See(step+": data", string(o.Data)+" "+o.VersionID)
	}
	seeVersions("three versions")
	get("the latest", "")
	get("the first", ids[0])
	r.See("delete", bucket.DeleteObject(r.ctx, "a", ""))
	seeVersions("a delete marker")
	get("after the deletion", "")
	get("the second is still there", ids[1])
	there, err := b.Exists(r.ctx, "a")
	r.SeeCode("gocloud", err)
	r.See("gocloud sees none", there)
	r.See("delete the second version", bucket.DeleteObject(r.ctx, "a", ids[1]))
	get("the second is gone", ids[1])
	list, err := bucket.Versions(r.ctx, "a")
	r.Must(err)
	for _, v := range list {
		if v.DeleteMarker {
			r.See("delete the marker", bucket.DeleteObject(r.ctx, "a", v.VersionID))
		}
	}
	seeVersions("without the marker")
	get("the third is back", "")
	r.See("a version that never was", bucket.DeleteObject(r.ctx, "a", strings.Repeat("x", 32)))
	_, err = bucket.CopyObject(r.ctx, "b", "a")
	r.See("copy the latest", err)
	o, err := bucket.GetObject(r.ctx, "b", "")
	r.See("get the copy", err)
	r.See("the copy", string(o.Data))
	r.See("the copy has a version of its own", o.VersionID != ids[2] && o.VersionID != "")
	r.See("delete several", bucket.DeleteObjects(r.ctx, memcloud.ObjectVersion{Key: "b"}, memcloud.ObjectVersion{Key: "a", VersionID: ids[0]}, memcloud.ObjectVersion{Key: "none"}))
	seeVersions("after that")
	_, err = bucket.GetObject(r.ctx, "b", "")
	r.See("get one of them", err)
}

// suspended stops versioning: what is written then has the version "null".
func suspended(r *Run) {
	b := r.Bucket("files", &memcloud.BucketOptions{Versioned: true})
	write := func(data string) memcloud.Object {
		o, err := b.PutObject(r.ctx, memcloud.Object{Key: "a", Data: []byte(data)}, memcloud.Condition{})
		r.See("put "+data, err)
		return o
	}
	first := write("one")
	r.Name(first.VersionID, "version-one")
	r.See("suspend", b.PutBucketVersioning(r.ctx, false))
	write("two")
	write("three")
	list, err := b.Versions(r.ctx, "a")
	r.See("versions", err)
	r.See("how many versions", len(list))
	for _, version := range []string{first.VersionID, "null", ""} {
		o, err := b.GetObject(r.ctx, "a", version)
		r.See("get version "+cmp.Or(r.stable(version), "none"), err)
		r.See("data of version "+cmp.Or(r.stable(version), "none"), string(o.Data))
	}
	r.See("delete the null version", b.DeleteObject(r.ctx, "a", "null"))
	o, err := b.GetObject(r.ctx, "a", "")
	r.See("get what is left", err)
	r.See("what is left", string(o.Data))
}

// parts uploads an object in parts, by S3's own operations.
func parts(r *Run) {
	b := r.Bucket("files", nil)
	begin := func(key string) string {
		id, err := b.CreateMultipartUpload(r.ctx, memcloud.Object{Key: key, ContentType: "text/plain", Metadata: map[string]string{"k": "v"}})
		r.See("begin "+key, err)
		return id
	}
	upload := func(key, id string, number int, data []byte) memcloud.Part {
		etag, err := b.UploadPart(r.ctx, key, id, number, data)
		r.See(fmt.Sprintf("upload part %d of %s", number, key), err)
		return memcloud.Part{Number: number, ETag: etag}
	}
	complete := func(step, key, id string, c memcloud.Condition, list ...memcloud.Part) memcloud.Object {
		o, err := b.CompleteMultipartUpload(r.ctx, key, id, list, c)
		r.See(step, err)
		return o
	}
	five := bytes.Repeat([]byte("x"), 5<<20)
	id := begin("big")
	one, three := upload("big", id, 1, five), upload("big", id, 3, []byte("end"))
	r.See("the tag of a part", three.ETag)
	_, err := b.GetObject(r.ctx, "big", "")
	r.See("not there yet", err)
	complete("with a part that is not there", "big", id, memcloud.Condition{}, one, memcloud.Part{Number: 2, ETag: one.ETag}, three)
	complete("with a wrong tag", "big", id, memcloud.Condition{}, memcloud.Part{Number: 1, ETag: three.ETag}, three)
	o := complete("complete", "big", id, memcloud.Condition{}, one, three)
	r.See("its tag", o.ETag)
	o, err = b.GetObject(r.ctx, "big", "")
	r.See("get", err)
	r.See("size", o.Size)
	r.See("data", bytes.Equal(o.Data, append(slices.Clone(five), "end"...)))
	r.See("type and metadata", fmt.Sprint(o.ContentType, o.Metadata))

	id = begin("small")
	first, second := upload("small", id, 1, []byte("too small")), upload("small", id, 2, []byte("x"))
	complete("a first part that is too small", "small", id, memcloud.Condition{}, first, second)
	complete("it alone", "small", id, memcloud.Condition{}, first)
	id = begin("other")
	part := upload("other", id, 2, []byte("only"))
	complete("if it is not there", "other", id, memcloud.Condition{IfNoneMatch: true}, part)
	id = begin("again")
	r.See("abort", b.AbortMultipartUpload(r.ctx, "again", id))
	r.See("abort again", b.AbortMultipartUpload(r.ctx, "again", id))
}

// multipart writes more than gocloud sends in one request, which is 16 MB.
func multipart(r *Run) {
	b := r.Bucket("files", nil).Portable()
	defer b.Close()
	data := bytes.Repeat([]byte("0123456789abcdef"), 17<<20/16)
	r.SeeCode("write 17 MB", b.WriteAll(r.ctx, "big", data, &blob.WriterOptions{ContentType: "text/plain", Metadata: map[string]string{"k": "v"}}))
	got, err := b.ReadAll(r.ctx, "big")
	r.SeeCode("read", err)
	r.See("data", bytes.Equal(got, data))
	a, err := b.Attributes(r.ctx, "big")
	r.SeeCode("attributes", err)
	r.See("size and metadata", fmt.Sprint(a.Size, a.Metadata))
	r.See("the tag says how many parts", strings.Contains(a.ETag, "-"))
	r.SeeCode("copy", b.Copy(r.ctx, "copy", "big", nil))
	r.SeeCode("replace by something small", b.WriteAll(r.ctx, "big", []byte("x"), nil))
	got, err = b.ReadAll(r.ctx, "copy")
	r.SeeCode("read the copy", err)
	r.See("the copy is whole", bytes.Equal(got, data))
}
