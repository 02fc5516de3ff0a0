package memcloud

import (
	"fmt"
	"strconv"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A queueBatch is messages that a mapping has received together and hands to
// its function, until they are deleted or left to their visibility timeout.
type queueBatch struct {
	mapping  *queueMapping
	messages []received
	payload  []byte
	refusals int // of the function, which is throttled
}

// invoke runs the function for what has been read.
func (p *queueMapping) invoke() {
	p.queue.cloud.remove(p.close)
	if len(p.batch) == 0 {
		return
	}
	b := &queueBatch{mapping: p, messages: p.batch, payload: append(p.payload, awspayload.SQSEventEnd...)}
	p.batch, p.payload = nil, nil
	p.running++
	b.start()
}

// start runs the function, or tries again later when it is throttled.
func (b *queueBatch) start() {
	p := b.mapping
	q, f := p.queue, p.function
	if !f.admit() {
		b.wait()
		return
	}
	for _, d := range b.messages {
		d.message.runs++
	}
	q.cloud.invoke(f, "", b.payload, q.name+":", b.refs(), func(inv *invocation, answer []byte, failure *FunctionError) {
		b.end()
		b.finish(inv, answer, failure)
		p.poke()
	})
}

func (b *queueBatch) end() { b.mapping.running-- }

func (b *queueBatch) refs() []entity {
	refs := make([]entity, len(b.messages))
	for i, d := range b.messages {
		refs[i] = d.message.entity()
	}
	return refs
}

// wait tries again after 1 s, 2 s, 4 s... while the messages are hidden. Their
// receives are used up by then, though nothing ran.
func (b *queueBatch) wait() {
	p := b.mapping
	c := p.queue.cloud
	last := c.now
	for _, d := range b.messages {
		last = max(last, d.message.until)
	}
	next := min(c.now+time.Second<<min(b.refusals, 10), last)
	if b.refusals == 0 {
		c.note(p.function.name, "throttled", entity{}, "until "+offset(last)+" at most: "+p.queue.name+":", b.refs()...)
	}
	b.refusals++
	c.at(next, true, b.retry)
}

// retry goes on with the messages that are still hidden.
func (b *queueBatch) retry() {
	p := b.mapping
	q := p.queue
	var left []received
	for _, d := range b.messages {
		switch {
		case !d.current(): // deleted, or received again
		case d.message.visible() || d.message.until <= q.cloud.now:
			q.note("let go", d.message, "throttled until its visibility timeout passed: "+ordinal(d.message.receives)+" receive, "+strconv.Itoa(d.message.runs)+" runs")
			q.setHolder(d.message, false)
		default:
			left = append(left, d)
		}
	}
	if len(left) == 0 {
		b.end()
		p.poke()
		return
	}
	if len(left) < len(b.messages) {
		records := make([]awspayload.SQSRecord, len(left))
		for i, d := range left {
			records[i] = q.record(d.message)
		}
		b.messages, b.payload = left, awspayload.AppendSQSEvent(nil, records)
	}
	b.start()
}

// finish deletes what is done. What failed stays hidden until its visibility
// timeout has passed.
func (b *queueBatch) finish(inv *invocation, answer []byte, failure *FunctionError) {
	// A message may be in the batch twice: an id that has failed has failed
	// for both.
	index := make(map[string]int, len(b.messages))
	for i, d := range b.messages {
		index[d.message.id] = i
	}
	failed, problem := readAnswer(answer, index)
	hasFailed := func(d received) bool { return failed[index[d.message.id]] }
	switch {
	case failure != nil:
		inv.noteAnswer("", failure)
		b.giveBack(b.messages)
	case !b.mapping.ReportBatchItemFailures:
		inv.noteUnread(len(failed))
		for _, d := range b.messages {
			b.delete(d, hasFailed(d))
		}
	case problem != "":
		inv.noteAnswer("the whole batch fails: "+problem, nil)
		b.giveBack(b.messages)
	case len(failed) == 0:
		inv.noteAnswer("ok", nil)
		for _, d := range b.messages {
			b.delete(d, false)
		}
	default:
		var back []received
		var refs []entity
		for _, d := range b.messages {
			if hasFailed(d) {
				back, refs = append(back, d), append(refs, d.message.entity())
			}
		}
		inv.noteAnswer(fmt.Sprintf("%d of %d failed:", len(back), len(b.messages)), nil, refs...)
		for _, d := range b.messages {
			if !hasFailed(d) {
				b.delete(d, false)
			}
		}
		b.giveBack(back)
	}
}

// delete deletes a message. One that the answer names though nobody reads it
// is the loudest line of the timeline.
func (b *queueBatch) delete(d received, failed bool) {
	q := b.mapping.queue
	switch {
	case !d.current(), q.fifo && d.message.visible():
		q.note("stale", d.message, "not deleted: its visibility timeout has passed meanwhile")
	case q.cloud.fault(CallFails, q.name, "delete"):
		b.giveBack([]received{d})
	case failed:
		q.note(lost, d.message, "deleted though failed: the mapping has no ReportBatchItemFailures")
		q.delete(d.message)
	default:
		q.note("delete", d.message, "")
		q.delete(d.message)
	}
}

// giveBack leaves the messages to their visibility timeout.
func (b *queueBatch) giveBack(messages []received) {
	q := b.mapping.queue
	for _, d := range messages {
		if d.current() && !d.message.visible() {
			q.note("failed", d.message, "visible again at "+offset(d.message.until))
			q.setHolder(d.message, false)
		}
	}
}
