package memcloud

import (
	"slices"
	"time"
)

// A receiver is a ReceiveMessage that waits.
type receiver struct {
	limit    int
	messages []Message
	done     chan struct{}
	timeout  *event
}

// receive serves r at once, or has it wait.
func (q *Queue) receive(r *receiver, wait time.Duration) {
	if wait > 0 {
		q.polled = true
	}
	if q.fill(r); len(r.messages) > 0 || wait <= 0 {
		close(r.done)
		return
	}
	r.timeout = q.cloud.at(q.cloud.now+wait, false, func() { q.dismiss(r) })
	q.receivers = append(q.receivers, r)
}

// fill gives the receiver what there is.
func (q *Queue) fill(r *receiver) {
	turn := q.turn()
	for len(r.messages) < r.limit {
		m := q.next(turn)
		if m == nil {
			return
		}
		q.take(m, q.visibility)
		q.setHolder(m, false) // nobody knows whether it is worked on
		r.messages = append(r.messages, q.export(m, m.receipt))
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

// expireAt keeps one event for the first message whose retention ends.
func (q *Queue) expireAt(t time.Duration) {
	if q.expiry != nil && q.expiry.index >= 0 && q.expiry.at <= t {
		return
	}
	q.cloud.remove(q.expiry)
	q.expiry = q.cloud.at(t, false, q.expire)
}

// expire drops the messages whose retention is over.
func (q *Queue) expire() {
	for _, m := range q.inOrder() {
		if end := m.enqueued + q.retention; end > q.cloud.now {
			q.expireAt(end)
			continue
		}
		q.note("expire", m, "after "+q.retention.String())
		q.delete(m)
	}
}
