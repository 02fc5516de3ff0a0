package memcloud

import (
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A read of a stream returns no more than this.
const (
	maxReadRecords = 1000
	maxReadBytes   = 1 << 20
)

// streamLane reads records of a shard in order: one batch after the other, and
// none before the one in front is done or given up.
type streamLane struct {
	reader  *shardReader
	waiting []*record // that are in no batch yet
	read    *event    // in which a batch is made
	work    []*streamBatch
	window  *tumbling // the one that is open; nil: none
}

// streamBatch is a batch, or what is left of one.
type streamBatch struct {
	records   []*record
	tries     int // failed invocations that count against the retries
	invoked   int
	throttled int  // times, since it was last invoked
	again     bool // it was done before
	early     bool // ends its tumbling window for the size of the state
}

// poke says that there may be a batch to make.
func (l *streamLane) poke() {
	if len(l.work) > 0 {
		return
	}
	c := l.reader.mapping.stream.table.cloud
	at := l.due()
	if at == never || l.read != nil && l.read.index >= 0 && l.read.at <= at {
		return
	}
	c.remove(l.read)
	l.read = c.at(at, true, l.take)
}

// due returns when the next batch can be made.
func (l *streamLane) due() time.Duration {
	p := l.reader.mapping
	c := p.stream.table.cloud
	n := l.inWindow()
	switch {
	case n == 0 && l.window == nil:
		return never
	case n == 0 && l.over():
		return c.now
	case n == 0:
		return l.window.end
	case n >= p.BatchSize || l.reader.shard.closed:
		return c.now
	}
	at := max(c.now, l.waiting[0].at+p.Window)
	if w := l.nextWindow(); w != nil {
		at = max(c.now, min(at, w.end))
	}
	return at
}

// take makes a batch of what there is.
func (l *streamLane) take() {
	p := l.reader.mapping
	l.window = l.nextWindow()
	n := min(l.inWindow(), p.BatchSize)
	if p.Window == 0 {
		n = min(n, maxReadRecords)
		size := 0
		for i, r := range l.waiting[:n] {
			if size += r.size; size > maxReadBytes && i > 0 {
				n = i
				break
			}
		}
	}
	if n == 0 && !l.over() {
		return
	}
	l.work = []*streamBatch{{records: l.waiting[:n:n]}}
	l.waiting = l.waiting[n:]
	l.try()
}

// try invokes the function for the batch in front.
func (l *streamLane) try() {
	p := l.reader.mapping
	t := p.stream.table
	b := l.work[0]
	l.dropAged(b)
	payload := l.cut(b)
	call := l.call(b)
	if len(b.records) == 0 && !call.final && !call.early {
		l.advance()
		return
	}
	if !p.function.admit() {
		b.throttled++
		l.after(b.throttled)
		return
	}
	b.throttled = 0
	refs := make([]entity, len(b.records))
	for i, r := range b.records {
		refs[i] = r.entity()
	}
	cause := t.name + ":"
	if b.tries > 0 {
		cause = t.name + " (" + ordinal(b.tries+1) + " try):"
	}
	if call.final || call.early {
		cause = t.name + " (" + call.String() + "):"
	}
	b.invoked++
	t.cloud.invoke(p.function, "", l.event(payload, call), cause, refs, func(inv *invocation, answer []byte, failure *FunctionError) {
		l.finish(inv, b, call, answer, failure)
	})
}

// cut makes a batch of its own of the records that do not fit into one
// payload, and returns those that do.
func (l *streamLane) cut(b *streamBatch) []awspayload.StreamRecord {
	records := make([]awspayload.StreamRecord, 0, len(b.records))
	size := 0
	if l.window != nil {
		size = len(l.window.state)
	}
	var buffer []byte
	for i, r := range b.records {
		records = append(records, r.StreamRecord)
		buffer = awspayload.AppendStreamEvent(buffer[:0], records[i:])
		if size += len(buffer); size > maxPayload && i > 0 {
			rest := &streamBatch{records: b.records[i:], tries: b.tries, invoked: b.invoked, again: b.again}
			b.records = b.records[:i:i]
			l.work = append([]*streamBatch{b, rest}, l.work[1:]...)
			return records[:i]
		}
	}
	return records
}

// finish reads the answer to the batch in front.
func (l *streamLane) finish(inv *invocation, b *streamBatch, call windowCall, answer []byte, failure *FunctionError) {
	p := l.reader.mapping
	index := make(map[string]int, len(b.records))
	for i, r := range b.records {
		index[r.SequenceNumber] = i
	}
	failed, problem := readAnswer(answer, index)
	state, stateless := l.readState(answer)
	switch {
	case failure != nil:
		inv.noteAnswer("", failure)
		l.failed(inv, b, failure.Type)
	case stateless != "":
		inv.noteAnswer("the whole batch fails: "+stateless, nil)
		l.failed(inv, b, "")
	case !p.ReportBatchItemFailures:
		inv.noteUnread(len(failed))
		for i, r := range b.records {
			if failed[i] {
				p.note("LOST", r.entity(), "passed over though failed: the mapping has no ReportBatchItemFailures")
			}
		}
		l.succeed(b, call, state)
	case problem != "":
		inv.noteAnswer("the whole batch fails: "+problem, nil)
		l.failed(inv, b, "")
	case len(failed) == 0:
		inv.noteAnswer("ok", nil)
		l.succeed(b, call, state)
	default:
		lowest := len(b.records)
		for i := range failed {
			lowest = min(lowest, i)
		}
		inv.noteAnswer("failed from", nil, b.records[lowest].entity())
		l.keepState(state)
		l.checkpoint(inv, b, lowest)
	}
}

// succeed goes on behind a batch that is done, unless a fault has it read
// once more.
func (l *streamLane) succeed(b *streamBatch, call windowCall, state []byte) {
	p := l.reader.mapping
	c := p.stream.table.cloud
	switch {
	case call.final:
		l.window = nil
	case call.early:
		l.window.state = nil
	default:
		l.keepState(state)
		if !b.again && c.fault(Duplicate, p.stream.table.name, p.function.name) {
			b.again, b.tries, b.invoked = true, 0, 0
			l.try()
			return
		}
		if len(state) > maxState {
			p.note("window", entity{}, fmt.Sprintf("ends early: the state has %d bytes", len(state)))
			l.work[0] = &streamBatch{early: true}
			l.try()
			return
		}
	}
	l.advance()
}

// checkpoint goes on with the record at the position and all behind it. The
// retries are those of the record in front.
func (l *streamLane) checkpoint(inv *invocation, b *streamBatch, at int) {
	b.records = b.records[at:]
	if at > 0 {
		b.tries = 0
	}
	if b.tries++; !l.reader.mapping.exhausted(b) {
		l.after(b.tries)
		return
	}
	l.giveUp(inv, b.records[:1], b.invoked, "RetryAttemptsExhausted", "")
	b.records, b.tries, b.invoked = b.records[1:], 0, 0
	l.try()
}

// failed deals with a batch that failed as a whole.
func (l *streamLane) failed(inv *invocation, b *streamBatch, kind string) {
	p := l.reader.mapping
	if p.BisectBatchOnFunctionError && len(b.records) > 1 {
		half := len(b.records) / 2
		parts := []*streamBatch{
			{records: b.records[:half:half], tries: b.tries, invoked: b.invoked, again: b.again},
			{records: b.records[half:], tries: b.tries, invoked: b.invoked, again: b.again},
		}
		l.work = append(parts, l.work[1:]...)
		p.note("bisect", inv.entity(), fmt.Sprintf("%d + %d records", half, len(b.records)-half))
		l.after(b.tries)
		return
	}
	if b.tries++; !p.exhausted(b) {
		l.after(b.tries)
		return
	}
	if len(b.records) == 0 {
		l.loseState("RetryAttemptsExhausted")
	} else {
		l.giveUp(inv, b.records, b.invoked, "RetryAttemptsExhausted", kind)
	}
	l.advance()
}

func (p *streamMapping) exhausted(b *streamBatch) bool {
	return p.MaximumRetries != 0 && b.tries > max(0, p.MaximumRetries)
}

func (p *streamMapping) note(action string, about entity, text string, refs ...entity) {
	p.stream.table.cloud.note(p.stream.table.name, action, about, text, refs...)
}

// after tries the batch in front again, after the n-th failure: after a
// second, then two, four... up to a minute. AWS does not say how long it
// waits.
func (l *streamLane) after(n int) {
	c := l.reader.mapping.stream.table.cloud
	c.at(c.now+min(time.Second<<min(max(n-1, 0), 6), time.Minute), true, l.try)
}

// advance goes on behind the batch in front.
func (l *streamLane) advance() {
	if l.work = l.work[1:]; len(l.work) > 0 {
		l.try()
		return
	}
	l.work = nil
	l.poke()
	l.reader.end()
}
