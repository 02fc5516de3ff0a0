package memcloud

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Send sends a message to a standard queue, and does not wait. Messages that
// are sent one after the other arrive in that order; within one instant they
// may be delivered together. A body that SQS would refuse fails the test.
func (q *Queue) Send(body string) { q.SendBatch(Message{Body: body}) }

// SendBatch sends any number of messages with attributes, groups or delays,
// and does not wait. A message that SQS would refuse fails the test.
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

// A SendResult is what became of one message of a batch.
type SendResult struct {
	ID  string
	Err error // the message was refused
}

// SendMessageBatch sends up to 10 messages of together at most 1 MiB. Each is
// accepted or refused for itself: results are in the order of the messages. An
// error means that none was sent.
func (q *Queue) SendMessageBatch(ctx context.Context, messages []Message) (results []SendResult, err error) {
	size := 0
	for i := range messages {
		size += messages[i].size()
	}
	switch {
	case len(messages) == 0:
		return nil, &Error{q.name, "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."}
	case len(messages) > 10:
		return nil, &Error{q.name, "TooManyEntriesInBatchRequest", fmt.Sprintf("Maximum number of entries per request are 10. You have sent %d.", len(messages))}
	case size > maxMessageSize:
		return nil, &Error{q.name, "BatchRequestTooLong", fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, size)}
	}
	messages = slices.Clone(messages)
	results = make([]SendResult, len(messages))
	key := "send\x00" + q.name
	for i := range messages {
		m := &messages[i]
		results[i].Err = q.check(m)
		m.Attributes = cloneAttributes(m.Attributes)
		key += "\x00" + m.key()
	}
	err = q.cloud.do(ctx, key, func() error {
		for i, m := range messages {
			if results[i].Err == nil {
				results[i].ID = q.accept(m).id
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// The methods below are the loop's.

// acceptFrom accepts what a service sends, or loses it where SQS refuses it:
// nobody is there to whom it could be given back.
func (q *Queue) acceptFrom(sender string, m Message) {
	if err := q.check(&m); err != nil {
		q.cloud.note(sender, lost, entity{name: q.name}, "the queue refuses it: "+err.(*Error).Message)
		return
	}
	q.accept(m)
}

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
	delay := q.delay
	if sent.Delay != 0 {
		delay = max(sent.Delay, 0)
	}
	if c.fault(Delay, q.name, "send") {
		delay += []time.Duration{time.Second, 10 * time.Second, 65 * time.Second}[c.pick(3)]
	}
	q.enter(m, delay)
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

// show makes the message visible. One that comes back waits behind those that
// are there: SQS may do so with what was received three times, and promises no
// order anyway.
func (q *Queue) show(m *message) {
	m.index = visible
	if q.fifo {
		q.offer(q.groups[m.group])
	} else {
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
