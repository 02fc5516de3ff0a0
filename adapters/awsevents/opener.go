package awsevents

import (
	"maps"
	"slices"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/eventfx/eventfx-go/eventfx"
)

// An opener turns one payload into items.
//
// The data of the events are parts of buf, its own copy of the payload, or of
// copies made for text that is nested in it; each ends where its capacity
// ends. Strings are always copies, so that a handler that writes over its data
// changes no id.
type opener struct {
	format    Format
	payload   []byte // as it came: what a record that cannot be read is kept from
	buf       []byte
	requestID string
	items     []item
	records   []string       // identifiers of the records so far
	bodies    [][]byte       // of the records so far, parts of payload
	seen      map[string]int // records by identifier, the first seenTo of them
	seenTo    int
	highest   string // sequence number
	late      []lateRecord
	scratch   []byte
	rec       record
	window    bool
	state     []byte
	opaque    bool
	acked     bool // a test event was found
	at        address
	uris      map[string]types.URIRef

	acknowledged []Acknowledged
}

// An item is a message with everything that it points to, so that a payload
// needs one allocation for all of them. No two items share anything that a
// handler could change.
type item struct {
	msg         eventfx.Message
	ctx         event.EventContextV1
	time        types.Timestamp // unless zero
	subject     string          // unless empty
	contentType string          // unless empty
	record      int             // index of the record that it came from
	delivery    Record
	hasDelivery bool
}

// add begins an item. It is valid until the next call of add.
func (o *opener) add() *item {
	o.items = append(o.items, item{})
	it := &o.items[len(o.items)-1]
	it.record = max(0, len(o.records)-1)
	return it
}

// earlier returns the index of the first record before this one that has the
// identifier, or -1.
func (o *opener) earlier(id string) int {
	n := len(o.records) - 1
	if n < 32 {
		return slices.Index(o.records[:n], id)
	}
	if o.seen == nil {
		o.seen = make(map[string]int)
	}
	for ; o.seenTo < n; o.seenTo++ {
		if before := o.records[o.seenTo]; before != "" {
			if _, ok := o.seen[before]; !ok {
				o.seen[before] = o.seenTo
			}
		}
	}
	if i, ok := o.seen[id]; ok {
		return i
	}
	return -1
}

// reset drops the items from mark on.
func (o *opener) reset(mark int) {
	clear(o.items[mark:])
	o.items = o.items[:mark]
}

// reserve makes room for the items of a payload, by the size of its first
// record. A payload that is made to mislead it costs a reallocation.
func (o *opener) reserve(size, total int) {
	if o.items == nil {
		n := min(total/max(size, 1)+1, 1024)
		o.items = make([]item, 0, n)
		o.records = make([]string, 0, n)
		o.bodies = make([][]byte, 0, n)
	}
}

// acknowledge notes that the record has nothing to handle.
func (o *opener) acknowledge(origin eventfx.Origin, group string) {
	o.acknowledged = append(o.acknowledged, Acknowledged{Record: len(o.records) - 1, Origin: origin, Group: group})
}

func (it *item) extend(name string, value any) {
	if it.ctx.Extensions == nil {
		it.ctx.Extensions = make(map[string]any, 4)
	}
	it.ctx.Extensions[name] = value
}

// attribute sets an attribute of the origin, unless it is there.
func (it *item) attribute(name, value string) {
	if _, ok := it.msg.Origin.Attributes[name]; ok {
		return
	}
	if it.msg.Origin.Attributes == nil {
		it.msg.Origin.Attributes = make(map[string]string)
	}
	it.msg.Origin.Attributes[name] = value
}

func (it *item) attributes(all map[string]string) {
	if it.msg.Origin.Attributes == nil {
		it.msg.Origin.Attributes = maps.Clone(all)
		return
	}
	for name, value := range all {
		it.attribute(name, value)
	}
}

// finish makes the pointers, when the items no longer move.
func (o *opener) finish(s shape) *Payload {
	p := &Payload{
		Source:  s.String(),
		Partial: s == shapeSQS || s == shapeDynamoDB,
		Opaque:  o.opaque,
		items:   o.items,
		records: o.records,
		stream:  s == shapeDynamoDB,
		window:  o.window,
		state:   o.state,

		Acknowledged: o.acknowledged,
	}
	if len(o.items) == 0 {
		return p
	}
	p.Messages = make([]*eventfx.Message, len(o.items))
	for i := range o.items {
		it := &o.items[i]
		if e, ok := it.msg.Err.(*RecordError); ok && e.Source == shapeOpaque.String() {
			e.Source = p.Source // it was not yet known
		}
		it.msg.Context = &it.ctx
		if !it.time.IsZero() {
			it.ctx.Time = &it.time
		}
		if it.subject != "" {
			it.ctx.Subject = &it.subject
		}
		if it.contentType != "" {
			it.ctx.DataContentType = &it.contentType
		}
		if it.hasDelivery {
			it.msg.Payload = &it.delivery
		}
		p.Messages[i] = &it.msg
	}
	return p
}
