package memcloud

import (
	"context"
	"fmt"
	"maps"
)

// PutObjectTagging replaces the tags of an object; version "" is the latest.
// The object itself stays as it is, and so does its sequencer.
func (b *Bucket) PutObjectTagging(ctx context.Context, key, version string, tags map[string]string) error {
	if err := b.checkTags(tags); err != nil {
		return err
	}
	return b.tag(ctx, key, version, maps.Clone(tags), "ObjectTagging:Put")
}

// DeleteObjectTagging removes the tags of an object.
func (b *Bucket) DeleteObjectTagging(ctx context.Context, key, version string) error {
	return b.tag(ctx, key, version, nil, "ObjectTagging:Delete")
}

func (b *Bucket) tag(ctx context.Context, key, version string, tags map[string]string, name string) error {
	return b.cloud.do(ctx, "tag\x00"+b.name+"\x00"+key+"\x00"+version+"\x00"+fmt.Sprint(tags), func() error {
		old := b.version(key, version)
		switch {
		case old == nil && version != "":
			return b.noSuchVersion(key, version)
		case old == nil || old.DeleteMarker:
			return b.noSuchKey(key)
		}
		tagged := *old // what is stored is never changed
		tagged.Tags = tags
		for i, o := range b.objects[key] {
			if o == old {
				b.objects[key][i] = &tagged
			}
		}
		b.cloud.note(b.name, "tag", entity{name: key}, fmt.Sprintf("%d tags", len(tags)))
		b.notify(name, &tagged)
		return nil
	})
}

// checkTags returns what S3 would answer to tags that it refuses.
func (b *Bucket) checkTags(tags map[string]string) error {
	if len(tags) > 10 {
		return &Error{b.name, "BadRequest", "Object tags cannot be greater than 10"}
	}
	for key, value := range tags {
		switch n, m := len([]rune(key)), len([]rune(value)); {
		case n < 1 || n > 128:
			return &Error{b.name, "InvalidTag", "The TagKey you have provided is invalid"}
		case m > 256:
			return &Error{b.name, "InvalidTag", "The TagValue you have provided is invalid"}
		}
	}
	return nil
}
