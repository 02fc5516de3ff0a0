package portable

import (
	"bytes"
	"context"
	"math"
	"strings"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// Bucket returns b as gocloud's portable bucket. A write is one step of the
// cloud, made when the writer is closed, with its notifications; readers have
// the object as it was when they were opened.
//
// As gives a **memcloud.Bucket; attributes and listed objects give a
// *memcloud.Object. There are no signed URLs.
func Bucket(b *memcloud.Bucket) *blob.Bucket { return blob.NewBucket(&bucket{b: b}) }

type bucket struct {
	errorFace
	b *memcloud.Bucket
}

func (b *bucket) As(target any) bool { return as(target, b.b) }

func (b *bucket) Close() error { return nil }

func (b *bucket) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	o, err := b.b.HeadObject(ctx, objectKey(key), "")
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{
		CacheControl:       o.CacheControl,
		ContentDisposition: o.ContentDisposition,
		ContentEncoding:    o.ContentEncoding,
		ContentLanguage:    o.ContentLanguage,
		ContentType:        o.ContentType,
		Metadata:           unescapeMetadata(o.Metadata),
		ModTime:            o.Modified,
		Size:               o.Size,
		MD5:                o.MD5,
		ETag:               `"` + o.ETag + `"`,
		AsFunc:             func(target any) bool { return as(target, o) },
	}, nil
}

// pageSize is that of S3.
const pageSize = 1000

func (b *bucket) ListPaged(ctx context.Context, o *driver.ListOptions) (*driver.ListPage, error) {
	if err := before(o.BeforeList); err != nil {
		return nil, err
	}
	size := o.PageSize
	if size == 0 {
		size = pageSize
	}
	limit, delimiter := size, objectKey(o.Delimiter)
	if delimiter != "" {
		limit = math.MaxInt // directories take many objects each
	}
	prefix, after := objectKey(o.Prefix), string(o.PageToken)
	objects, more, err := b.b.ListObjects(ctx, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	page, last := &driver.ListPage{}, after
	for _, object := range objects {
		key, inside := object.Key, false
		if delimiter != "" {
			if i := strings.Index(key[len(prefix):], delimiter); i >= 0 {
				key, inside = key[:len(prefix)+i+len(delimiter)], true
			}
		}
		if inside && key <= last {
			continue // in a directory that is listed already
		}
		if len(page.Objects) == size {
			more = true
			break
		}
		listed := &driver.ListObject{Key: hexUnescape(key), IsDir: inside}
		if !inside {
			listed.ModTime, listed.Size, listed.MD5 = object.Modified, object.Size, object.MD5
			listed.AsFunc = func(target any) bool { return as(target, object) }
		}
		page.Objects = append(page.Objects, listed)
		last = key
	}
	if more {
		page.NextPageToken = []byte(last)
	}
	return page, nil
}

func (b *bucket) NewRangeReader(ctx context.Context, key string, offset, length int64, o *driver.ReaderOptions) (driver.Reader, error) {
	if err := before(o.BeforeRead); err != nil {
		return nil, err
	}
	object, err := b.b.GetObject(ctx, objectKey(key), "")
	if err != nil {
		return nil, err
	}
	if offset > 0 && offset >= object.Size {
		return nil, failure(gcerrors.InvalidArgument, "InvalidRange: %s has %d bytes: an offset of %d is not in it", key, object.Size, offset)
	}
	data := object.Data[offset:]
	if length >= 0 && length < int64(len(data)) {
		data = data[:length]
	}
	object.Data = nil
	return &reader{Reader: bytes.NewReader(data), object: object}, nil
}

type reader struct {
	*bytes.Reader
	object memcloud.Object
}

func (r *reader) Attributes() *driver.ReaderAttributes {
	return &driver.ReaderAttributes{ContentType: r.object.ContentType, ModTime: r.object.Modified, Size: r.object.Size}
}

func (r *reader) As(target any) bool { return as(target, r.object) }

func (r *reader) Close() error { return nil }

func (b *bucket) NewTypedWriter(ctx context.Context, key, contentType string, o *driver.WriterOptions) (driver.Writer, error) {
	if err := before(o.BeforeWrite); err != nil {
		return nil, err
	}
	return &writer{ctx: ctx, b: b.b, condition: memcloud.Condition{IfNoneMatch: o.IfNotExist}, object: memcloud.Object{
		Key:                objectKey(key),
		ContentType:        contentType,
		ContentEncoding:    o.ContentEncoding,
		ContentLanguage:    o.ContentLanguage,
		ContentDisposition: o.ContentDisposition,
		CacheControl:       o.CacheControl,
		Metadata:           escapeMetadata(o.Metadata),
	}}, nil
}

// writer gathers an object. Its context is that of the caller, with the
// invocation that writes.
type writer struct {
	ctx       context.Context
	b         *memcloud.Bucket
	object    memcloud.Object
	condition memcloud.Condition
	data      bytes.Buffer
}

func (w *writer) Write(p []byte) (int, error) { return w.data.Write(p) }

// Close writes the object, unless the context is done.
func (w *writer) Close() error {
	w.object.Data = w.data.Bytes()
	_, err := w.b.PutObject(w.ctx, w.object, w.condition)
	return err
}

func (b *bucket) Copy(ctx context.Context, to, from string, o *driver.CopyOptions) error {
	if err := before(o.BeforeCopy); err != nil {
		return err
	}
	_, err := b.b.CopyObject(ctx, objectKey(to), objectKey(from), nil)
	return err
}

// Delete deletes an object. One that is not there is an error for gocloud,
// though not for S3.
func (b *bucket) Delete(ctx context.Context, key string, o *driver.DeleteOptions) error {
	if err := before(o.BeforeDelete); err != nil {
		return err
	}
	existed, err := b.b.DeleteObject(ctx, objectKey(key), "")
	if err == nil && !existed {
		return &memcloud.Error{Resource: b.b.Name(), Code: "NoSuchKey", Message: "The specified key does not exist: " + key}
	}
	return err
}

func (b *bucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", failure(gcerrors.Unimplemented, "a bucket in memory has no URLs")
}

// before calls a hook, if there is one: the drivers have no request to show.
func before(hook func(func(any) bool) error) error {
	if hook == nil {
		return nil
	}
	return hook(asNothing)
}
