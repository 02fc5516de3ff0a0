package memcloud

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A Message is a message of a queue. The first fields are the sender's.
type Message struct {
	Body            string
	Attributes      map[string]Attribute
	Group           string // needed in a FIFO queue
	DeduplicationID string // FIFO
	TraceHeader     string // the system attribute AWSTraceHeader

	// Delay hides the message at first, at most 15 minutes; not in a FIFO
	// queue. 0 means the queue's own delay, -1 none.
	Delay time.Duration

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

	copy    bool          // a second one of the same message: see Duplicate
	runs    int           // of functions that it was handed to
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
		SenderID: senderID, SequenceNumber: m.sequence, GroupID: m.group, DeduplicationID: m.dedup,
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

// maxMessageSize bounds a message, and all messages of a batch together.
const maxMessageSize = 1 << 20

// size is what counts of a message: its body and its own attributes.
func (m *Message) size() int {
	size := len(m.Body)
	for name, a := range m.Attributes {
		size += len(name) + len(a.Type) + len(a.Value) + len(a.Binary)
	}
	return size
}

// check returns what SQS would answer to a message that it refuses. It reads
// nothing that the loop writes.
func (q *Queue) check(m *Message) error {
	refuse := func(code, format string, args ...any) error {
		return &Error{q.name, code, fmt.Sprintf(format, args...)}
	}
	switch {
	case m.Body == "":
		return refuse("MissingParameter", "The request must contain the parameter MessageBody.")
	case m.size() > q.maxSize:
		return refuse("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.maxSize)
	case !legalText(m.Body):
		return refuse("InvalidMessageContents", "Message contains characters outside the allowed set: XML 1.0 characters in UTF-8.")
	case len(m.Attributes) > 10:
		return refuse("InvalidParameterValue", "Number of message attributes [%d] exceeds the allowed maximum [10].", len(m.Attributes))
	case m.Delay < -1 || m.Delay > 15*time.Minute:
		return refuse("InvalidParameterValue", "Value %v for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", m.Delay.Seconds())
	case q.fifo && m.Group == "":
		return refuse("MissingParameter", "The request must contain the parameter MessageGroupId.")
	case !legalID(m.Group):
		return refuse("InvalidParameterValue", "Value %s for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.", m.Group)
	case !legalID(m.DeduplicationID):
		return refuse("InvalidParameterValue", "Value %s for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.", m.DeduplicationID)
	case q.fifo && m.Delay != 0:
		return refuse("InvalidParameterValue", "Value %v for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", m.Delay.Seconds())
	case q.fifo && m.DeduplicationID == "" && !q.contentDedup:
		return refuse("InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case !q.fifo && m.DeduplicationID != "":
		return refuse("InvalidParameterValue", "Value %s for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.", m.DeduplicationID)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		if why := wrongAttribute(name, m.Attributes[name]); why != "" {
			return refuse("InvalidParameterValue", "The message (user) attribute '%s' %s", name, why)
		}
	}
	if q.fifo && m.DeduplicationID == "" {
		sum := sha256.Sum256([]byte(m.Body))
		m.DeduplicationID = hex.EncodeToString(sum[:])
	}
	return nil
}

// legalID reports whether s may be the id of a group, or one for
// deduplication. "" is none.
func legalID(s string) bool {
	return len(s) <= 128 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// wrongAttribute says what is wrong with an attribute, or "".
func wrongAttribute(name string, a Attribute) string {
	legal := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-.", r)
	}
	kind, _, _ := strings.Cut(a.Type, ".")
	switch {
	case name == "" || len(name) > 256 || strings.ContainsFunc(name, func(r rune) bool { return !legal(r) }):
		return "has an invalid name: it has 1 to 256 letters, digits, _, - and ."
	case kind != "String" && kind != "Number" && kind != "Binary":
		return "has an invalid type: its type begins with String, Number or Binary"
	case kind == "Binary" && len(a.Binary) == 0, kind != "Binary" && a.Value == "":
		return "must contain a non-empty value of its type"
	case kind == "Number":
		if _, err := normalNumber(name, a.Value); err != nil {
			return "is no number of up to 38 digits: " + clip(a.Value, 60)
		}
	}
	return ""
}

// legalText reports whether s has only characters that XML 1.0 can carry.
func legalText(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}) < 0
}
