package memcloud

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/eventfx/eventfx-go/internal/awspayload"
)

// A Notification configures which changes of a bucket are sent to a target.
type Notification struct {
	// Events are the types: "s3:ObjectCreated:Put", "s3:ObjectRemoved:*". None
	// means "s3:ObjectCreated:*".
	Events []string

	// Prefix and Suffix restrict the keys, literally. Two configurations of a
	// bucket may not both match a key and a type.
	Prefix, Suffix string

	// ID is the configurationId in the records. "" makes one.
	ID string
}

// A Recipient takes events: a *Function, asynchronously, a *Queue, or a
// *Topic.
type Recipient interface {
	Name() string
	ARN() string
	// deliver is called in the loop. cause says why, for the timeline.
	deliver(payload []byte, cause, subject string)
}

// notification is a Notification with its target.
type notification struct {
	Notification
	target Recipient
}

// Notify has the bucket send its changes to the target. A queue and a topic
// get S3's test event first.
func (b *Bucket) Notify(target Recipient, o *Notification) {
	if o == nil {
		o = &Notification{}
	}
	b.cloud.wire(func() error { return b.notifyTo(target, o) })
}

func (b *Bucket) trigger(f *Function, o *Notification) error { return b.notifyTo(f, o) }

func (b *Bucket) notifyTo(target Recipient, o *Notification) error {
	c := b.cloud
	n := &notification{Notification: *o, target: target}
	n.ID = cmp.Or(n.ID, c.uuid("configuration", c.number("configuration")))
	if len(n.Events) == 0 {
		n.Events = []string{"s3:ObjectCreated:*"}
	}
	if q, ok := target.(*Queue); ok && q.fifo {
		return &Error{b.name, "InvalidArgument", "Unable to validate the following destination configurations: a FIFO queue takes no S3 events"}
	}
	for _, e := range n.Events {
		if !slices.Contains(eventTypes, e) {
			return &Error{b.name, "MalformedXML", fmt.Sprintf("%q is no event type of S3", e)}
		}
	}
	for _, other := range b.notifications {
		if n.overlaps(other) {
			return &Error{b.name, "InvalidArgument", "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."}
		}
	}
	b.notifications = append(b.notifications, n)
	if _, ok := target.(*Function); !ok {
		number := c.number("s3 request")
		payload := awspayload.AppendS3TestEvent(nil, c.instant(), b.name, requestID(c, number), c.opaque("s3 host", number, 0))
		target.deliver(payload, b.name+" test event", s3Subject)
	}
	return nil
}

// s3Subject is what S3 says to a topic.
const s3Subject = "Amazon S3 Notification"

var eventTypes = []string{
	"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
	"s3:ObjectCreated:CompleteMultipartUpload",
	"s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated",
}

func (n *notification) wants(name, key string) bool {
	return strings.HasPrefix(key, n.Prefix) && strings.HasSuffix(key, n.Suffix) &&
		slices.ContainsFunc(n.Events, func(e string) bool { return covers(e, "s3:"+name) })
}

// covers reports whether the configured type is, or is the wildcard of, the
// other.
func covers(configured, other string) bool {
	prefix, wild := strings.CutSuffix(configured, "*")
	return configured == other || wild && strings.HasPrefix(other, prefix)
}

// overlaps reports whether one key and type can match both.
func (n *notification) overlaps(o *notification) bool {
	both := func(a, b string, has func(string, string) bool) bool { return has(a, b) || has(b, a) }
	return both(n.Prefix, o.Prefix, strings.HasPrefix) && both(n.Suffix, o.Suffix, strings.HasSuffix) &&
		slices.ContainsFunc(n.Events, func(a string) bool {
			return slices.ContainsFunc(o.Events, func(b string) bool { return covers(a, b) || covers(b, a) })
		})
}

// notify sends a change to those who want it, in the step that makes it.
func (b *Bucket) notify(name string, o *Object) {
	c := b.cloud
	number := c.number("s3 request")
	r := awspayload.S3Record{
		Region: Region, Time: c.instant(), Name: name,
		RequestID: requestID(c, number), HostID: c.opaque("s3 host", number, 0),
		Principal: "AWS:AIDAMEMCLOUDEXAMPLE00", SourceIP: "127.0.0.1", Owner: "A1MEMCLOUDEXAMPLE",
		Bucket: b.name, Key: o.Key, ETag: o.ETag, VersionID: o.VersionID, Sequencer: o.Sequencer,
	}
	if strings.HasPrefix(name, "ObjectCreated:") {
		r.Size = &o.Size
	}
	for _, n := range b.notifications {
		if n.wants(name, o.Key) {
			r.ConfigurationID = n.ID
			payload := awspayload.AppendS3Event(nil, []awspayload.S3Record{r})
			n.target.deliver(payload, b.name+" "+name+" "+clip(o.Key, 40), s3Subject)
		}
	}
	if b.bridged {
		c.acceptS3(&r)
	}
}

func requestID(c *Cloud, n int) string { return fmt.Sprintf("%016X", c.hash("s3 request", n)) }

func (q *Queue) deliver(payload []byte, _, _ string) {
	q.accept(Message{Body: string(payload)})
}
