package memcloud

import (
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/internal/awspayload"
)

// streamRetention is how long a stream keeps its records.
const streamRetention = 24 * time.Hour

// record is a change in a table's stream, which has one shard.
type record struct {
	awspayload.StreamRecord
	number int
	at     time.Duration
}

func (r *record) entity() entity { return entity{prefix: 'r', number: r.number} }

// append adds the change to the stream.
func (t *Table) append(old, item Item, expired bool) {
	if t.view == "" {
		return
	}
	c := t.cloud
	r := &record{number: c.number("record"), at: c.now}
	r.StreamRecord = awspayload.StreamRecord{
		EventID: fmt.Sprintf("%016x%016x", c.hash("record", r.number), r.number), Region: Region,
		StreamARN: t.StreamARN(), Created: c.instant().Truncate(time.Second),
		SequenceNumber: sequenceNumber(len(t.records)), ViewType: string(t.view), Expired: expired,
	}
	switch {
	case old == nil:
		r.Name, r.Keys = "INSERT", t.keyPart(item)
	case item == nil:
		r.Name, r.Keys = "REMOVE", t.keyPart(old)
	default:
		r.Name, r.Keys = "MODIFY", t.keyPart(item)
	}
	if t.view == NewImage || t.view == NewAndOldImages {
		r.New = item
	}
	if t.view == OldImage || t.view == NewAndOldImages {
		r.Old = old
	}
	t.records = append(t.records, r)
}

// sequenceNumber returns the n-th sequence number of a shard. They grow, with
// gaps; soon there is one with a digit more, so that whoever compares them as
// strings finds out.
func sequenceNumber(n int) string {
	const half = 1_000_000_000_000_000_000
	low := uint64(half-1000) + 700*uint64(n)
	return fmt.Sprintf("%d%018d", 999+low/half, low%half)
}

// pokeMappings tells the mappings that there may be new records.
func (t *Table) pokeMappings() {
	for _, p := range t.mappings {
		p.poke()
	}
}
