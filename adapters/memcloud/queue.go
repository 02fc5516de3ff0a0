package memcloud

import (
	"cmp"
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
	maxSize      int
	maxReceives  int
	deadLetters  *Queue
	contentDedup bool
	groupDedup   bool

	messages map[int]*message // all, by order of arrival
	arrivals int
	ready    ring // visible messages of a standard queue
	groups   map[string]*group
	free     groupHeap  // groups whose first message is visible, and some others
	hidden   hiddenHeap // in flight, delayed, or waiting after a failure
	receipts map[string]*message
	dedup    deduplication

	inFlight    int // received, and hidden since
	maxInFlight int
	returning   int // hidden messages that nobody works on
	polled      bool
	moving      bool // a message move task runs
	mappings    []*queueMapping
	receivers   []*receiver
	serving     *event
	wake        *event // when the first of hidden becomes visible
	expiry      *event
}

// QueueOptions configure a queue. For each field the zero value is AWS's
// default, but for the dead letters.
type QueueOptions struct {
	// Visibility is how long a received message is hidden, at most 12 h. 0
	// means 30 s, -1 not at all.
	Visibility time.Duration

	// Delay hides each new message for this long, at most 15 minutes.
	Delay time.Duration

	// Retention is how long a message is kept, 1 minute to 14 days. 0 means 4
	// days.
	Retention time.Duration

	// MaximumMessageSize bounds a message with its attributes, 1,024 to
	// 1,048,576 bytes. 0 means 1,048,576.
	MaximumMessageSize int

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

	// DeduplicationScope says among which messages of a FIFO queue a
	// deduplication id is looked for: "queue", or "messageGroup" for those of
	// its group alone. "" means "queue".
	DeduplicationScope string
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
		maxSize:     cmp.Or(o.MaximumMessageSize, maxMessageSize),
		deadLetters: o.DeadLetters, contentDedup: o.ContentBasedDeduplication, groupDedup: o.DeduplicationScope == "messageGroup",
		messages: map[int]*message{}, groups: map[string]*group{},
		receipts: map[string]*message{}, dedup: deduplication{known: map[string]sentBefore{}},
		maxInFlight: 120_000,
	}
	if q.visibility == -1 {
		q.visibility = 0
	}
	invalid := q.invalidAttribute
	switch {
	case o.Visibility < -1 || q.visibility > 12*time.Hour:
		return nil, invalid("VisibilityTimeout", q.visibility)
	case q.delay < 0 || q.delay > 15*time.Minute:
		return nil, invalid("DelaySeconds", q.delay)
	case q.retention < time.Minute || q.retention > 14*24*time.Hour:
		return nil, invalid("MessageRetentionPeriod", q.retention)
	case q.maxReceives < 0 || q.maxReceives > 1000:
		return nil, invalid("RedrivePolicy", fmt.Sprintf("maxReceiveCount %d: must be 1 to 1000", q.maxReceives))
	case q.maxSize < 1024 || q.maxSize > maxMessageSize:
		return nil, invalid("MaximumMessageSize", q.maxSize)
	case o.DeduplicationScope != "" && !q.fifo:
		return nil, &Error{name, "InvalidAttributeName", "Unknown Attribute DeduplicationScope."}
	case o.DeduplicationScope != "" && o.DeduplicationScope != "queue" && !q.groupDedup:
		return nil, invalid("DeduplicationScope", o.DeduplicationScope)
	case q.contentDedup && !q.fifo:
		return nil, &Error{name, "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."}
	}
	if q.deadLetters != nil {
		q.maxReceives = cmp.Or(q.maxReceives, 10)
		if q.deadLetters.cloud != c {
			return nil, invalid("RedrivePolicy", "the dead-letter queue must be of the same account and region: of the same cloud")
		}
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

func (q *Queue) invalidAttribute(attribute string, value any) error {
	return &Error{q.name, "InvalidAttributeValue", fmt.Sprintf("Invalid value for the parameter %s: %v", attribute, value)}
}

// Name returns the name that was given.
func (q *Queue) Name() string { return q.name }

// ARN returns the queue's ARN.
func (q *Queue) ARN() string { return "arn:aws:sqs:" + Region + ":" + Account + ":" + q.name }

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

// SetDelay changes the queue's delay, at most 15 minutes. In a FIFO queue that
// goes for the messages that are delayed already, too.
func (q *Queue) SetDelay(d time.Duration) {
	if q.cloud.t != nil {
		q.cloud.t.Helper()
	}
	if d < 0 || d > 15*time.Minute {
		q.cloud.misuse(q.invalidAttribute("DelaySeconds", d))
		return
	}
	q.cloud.post(func() {
		q.delay = d
		if !q.fifo {
			return
		}
		for _, m := range q.inOrder() {
			if m.index >= 0 && m.receives == 0 {
				q.hideUntil(m, max(m.sent+d, q.cloud.now))
			}
		}
	})
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

// delete removes the message for good.
func (q *Queue) delete(m *message) { q.forget(m) }

// forget takes the message out of all lists.
func (q *Queue) forget(m *message) {
	if m.index >= 0 {
		q.unhide(m)
	}
	m.index = gone // the ring skips it
	delete(q.messages, m.arrival)
	delete(q.receipts, m.receipt)
	m.receipt = ""
	if q.fifo {
		q.leaveGroup(m)
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
