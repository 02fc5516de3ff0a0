package memcloud

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/eventfx/eventfx-go/internal/awspayload"
)

// A Mapping configures how a function reads a queue or a table's stream: an
// event source mapping. For each field the zero value is AWS's default.
type Mapping struct {
	// BatchSize is the most records in one invocation: 1-10,000, for a FIFO
	// queue 1-10. 0 means 10 for a queue, 100 for a stream. A queue needs a
	// Window for more than 10.
	BatchSize int

	// Window is how long records are gathered for a batch, at most 5 minutes;
	// not for FIFO queues. 0 means that what is there goes at once.
	Window time.Duration

	// ReportBatchItemFailures has the function's answer say which records
	// failed. Without it, as on AWS, the answer is not read: every record of
	// an invocation that returns no error counts as done, and is deleted.
	ReportBatchItemFailures bool

	// MaximumConcurrency is the most invocations at once, 2-1000, of a queue.
	// 0 means 5, with which Lambda starts.
	MaximumConcurrency int

	// The rest is for streams.

	// MaximumRetries is how often a failed batch is retried, at most 10,000.
	// 0 means until its records expire, -1 not at all.
	MaximumRetries int

	// MaximumRecordAge is the age at which records are given up, at most 7
	// days. 0 means that only the stream's 24 hours count.
	MaximumRecordAge time.Duration

	// BisectBatchOnFunctionError splits a failed batch in two, which are
	// retried one after the other. Splits are no retries.
	BisectBatchOnFunctionError bool

	// Latest begins with the records that come after the mapping was made;
	// without it a mapping begins with the oldest.
	Latest bool

	// OnFailure is told of batches that were given up, in metadata: the
	// records are not in it. nil: they are lost.
	OnFailure *Queue
}

// maxPayload bounds the payload of a synchronous invocation.
const maxPayload = 6 << 20

// queueMapping reads a queue for a function. It is told when there may be
// messages, and never polls an empty queue.
type queueMapping struct {
	queue    *Queue
	function *Function
	Mapping
	visibility time.Duration

	running int
	poll    *event // in which the queue is read
	close   *event // of the batch, by its window
	batch   []received
	size    int
}

// A received is one receive of a message: the same message may be received
// again while it lasts.
type received struct {
	message *message
	receipt string
}

// current reports whether the message has not been received again since.
func (d received) current() bool { return d.message.receipt == d.receipt }

func (q *Queue) trigger(f *Function, o *Mapping) error {
	p := &queueMapping{queue: q, function: f, Mapping: *o, visibility: q.visibility}
	invalid := func(format string, args ...any) error {
		return &Error{f.name, "InvalidParameterValueException", fmt.Sprintf(format, args...)}
	}
	p.BatchSize = cmp.Or(p.BatchSize, 10)
	p.MaximumConcurrency = cmp.Or(p.MaximumConcurrency, 5)
	most := 10_000
	if q.fifo {
		most = 10
	}
	switch {
	case p.BatchSize < 1 || p.BatchSize > most:
		return invalid("BatchSize %d: must be 1 to %d for this queue", p.BatchSize, most)
	case p.Window < 0 || p.Window > 5*time.Minute:
		return invalid("MaximumBatchingWindowInSeconds %v: must be 0 to 300", p.Window.Seconds())
	case q.fifo && p.Window > 0:
		return invalid("Batching window is not supported for FIFO queues.")
	case p.BatchSize > 10 && p.Window < time.Second:
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case o.MaximumConcurrency != 0 && (p.MaximumConcurrency < 2 || p.MaximumConcurrency > 1000):
		return invalid("MaximumConcurrency %d: must be 2 to 1000", p.MaximumConcurrency)
	case q.visibility < f.timeout:
		return invalid("Queue visibility timeout: %.0f seconds is less than Function timeout: %.0f seconds", q.visibility.Seconds(), f.timeout.Seconds())
	case p.MaximumRetries != 0 || p.MaximumRecordAge != 0 || p.BisectBatchOnFunctionError || p.Latest || p.OnFailure != nil:
		return invalid("MaximumRetries, MaximumRecordAge, BisectBatchOnFunctionError, Latest and OnFailure are for streams; a queue has MaxReceives and DeadLetters")
	}
	if p.Window > 0 && p.Window+f.timeout > p.visibility {
		p.visibility = p.Window + f.timeout + 30*time.Second
	}
	q.mappings = append(q.mappings, p)
	p.poke()
	return nil
}

// poke says that the queue may have messages, or the function room.
func (p *queueMapping) poke() {
	if p.running < p.MaximumConcurrency && (p.poll == nil || p.poll.index < 0) && len(p.queue.messages) > len(p.queue.hidden) {
		c := p.queue.cloud
		p.poll = c.at(c.now, true, p.read)
	}
}

// read receives messages and invokes the function with those that are enough
// for a batch.
func (p *queueMapping) read() {
	q := p.queue
	turn := q.turn()
	for p.running < p.MaximumConcurrency {
		m := q.next(turn)
		if m == nil {
			if p.Window == 0 {
				p.invoke()
			}
			return
		}
		size := len(m.body) + 1024 // with what is around it
		if len(p.batch) > 0 && p.size+size > maxPayload {
			if !q.fifo {
				q.ready.unpop(m)
			}
			p.invoke()
			turn = q.turn()
			continue
		}
		q.take(m, p.visibility)
		p.batch = append(p.batch, received{m, m.receipt})
		p.size += size
		switch {
		case len(p.batch) == p.BatchSize:
			p.invoke()
			turn = q.turn()
		case len(p.batch) == 1 && p.Window > 0:
			p.close = q.cloud.at(q.cloud.now+p.Window, true, p.invoke)
		}
	}
}

// invoke runs the function for the batch.
func (p *queueMapping) invoke() {
	q, batch := p.queue, p.batch
	q.cloud.remove(p.close)
	p.batch, p.size = nil, 0
	if len(batch) == 0 {
		return
	}
	records := make([]awspayload.SQSRecord, len(batch))
	refs := make([]entity, len(batch))
	for i, d := range batch {
		records[i] = q.record(d.message)
		refs[i] = d.message.entity()
	}
	p.running++
	payload := awspayload.AppendSQSEvent(nil, records)
	q.cloud.invoke(p.function, "", payload, q.name+":", refs, func(inv *invocation, answer []byte, failure *FunctionError) {
		p.running--
		p.finish(inv, batch, answer, failure)
		p.poke()
	})
}

// finish deletes what is done. What failed stays hidden until its visibility
// timeout has passed.
func (p *queueMapping) finish(inv *invocation, batch []received, answer []byte, failure *FunctionError) {
	index := make(map[string]int, len(batch))
	for i, d := range batch {
		index[d.message.id] = i
	}
	failed, problem := readAnswer(answer, index)
	switch {
	case failure != nil:
		inv.noteAnswer("", failure)
		p.giveBack(batch)
	case !p.ReportBatchItemFailures:
		inv.noteUnread(failed)
		p.deleteAll(batch, failed)
	case problem != "":
		inv.noteAnswer("the whole batch fails: "+problem, nil)
		p.giveBack(batch)
	case len(failed) == 0:
		inv.noteAnswer("ok", nil)
		p.deleteAll(batch, nil)
	default:
		var done []received
		var back []received
		var refs []entity
		for i, d := range batch {
			if failed[i] {
				back, refs = append(back, d), append(refs, d.message.entity())
			} else {
				done = append(done, d)
			}
		}
		inv.noteAnswer(strconv.Itoa(len(back))+" of "+strconv.Itoa(len(batch))+" failed:", nil, refs...)
		p.deleteAll(done, nil)
		p.giveBack(back)
	}
}

// deleteAll deletes the messages. failed are those that the answer names
// though nobody reads it: the loudest line of the timeline.
func (p *queueMapping) deleteAll(batch []received, failed map[int]bool) {
	q := p.queue
	for i, d := range batch {
		switch {
		case !d.current(), q.fifo && d.message.visible():
			q.note("stale", d.message, "not deleted: its visibility timeout has passed meanwhile")
		case failed[i]:
			q.note("LOST", d.message, "deleted though failed: the mapping has no ReportBatchItemFailures")
			q.delete(d.message)
		default:
			q.note("delete", d.message, "")
			q.delete(d.message)
		}
	}
}

// giveBack leaves the messages to their visibility timeout.
func (p *queueMapping) giveBack(batch []received) {
	q := p.queue
	for _, d := range batch {
		if d.current() && !d.message.visible() {
			q.note("failed", d.message, "visible again at "+offset(d.message.until))
			q.setHolder(d.message, false)
		}
	}
}
