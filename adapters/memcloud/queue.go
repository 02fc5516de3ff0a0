package memcloud

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Queue is an SQS queue, standard or, when its name ends in ".fifo", FIFO.
//
// Send and the methods without a context are for the test itself. Those with
// one bear the names of AWS's API, and are for code under test and drivers:
// give them the handler's context.
type Queue struct {
	cloud *Cloud
	name  string
	fifo  bool

	visibility   time.Duration
	delay        time.Duration
	retention    time.Duration
	maxReceives  int
	deadLetters  *Queue
	contentDedup bool

	messages map[int]*message // all, by order of arrival
	arrivals int
	ready    ring // visible messages of a standard queue
	groups   map[string]*group
	hidden   hiddenHeap // in flight, delayed, or waiting after a failure
	receipts map[string]*message
	dedup    map[string]sentBefore

	returning int // hidden messages that nobody works on
	polled    bool
	mappings  []*queueMapping
	receivers []*receiver
	serving   *event
	wake      *event // when the first of hidden becomes visible
	expiry    *event
}

// QueueOptions configure a queue. For each field the zero value is AWS's
// default, but for the dead letters.
type QueueOptions struct {
	// Visibility is how long a received message is hidden, at most 12 h. 0
	// means 30 s.
	Visibility time.Duration

	// Delay hides each new message for this long, at most 15 minutes.
	Delay time.Duration

	// Retention is how long a message is kept, 1 minute to 14 days. 0 means 4
	// days.
	Retention time.Duration

	// MaxReceives is how often a message is delivered before it is moved to
	// DeadLetters, at most 1000. 0 means that there is no such limit, or 10
	// when DeadLetters is set.
	MaxReceives int

	// DeadLetters gets what was received MaxReceives times: a queue of the
	// same type. nil with MaxReceives makes the queue NAME-dlq.
	DeadLetters *Queue

	// ContentBasedDeduplication takes the SHA-256 of the body of a FIFO
	// queue's message for the deduplication id that it lacks.
	ContentBasedDeduplication bool
}

// Queue makes a queue. nil options mean the defaults.
func (c *Cloud) Queue(name string, o *QueueOptions) *Queue {
	if o == nil {
		o = &QueueOptions{}
	}
	var q *Queue
	c.wire(func() (err error) {
		q, err = c.newQueue(name, *o)
		return err
	})
	return q
}

func (c *Cloud) newQueue(name string, o QueueOptions) (*Queue, error) {
	q := &Queue{
		cloud: c, name: name, fifo: strings.HasSuffix(name, ".fifo"),
		visibility: cmp.Or(o.Visibility, 30*time.Second), delay: o.Delay,
		retention: cmp.Or(o.Retention, 4*24*time.Hour), maxReceives: o.MaxReceives,
		deadLetters: o.DeadLetters, contentDedup: o.ContentBasedDeduplication,
		messages: map[int]*message{}, groups: map[string]*group{},
		receipts: map[string]*message{}, dedup: map[string]sentBefore{},
	}
	invalid := func(attribute string, value any) error {
		return &Error{name, "InvalidAttributeValue", fmt.Sprintf("Invalid value for the parameter %s: %v", attribute, value)}
	}
	switch {
	case q.visibility < 0 || q.visibility > 12*time.Hour:
		return nil, invalid("VisibilityTimeout", q.visibility)
	case q.delay < 0 || q.delay > 15*time.Minute:
		return nil, invalid("DelaySeconds", q.delay)
	case q.retention < time.Minute || q.retention > 14*24*time.Hour:
		return nil, invalid("MessageRetentionPeriod", q.retention)
	case q.maxReceives < 0 || q.maxReceives > 1000:
		return nil, invalid("RedrivePolicy", fmt.Sprintf("maxReceiveCount %d: must be 1 to 1000", q.maxReceives))
	case q.contentDedup && !q.fifo:
		return nil, &Error{name, "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."}
	}
	if q.deadLetters != nil {
		q.maxReceives = cmp.Or(q.maxReceives, 10)
		if q.deadLetters.fifo != q.fifo {
			return nil, invalid("RedrivePolicy", "the dead-letter queue of a FIFO queue must be FIFO, that of a standard queue standard")
		}
	}
	if err := register(c.queues, "queue", name, q); err != nil {
		return nil, err
	}
	if q.maxReceives > 0 && q.deadLetters == nil {
		dead := strings.TrimSuffix(name, ".fifo") + "-dlq"
		if q.fifo {
			dead += ".fifo"
		}
		var err error
		if q.deadLetters, err = c.newQueue(dead, QueueOptions{Retention: 14 * 24 * time.Hour}); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// Name returns the name that was given.
func (q *Queue) Name() string { return q.name }

// ARN returns the queue's ARN.
func (q *Queue) ARN() string { return "arn:aws:sqs:" + Region + ":" + Account + ":" + q.name }

// Send sends a message to a standard queue, and does not wait. Messages that
// are sent one after the other arrive in that order; within one instant they
// may be delivered together. A body that SQS would refuse fails the test.
func (q *Queue) Send(body string) { q.SendBatch(Message{Body: body}) }

// SendBatch sends messages with attributes, groups or delays, and does not
// wait. A message that SQS would refuse fails the test.
func (q *Queue) SendBatch(messages ...Message) {
	if q.cloud.t != nil {
		q.cloud.t.Helper()
	}
	messages = slices.Clone(messages)
	for i := range messages {
		if err := q.check(&messages[i]); err != nil {
			q.cloud.misuse(err)
			return
		}
		messages[i].Attributes = cloneAttributes(messages[i].Attributes)
	}
	q.cloud.post(func() {
		for _, m := range messages {
			q.accept(m)
		}
	})
}

// SendMessage sends a message and returns its id.
func (q *Queue) SendMessage(ctx context.Context, m Message) (id string, err error) {
	if err := q.check(&m); err != nil {
		return "", err
	}
	m.Attributes = cloneAttributes(m.Attributes)
	err = q.cloud.do(ctx, "send\x00"+q.name+"\x00"+m.key(), func() error {
		id = q.accept(m).id
		return nil
	})
	return id, err
}

// ReceiveMessage receives up to limit messages, 1-10, and hides them for the
// queue's visibility timeout. With none there it waits up to wait, and returns
// none when that is over or ctx is done.
func (q *Queue) ReceiveMessage(ctx context.Context, limit int, wait time.Duration) ([]Message, error) {
	if limit < 1 || limit > 10 {
		return nil, &Error{q.name, "InvalidParameterValue", fmt.Sprintf("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", limit)}
	}
	r := &receiver{limit: limit, done: make(chan struct{})}
	err := q.cloud.do(ctx, "receive\x00"+q.name, func() error {
		q.receive(r, wait)
		return nil
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		// The loop may have given it messages by now: they must not get lost.
		if q.cloud.enter(&call{lane: noLane, looks: true, f: func() error { q.dismiss(r); return nil }}) {
			<-r.done
		}
	}
	if len(r.messages) == 0 && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return r.messages, nil
}

// Receive receives up to limit messages, 1-10, and does not wait for any.
func (q *Queue) Receive(limit int) []Message {
	if q.cloud.t != nil {
		q.cloud.t.Helper()
	}
	messages, err := q.ReceiveMessage(own, limit, 0)
	q.cloud.misuse(err)
	return messages
}

// DeleteMessage deletes a received message. A receipt that is not the
// message's latest does nothing in a standard queue; in a FIFO queue it is an
// error, as is one whose visibility timeout has passed.
func (q *Queue) DeleteMessage(ctx context.Context, receipt string) error {
	return q.cloud.do(ctx, "delete\x00"+q.name+"\x00"+receipt, func() error {
		m := q.receipts[receipt]
		if q.fifo && (m == nil || m.visible()) {
			return q.invalidReceipt(receipt)
		}
		if m != nil {
			q.note("delete", m, "")
			q.delete(m)
		}
		return nil
	})
}

// ChangeMessageVisibility hides a received message for d from now; 0 makes it
// visible at once. It cannot be hidden for more than 12 h from its receive.
func (q *Queue) ChangeMessageVisibility(ctx context.Context, receipt string, d time.Duration) error {
	return q.cloud.do(ctx, "visibility\x00"+q.name+"\x00"+receipt, func() error {
		m := q.receipts[receipt]
		switch {
		case d < 0 || d > 12*time.Hour:
			return &Error{q.name, "InvalidParameterValue", fmt.Sprintf("Value %v for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.", d.Seconds())}
		case m == nil:
			return q.invalidReceipt(receipt)
		case m.visible():
			return &Error{q.name, "MessageNotInflight", "The specified message isn't in flight."}
		case q.cloud.now+d > m.received+12*time.Hour:
			return &Error{q.name, "InvalidParameterValue", fmt.Sprintf("Value %v for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", d.Seconds())}
		}
		q.note("hide", m, "until "+offset(q.cloud.now+d))
		q.hideUntil(m, q.cloud.now+d)
		return nil
	})
}

func (q *Queue) invalidReceipt(receipt string) error {
	return &Error{q.name, "ReceiptHandleIsInvalid", fmt.Sprintf("The input receipt handle %q is invalid, or its visibility timeout has passed.", receipt)}
}

// Messages returns what is in the queue, visible or not, in order of arrival.
func (q *Queue) Messages() []Message {
	var messages []Message
	q.cloud.look(func() {
		for _, m := range q.inOrder() {
			messages = append(messages, q.export(m, ""))
		}
	})
	return messages
}

// DeadLetters returns what is in the dead-letter queue.
func (q *Queue) DeadLetters() []Message {
	if q.deadLetters == nil {
		return nil
	}
	return q.deadLetters.Messages()
}

// DeadLetterQueue returns the queue that gets the dead letters, or nil.
func (q *Queue) DeadLetterQueue() *Queue { return q.deadLetters }

func (q *Queue) inOrder() []*message {
	all := make([]*message, 0, len(q.messages))
	for _, m := range q.messages {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *message) int { return cmp.Compare(a.arrival, b.arrival) })
	return all
}

// watched reports whether somebody takes what becomes visible.
func (q *Queue) watched() bool { return q.polled || len(q.mappings) > 0 }

func (q *Queue) note(action string, m *message, text string) {
	q.cloud.note(q.name, action, m.entity(), text)
}

// The methods below are the loop's.

// accept puts a new message into the queue. It returns the one that was
// there when the deduplication id is known.
func (q *Queue) accept(sent Message) *message {
	c := q.cloud
	m := &message{
		number: c.number("message"), body: sent.Body, attributes: sent.Attributes,
		group: sent.Group, dedup: sent.DeduplicationID, trace: sent.TraceHeader,
		sent: c.now, enqueued: c.now,
	}
	m.id = c.uuid("message", m.number)
	if q.fifo {
		m.sequence = fmt.Sprintf("%020d", 18_000_000_000_000_000_000+256*uint64(c.number("sequence "+q.name)))
		if first := q.sentBefore(m); first != nil {
			q.note("drop", m, "duplicate of "+first.entity().String())
			return first
		}
	}
	q.note("send", m, m.body)
	q.enter(m, max(sent.Delay, q.delay))
	return m
}

// enter adds a message that is new here.
func (q *Queue) enter(m *message, delay time.Duration) {
	c := q.cloud
	q.arrivals++
	m.arrival = q.arrivals
	q.messages[m.arrival] = m
	q.expireAt(m.enqueued + q.retention)
	if q.fifo {
		q.joinGroup(m)
	}
	if delay > 0 {
		q.hide(m, c.now+delay)
		q.setHolder(m, false)
		return
	}
	q.show(m)
}

// show makes the message visible.
func (q *Queue) show(m *message) {
	m.index = visible
	if !q.fifo {
		q.ready.push(m)
	}
	q.poke()
}

// poke has those who wait look for messages.
func (q *Queue) poke() {
	if len(q.receivers) > 0 && (q.serving == nil || q.serving.index < 0) {
		// An event comes after the calls of its instant: what is sent
		// together is received together.
		q.serving = q.cloud.at(q.cloud.now, true, q.serveReceivers)
	}
	for _, p := range q.mappings {
		p.poke()
	}
}

// next takes the next visible message off the queue; those that were received
// too often are moved meanwhile. nil: there is none.
func (q *Queue) next(turn *fifoTurn) *message {
	for {
		var m *message
		if q.fifo {
			m = turn.next()
		} else {
			m = q.ready.pop()
		}
		if m == nil {
			return nil
		}
		if q.maxReceives == 0 || m.receives < q.maxReceives {
			return m
		}
		q.redrive(m)
		if q.fifo {
			turn.message-- // it left the group
		}
	}
}

// take receives the message: it is hidden for the visibility timeout, in the
// hands of an invocation or of a receiver.
func (q *Queue) take(m *message, visibility time.Duration) {
	c := q.cloud
	m.receives++
	m.received = c.now
	if m.firstReceived == 0 {
		m.firstReceived = c.now
	}
	delete(q.receipts, m.receipt)
	m.receipt = c.opaque("receipt", m.number, m.receives)
	q.receipts[m.receipt] = m
	q.note("receive", m, "("+ordinal(m.receives)+")")
	q.hide(m, c.now+visibility)
	q.setHolder(m, true)
	if m.receives > maxDeliveries && q.maxReceives == 0 {
		c.halt(fmt.Sprintf("%s: never settles: %s was received %d times: visible again every %v, no redrive policy (set MaxReceives)",
			q.name, m.entity(), m.receives-1, q.visibility))
	}
}

// redrive moves the message to the dead-letter queue. Its count goes on.
func (q *Queue) redrive(m *message) {
	q.note("move", m, fmt.Sprintf("to %s after %d receives", q.deadLetters.name, m.receives))
	q.forget(m)
	m.source = q.ARN()
	if q.fifo {
		m.dedup, m.enqueued = m.id, q.cloud.now
	}
	q.deadLetters.enter(m, 0)
}

// delete removes the message for good.
func (q *Queue) delete(m *message) { q.forget(m) }

// forget takes the message out of all lists.
func (q *Queue) forget(m *message) {
	if m.index >= 0 {
		q.setHolder(m, true)
		heap.Remove(&q.hidden, m.index)
	}
	m.index = gone // the ring skips it
	delete(q.messages, m.arrival)
	delete(q.receipts, m.receipt)
	m.receipt = ""
	if q.fifo {
		q.leaveGroup(m)
	}
}
