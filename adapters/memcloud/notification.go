package memcloud

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A Notification configures which changes of a bucket are sent to a target.
type Notification struct {
	// Events are the types: "s3:ObjectCreated:Put", "s3:ObjectRemoved:*". None
	// means "s3:ObjectCreated:*".
	Events []string

	// Prefix and Suffix restrict the keys: there are no wildcards. As in S3's
	// configuration they are encoded like a form: "+" is a space, and a plus
	// is "%2B". Two configurations of a bucket may not both match a key and a
	// type. At most 1,024 bytes each.
	Prefix, Suffix string

	// ID is the configurationId in the records, unique in the bucket, of at
	// most 255 bytes. "" makes one.
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
	if err := c.known(target); err != nil {
		return err
	}
	n := &notification{Notification: *o, target: target}
	n.ID = cmp.Or(n.ID, c.uuid("configuration", c.number("configuration")))
	if len(n.Events) == 0 {
		n.Events = []string{"s3:ObjectCreated:*"}
	}
	refuse := func(code, format string, args ...any) error {
		return &Error{b.name, code, fmt.Sprintf(format, args...)}
	}
	if strings.HasSuffix(target.Name(), ".fifo") {
		return refuse("InvalidArgument", "Unable to validate the following destination configurations: a FIFO queue or topic takes no S3 events: let EventBridge send them")
	}
	for _, text := range []*string{&n.Prefix, &n.Suffix} {
		decoded, err := url.QueryUnescape(*text)
		if err != nil || len(*text) > 1024 {
			return refuse("InvalidArgument", "filter %q: must be encoded like a form, in at most 1024 bytes", clip(*text, 40))
		}
		*text = decoded
	}
	switch {
	case len(n.ID) > 255:
		return refuse("InvalidArgument", "the ID of a notification configuration has at most 255 characters")
	case slices.ContainsFunc(b.notifications, func(o *notification) bool { return o.ID == n.ID }):
		return refuse("InvalidArgument", "Same ID used for multiple configurations. IDs must be unique: %s", n.ID)
	case len(b.notifications) == maxNotifications:
		return refuse("TooManyConfigurations", "You are attempting to create more configurations than allowed: %d", maxNotifications)
	}
	for _, e := range n.Events {
		if !slices.Contains(eventTypes, e) {
			return refuse("InvalidArgument", "A specified event is not supported for notifications: %q", e)
		}
	}
	for _, other := range b.notifications {
		if n.overlaps(other) {
			return refuse("InvalidArgument", "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.")
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

// maxNotifications is how many configurations a bucket may have.
const maxNotifications = 100

// eventTypes are those that S3 takes. Not all of them happen here: only what
// this package does to objects, and Bucket.Expire.
var eventTypes = []string{
	"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
	"s3:ObjectCreated:CompleteMultipartUpload",
	"s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated",
	"s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
	"s3:ObjectTagging:*", "s3:ObjectTagging:Put", "s3:ObjectTagging:Delete", "s3:ObjectAcl:Put",
	"s3:ObjectRestore:*", "s3:ObjectRestore:Post", "s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete",
	"s3:Replication:*", "s3:Replication:OperationFailedReplication", "s3:Replication:OperationMissedThreshold",
	"s3:Replication:OperationReplicatedAfterThreshold", "s3:Replication:OperationNotTracked",
	"s3:LifecycleTransition", "s3:IntelligentTiering", "s3:ReducedRedundancyLostObject",
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
	switch kind, _, _ := strings.Cut(name, ":"); kind {
	case "ObjectCreated":
		r.Size = &o.Size
	case "ObjectTagging":
		r.Sequencer = "" // it orders what becomes of the object itself
	}
	for _, n := range b.notifications {
		if n.wants(name, o.Key) {
			r.ConfigurationID = n.ID
			payload := awspayload.AppendS3Event(nil, []awspayload.S3Record{r})
			cause := b.name + " " + name + " " + clip(o.Key, 40)
			b.send(n.target.Name(), func() { n.target.deliver(payload, cause, s3Subject) })
		}
	}
	if b.bridged {
		bridged := r
		b.send(defaultBus, func() { c.acceptS3(&bridged) })
	}
}

// send has a notification be delivered: in this step, unless a fault has it
// come twice or late, and so perhaps after a later one.
func (b *Bucket) send(target string, deliver func()) {
	c := b.cloud
	times := 1
	if c.fault(Duplicate, b.name, "notify", target) {
		times = 2
	}
	late := c.fault(Delay, b.name, "notify", target)
	at := c.now
	if late {
		at += []time.Duration{time.Second, 30 * time.Second, 5 * time.Minute}[c.pick(3)]
	}
	for range times {
		if late {
			c.at(at, true, deliver)
		} else {
			deliver()
		}
	}
}

func requestID(c *Cloud, n int) string { return fmt.Sprintf("%016X", c.hash("s3 request", n)) }

func (q *Queue) deliver(payload []byte, cause, _ string) {
	sender, _, _ := strings.Cut(cause, " ")
	q.acceptFrom(sender, Message{Body: string(payload)})
}
