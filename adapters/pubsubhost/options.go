package pubsubhost

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
)

// Options says how a subscription is worked on. The zero value, like nil,
// works, with eight messages at once.
type Options struct {
	// Queue is what the subscription reads: a name ("orders"), a URL
	// ("nats://host/orders") or the ARN of a queue of SQS. Sources of package
	// queue match its last part. With an ARN a message is the same event as on
	// AWS Lambda, and has the same identity.
	Queue string

	// Concurrency is how many deliveries run at once: messages, or batches with
	// a BatchSize. Nothing is received that has no place among them. 0 means 8.
	Concurrency int

	// BatchSize and BatchWindow have messages delivered together, for handlers
	// of OnBatch: a batch starts when it has BatchSize messages, or BatchWindow
	// after its first. 0 means one message at a time. With a BatchSize and no
	// BatchWindow a batch is what has come by the time that there is room for it.
	BatchSize   int
	BatchWindow time.Duration

	// Key puts messages into order: those of one key run one after the other,
	// as they came; "" has no order. It becomes the message's Group. nil leaves
	// the Group as the broker has it: that of a FIFO queue, or none. When a
	// message goes back, those of its key that are in hand behind it go back as
	// well; what is received later may overtake it, but not in a FIFO queue. A
	// panic fails the message for good.
	Key func(*eventfx.Message) string

	// Deadline is how long a message may take from its receive on, with all its
	// attempts: the contexts of its handlers end a little before. Without a Lease
	// it must be less than the time after which the broker gives the message to
	// somebody else. 0 means 25 s, for SQS hides a message for 30, or 15 minutes
	// with a Lease; -1 means none.
	Deadline time.Duration

	// Delay is how long a message that failed stays away, unless its error asks
	// for a delay of its own. 0 means one second, or with a Lease the Lease's
	// timeout, as under Lambda; -1 means none. Where the broker cannot take a
	// message back it is the first wait of several.
	Delay time.Duration

	// Lease moves the time at which the broker gives a message to somebody
	// else. nil: nothing does.
	Lease Lease

	// Received tells what the broker says of a delivery. nil means that of the
	// Lease, if it has a method Received, else nothing.
	Received func(*pubsub.Message) Received

	// Format says for which queues the events inside the bodies are taken out.
	Format awsevents.Format

	// Open opens the subscription again when it is broken, and at first if none
	// was given. nil: Run ends with the error.
	Open func(context.Context) (*pubsub.Subscription, error)

	// Prefetch is how many messages the subscription may fetch ahead, by its
	// receive options; 0 means that it is opened with MaxBatchSize 1 and
	// MaxHandlers 1. So many more are handed back when Run stops.
	Prefetch int

	// Drain is how long handlers may go on after the stop; then their contexts
	// end. 0 means 20 s, -1 that they end at once.
	Drain time.Duration

	// Health is told how Run is doing. It may be nil.
	Health *Health
}

// A Lease is what a broker can do about a message that is being handled: hide
// it for longer, or until a certain time. Its methods are called from many
// goroutines at once.
type Lease interface {
	// Timeout is how long a message is hidden when it is received.
	Timeout() time.Duration

	// Hide hides the message for d from now; 0 has it come back at once. d is
	// Timeout while the message is being handled, and at the end the delay
	// after which it is to come back; the lease shortens what is too long.
	Hide(ctx context.Context, m *pubsub.Message, d time.Duration) error
}

// Received is what a broker says of one delivery.
type Received struct {
	// ID is equal for all deliveries of a message, and for no other message.
	// Without one a plain body is a new event each time it comes.
	ID string

	// Receives counts the deliveries, this one included; 0: it is not known.
	Receives int

	// Group orders messages, as Options.Key does; "" orders nothing.
	Group string

	// Handle is what SQS calls the receipt handle.
	Handle string

	// Attributes are what else the broker says; of a queue of SQS its system
	// attributes, by SQS's names.
	Attributes map[string]string
}

const (
	defaultConcurrency   = 8
	defaultDeadline      = 25 * time.Second
	defaultLeaseDeadline = 15 * time.Minute
	defaultDelay         = time.Second
	defaultDrain         = 20 * time.Second
)

// settings are Options with everything decided.
type settings struct {
	Options
	sqs    bool
	name   string // the last part of Queue
	source string // of plain events
}

func (o Options) settings(s *pubsub.Subscription) (*settings, error) {
	c := &settings{Options: o}
	if c.Received == nil {
		if l, ok := o.Lease.(interface {
			Received(*pubsub.Message) Received
		}); ok {
			c.Received = l.Received
		}
	}
	c.address()
	var wrong error
	bad := func(format string, args ...any) {
		wrong = errors.Join(wrong, fmt.Errorf("pubsubhost: "+format, args...))
	}
	if s == nil && o.Open == nil {
		bad("no subscription: give one, or Options.Open")
	}
	for name, n := range map[string]int{"Concurrency": o.Concurrency, "BatchSize": o.BatchSize, "Prefetch": o.Prefetch} {
		if n < 0 {
			bad("Options.%s is %d: it cannot be negative", name, n)
		}
	}
	if o.BatchWindow < 0 {
		bad("Options.BatchWindow is %v: it cannot be negative", o.BatchWindow)
	}
	if c.sqs && strings.HasSuffix(o.Queue, ".fifo") && c.Received == nil {
		bad("%s is a FIFO queue, and nothing tells the groups of its messages: set Options.Lease to a sqslease.Lease, or Options.Received", o.Queue)
	}
	if o.Lease != nil && o.Lease.Timeout() <= 0 {
		bad("the timeout of Options.Lease is %v: it must be positive", o.Lease.Timeout())
	}
	if wrong != nil {
		return nil, wrong
	}
	c.defaults()
	return c, nil
}

// address takes Queue apart.
func (c *settings) address() {
	c.sqs = strings.HasPrefix(c.Queue, "arn:") && strings.Contains(c.Queue, ":sqs:")
	address, _, _ := strings.Cut(c.Queue, "?") // options of the URL are nobody's business
	address = strings.TrimRight(address, "/")
	c.name = address[strings.LastIndexAny(address, ":/")+1:]
	c.source = address
	if c.name == address {
		c.source = "/" + url.PathEscape(address)
	}
}

func (c *settings) defaults() {
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	c.BatchSize = max(c.BatchSize, 1)
	deadline, delay := defaultDeadline, defaultDelay
	if c.Lease != nil {
		deadline, delay = defaultLeaseDeadline, c.Lease.Timeout()
	}
	c.Deadline = orDefault(c.Deadline, deadline)
	c.Delay = orDefault(c.Delay, delay)
	c.Drain = orDefault(c.Drain, defaultDrain)
}

// orDefault returns 0 for a negative d.
func orDefault(d, zero time.Duration) time.Duration {
	if d == 0 {
		return zero
	}
	return max(d, 0)
}

// limit is how many messages may be in hand.
func (c *settings) limit() int { return c.Concurrency * c.BatchSize }
