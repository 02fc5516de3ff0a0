package memcloud

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
)

// versioning is the state of a bucket. Once it was enabled it can only be
// suspended: what is there stays.
type versioning int

const (
	versioningNever versioning = iota
	versioningEnabled
	versioningSuspended
)

// nullVersion names the version of a key that was written while the bucket was
// not versioned. There is at most one.
const nullVersion = "null"

// PutBucketVersioning enables or suspends versioning. In a suspended bucket a
// write replaces the null version alone, and a delete puts a marker there.
func (b *Bucket) PutBucketVersioning(ctx context.Context, enabled bool) error {
	return b.cloud.do(ctx, "versioning\x00"+b.name+"\x00"+fmt.Sprint(enabled), func() error {
		b.versioning = versioningSuspended
		if enabled {
			b.versioning = versioningEnabled
		}
		return nil
	})
}

// CopyOptions say what is copied, and what is not. The zero value copies the
// latest version of an object of the same bucket, with its metadata and tags.
type CopyOptions struct {
	From    *Bucket // nil means the same bucket
	Version string  // of the source; "" means the latest

	// Replace gives the copy the content type, the other headers and the
	// metadata of this object in place of the source's. Its key and data do
	// not count.
	Replace *Object
}

// CopyObject copies the object from to key. nil options mean the defaults. To
// copy an object's latest version onto itself something must be replaced.
func (b *Bucket) CopyObject(ctx context.Context, key, from string, o *CopyOptions) (Object, error) {
	if o == nil {
		o = &CopyOptions{}
	}
	source := b
	if o.From != nil {
		source = o.From
	}
	if err := b.check(&Object{Key: key}); err != nil {
		return Object{}, err
	}
	switch {
	case source.cloud != b.cloud:
		return Object{}, &Error{b.name, "NoSuchBucket", "The specified bucket does not exist: it is in another cloud"}
	case source == b && key == from && o.Version == "" && o.Replace == nil:
		return Object{}, &Error{b.name, "InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."}
	}
	var replace Object
	if o.Replace != nil {
		replace = o.Replace.clone()
	}
	version, replaces := o.Version, o.Replace != nil
	var copied Object
	err := b.cloud.do(ctx, "copy\x00"+b.name+"\x00"+key+"\x00"+source.name+"\x00"+from+"\x00"+version, func() error {
		original := source.version(from, version)
		switch {
		case original == nil && version != "":
			return source.noSuchVersion(from, version)
		case original == nil || original.DeleteMarker && version == "":
			return source.noSuchKey(from)
		case original.DeleteMarker:
			return &Error{source.name, "InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id."}
		}
		copied = *original // what is stored is never changed: sharing it is safe
		if replaces {
			copied = replace
			copied.Data, copied.Size, copied.Tags = original.Data, original.Size, original.Tags
		}
		copied.Key = key
		// A copy is written at once, also of what came in parts.
		sum := md5.Sum(copied.Data)
		copied.MD5, copied.ETag, copied.DeleteMarker = sum[:], hex.EncodeToString(sum[:]), false
		return b.write(&copied, Condition{}, "ObjectCreated:Copy")
	})
	if err != nil {
		return Object{}, err
	}
	return copied.head(), nil
}

// DeleteObject deletes an object and reports whether there was one: for AWS it
// is no error if not. In a versioned bucket it adds a delete marker, unless a
// version is named: that one is gone, and when it was a marker the object is
// back.
func (b *Bucket) DeleteObject(ctx context.Context, key, version string) (existed bool, err error) {
	err = b.cloud.do(ctx, "delete\x00"+b.name+"\x00"+key+"\x00"+version, func() error {
		existed = b.remove(key, version, "ObjectRemoved")
		return nil
	})
	return existed, err
}

// ObjectVersion names an object; without VersionID its latest version.
type ObjectVersion struct{ Key, VersionID string }

// DeleteObjects deletes up to 1,000 objects in one step, as DeleteObject does
// each.
func (b *Bucket) DeleteObjects(ctx context.Context, objects ...ObjectVersion) error {
	if len(objects) < 1 || len(objects) > 1000 {
		return &Error{b.name, "MalformedXML", fmt.Sprintf("The XML you provided was not well-formed or did not validate against our published schema: %d keys, must be 1 to 1000", len(objects))}
	}
	objects = slices.Clone(objects)
	content := ""
	for _, o := range objects {
		content += "\x00" + o.Key + "\x00" + o.VersionID
	}
	return b.cloud.do(ctx, "delete\x00"+b.name+content, func() error {
		for _, o := range objects {
			b.remove(o.Key, o.VersionID, "ObjectRemoved")
		}
		return nil
	})
}

// Expire deletes an object as a lifecycle rule does: its notification is
// LifecycleExpiration.
func (b *Bucket) Expire(key string) {
	if b.cloud.t != nil {
		b.cloud.t.Helper()
	}
	b.cloud.misuse(b.cloud.do(own, "expire\x00"+b.name+"\x00"+key, func() error {
		b.remove(key, "", "LifecycleExpiration")
		return nil
	}))
}

func (b *Bucket) noSuchVersion(key, version string) error {
	return &Error{b.name, "NoSuchVersion", fmt.Sprintf("The specified version does not exist: %q of %q", clip(version, 40), clip(key, 80))}
}

// The methods below are the loop's.

// version returns a version, the latest for "", or nil.
func (b *Bucket) version(key, id string) *Object {
	versions := b.objects[key]
	if id == "" && len(versions) > 0 {
		return versions[len(versions)-1]
	}
	if id == nullVersion {
		id = ""
	}
	for _, o := range versions {
		if o.VersionID == id {
			return o
		}
	}
	return nil
}

// keep makes o the latest version.
func (b *Bucket) keep(o *Object) {
	if b.versioning != versioningEnabled {
		if null := b.version(o.Key, nullVersion); null != nil {
			b.forget(null)
		}
	}
	b.objects[o.Key] = append(b.objects[o.Key], o)
}

func (b *Bucket) forget(old *Object) {
	b.objects[old.Key] = slices.DeleteFunc(b.objects[old.Key], func(o *Object) bool { return o == old })
	if len(b.objects[old.Key]) == 0 {
		delete(b.objects, old.Key)
	}
}

// remove deletes an object or a version, and reports whether there was one.
// What was not there gives no notification. event is the kind of the
// notification: ObjectRemoved or LifecycleExpiration.
func (b *Bucket) remove(key, version, event string) bool {
	c := b.cloud
	old := b.version(key, version)
	if b.versioning != versioningNever && version == "" {
		marker := &Object{Key: key, DeleteMarker: true, ETag: hex.EncodeToString(md5.New().Sum(nil))}
		b.stamp(marker)
		b.keep(marker)
		c.note(b.name, "delete", entity{name: key}, "a delete marker")
		b.notify(event+":DeleteMarkerCreated", marker)
		return old != nil && !old.DeleteMarker
	}
	if old == nil {
		return false
	}
	b.forget(old)
	removed := &Object{Key: key}
	b.stamp(removed)
	removed.VersionID = old.VersionID
	c.note(b.name, "delete", entity{name: key}, removed.VersionID)
	b.notify(event+":Delete", removed)
	return true
}
