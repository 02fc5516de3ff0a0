package memcloud

import (
	"container/heap"
	"context"
	"encoding/base64"
	"fmt"
	"time"
)

// DeleteMessage deletes a received message. A receipt that is not the
// message's latest, or of one that is deleted, does nothing in a standard
// queue; in a FIFO queue it is an error, as is one whose visibility timeout
// has passed.
func (q *Queue) DeleteMessage(ctx context.Context, receipt string) error {
	return q.cloud.do(ctx, "delete\x00"+q.name+"\x00"+receipt, func() error {
		m := q.receipts[receipt]
		if !isReceipt(receipt) {
			return q.invalidReceipt()
		}
		if q.fifo && (m == nil || m.visible()) {
			return &Error{q.name, "InvalidParameterValue", fmt.Sprintf("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", receipt)}
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
		invalid := func(reason string) error {
			return &Error{q.name, "InvalidParameterValue", fmt.Sprintf("Value %v for parameter VisibilityTimeout is invalid. Reason: %s", d.Seconds(), reason)}
		}
		switch {
		case d < 0 || d > 12*time.Hour:
			return invalid("Must be between 0 and 43200, if provided.")
		case !isReceipt(receipt):
			return q.invalidReceipt()
		case m == nil:
			return &Error{q.name, "InvalidParameterValue", fmt.Sprintf("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", receipt)}
		case m.visible():
			return &Error{q.name, "MessageNotInflight", "The specified message isn't in flight."}
		case q.cloud.now+d > m.received+12*time.Hour:
			return invalid("Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
		}
		q.note("hide", m, "until "+offset(q.cloud.now+d))
		q.hideUntil(m, q.cloud.now+d)
		return nil
	})
}

func (q *Queue) invalidReceipt() error {
	return &Error{q.name, "ReceiptHandleIsInvalid", "The input receipt handle is invalid."}
}

// isReceipt reports whether a receipt might have come from a queue.
func isReceipt(receipt string) bool {
	b, err := base64.StdEncoding.DecodeString(receipt)
	return err == nil && len(b) == 32
}

// The methods below are the loop's.

// hide hides the message until t.
func (q *Queue) hide(m *message, t time.Duration) {
	m.until = t
	heap.Push(&q.hidden, m)
	q.setWake()
}

// hideUntil moves the end of the time for which the message is hidden.
func (q *Queue) hideUntil(m *message, t time.Duration) {
	m.until = t
	heap.Fix(&q.hidden, m.index)
	q.setWake()
	if t <= q.cloud.now {
		q.showDue()
	}
}

// unhide takes the message off the hidden ones.
func (q *Queue) unhide(m *message) {
	wasFull := q.full()
	q.setHolder(m, true)
	heap.Remove(&q.hidden, m.index)
	if m.receives > 0 {
		q.inFlight--
	}
	if wasFull {
		q.poke()
	}
}

// setHolder says whether somebody works on a hidden message: if not, its
// return is something that Settle waits for.
func (q *Queue) setHolder(m *message, held bool) {
	if m.index >= 0 && !m.held {
		q.returning--
	}
	m.held = held
	if m.index >= 0 && !m.held {
		q.returning++
	}
}

// setWake keeps one event for the first message that becomes visible again.
func (q *Queue) setWake() {
	c := q.cloud
	if len(q.hidden) == 0 || q.wake != nil && q.wake.index >= 0 && q.wake.at <= q.hidden[0].until {
		return // an event that comes too early finds nothing, and sets the next
	}
	c.remove(q.wake)
	q.wake = c.at(q.hidden[0].until, false, q.showDue)
}

// showDue shows the messages whose time is over.
func (q *Queue) showDue() {
	for len(q.hidden) > 0 && q.hidden[0].until <= q.cloud.now {
		m := q.hidden[0]
		q.unhide(m)
		q.show(m)
	}
	q.setWake()
}

// hiddenHeap orders messages by the end of their time, then by number.
type hiddenHeap []*message

func (h hiddenHeap) Len() int { return len(h) }
func (h hiddenHeap) Less(i, j int) bool {
	if h[i].until != h[j].until {
		return h[i].until < h[j].until
	}
	if h[i].number != h[j].number {
		return h[i].number < h[j].number
	}
	return h[i].arrival < h[j].arrival
}
func (h hiddenHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *hiddenHeap) Push(x any) {
	m := x.(*message)
	m.index = len(*h)
	m.held = true // not counted yet: setHolder follows
	*h = append(*h, m)
}
func (h *hiddenHeap) Pop() any {
	old := *h
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	m.index = gone
	return m
}

// A ring is a queue of visible messages. Those that are gone are skipped.
type ring struct {
	messages []*message
	first    int
}

func (r *ring) push(m *message) {
	if r.first > 64 && r.first > len(r.messages)/2 {
		n := copy(r.messages, r.messages[r.first:])
		clear(r.messages[n:])
		r.messages, r.first = r.messages[:n], 0
	}
	r.messages = append(r.messages, m)
}

func (r *ring) pop() *message {
	for r.first < len(r.messages) {
		m := r.messages[r.first]
		r.messages[r.first] = nil
		r.first++
		if m.visible() {
			return m
		}
	}
	return nil
}

// unpop takes back what was popped last.
func (r *ring) unpop(m *message) {
	r.first--
	r.messages[r.first] = m
}

// place returns where the n-th visible message is, from 0, or the last before
// it; -1: there is none.
func (r *ring) place(n int) int {
	last := -1
	for i := r.first; i < len(r.messages) && n >= 0; i++ {
		if r.messages[i].visible() {
			last = i
			n--
		}
	}
	return last
}

// several reports whether there are two visible messages.
func (r *ring) several() bool { return r.place(1) > r.place(0) }

// swap has the first visible message change places with the n-th behind it.
func (r *ring) swap(n int) {
	i, j := r.place(0), r.place(n)
	r.messages[i], r.messages[j] = r.messages[j], r.messages[i]
}
