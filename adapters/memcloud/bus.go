package memcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// An EventBus is an EventBridge event bus: what is put on it goes to the
// targets of the rules whose pattern it matches.
type EventBus struct {
	cloud *Cloud
	name  string
	rules []*busRule
}

// A BusEvent is what is put on a bus.
type BusEvent struct {
	Source     string // no service of AWS's: not "aws."
	DetailType string
	Detail     string // a JSON object
	Resources  []string
	Time       time.Time // in whole seconds; zero means now
}

// A PutResult is what became of one event: its id, or why it was refused.
type PutResult struct {
	EventID      string
	ErrorCode    string // AWS's: "MalformedDetail"
	ErrorMessage string
}

// defaultBus is the name of the bus that each account has.
const defaultBus = "default"

// EventBus makes a bus. The bus "default", on which services put their events,
// is there already.
func (c *Cloud) EventBus(name string) *EventBus {
	var b *EventBus
	c.wire(func() error {
		if name == defaultBus {
			b = c.services()
			return nil
		}
		b = &EventBus{cloud: c, name: name}
		return register(c.buses, "event bus", name, b)
	})
	return b
}

// services returns the default bus.
func (c *Cloud) services() *EventBus {
	b := c.buses[defaultBus]
	if b == nil {
		b = &EventBus{cloud: c, name: defaultBus}
		c.buses[defaultBus] = b
	}
	return b
}

// Name returns the name that was given.
func (b *EventBus) Name() string { return b.name }

// ARN returns the bus's ARN.
func (b *EventBus) ARN() string {
	return "arn:aws:events:" + Region + ":" + Account + ":event-bus/" + b.name
}

// Send puts an event on the bus, and does not wait. One that EventBridge would
// refuse fails the test.
func (b *EventBus) Send(source, detailType, detail string) {
	if b.cloud.t != nil {
		b.cloud.t.Helper()
	}
	e := BusEvent{Source: source, DetailType: detailType, Detail: detail}
	if code, message := e.check(); code != "" {
		b.cloud.misuse(&Error{b.name, code, message})
		return
	}
	b.cloud.post(func() { b.accept(e) })
}

// PutEvents puts up to 10 events of together less than 256 KB on the bus. It
// says of each what became of it: an event that is refused is no reason to
// refuse the others, and no error.
func (b *EventBus) PutEvents(ctx context.Context, events ...BusEvent) ([]PutResult, error) {
	size := 0
	key := "putevents\x00" + b.name
	events = slices.Clone(events)
	for i := range events {
		e := &events[i]
		e.Resources = slices.Clone(e.Resources)
		size += e.size()
		key += "\x00" + e.Source + "\x00" + e.DetailType + "\x00" + e.Detail + "\x00" + strings.Join(e.Resources, "\x00")
	}
	switch {
	case len(events) < 1 || len(events) > 10:
		return nil, &Error{b.name, "ValidationException", fmt.Sprintf("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10: there are %d", len(events))}
	case size >= maxPut:
		return nil, &Error{b.name, "ValidationException", "Total size of the entries in the request is over the limit."}
	}
	results := make([]PutResult, len(events))
	err := b.cloud.do(ctx, key, func() error {
		for i, e := range events {
			r := &results[i]
			if r.ErrorCode, r.ErrorMessage = e.check(); r.ErrorCode == "" {
				r.EventID = b.accept(e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// maxPut is what the events of one call must stay below.
const maxPut = 256 << 10

// size is what EventBridge counts.
func (e *BusEvent) size() int {
	size := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if !e.Time.IsZero() {
		size += 14
	}
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

// check returns what EventBridge would answer for one event that it refuses.
func (e *BusEvent) check() (code, message string) {
	required := func(parameter string) (string, string) {
		return "InvalidArgument", "Parameter " + parameter + " is not valid. Reason: " + parameter + " is a required argument."
	}
	switch {
	case e.Source == "":
		return required("Source")
	case e.DetailType == "":
		return required("DetailType")
	case e.Detail == "":
		return required("Detail")
	case strings.HasPrefix(e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case e.size() >= maxPut:
		return "ValidationException", "Total size of the entries in the request is over the limit."
	}
	var detail map[string]json.RawMessage
	if json.Unmarshal([]byte(e.Detail), &detail) != nil || detail == nil {
		return "MalformedDetail", "Detail is malformed."
	}
	return "", ""
}

// The methods below are the loop's.

// A busEvent is an event on its way.
type busEvent struct {
	number    int
	label     string // for the timeline
	envelope  []byte // as targets get it; nobody changes it
	forwarded bool   // it came from another bus
}

func (e *busEvent) entity() entity { return entity{prefix: 'e', number: e.number} }

// accept puts a user's event on the bus and returns its id.
func (b *EventBus) accept(e BusEvent) string {
	c := b.cloud
	number := c.number("bus event")
	id := c.uuid("bus event", number)
	when := e.Time
	if when.IsZero() {
		when = c.instant()
	}
	envelope := awspayload.AppendEnvelope(nil, &awspayload.Envelope{
		ID: id, DetailType: e.DetailType, Source: e.Source, Account: Account, Time: when, Region: Region,
		Resources: e.Resources, Detail: []byte(e.Detail),
	})
	b.route(&busEvent{number: number, label: e.Source + ": " + e.DetailType + " " + e.Detail, envelope: envelope})
	return id
}

// acceptS3 puts a bucket's event on the default bus.
func (c *Cloud) acceptS3(r *awspayload.S3Record) {
	number := c.number("bus event")
	envelope := awspayload.AppendS3EventBridge(nil, c.uuid("bus event", number), Account, r)
	c.services().route(&busEvent{number: number, label: "aws.s3: " + r.Name + " " + clip(r.Key, 40), envelope: envelope})
}

// route has the rules look at an event, in the order of their making.
func (b *EventBus) route(e *busEvent) {
	c := b.cloud
	c.note(b.name, "put", e.entity(), e.label)
	var doc any
	matched := false
	for _, r := range b.rules {
		if r.pattern != nil {
			if doc == nil {
				doc = decodeDocument(e.envelope)
			}
			if !r.pattern.Match(doc) {
				continue
			}
		}
		matched = true
		for _, t := range r.targets {
			t.start(e)
		}
	}
	if !matched && len(b.rules) > 0 {
		c.note(b.name, "drop", e.entity(), "no rule matches")
	}
}

func decodeDocument(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var doc any
	_ = d.Decode(&doc) // an envelope is JSON
	return doc
}
