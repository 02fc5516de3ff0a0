package object_test

import (
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
)

// Whatever an event looks like: what matches and can be decoded is an object of
// the source, and nothing panics.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, typ, source, subject, data, bucket, prefix, suffix string) {
		e := event.New()
		e.SetType(typ)
		e.SetSource(source)
		if subject != "" {
			e.SetSubject(subject)
		}
		e.DataEncoded = []byte(data)
		m := &eventfx.Message{Event: e}
		src := object.Any{Bucket: bucket, Prefix: prefix, Suffix: suffix}
		created, removed := object.Created(src).Match(m), object.Removed(src).Match(m)
		if created && removed || (created || removed) && !src.Match(m) {
			t.Errorf("created %v, removed %v, any %v", created, removed, src.Match(m))
		}
		c, err := src.Decode(m)
		if err != nil {
			return
		}
		if c.Bucket == "" || c.Key == "" || c.Size < -1 || c.Event == "" {
			t.Errorf("incomplete: %+v", c)
		}
		fits := (bucket == "" || c.Bucket == bucket) && strings.HasPrefix(c.Key, prefix) && strings.HasSuffix(c.Key, suffix)
		if src.Match(m) != fits || created != (fits && c.Kind == object.Create) || removed != (fits && c.Kind == object.Remove) {
			t.Errorf("%v: any %v, created %v, removed %v: %+v", src, src.Match(m), created, removed, c)
		}
		if c.Order() != "" {
			if order, ok := c.Compare(c); order != 0 || !ok {
				t.Errorf("%+v compares to itself as %d %v", c, order, ok)
			}
		}
	})
}
