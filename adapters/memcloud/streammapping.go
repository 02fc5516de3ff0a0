package memcloud

import (
	"cmp"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/internal/awspayload"
)

// shardID is the name of a stream's only shard.
const shardID = "shardId-00000000000000000000-memcloud"

// streamMapping reads a stream for a function: one batch after the other, and
// none before the one in front is done or given up.
type streamMapping struct {
	table    *Table
	function *Function
	Mapping

	next int    // the first record that is in no batch yet
	read *event // in which a batch is made
	work []*streamBatch
}

// streamBatch is a batch, or what is left of one.
type streamBatch struct {
	records []*record
	tries   int // failed invocations that count against the retries
	invoked int
}

func (t *Table) trigger(f *Function, o *Mapping) error {
	p := &streamMapping{table: t, function: f, Mapping: *o}
	invalid := func(format string, args ...any) error {
		return &Error{f.name, "InvalidParameterValueException", fmt.Sprintf(format, args...)}
	}
	p.BatchSize = cmp.Or(p.BatchSize, 100)
	switch {
	case p.BatchSize < 1 || p.BatchSize > 10_000:
		return invalid("BatchSize %d: must be 1 to 10000", p.BatchSize)
	case p.Window < 0 || p.Window > 5*time.Minute:
		return invalid("MaximumBatchingWindowInSeconds %v: must be 0 to 300", p.Window.Seconds())
	case p.MaximumRetries < -1 || p.MaximumRetries > 10_000:
		return invalid("MaximumRetryAttempts %d: must be -1 (none) to 10000", p.MaximumRetries)
	case p.MaximumRecordAge != 0 && (p.MaximumRecordAge < time.Minute || p.MaximumRecordAge > 7*24*time.Hour):
		return invalid("MaximumRecordAgeInSeconds %v: must be 60 to 604800", p.MaximumRecordAge.Seconds())
	case p.MaximumConcurrency != 0:
		return invalid("MaximumConcurrency is for queues")
	case p.Filters != nil:
		return invalid("Filters of a stream are not simulated")
	case p.OnFailure != nil && p.OnFailure.fifo:
		return invalid("the on-failure destination of a stream must be a standard queue")
	}
	if t.view == "" {
		t.view = NewAndOldImages
	}
	if p.Latest {
		p.next = len(t.records)
	}
	t.mappings = append(t.mappings, p)
	p.poke()
	return nil
}

// poke says that there may be records.
func (p *streamMapping) poke() {
	waiting := len(p.table.records) - p.next
	if len(p.work) > 0 || waiting == 0 {
		return
	}
	c := p.table.cloud
	at := c.now
	if waiting < p.BatchSize {
		at = max(at, p.table.records[p.next].at+p.Window)
	}
	if p.read != nil && p.read.index >= 0 {
		if p.read.at <= at {
			return
		}
		c.remove(p.read)
	}
	p.read = c.at(at, true, p.take)
}

// take makes a batch of what there is.
func (p *streamMapping) take() {
	records := p.table.records[p.next:]
	records = records[:min(len(records), p.BatchSize)]
	if len(p.work) > 0 || len(records) == 0 {
		return
	}
	p.next += len(records)
	p.work = []*streamBatch{{records: records}}
	p.try()
}

// try invokes the function for the batch in front.
func (p *streamMapping) try() {
	c := p.table.cloud
	b := p.work[0]
	if p.dropAged(b); len(b.records) == 0 {
		p.advance()
		return
	}
	records := make([]awspayload.StreamRecord, 0, len(b.records))
	refs := make([]entity, 0, len(b.records))
	size := 0
	for _, r := range b.records {
		size += len(awspayload.AppendStreamEvent(nil, []awspayload.StreamRecord{r.StreamRecord}))
		if size > maxPayload && len(records) > 0 {
			// What does not fit is a batch of its own, after this one.
			rest := &streamBatch{records: b.records[len(records):], tries: b.tries}
			b.records = b.records[:len(records):len(records)]
			p.work = append([]*streamBatch{b, rest}, p.work[1:]...)
			break
		}
		records, refs = append(records, r.StreamRecord), append(refs, r.entity())
	}
	cause := p.table.name + ":"
	if b.tries > 0 {
		cause = p.table.name + " (" + ordinal(b.tries+1) + " try):"
	}
	b.invoked++
	c.invoke(p.function, "", awspayload.AppendStreamEvent(nil, records), cause, refs, func(inv *invocation, answer []byte, failure *FunctionError) {
		p.finish(inv, b, answer, failure)
	})
}

// finish reads the answer to the batch in front.
func (p *streamMapping) finish(inv *invocation, b *streamBatch, answer []byte, failure *FunctionError) {
	index := make(map[string]int, len(b.records))
	for i, r := range b.records {
		index[r.SequenceNumber] = i
	}
	failed, problem := readAnswer(answer, index)
	switch {
	case failure != nil:
		inv.noteAnswer("", failure)
		p.failed(inv, b, failure.Type)
	case !p.ReportBatchItemFailures:
		inv.noteUnread(len(failed))
		for i, r := range b.records {
			if failed[i] {
				p.table.cloud.note(p.table.name, "LOST", r.entity(), "passed over though failed: the mapping has no ReportBatchItemFailures")
			}
		}
		p.advance()
	case problem != "":
		inv.noteAnswer("the whole batch fails: "+problem, nil)
		p.failed(inv, b, "")
	case len(failed) == 0:
		inv.noteAnswer("ok", nil)
		p.advance()
	default:
		lowest := len(b.records)
		for i := range failed {
			lowest = min(lowest, i)
		}
		inv.noteAnswer("failed from", nil, b.records[lowest].entity())
		p.checkpoint(inv, b, lowest)
	}
}

// checkpoint goes on with the record at the position and all behind it. The
// retries are those of the record in front.
func (p *streamMapping) checkpoint(inv *invocation, b *streamBatch, at int) {
	b.records = b.records[at:]
	if at > 0 {
		b.tries = 0
	}
	if b.tries++; !p.exhausted(b) {
		p.retry(b)
		return
	}
	p.giveUp(inv, b.records[:1], b.invoked, "RetryAttemptsExhausted", "")
	b.records, b.tries, b.invoked = b.records[1:], 0, 0
	if len(b.records) == 0 {
		p.advance()
		return
	}
	p.try()
}

// failed deals with a batch that failed as a whole.
func (p *streamMapping) failed(inv *invocation, b *streamBatch, kind string) {
	if p.BisectBatchOnFunctionError && len(b.records) > 1 {
		half := len(b.records) / 2
		parts := []*streamBatch{
			{records: b.records[:half], tries: b.tries, invoked: b.invoked},
			{records: b.records[half:], tries: b.tries, invoked: b.invoked},
		}
		p.work = append(parts, p.work[1:]...)
		p.table.cloud.note(p.table.name, "bisect", inv.entity(), fmt.Sprintf("%d + %d records", half, len(b.records)-half))
		p.retry(parts[0])
		return
	}
	if b.tries++; p.exhausted(b) {
		p.giveUp(inv, b.records, b.invoked, "RetryAttemptsExhausted", kind)
		p.advance()
		return
	}
	p.retry(b)
}

func (p *streamMapping) exhausted(b *streamBatch) bool {
	return p.MaximumRetries != 0 && b.tries > max(0, p.MaximumRetries)
}

// retry tries the batch in front again, after a second, then two, four... up
// to a minute. AWS does not say how long it waits.
func (p *streamMapping) retry(b *streamBatch) {
	delay := min(time.Second<<min(max(b.tries-1, 0), 6), time.Minute)
	c := p.table.cloud
	c.at(c.now+delay, true, p.try)
}

// advance goes on behind the batch in front.
func (p *streamMapping) advance() {
	p.work = p.work[1:]
	if len(p.work) > 0 {
		p.try()
		return
	}
	p.poke()
}

// dropAged gives up the records in front that are too old: for the mapping,
// or for the stream.
func (p *streamMapping) dropAged(b *streamBatch) {
	c := p.table.cloud
	limit := streamRetention
	if p.MaximumRecordAge != 0 {
		limit = min(limit, p.MaximumRecordAge)
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
			c.note(p.table.name, "LOST", r.entity(), "the stream keeps records for 24 h")
		}
		return
	}
	p.giveUp(nil, aged, max(1, b.invoked), "RecordAgeExceeded", "")
}

// giveUp tells the destination of the records that nobody will see again.
func (p *streamMapping) giveUp(inv *invocation, records []*record, invoked int, condition, kind string) {
	c := p.table.cloud
	refs := make([]entity, len(records))
	for i, r := range records {
		refs[i] = r.entity()
	}
	if p.OnFailure == nil {
		c.note(p.table.name, "LOST", refs[0], condition+", and the mapping has no OnFailure", refs[1:]...)
		return
	}
	f := awspayload.StreamFailure{
		Time: c.instant(), FunctionARN: p.function.ARN(), Condition: condition, Invocations: invoked,
		ShardID: shardID, First: records[0].StreamRecord, Last: records[len(records)-1].StreamRecord, BatchSize: len(records),
		NoResponse: inv == nil,
	}
	if inv == nil {
		f.RequestID = c.uuid("request-aged", c.number("request-aged"))
	} else if f.RequestID = inv.id; kind != "" {
		f.FunctionError = "Unhandled"
	}
	m := p.OnFailure.accept(Message{Body: string(awspayload.AppendStreamFailure(nil, &f))})
	c.note(p.table.name, "give up", m.entity(), condition+", told "+p.OnFailure.name+":", refs...)
}
