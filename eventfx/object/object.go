package object

import (
	"fmt"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// A Change is what happened to one object of a bucket.
type Change struct {
	Kind Kind

	// Service is who told of the change: "s3", "eventbridge" (S3 through it),
	// "gcs" or "azure". What it leaves out of its events is empty here.
	Service string

	// Event is the service's own word, from the event's type, such as
	// "ObjectCreated:Put", "ObjectDeleted", "finalized" and "BlobCreated".
	Event string

	// Bucket is the name of the bucket; of the container on Azure.
	Bucket string

	// Key is the name of the object as a client of the service gives it,
	// without any encoding.
	Key string

	// KeyEncoded says that Key could not be decoded and is as it came: S3
	// encodes keys, and an invalid escape is no reason to lose the event.
	KeyEncoded bool

	// Size is the length of the object in bytes; -1 if the event does not tell,
	// as most removals. 0 is an empty object.
	Size int64

	// ETag is the entity tag, without quotes. The one of a multipart object
	// ends in a hyphen and the number of parts and is no hash of its content.
	ETag string

	// Version is S3's version id or Google's generation. It is empty without
	// versioning on S3, and always on Azure.
	Version string

	// Sequencer tells the order of the changes of one object, as the service
	// writes it; "" if the event has none. Read it by Order and Compare.
	Sequencer string

	// Time is the time of the change by the service's clock. It is too coarse
	// to tell an order.
	Time time.Time

	// Marker says of a removal that versions of the object are left: S3 put a
	// delete marker before them, Google archived the generation.
	Marker bool
}

// A Kind is a kind of change.
type Kind string

const (
	Create Kind = "create" // an object has new content: written, replaced or copied
	Remove Kind = "remove" // an object, or one version of it, is gone
	Other  Kind = "other"  // anything else that the service tells of: tags, access, restores
)

// Created is the source of objects with new content, whether the key is new or
// its object was replaced. Empty fields match everything.
type Created struct {
	Bucket string // the bucket's name; the container's on Azure
	Prefix string // what the decoded key begins with, in upper and lower case as written
	Suffix string // what the decoded key ends with, in upper and lower case as written
}

// Removed is the source of objects that are gone, by a request or by the
// bucket's lifecycle rules. See the package documentation for what each
// service means by it. Empty fields match everything.
type Removed struct {
	Bucket string // the bucket's name; the container's on Azure
	Prefix string // what the decoded key begins with, in upper and lower case as written
	Suffix string // what the decoded key ends with, in upper and lower case as written
}

// Any is the source of all that is told of objects, of every Kind. Empty
// fields match everything.
type Any struct {
	Bucket string // the bucket's name; the container's on Azure
	Prefix string // what the decoded key begins with, in upper and lower case as written
	Suffix string // what the decoded key ends with, in upper and lower case as written
}

// Match reports whether m tells of new content of an object of the source.
func (s Created) Match(m *eventfx.Message) bool { return match(m, Create, filter(s)) }

// Match reports whether m tells that an object of the source is gone.
func (s Removed) Match(m *eventfx.Message) bool { return match(m, Remove, filter(s)) }

// Match reports whether m tells of an object of the source.
func (s Any) Match(m *eventfx.Message) bool { return match(m, "", filter(s)) }

// Decode returns the change.
func (s Created) Decode(m *eventfx.Message) (Change, error) { return decode(m) }

// Decode returns the change.
func (s Removed) Decode(m *eventfx.Message) (Change, error) { return decode(m) }

// Decode returns the change.
func (s Any) Decode(m *eventfx.Message) (Change, error) { return decode(m) }

// String returns the source as it is written in Go.
func (s Created) String() string { return filter(s).name("Created") }

// String returns the source as it is written in Go.
func (s Removed) String() string { return filter(s).name("Removed") }

// String returns the source as it is written in Go.
func (s Any) String() string { return filter(s).name("Any") }

// A filter is what the sources have in common.
type filter struct{ Bucket, Prefix, Suffix string }

func (f filter) name(source string) string {
	var fields []string
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, fmt.Sprintf("%s: %q", name, value))
		}
	}
	add("Bucket", f.Bucket)
	add("Prefix", f.Prefix)
	add("Suffix", f.Suffix)
	return "object." + source + "{" + strings.Join(fields, ", ") + "}"
}

// A service knows one form of object events. Bucket and key read source and
// subject alone, to spare the data; they return false when those do not tell.
type service struct {
	name   string
	kind   func(m *eventfx.Message, event string) Kind
	bucket func(m *eventfx.Message) (string, bool)
	key    func(m *eventfx.Message) (string, bool)
	data   func(data []byte, c *Change) error // fills what it finds, Bucket and Key among it
}

// serviceOf returns the service that m comes from, by its type, and the
// service's word for what happened. It returns nil for what is no object event.
func serviceOf(m *eventfx.Message) (s *service, event string) {
	if m.Context == nil {
		return nil, ""
	}
	typ := m.Context.GetType()
	if event, ok := strings.CutPrefix(typ, s3Type); ok {
		return serviceOfS3(event)
	}
	if event, ok := strings.CutPrefix(typ, gcsType); ok && event != "" {
		return &gcs, event
	}
	if event, ok := strings.CutPrefix(typ, azureType); ok && isBlobEvent(m, event) {
		return &azure, event
	}
	return nil, ""
}

// match reports whether m is of the kind, or of any for "", and passes f.
func match(m *eventfx.Message, kind Kind, f filter) bool {
	s, event := serviceOf(m)
	if s == nil || kind != "" && s.kind(m, event) != kind {
		return false
	}
	if f == (filter{}) {
		return true
	}
	bucket, haveBucket := s.bucket(m)
	if haveBucket && f.Bucket != "" && bucket != f.Bucket {
		return false
	}
	key, haveKey := s.key(m)
	if !haveBucket && f.Bucket != "" || !haveKey && f.Prefix+f.Suffix != "" {
		c, err := decode(m)
		if err != nil {
			return false // whose object it is cannot be known
		}
		bucket, key = c.Bucket, c.Key
	}
	return (f.Bucket == "" || bucket == f.Bucket) && strings.HasPrefix(key, f.Prefix) && strings.HasSuffix(key, f.Suffix)
}

func decode(m *eventfx.Message) (Change, error) {
	s, event := serviceOf(m)
	if s == nil {
		return Change{}, fmt.Errorf("object: event %q of type %q is no object event", m.ID(), m.Type())
	}
	c := Change{Kind: s.kind(m, event), Service: s.name, Event: event, Size: -1, Time: m.Time()}
	if err := s.data(m.DataEncoded, &c); err != nil {
		return Change{}, fmt.Errorf("object: data of event %q of type %q: %w", m.ID(), m.Type(), err)
	}
	// Source and subject come first, for Match has judged by them.
	if bucket, ok := s.bucket(m); ok {
		c.Bucket = bucket
	}
	if key, ok := s.key(m); ok {
		c.Key, c.KeyEncoded = key, false
	}
	switch {
	case c.Bucket == "":
		return Change{}, fmt.Errorf("object: event %q of type %q names no bucket", m.ID(), m.Type())
	case c.Key == "":
		return Change{}, fmt.Errorf("object: event %q of type %q names no object", m.ID(), m.Type())
	}
	return c, nil
}
