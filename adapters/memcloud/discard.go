package memcloud

import (
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// dropAged gives up the records in front that are too old: for the mapping,
// or for the stream.
func (l *streamLane) dropAged(b *streamBatch) {
	p := l.reader.mapping
	c := p.stream.table.cloud
	limit := streamRetention
	if p.MaximumRecordAge != 0 {
		limit = min(limit, p.MaximumRecordAge)
	}
	if w := l.window; w != nil && len(b.records) == 0 && c.now-w.end > limit {
		l.loseState("RecordAgeExceeded")
		b.early = false
		return
	}
	n := 0
	for n < len(b.records) && c.now-b.records[n].at > limit {
		n++
	}
	if n == 0 {
		return
	}
	aged := b.records[:n]
	b.records = b.records[n:]
	if limit == streamRetention {
		for _, r := range aged {
			p.note("LOST", r.entity(), "the stream keeps records for 24 h")
		}
		return
	}
	l.giveUp(nil, aged, max(1, b.invoked), "RecordAgeExceeded", "")
}

// giveUp tells the destination of the records that nobody will see again.
func (l *streamLane) giveUp(inv *invocation, records []*record, invoked int, condition, kind string) {
	p := l.reader.mapping
	t := p.stream.table
	c := t.cloud
	refs := make([]entity, len(records))
	payload := make([]awspayload.StreamRecord, len(records))
	for i, r := range records {
		refs[i], payload[i] = r.entity(), r.StreamRecord
	}
	lost := func(why string) { p.note("LOST", refs[0], condition+", and "+why, refs[1:]...) }
	if p.OnFailure == nil {
		lost("the mapping has no OnFailure")
		return
	}
	f := awspayload.StreamFailure{
		Time: c.instant(), FunctionARN: p.function.ARN(), Condition: condition, Invocations: invoked,
		ShardID: l.reader.shard.id, First: payload[0], Last: payload[len(payload)-1], BatchSize: len(records),
		NoResponse: inv == nil,
	}
	if inv == nil {
		f.RequestID = c.uuid("request-aged", c.number("request-aged"))
	} else if f.RequestID = inv.id; kind != "" {
		f.FunctionError = "Unhandled"
	}
	if c.fault(DeadLetterFails, t.name, p.OnFailure.Name()) {
		lost(p.OnFailure.Name() + " could not be written")
		return
	}
	p.note("give up", p.tell(&f, payload), condition+", told "+p.OnFailure.Name()+":", refs...)
}

// refusedDestination says why AWS would not take the destination of a stream.
func refusedDestination(to Destination) string {
	missing := false
	switch to := to.(type) {
	case nil:
	case *Queue:
		if missing = to == nil; !missing && to.fifo {
			return "the on-failure destination of a stream must be a standard queue"
		}
	case *Topic:
		missing = to == nil
	case *Bucket:
		missing = to == nil
	default:
		return fmt.Sprintf("the on-failure destination of a stream must be a queue, a topic or a bucket, not a %T", to)
	}
	if missing {
		return fmt.Sprintf("OnFailure is a nil %T: leave it out", to)
	}
	return ""
}

// tell sends f to the destination, and returns what has it now.
func (p *streamMapping) tell(f *awspayload.StreamFailure, records []awspayload.StreamRecord) entity {
	switch to := p.OnFailure.(type) {
	case *Queue:
		return to.accept(Message{Body: string(awspayload.AppendStreamFailure(nil, f))}).entity()
	case *Topic:
		return entity{name: to.publish(Notice{Message: string(awspayload.AppendStreamFailure(nil, f))})}
	case *Bucket:
		c := to.cloud
		f.Payload = awspayload.AppendStreamEvent(nil, records)
		o := Object{ContentType: "application/json", Data: awspayload.AppendStreamFailure(nil, f)}
		o.Key = fmt.Sprintf("aws/lambda/%s/%s/%s-%s", p.id, f.ShardID,
			f.Time.UTC().Format("2006/01/02/2006-01-02T15.04.05"), c.uuid("discarded", c.number("discarded")))
		o.measure()
		_ = to.write(&o, Condition{}, "ObjectCreated:Put") // without a condition nothing can fail
		return entity{name: o.Key}
	}
	panic(fmt.Sprintf("memcloud: a %T took a stream's records", p.OnFailure)) // refusedDestination would not have it
}
