package memcloud

import (
	"cmp"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A Mapping configures how a function reads a queue or a table's stream: an
// event source mapping. For each field the zero value is AWS's default.
type Mapping struct {
	// BatchSize is the most records in one invocation: 1-10,000, for a FIFO
	// queue 1-10. 0 means 10 for a queue, 100 for a stream. A queue needs a
	// Window for more than 10.
	BatchSize int

	// Window is how long records are gathered for a batch, at most 5 minutes;
	// not for FIFO queues. 0 means that what is there goes at once. AWS may
	// wait for 20 s though the window is shorter: that is a fault, Delay.
	Window time.Duration

	// ReportBatchItemFailures has the function's answer say which records
	// failed. Without it, as on AWS, the answer is not read: every record of
	// an invocation that returns no error counts as done, and is deleted.
	ReportBatchItemFailures bool

	// MaximumConcurrency is the most invocations at once, 2-1000, of a queue.
	// Lambda starts with 5 and adds 300 for each minute in which these are
	// not enough. 0 means up to 1,250.
	MaximumConcurrency int

	// Filters are event patterns, up to 10 of at most 4,096 characters. Those
	// of a queue are for its messages' bodies:
	//
	//	{"body": {"state": ["new"], "total": [{"numeric": [">", 0]}]}}
	//	{"body": [{"prefix": "order "}]}
	//
	// A message that none of them matches is deleted, and no function runs. A
	// pattern like the first matches no body that is not JSON, one like the
	// second none that is. Those of a stream are for its records, in which
	// numbers are texts:
	//
	//	{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"status": {"S": ["paid"]}}}}
	//
	// A record that none of them matches is passed over.
	Filters []string

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

	// ParallelizationFactor is how many batches of a shard are handled side by
	// side, 1-10. Changes of one item keep their order. 0 means 1.
	ParallelizationFactor int

	// TumblingWindow has the function gather a state over all records that
	// come within this time, at most 15 minutes in whole seconds: its answer
	// must have a member "state", which the next invocation gets. The last one
	// of a window may have no records. 0 means that there are no windows.
	TumblingWindow time.Duration

	// OnFailure is told of records that were given up: a standard *Queue or a
	// *Topic, in metadata, or a *Bucket, which gets the records, too, as text
	// under "payload". An object's key is, in UTC,
	// aws/lambda/MAPPING/SHARD/2006/01/02/2006-01-02T15.04.05-UUID. nil: the
	// records are lost.
	OnFailure Destination
}

// maxPayload bounds the payload of a synchronous invocation.
const maxPayload = 6 << 20

// Lambda reads a queue with a few pollers at first, and with more while these
// do not keep up. That it slows them down after errors of the function is not
// simulated: by how much is not documented.
const (
	firstPollers = 5
	morePollers  = 300 // a minute
	mostPollers  = 1250
)

// queueMapping reads a queue for a function. It is told when there may be
// messages, and never polls an empty queue.
type queueMapping struct {
	queue    *Queue
	function *Function
	Mapping
	visibility time.Duration
	filters    []bodyFilter

	pollers int
	running int    // batches that run, or wait because the function is throttled
	poll    *event // in which the queue is read
	grow    *event // when there will be more pollers
	close   *event // of the batch, by its window
	batch   []received
	payload []byte // of the batch, without its end
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
	p := &queueMapping{queue: q, function: f, Mapping: *o, visibility: q.visibility, pollers: firstPollers}
	invalid := func(format string, args ...any) error {
		return &Error{f.name, "InvalidParameterValueException", fmt.Sprintf(format, args...)}
	}
	p.BatchSize = cmp.Or(p.BatchSize, 10)
	p.MaximumConcurrency = cmp.Or(p.MaximumConcurrency, mostPollers)
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
	case p.MaximumRetries != 0 || p.MaximumRecordAge != 0 || p.BisectBatchOnFunctionError || p.Latest ||
		p.ParallelizationFactor != 0 || p.TumblingWindow != 0 || p.OnFailure != nil:
		return invalid("MaximumRetries, MaximumRecordAge, BisectBatchOnFunctionError, Latest, ParallelizationFactor, TumblingWindow and OnFailure are for streams; a queue has MaxReceives and DeadLetters")
	}
	var err error
	if p.filters, err = newBodyFilters(o.Filters); err != nil {
		return invalid("%v", err)
	}
	if p.Window > 0 && p.Window+f.timeout > p.visibility {
		p.visibility = p.Window + f.timeout + 30*time.Second
	}
	q.mappings = append(q.mappings, p)
	p.poke()
	return nil
}

// The methods below are the loop's.

// concurrency is how many batches may run at once now.
func (p *queueMapping) concurrency() int { return min(p.pollers, p.MaximumConcurrency) }

// poke says that the queue may have messages, or the function room.
func (p *queueMapping) poke() {
	if !p.queue.anyVisible() || p.poll != nil && p.poll.index >= 0 {
		return
	}
	if p.running >= p.concurrency() {
		p.growLater()
		return
	}
	c := p.queue.cloud
	p.poll = c.at(c.now, true, p.read)
}

// growLater has more pollers come in a minute, if they are still needed then.
func (p *queueMapping) growLater() {
	if p.pollers >= p.MaximumConcurrency || p.grow != nil && p.grow.index >= 0 {
		return
	}
	c := p.queue.cloud
	p.grow = c.at(c.now+time.Minute, false, func() {
		if !p.queue.anyVisible() {
			p.pollers = firstPollers
			return
		}
		p.pollers += morePollers
		p.poke()
	})
}

// read receives messages and invokes the function with those that are enough
// for a batch.
func (p *queueMapping) read() {
	q := p.queue
	turn := q.turn()
	for p.running < p.concurrency() {
		if q.full() {
			p.flush()
			return
		}
		q.maybeReorder()
		m := q.next(turn)
		if m == nil {
			q.cloud.remove(p.grow)
			p.pollers = firstPollers
			p.flush()
			return
		}
		receipt := q.nextReceipt(m)
		if !matchesAny(p.filters, m.body) {
			q.take(m, receipt, p.visibility)
			p.drop(m)
			if q.fifo && m.index == gone {
				turn.message-- // it left the group
			}
			continue
		}
		if !p.add(m, receipt) {
			q.unpop(turn, m)
			p.invoke()
			turn = q.turn()
			continue
		}
		q.take(m, receipt, p.visibility)
		p.batch = append(p.batch, received{m, receipt})
		switch {
		case len(p.batch) == p.BatchSize:
			p.invoke()
			turn = q.turn()
		case len(p.batch) == 1 && p.Window > 0:
			p.close = q.cloud.at(q.cloud.now+p.window(), true, p.invoke)
		}
		q.maybeCopy(m)
	}
	if q.anyVisible() {
		p.growLater()
	}
}

// drop deletes a message that no filter matches.
func (p *queueMapping) drop(m *message) {
	q := p.queue
	q.note("filter", m, "deleted: it matches none of "+p.function.name+"'s filters")
	if q.cloud.fault(CallFails, q.name, "delete") {
		q.setHolder(m, false)
		return
	}
	q.delete(m)
}

// flush invokes the function with what has been read, if there is no window
// in which more may come.
func (p *queueMapping) flush() {
	if p.Window == 0 {
		p.invoke()
	}
}

// window returns for how long a new batch gathers messages.
func (p *queueMapping) window() time.Duration {
	const longest = 20 * time.Second
	if p.Window < longest && p.queue.cloud.fault(Delay, p.queue.name, "window") {
		return longest
	}
	return p.Window
}

// add adds the record of a message that is about to be received to the
// payload. It reports false, and adds nothing, when the payload would become
// too large.
func (p *queueMapping) add(m *message, receipt string) bool {
	r := p.queue.record(m)
	r.ReceiptHandle, r.ReceiveCount = receipt, m.receives+1
	if m.receives == 0 {
		r.FirstReceived = p.queue.cloud.instant()
	}
	before := len(p.payload)
	p.payload = awspayload.AppendSQSRecord(p.payload, &r)
	if len(p.payload)+len(awspayload.SQSEventEnd) > maxPayload && len(p.batch) > 0 {
		p.payload = p.payload[:before]
		return false
	}
	return true
}
