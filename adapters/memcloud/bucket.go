package memcloud

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Bucket is an S3 bucket.
//
// Put, Get, Delete and Keys are for the test itself. The methods with a
// context bear the names of AWS's API, and are for code under test and
// drivers: give them the handler's context.
type Bucket struct {
	cloud      *Cloud
	name       string
	versioning versioning
	bridged    bool // to the default bus

	objects       map[string][]*Object // by key, the latest version last
	uploads       map[string]*upload   // multipart, by id
	sequencer     uint64
	notifications []*notification
}

// BucketOptions configure a bucket.
type BucketOptions struct {
	// Versioned keeps every version of an object; a delete without a version
	// then adds a delete marker.
	Versioned bool

	// EventBridge has the bucket send all its events to the event bus
	// "default", too, in EventBridge's form. Rules there choose among them.
	EventBridge bool
}

// An Object is a version of an object. The first fields are the writer's.
type Object struct {
	Key                string
	Data               []byte
	ContentType        string
	ContentEncoding    string
	ContentLanguage    string
	ContentDisposition string
	CacheControl       string
	Metadata           map[string]string
	Tags               map[string]string // at most 10

	// Set by the bucket.
	Size         int64
	ETag         string // without quotes: the MD5 in hexadecimal digits, or what a multipart upload makes of those of its parts
	MD5          []byte // nil after a multipart upload
	Modified     time.Time
	VersionID    string // "" unless the bucket was versioned at that time: then a version is named "null"
	Sequencer    string // orders the changes of one key, as in notifications
	DeleteMarker bool
}

// A Condition is what must hold for a write. The zero value always does.
type Condition struct {
	IfNoneMatch bool   // the key must not exist (If-None-Match: *)
	IfMatch     string // the ETag of what is there
}

// Bucket makes a bucket. nil options mean the defaults.
func (c *Cloud) Bucket(name string, o *BucketOptions) *Bucket {
	b := &Bucket{cloud: c, name: name, objects: map[string][]*Object{}, uploads: map[string]*upload{}}
	if o != nil {
		b.bridged = o.EventBridge
		if o.Versioned {
			b.versioning = versioningEnabled
		}
	}
	c.wire(func() error {
		b.sequencer = uint64(c.instant().UnixNano())
		return register(c.buckets, "bucket", name, b)
	})
	return b
}

// Name returns the name that was given.
func (b *Bucket) Name() string { return b.name }

// ARN returns the bucket's ARN.
func (b *Bucket) ARN() string { return "arn:aws:s3:::" + b.name }

// Put writes an object.
func (b *Bucket) Put(key string, data []byte) {
	if b.cloud.t != nil {
		b.cloud.t.Helper()
	}
	_, err := b.PutObject(own, Object{Key: key, Data: data}, Condition{})
	b.cloud.misuse(err)
}

// Get returns an object's data, and whether there is one.
func (b *Bucket) Get(key string) ([]byte, bool) {
	var o *Object
	b.cloud.look(func() { o = b.latest(key) })
	if o == nil {
		return nil, false
	}
	return bytes.Clone(o.Data), true
}

// Delete deletes an object.
func (b *Bucket) Delete(key string) {
	if b.cloud.t != nil {
		b.cloud.t.Helper()
	}
	_, err := b.DeleteObject(own, key, "")
	b.cloud.misuse(err)
}

// Keys returns the keys of all objects, in order.
func (b *Bucket) Keys() []string {
	var keys []string
	b.cloud.look(func() {
		for _, key := range slices.Sorted(maps.Keys(b.objects)) {
			if b.latest(key) != nil {
				keys = append(keys, key)
			}
		}
	})
	return keys
}

// PutObject writes an object if the condition holds, and returns it without
// its data. Its notifications are sent in the same step. A condition that does
// not hold gives an *Error with the code PreconditionFailed, IfMatch of a key
// that is not there NoSuchKey.
func (b *Bucket) PutObject(ctx context.Context, o Object, condition Condition) (Object, error) {
	if err := b.check(&o); err != nil {
		return Object{}, err
	}
	o = o.clone()
	o.measure()
	err := b.cloud.do(ctx, "put\x00"+b.name+"\x00"+o.Key+"\x00"+o.ETag, func() error {
		return b.write(&o, condition, "ObjectCreated:Put")
	})
	if err != nil {
		return Object{}, err
	}
	return o.head(), nil
}

// measure sets what follows from the data.
func (o *Object) measure() {
	sum := md5.Sum(o.Data)
	o.MD5, o.ETag, o.Size = sum[:], hex.EncodeToString(sum[:]), int64(len(o.Data))
}

// GetObject returns an object; version "" is the latest. One that is not there
// gives an *Error with the code NoSuchKey.
func (b *Bucket) GetObject(ctx context.Context, key, version string) (Object, error) {
	o, err := b.find(ctx, "get", key, version)
	if err != nil {
		return Object{}, err
	}
	return o.clone(), nil
}

// HeadObject returns an object without its data.
func (b *Bucket) HeadObject(ctx context.Context, key, version string) (Object, error) {
	o, err := b.find(ctx, "head", key, version)
	if err != nil {
		return Object{}, err
	}
	return o.head(), nil
}

func (b *Bucket) find(ctx context.Context, verb, key, version string) (o *Object, err error) {
	err = b.cloud.do(ctx, verb+"\x00"+b.name+"\x00"+key, func() error {
		switch o = b.version(key, version); {
		case o == nil && version != "":
			return b.noSuchVersion(key, version)
		case o == nil, o.DeleteMarker && version == "":
			return b.noSuchKey(key)
		case o.DeleteMarker:
			return &Error{b.name, "MethodNotAllowed", "The specified method is not allowed against this resource: the version is a delete marker"}
		}
		return nil
	})
	return o, err
}

// ListObjects returns up to limit objects without data, whose keys begin with
// prefix and come after the key after, and whether there are more.
func (b *Bucket) ListObjects(ctx context.Context, prefix, after string, limit int) (list []Object, more bool, err error) {
	err = b.cloud.do(ctx, "list\x00"+b.name+"\x00"+prefix+"\x00"+after, func() error {
		for _, key := range slices.Sorted(maps.Keys(b.objects)) {
			o := b.latest(key)
			if o == nil || key <= after || !strings.HasPrefix(key, prefix) {
				continue
			}
			if len(list) == limit {
				more = true
				break
			}
			list = append(list, o.head())
		}
		return nil
	})
	return list, more, err
}

// Versions returns all versions of an object without data, the latest first.
func (b *Bucket) Versions(key string) []Object {
	var versions []Object
	b.cloud.look(func() {
		for _, o := range slices.Backward(b.objects[key]) {
			versions = append(versions, o.head())
		}
	})
	return versions
}

// head copies the object without its data; nothing is shared.
func (o *Object) head() Object {
	h := *o
	h.Data = nil
	return h.clone()
}

// clone copies the object; nothing is shared.
func (o *Object) clone() Object {
	c := *o
	c.Data, c.MD5 = bytes.Clone(o.Data), bytes.Clone(o.MD5)
	c.Metadata, c.Tags = maps.Clone(o.Metadata), maps.Clone(o.Tags)
	return c
}

// check returns what S3 would answer to an object that it refuses.
func (b *Bucket) check(o *Object) error {
	if o.Key == "" || len(o.Key) > 1024 {
		return &Error{b.name, "KeyTooLongError", fmt.Sprintf("Your key has %d bytes: must be 1 to 1024", len(o.Key))}
	}
	return b.checkTags(o.Tags)
}

func (b *Bucket) noSuchKey(key string) error {
	return &Error{b.name, "NoSuchKey", fmt.Sprintf("The specified key does not exist: %q", clip(key, 80))}
}

// The methods below are the loop's.

// latest returns the object that a read without a version gets, or nil.
func (b *Bucket) latest(key string) *Object {
	if o := b.version(key, ""); o != nil && !o.DeleteMarker {
		return o
	}
	return nil
}

// write stores o, which nobody changes from now on, and sends its
// notifications.
func (b *Bucket) write(o *Object, condition Condition, name string) error {
	old := b.latest(o.Key)
	switch {
	case condition.IfMatch != "" && old == nil:
		return b.noSuchKey(o.Key)
	case condition.IfNoneMatch && old != nil, condition.IfMatch != "" && strings.Trim(condition.IfMatch, `"`) != old.ETag:
		return &Error{b.name, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"}
	}
	b.cloud.note(b.name, writeVerbs[name], entity{name: o.Key}, fmt.Sprintf("%d bytes", o.Size))
	b.stamp(o)
	stored := *o
	b.keep(&stored)
	b.notify(name, &stored)
	return nil
}

var writeVerbs = map[string]string{
	"ObjectCreated:Put": "put", "ObjectCreated:Copy": "copy", "ObjectCreated:CompleteMultipartUpload": "complete",
}

// stamp gives the object what each change gets.
func (b *Bucket) stamp(o *Object) {
	c := b.cloud
	o.Modified = c.instant()
	b.sequencer = max(b.sequencer+1, uint64(o.Modified.UnixNano()))
	o.Sequencer = fmt.Sprintf("%018X", b.sequencer)
	o.VersionID = ""
	if b.versioning == versioningEnabled {
		o.VersionID = strings.ReplaceAll(c.uuid("version", c.number("version")), "-", "")
	}
}
