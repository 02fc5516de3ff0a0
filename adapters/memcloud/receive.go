package memcloud

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// ReceiveMessage receives up to limit messages, 1-10, and hides them for the
// queue's visibility timeout. With none there it waits up to wait, at most
// 20 s, and returns none when that is over or ctx is done.
func (q *Queue) ReceiveMessage(ctx context.Context, limit int, wait time.Duration) ([]Message, error) {
	if limit < 1 || limit > 10 {
		return nil, &Error{q.name, "InvalidParameterValue", fmt.Sprintf("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", limit)}
	}
	if wait < 0 || wait > 20*time.Second {
		return nil, &Error{q.name, "InvalidParameterValue", fmt.Sprintf("Value %v for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.", wait.Seconds())}
	}
	r := &receiver{limit: limit, own: ctx == own, done: make(chan struct{})}
	err := q.cloud.do(ctx, "receive\x00"+q.name, func() error { return q.receive(r, wait) })
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

// A receiver is a ReceiveMessage that waits.
type receiver struct {
	limit    int
	own      bool // made by the test itself: meets no faults
	messages []Message
	done     chan struct{}
	timeout  *event
}

// The methods below are the loop's.

// receive serves r at once, or has it wait.
func (q *Queue) receive(r *receiver, wait time.Duration) error {
	if wait > 0 {
		q.polled = true
	} else {
		if q.full() && !q.fifo {
			return &Error{q.name, "OverLimit", fmt.Sprintf("Too many messages have been received without being deleted: %d are in flight. Please delete your received messages or let them timeout before receiving more.", q.inFlight)}
		}
		if !r.own && !q.fifo && q.anyVisible() && q.cloud.fault(ShortPollMiss, q.name, "receive") {
			r.limit = q.cloud.pick(r.limit)
		}
	}
	if q.fill(r); len(r.messages) > 0 || wait <= 0 {
		close(r.done)
		return nil
	}
	r.timeout = q.cloud.at(q.cloud.now+wait, false, func() { q.dismiss(r) })
	q.receivers = append(q.receivers, r)
	return nil
}

// fill gives the receiver what there is.
func (q *Queue) fill(r *receiver) {
	turn := q.turn()
	for len(r.messages) < r.limit && !q.full() {
		if !r.own {
			q.maybeReorder()
		}
		m := q.next(turn)
		if m == nil {
			return
		}
		q.take(m, q.nextReceipt(m), q.visibility)
		q.setHolder(m, false) // nobody knows whether it is worked on
		r.messages = append(r.messages, q.export(m, m.receipt))
		if !r.own {
			q.maybeCopy(m)
		}
	}
}

// serveReceivers gives what there is to those who wait, the first first.
func (q *Queue) serveReceivers() {
	for len(q.receivers) > 0 {
		r := q.receivers[0]
		if q.fill(r); len(r.messages) == 0 {
			return
		}
		q.dismiss(r)
	}
}

// dismiss ends the wait of r, if it still waits.
func (q *Queue) dismiss(r *receiver) {
	i := slices.Index(q.receivers, r)
	if i < 0 {
		return
	}
	q.receivers = slices.Delete(q.receivers, i, i+1)
	q.cloud.remove(r.timeout)
	close(r.done)
}

func (q *Queue) releaseReceivers() {
	for len(q.receivers) > 0 {
		q.dismiss(q.receivers[0])
	}
}

// full reports whether as many messages are in flight as may be.
func (q *Queue) full() bool { return q.inFlight >= q.maxInFlight }

// anyVisible reports whether a message is neither in flight nor delayed.
func (q *Queue) anyVisible() bool { return len(q.messages) > len(q.hidden) }

// next takes the next visible message off the queue; those that were received
// too often are moved meanwhile. nil: there is none.
func (q *Queue) next(turn *fifoTurn) *message {
	for {
		m := q.pop(turn)
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

// pop takes the next visible message off the queue, and unpop puts it back.
func (q *Queue) pop(turn *fifoTurn) *message {
	if q.fifo {
		return turn.next()
	}
	return q.ready.pop()
}

func (q *Queue) unpop(turn *fifoTurn, m *message) {
	if q.fifo {
		q.offer(turn.group)
	} else {
		q.ready.unpop(m)
	}
}

// nextReceipt returns the receipt of the message's next receive.
func (q *Queue) nextReceipt(m *message) string {
	kind := "receipt"
	if m.copy {
		kind = "receipt of a copy"
	}
	return q.cloud.opaque(kind, m.number, m.receives+1)
}

// take receives the message: it is hidden for the visibility timeout, in the
// hands of an invocation or of a receiver.
func (q *Queue) take(m *message, receipt string, visibility time.Duration) {
	c := q.cloud
	m.receives++
	m.received = c.now
	if m.receives == 1 {
		m.firstReceived = c.now
	}
	delete(q.receipts, m.receipt)
	m.receipt = receipt
	q.receipts[receipt] = m
	q.note("receive", m, "("+ordinal(m.receives)+")")
	q.inFlight++
	q.hide(m, c.now+visibility)
	q.setHolder(m, true)
	// A local program goes on as AWS does, until the message expires: nobody is
	// there who would hear of it, unless it waits in Settle.
	if m.receives > maxDeliveries && q.maxReceives == 0 && (c.t != nil || len(c.settle.waiting) > 0) {
		throttled := ""
		if m.runs == 0 && len(q.mappings) > 0 {
			throttled = ", its function is throttled"
		}
		c.halt(fmt.Sprintf("%s: never settles: %s was received %d times: visible again every %v%s, no redrive policy (set MaxReceives)",
			q.name, m.entity(), m.receives-1, q.visibility, throttled))
	}
}

// maybeCopy has a message of a standard queue come a second time: with its
// own receipts, and deleted by itself.
func (q *Queue) maybeCopy(m *message) {
	c := q.cloud
	if q.fifo || m.copy || m.receives > 1 || !c.fault(Duplicate, q.name, "receive") {
		return
	}
	after := []time.Duration{0, time.Second, 20 * time.Second}[c.pick(3)]
	second := &message{
		number: m.number, id: m.id, body: m.body, attributes: m.attributes, group: m.group, trace: m.trace,
		source: m.source, sent: m.sent, enqueued: m.enqueued, copy: true,
	}
	q.note("copy", second, "visible at "+offset(c.now+after))
	q.enter(second, after)
}

// maybeReorder has the next message of a standard queue change places with
// one behind it.
func (q *Queue) maybeReorder() {
	if q.cloud.faults == nil || q.fifo || !q.ready.several() || !q.cloud.fault(Reorder, q.name, "receive") {
		return
	}
	q.ready.swap(1 + q.cloud.pick(9))
}
