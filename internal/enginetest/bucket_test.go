package enginetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var bucketScripts = []script{
	{"blob", portableBucket},
	{"keys", keys},
	{"list", list},
	{"object", object},
	{"conditions", conditions},
}

// attributesOf writes what gocloud says of an object.
func attributesOf(a *blob.Attributes) string {
	if a == nil {
		return "none"
	}
	// Metadata here has names that moto's HTTP server lets through: it drops
	// headers with an underscore or a percent sign.
	text := fmt.Sprintf("%d bytes, %s, md5 %x, etag %s", a.Size, a.ContentType, a.MD5, a.ETag)
	for _, s := range []string{a.CacheControl, a.ContentDisposition, a.ContentEncoding, a.ContentLanguage} {
		text += fmt.Sprintf(" %q", s)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Metadata)) {
		text += fmt.Sprintf(" %q=%q", name, a.Metadata[name])
	}
	return text
}

func portableBucket(r *Run) {
	b := r.Bucket("files", nil).Portable()
	defer b.Close()
	_, err := b.ReadAll(r.ctx, "a.txt")
	r.SeeCode("read what is not there", err)
	_, err = b.Attributes(r.ctx, "a.txt")
	r.SeeCode("attributes of what is not there", err)
	r.SeeCode("delete what is not there", b.Delete(r.ctx, "a.txt"))
	r.SeeCode("copy what is not there", b.Copy(r.ctx, "b.txt", "a.txt", nil))
	there, err := b.Exists(r.ctx, "a.txt")
	r.SeeCode("exists", err)
	r.See("it does not", there)

	r.SeeCode("write", b.WriteAll(r.ctx, "a.txt", []byte("hello"), nil))
	data, err := b.ReadAll(r.ctx, "a.txt")
	r.SeeCode("read", err)
	r.See("data", string(data))
	attributes, err := b.Attributes(r.ctx, "a.txt")
	r.SeeCode("attributes", err)
	r.See("attributes of it", attributesOf(attributes))
	r.SeeCode("write again", b.WriteAll(r.ctx, "a.txt", []byte("hello, world"), &blob.WriterOptions{
		ContentType: "text/plain", CacheControl: "no-cache", ContentDisposition: "inline", ContentEncoding: "identity", ContentLanguage: "en",
		Metadata: map[string]string{"kind": "greeting", "from": "a b/ä"},
	}))
	attributes, err = b.Attributes(r.ctx, "a.txt")
	r.SeeCode("attributes again", err)
	r.See("attributes of the new", attributesOf(attributes))
	r.SeeCode("write if it is not there", b.WriteAll(r.ctx, "a.txt", []byte("x"), &blob.WriterOptions{IfNotExist: true}))
	r.SeeCode("write another if it is not there", b.WriteAll(r.ctx, "c.txt", []byte("x"), &blob.WriterOptions{IfNotExist: true}))
	r.SeeCode("write an empty one", b.WriteAll(r.ctx, "empty", nil, nil))
	attributes, err = b.Attributes(r.ctx, "empty")
	r.SeeCode("attributes of nothing", err)
	r.See("size of nothing", attributes.Size)

	for _, c := range []struct {
		step           string
		offset, length int64
	}{
		{"all", 0, -1}, {"the beginning", 0, 5}, {"the middle", 3, 4}, {"the end", 7, -1}, {"more than there is", 7, 100}, {"nothing", 3, 0}} {
		reader, err := b.NewRangeReader(r.ctx, "a.txt", c.offset, c.length, nil)
		r.SeeCode("range, "+c.step, err)
		if err != nil {
			continue
		}
		data, err := io.ReadAll(reader)
		r.Must(errors.Join(err, reader.Close()))
		r.See("range, "+c.step+": data", string(data))
	}

	r.SeeCode("copy", b.Copy(r.ctx, "b.txt", "a.txt", nil))
	attributes, err = b.Attributes(r.ctx, "b.txt")
	r.SeeCode("attributes of the copy", err)
	r.See("the copy", attributesOf(attributes))
	r.SeeCode("copy onto another", b.Copy(r.ctx, "c.txt", "a.txt", nil))
	data, err = b.ReadAll(r.ctx, "c.txt")
	r.SeeCode("read the other", err)
	r.See("the other", string(data))
	r.SeeCode("delete", b.Delete(r.ctx, "a.txt"))
	r.SeeCode("delete again", b.Delete(r.ctx, "a.txt"))
	data, err = b.ReadAll(r.ctx, "b.txt")
	r.SeeCode("read the copy", err)
	r.See("the copy stays", string(data))

	ctx, cancel := context.WithCancel(r.ctx)
	w, err := b.NewWriter(ctx, "never", nil)
	r.Must(err)
	_, err = w.Write([]byte("x"))
	r.Must(err)
	cancel()
	r.See("a cancelled write fails", w.Close() != nil)
	there, err = b.Exists(r.ctx, "never")
	r.SeeCode("exists after that", err)
	r.See("it left nothing", there)
}

// keys are written through gocloud, and looked at from below.
func keys(r *Run) {
	bucket := r.Bucket("files", nil)
	b := bucket.Portable()
	defer b.Close()
	for i, key := range []string{"a b", "ä/ö", "a+b", "100%", "a//b", "../up", "a\\b", "tab\tkey", "q?x=1&y#z", "a~!*'()", "trailing/", "\u2603.txt"} {
		step := fmt.Sprint("key ", i+1)
		r.SeeCode(step+": write", b.WriteAll(r.ctx, key, []byte(key), nil))
		data, err := b.ReadAll(r.ctx, key)
		r.SeeCode(step+": read", err)
		r.See(step+": data", string(data) == key)
	}
	var listed []string
	for o, err := range all(r, b, nil) {
		r.Must(err)
		listed = append(listed, o.Key)
	}
	r.See("in the list", fmt.Sprintf("%q", listed))
	for _, key := range []string{"a b", "ä/ö", "..__0x2f__up", "a/__0x2f__b"} {
		o, err := bucket.GetObject(r.ctx, key, "")
		r.See("below: "+key, err)
		r.See("below: the object of "+key, string(o.Data))
	}
	r.See("a key of 1024 bytes", put(r, bucket, strings.Repeat("k", 1024)))
}

func put(r *Run, b Bucket, key string) error {
	_, err := b.PutObject(r.ctx, memcloud.Object{Key: key, Data: []byte("x")}, memcloud.Condition{})
	return err
}

func all(r *Run, b *blob.Bucket, o *blob.ListOptions) func(func(*blob.ListObject, error) bool) {
	return func(yield func(*blob.ListObject, error) bool) {
		i := b.List(o)
		for {
			o, err := i.Next(r.ctx)
			if errors.Is(err, io.EOF) || !yield(o, err) || err != nil {
				return
			}
		}
	}
}

func list(r *Run) {
	b := r.Bucket("files", nil).Portable()
	defer b.Close()
	for _, key := range []string{"b", "a/2", "a/1", "a/x/1", "a", "c/1", "B", "a-1"} {
		r.Must(b.WriteAll(r.ctx, key, []byte(key), nil))
	}
	see := func(step string, o *blob.ListOptions) {
		var found []string
		for o, err := range all(r, b, o) {
			if err != nil {
				r.SeeCode(step, err)
				return
			}
			text := o.Key
			if !o.IsDir {
				text += fmt.Sprintf("(%d)", o.Size)
			}
			found = append(found, text)
		}
		r.See(step, strings.Join(found, " "))
	}
	see("all", nil)
	see("prefix", &blob.ListOptions{Prefix: "a/"})
	see("prefix of no directory", &blob.ListOptions{Prefix: "a"})
	see("directories", &blob.ListOptions{Delimiter: "/"})
	see("a directory", &blob.ListOptions{Prefix: "a/", Delimiter: "/"})
	see("another delimiter", &blob.ListOptions{Delimiter: "-"})
	see("nothing", &blob.ListOptions{Prefix: "z"})

	token, pages := blob.FirstPageToken, 0
	for ; token != nil && pages < 10; pages++ {
		var page []*blob.ListObject
		var err error
		page, token, err = b.ListPage(r.ctx, token, 3, &blob.ListOptions{Delimiter: "/"})
		r.Must(err)
		var names []string
		for _, o := range page {
			names = append(names, o.Key)
		}
		r.See(fmt.Sprint("page ", pages+1), strings.Join(names, " "))
	}
	r.See("pages", pages)
}

// objectOf writes an object as S3 has it.
func objectOf(o memcloud.Object) string {
	text := fmt.Sprintf("%q %s etag %s", o.Data, o.ContentType, o.ETag)
	for _, name := range slices.Sorted(maps.Keys(o.Metadata)) {
		text += fmt.Sprintf(" %s=%s", name, o.Metadata[name])
	}
	return text
}

// object is about what gocloud leaves in S3, and S3's own operations.
func object(r *Run) {
	bucket := r.Bucket("files", nil)
	b := bucket.Portable()
	defer b.Close()
	r.Must(b.WriteAll(r.ctx, "portable", []byte("x"), &blob.WriterOptions{ContentType: "text/plain", Metadata: map[string]string{"k": "ä b/%"}}))
	o, err := bucket.GetObject(r.ctx, "portable", "")
	r.See("get what gocloud wrote", err)
	r.See("what it is", objectOf(o))

	written, err := bucket.PutObject(r.ctx, memcloud.Object{Key: "own", Data: []byte("y"), ContentType: "image/png", Metadata: map[string]string{"k": "v"}}, memcloud.Condition{})
	r.See("put", err)
	r.See("its tag", written.ETag)
	r.See("no version", written.VersionID)
	data, err := b.ReadAll(r.ctx, "own")
	r.SeeCode("gocloud reads it", err)
	r.See("gocloud's data", string(data))
	copied, err := bucket.CopyObject(r.ctx, "copy", "own")
	r.See("copy", err)
	r.See("the copy's tag", copied.ETag)
	o, err = bucket.GetObject(r.ctx, "copy", "")
	r.See("get the copy", err)
	r.See("the copy", objectOf(o))
	_, err = bucket.CopyObject(r.ctx, "copy", "none")
	r.See("copy what is not there", err)
	_, err = bucket.GetObject(r.ctx, "none", "")
	r.See("get what is not there", err)
	r.See("delete what is not there", bucket.DeleteObject(r.ctx, "none", ""))
	r.See("delete", bucket.DeleteObject(r.ctx, "own", ""))
	_, err = bucket.GetObject(r.ctx, "own", "")
	r.See("get what was deleted", err)
}

func conditions(r *Run) {
	b := r.Bucket("files", nil)
	put := func(step, key, data string, c memcloud.Condition) memcloud.Object {
		o, err := b.PutObject(r.ctx, memcloud.Object{Key: key, Data: []byte(data)}, c)
		r.See(step, err)
		return o
	}
	first := put("if it is not there: it is not", "a", "1", memcloud.Condition{IfNoneMatch: true})
	put("if it is not there: it is", "a", "2", memcloud.Condition{IfNoneMatch: true})
	put("if it has the tag: it has", "a", "3", memcloud.Condition{IfMatch: `"` + first.ETag + `"`})
	put("if it has the tag: it has another", "a", "4", memcloud.Condition{IfMatch: `"` + first.ETag + `"`})
	put("if it has the tag: it is not there", "b", "5", memcloud.Condition{IfMatch: `"` + first.ETag + `"`})
	o, err := b.GetObject(r.ctx, "a", "")
	r.See("get", err)
	r.See("what is left", string(o.Data))
	r.Must(b.DeleteObject(r.ctx, "a", ""))
	put("if it is not there: it was deleted", "a", "6", memcloud.Condition{IfNoneMatch: true})
}
