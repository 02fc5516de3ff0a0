package memcloud

import (
	"container/heap"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/internal/awspayload"
)

// A Message is a message of a queue. The first fields are the sender's.
type Message struct {
	Body            string
	Attributes      map[string]Attribute
	Group           string // needed in a FIFO queue
	DeduplicationID string // FIFO
	Delay           time.Duration
	TraceHeader     string // the system attribute AWSTraceHeader

	// Set by the queue.
	ID             string
	Receipt        string // of this receive; "" in Queue.Messages
	Receives       int    // deliveries so far; it goes on in the dead-letter queue
	Sent           time.Time
	FirstReceived  time.Time
	SequenceNumber string // FIFO
	Source         string // ARN of the queue from which it was moved
}

// Attribute is an attribute of a message or a notice: its Type is String, Number or
// Binary, the value in Value, or in Binary for a Binary.
type Attribute = awspayload.Attribute

// message is a Message in its queue.
type message struct {
	number     int
	id         string
	body       string
	attributes map[string]Attribute
	group      string
	dedup      string
	trace      string
	sequence   string
	source     string

	sent          time.Duration
	enqueued      time.Duration // from which retention counts
	firstReceived time.Duration
	received      time.Duration
	receives      int
	receipt       string

	arrival int           // its key in Queue.messages
	until   time.Duration // hidden until then
	index   int           // in Queue.hidden, or visible, or gone
	held    bool          // hidden because somebody works on it
}

const (
	visible = -1
	gone    = -2
)

func (m *message) visible() bool { return m.index == visible }

func (m *message) entity() entity { return entity{prefix: 'm', number: m.number} }

// export makes the public form; nothing of it is shared with the queue.
func (q *Queue) export(m *message, receipt string) Message {
	exported := Message{
		Body: m.body, Attributes: cloneAttributes(m.attributes), Group: m.group, DeduplicationID: m.dedup,
		TraceHeader: m.trace, ID: m.id, Receipt: receipt, Receives: m.receives, Sent: q.cloud.start.Add(m.sent),
		SequenceNumber: m.sequence, Source: m.source,
	}
	if m.receives > 0 {
		exported.FirstReceived = q.cloud.start.Add(m.firstReceived)
	}
	return exported
}

// record makes the form that the mapping sends.
func (q *Queue) record(m *message) awspayload.SQSRecord {
	start := q.cloud.start
	return awspayload.SQSRecord{
		MessageID: m.id, ReceiptHandle: m.receipt, Body: m.body, Attributes: m.attributes,
		ReceiveCount: m.receives, Sent: start.Add(m.sent), FirstReceived: start.Add(m.firstReceived),
		SenderID: "AIDAMEMCLOUDEXAMPLE00", SequenceNumber: m.sequence, GroupID: m.group, DeduplicationID: m.dedup,
		TraceHeader: m.trace, DeadLetterSource: m.source, QueueARN: q.ARN(), Region: Region,
	}
}

func cloneAttributes(attributes map[string]Attribute) map[string]Attribute {
	clone := maps.Clone(attributes)
	for name, a := range clone {
		a.Binary = slices.Clone(a.Binary)
		clone[name] = a
	}
	return clone
}

// key is the content by which calls of one instant are ordered.
func (m *Message) key() string {
	key := m.Group + "\x00" + m.DeduplicationID + "\x00" + m.Body
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		a := m.Attributes[name]
		key += "\x00" + name + "\x00" + a.Type + "\x00" + a.Value + string(a.Binary)
	}
	return key
}

const maxMessageSize = 1 << 20

// check returns what SQS would answer to a message that it refuses. It reads
// nothing that the loop writes.
func (q *Queue) check(m *Message) error {
	size := len(m.Body)
	for name, a := range m.Attributes {
		size += len(name) + len(a.Type) + len(a.Value) + len(a.Binary)
	}
	refuse := func(code, format string, args ...any) error {
		return &Error{q.name, code, fmt.Sprintf(format, args...)}
	}
	switch {
	case m.Body == "":
		return refuse("MissingParameter", "The request must contain the parameter MessageBody.")
	case size > maxMessageSize:
		return refuse("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxMessageSize)
	case !legalText(m.Body):
		return refuse("InvalidMessageContents", "Message contains characters outside the allowed set: XML 1.0 characters in UTF-8.")
	case len(m.Attributes) > 10:
		return refuse("InvalidParameterValue", "Number of message attributes [%d] exceeds the allowed maximum [10].", len(m.Attributes))
	case m.Delay < 0 || m.Delay > 15*time.Minute:
		return refuse("InvalidParameterValue", "Value %v for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", m.Delay.Seconds())
	case q.fifo && m.Group == "":
		return refuse("MissingParameter", "The request must contain the parameter MessageGroupId.")
	case q.fifo && m.Delay > 0:
		return refuse("InvalidParameterValue", "Value %v for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", m.Delay.Seconds())
	case q.fifo && m.DeduplicationID == "" && !q.contentDedup:
		return refuse("InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case !q.fifo && m.DeduplicationID != "":
		return refuse("InvalidParameterValue", "Value %s for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.", m.DeduplicationID)
	}
	if q.fifo && m.DeduplicationID == "" {
		sum := sha256.Sum256([]byte(m.Body))
		m.DeduplicationID = hex.EncodeToString(sum[:])
	}
	return nil
}

// legalText reports whether s has only characters that XML 1.0 can carry.
func legalText(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}) < 0
}

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
		q.setHolder(m, true)
		heap.Pop(&q.hidden)
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
	return h[i].number < h[j].number
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
