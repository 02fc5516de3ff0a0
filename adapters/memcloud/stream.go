package memcloud

import (
	"fmt"
	"slices"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// streamRetention is how long a stream keeps its records.
const streamRetention = 24 * time.Hour

// A stream is what a table's stream is from when it is enabled until it is
// disabled. The next one has another ARN.
type stream struct {
	table    *Table
	arn      string
	view     StreamView
	enabled  bool
	shards   []*shard // a parent comes before its children
	mappings []*streamMapping
}

// record is a change in a stream.
type record struct {
	awspayload.StreamRecord
	number int
	at     time.Duration
	item   uint64 // a hash of the primary key
	size   int
}

func (r *record) entity() entity { return entity{prefix: 'r', number: r.number} }

// EnableStream enables the table's stream, which must not be enabled. "" means
// NewAndOldImages. After DisableStream it is another stream: its ARN is new,
// and mappings that read the old one do not see what comes.
func (t *Table) EnableStream(view StreamView) {
	if t.cloud.t != nil {
		t.cloud.t.Helper()
	}
	t.cloud.misuse(t.cloud.do(own, "", func() error { return t.enableStream(view) }))
}

// DisableStream disables the table's stream: its shards are closed, and what
// is in them can be read for 24 hours. The view of a stream cannot be edited;
// it takes a DisableStream and an EnableStream.
func (t *Table) DisableStream() {
	if t.cloud.t != nil {
		t.cloud.t.Helper()
	}
	t.cloud.misuse(t.cloud.do(own, "", func() error {
		if t.stream == nil || !t.stream.enabled {
			return t.invalid("Table already has a disabled stream: TableName: %s", t.name)
		}
		t.cloud.note(t.name, "stream", entity{}, "disabled")
		t.stream.disable()
		return nil
	}))
}

// StreamARN returns the ARN of the table's latest stream, or "".
func (t *Table) StreamARN() string {
	arn := ""
	t.cloud.look(func() {
		if t.stream != nil {
			arn = t.stream.arn
		}
	})
	return arn
}

// The methods below are the loop's.

func (t *Table) enableStream(view StreamView) error {
	c := t.cloud
	if view == "" {
		view = NewAndOldImages
	}
	if !slices.Contains([]StreamView{KeysOnly, NewImage, OldImage, NewAndOldImages}, view) {
		return t.invalid("%q is no StreamViewType", view)
	}
	if t.stream != nil && t.stream.enabled {
		return t.invalid("Table already has an enabled stream: TableName: %s", t.name)
	}
	label := c.instant().UTC()
	arn := func() string { return t.ARN() + "/stream/" + label.Format("2006-01-02T15:04:05.000") }
	for t.stream != nil && arn() <= t.stream.arn {
		label = label.Add(time.Millisecond)
	}
	if t.stream != nil {
		text := "enabled again: a new ARN"
		for _, p := range t.stream.mappings {
			text += "; " + p.function.name + " reads the old one"
		}
		c.note(t.name, "stream", entity{}, text)
	}
	t.stream = &stream{table: t, arn: arn(), view: view, enabled: true}
	t.stream.newShard(nil, 0, ^uint64(0))
	return nil
}

func (s *stream) disable() {
	s.enabled = false
	for _, sh := range s.shards {
		sh.closed = true
	}
	s.poke()
}

// append adds a change.
func (s *stream) append(old, item Item, expired bool) {
	t := s.table
	c := t.cloud
	r := &record{at: c.now}
	r.StreamRecord = awspayload.StreamRecord{
		Region: Region, StreamARN: s.arn, Created: c.instant().Truncate(time.Second),
		ViewType: string(s.view), Expired: expired,
	}
	switch {
	case old == nil:
		r.Name, r.Keys = "INSERT", t.keyPart(item)
	case item == nil:
		r.Name, r.Keys = "REMOVE", t.keyPart(old)
	default:
		r.Name, r.Keys = "MODIFY", t.keyPart(item)
	}
	if s.view == NewImage || s.view == NewAndOldImages {
		r.New = item
	}
	if s.view == OldImage || s.view == NewAndOldImages {
		r.Old = old
	}
	r.item = hashKey(t.rowKey(r.Keys))
	r.size = awspayload.ItemSize(r.Keys) + awspayload.ItemSize(r.New) + awspayload.ItemSize(r.Old)

	sh := s.shardOf(t.partition(r.Keys))
	if sh.divisible() && c.fault(ShardSplit, t.name) {
		s.split(sh)
		sh = s.shardOf(t.partition(r.Keys))
	}
	r.number = c.number("record")
	r.EventID = fmt.Sprintf("%016x%016x", c.hash("record", r.number), r.number)
	r.SequenceNumber = sequenceNumber(c.number("change of "+t.name) - 1)
	sh.append(r)
}

// sequenceNumber returns the n-th sequence number of a table. They grow, with
// gaps; soon there is one with a digit more, so that whoever compares them as
// strings finds out.
func sequenceNumber(n int) string {
	const half = 1_000_000_000_000_000_000
	low := uint64(half-1000) + 700*uint64(n)
	return fmt.Sprintf("%d%018d", 999+low/half, low%half)
}

// poke tells the mappings that something may have changed.
func (s *stream) poke() {
	for _, p := range s.mappings {
		for _, r := range p.readers {
			r.poke()
		}
	}
}
