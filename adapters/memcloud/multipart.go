package memcloud

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// minPartSize is the size of all parts but the last.
const minPartSize = 5 << 20

// A Part is a part of a multipart upload.
type Part struct {
	Number int    // 1 to 10000; there may be gaps
	ETag   string // as UploadPart returned it
	Size   int64  // set by ListParts
}

// upload is a multipart upload that is going on.
type upload struct {
	object Object // without data
	parts  map[int]*part
}

type part struct {
	data []byte
	sum  [md5.Size]byte
}

func (p *part) etag() string { return hex.EncodeToString(p.sum[:]) }

// CreateMultipartUpload begins an upload of o in parts and returns its id. o
// has no data. Nothing is there, and nobody is told, before it is completed.
func (b *Bucket) CreateMultipartUpload(ctx context.Context, o Object) (id string, err error) {
	if err := b.check(&o); err != nil {
		return "", err
	}
	if len(o.Data) > 0 {
		return "", &Error{b.name, "InvalidRequest", "a multipart upload gets its data in parts"}
	}
	o = o.clone()
	err = b.cloud.do(ctx, "createupload\x00"+b.name+"\x00"+o.Key, func() error {
		c := b.cloud
		id = c.opaque("upload", c.number("upload"), 0)
		b.uploads[id] = &upload{object: o, parts: map[int]*part{}}
		c.note(b.name, "upload", entity{name: o.Key}, "begins")
		return nil
	})
	return id, err
}

// UploadPart uploads a part, or replaces it, and returns its ETag. All parts
// but the last must have at least 5 MiB, which is looked at when the upload is
// completed.
func (b *Bucket) UploadPart(ctx context.Context, key, uploadID string, number int, data []byte) (etag string, err error) {
	if number < 1 || number > 10000 {
		return "", &Error{b.name, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"}
	}
	p := &part{data: slices.Clone(data), sum: md5.Sum(data)}
	err = b.cloud.do(ctx, fmt.Sprintf("uploadpart\x00%s\x00%s\x00%s\x00%d\x00%s", b.name, key, uploadID, number, p.etag()), func() error {
		u, err := b.upload(key, uploadID)
		if err != nil {
			return err
		}
		u.parts[number] = p
		b.cloud.note(b.name, "part", entity{name: key}, fmt.Sprintf("%d: %d bytes", number, len(p.data)))
		return nil
	})
	if err != nil {
		return "", err
	}
	return p.etag(), nil
}

// ListParts returns the parts that were uploaded, in order.
func (b *Bucket) ListParts(ctx context.Context, key, uploadID string) (parts []Part, err error) {
	err = b.cloud.do(ctx, "list\x00"+b.name+"\x00"+key+"\x00"+uploadID, func() error {
		u, err := b.upload(key, uploadID)
		if err != nil {
			return err
		}
		for _, number := range slices.Sorted(maps.Keys(u.parts)) {
			p := u.parts[number]
			parts = append(parts, Part{number, p.etag(), int64(len(p.data))})
		}
		return nil
	})
	return parts, err
}

// CompleteMultipartUpload writes the object of these parts, in ascending
// order, if the condition holds. There is one notification,
// ObjectCreated:CompleteMultipartUpload. After an error the upload goes on.
func (b *Bucket) CompleteMultipartUpload(ctx context.Context, key, uploadID string, parts []Part, condition Condition) (Object, error) {
	parts = slices.Clone(parts)
	content := ""
	for _, p := range parts {
		content += fmt.Sprintf("\x00%d\x00%s", p.Number, p.ETag)
	}
	var o Object
	err := b.cloud.do(ctx, "complete\x00"+b.name+"\x00"+key+"\x00"+uploadID+content, func() error {
		u, err := b.upload(key, uploadID)
		if err != nil {
			return err
		}
		o = u.object
		if err := b.assemble(&o, u, parts); err != nil {
			return err
		}
		if err := b.write(&o, condition, "ObjectCreated:CompleteMultipartUpload"); err != nil {
			return err
		}
		delete(b.uploads, uploadID)
		return nil
	})
	if err != nil {
		return Object{}, err
	}
	return o.head(), nil
}

// AbortMultipartUpload forgets the upload and its parts.
func (b *Bucket) AbortMultipartUpload(ctx context.Context, key, uploadID string) error {
	return b.cloud.do(ctx, "abort\x00"+b.name+"\x00"+key+"\x00"+uploadID, func() error {
		if _, err := b.upload(key, uploadID); err != nil {
			return err
		}
		delete(b.uploads, uploadID)
		b.cloud.note(b.name, "upload", entity{name: key}, "is aborted")
		return nil
	})
}

// The methods below are the loop's.

func (b *Bucket) upload(key, id string) (*upload, error) {
	u := b.uploads[id]
	if u == nil || u.object.Key != key {
		return nil, &Error{b.name, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."}
	}
	return u, nil
}

// assemble gives the object the data of the parts. Its ETag is the MD5 of
// their MD5s, and how many there are.
func (b *Bucket) assemble(o *Object, u *upload, parts []Part) error {
	refuse := func(code, message string) error { return &Error{b.name, code, message} }
	if len(parts) == 0 {
		return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	for i, p := range parts[1:] {
		if parts[i].Number >= p.Number {
			return refuse("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	sums := md5.New()
	for i, p := range parts {
		stored := u.parts[p.Number]
		switch {
		case stored == nil || strings.Trim(p.ETag, `"`) != stored.etag():
			return refuse("InvalidPart", fmt.Sprintf("One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag: part %d", p.Number))
		case i < len(parts)-1 && len(stored.data) < minPartSize:
			return refuse("EntityTooSmall", fmt.Sprintf("Your proposed upload is smaller than the minimum allowed size: part %d has %d bytes", p.Number, len(stored.data)))
		}
		sums.Write(stored.sum[:])
	}
	for _, p := range parts {
		o.Data = append(o.Data, u.parts[p.Number].data...)
	}
	o.Size = int64(len(o.Data))
	o.ETag = fmt.Sprintf("%x-%d", sums.Sum(nil), len(parts))
	return nil
}
