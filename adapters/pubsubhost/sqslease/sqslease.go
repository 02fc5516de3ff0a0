// Package sqslease moves the visibility timeout of messages of SQS, for
// pubsubhost.
//
// It knows nothing of an SDK: give it the one call that it makes, and a way to
// read what SQS said of a message.
//
//	client := sqs.NewFromConfig(config)
//	lease := &sqslease.Lease{
//		Visibility: 30 * time.Second, // that of the queue
//		Change: func(ctx context.Context, receipt string, d time.Duration) error {
//			_, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
//				QueueUrl:          &queueURL,
//				ReceiptHandle:     &receipt,
//				VisibilityTimeout: int32(d / time.Second),
//			})
//			return err
//		},
//		Read: func(m *pubsub.Message) (string, map[string]string) {
//			var received types.Message
//			if !m.As(&received) {
//				return "", nil
//			}
//			return aws.ToString(received.ReceiptHandle), received.Attributes
//		},
//	}
//	err := pubsubhost.Run(ctx, subscription, r, &pubsubhost.Options{Queue: queueARN, Lease: lease})
//
// # Identity
//
// Received gives the receive count and the group, by which a router knows when
// a message is dead and a FIFO queue keeps its order.
//
// # Partial failure
//
// SQS counts whole seconds: a delay is rounded up. It hides nothing for more
// than 12 hours from the receive on, and refuses what would; a lease asks for
// no more.
//
// # Local testing
//
// A queue of memcloud has that call as a method value, and the example shows
// how its messages are read.
package sqslease

import (
	"context"
	"errors"
	"strconv"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
)

// A Lease is a pubsubhost.Lease on a queue of SQS. Change and Read must be set;
// they are called from many goroutines at once.
type Lease struct {
	// Change is SQS's ChangeMessageVisibility. d is in whole seconds, 0 to 12
	// hours.
	Change func(ctx context.Context, receipt string, d time.Duration) error

	// Read returns the receipt handle of a message, and its system attributes
	// by SQS's names.
	Read func(*pubsub.Message) (receipt string, system map[string]string)

	// Visibility is the visibility timeout of the queue: a longer one here
	// would let messages come back while they are handled. 0 means SQS's 30 s.
	Visibility time.Duration
}

// ErrNoReceipt says that Read found no receipt handle: the subscription is not
// of the driver that it reads.
var ErrNoReceipt = errors.New("sqslease: the message has no receipt handle: is it from another driver than Read expects?")

const (
	defaultVisibility = 30 * time.Second
	// longest is what SQS allows in all, less what a slow call may take.
	longest = 12*time.Hour - time.Minute
)

// Timeout returns Visibility or its default.
func (l *Lease) Timeout() time.Duration {
	if l.Visibility > 0 {
		return l.Visibility
	}
	return defaultVisibility
}

// Hide hides the message for d, rounded up to a second and at most 12 hours
// less a minute.
func (l *Lease) Hide(ctx context.Context, m *pubsub.Message, d time.Duration) error {
	receipt, _ := l.Read(m)
	if receipt == "" {
		return ErrNoReceipt
	}
	d = min(max(d, 0), longest)
	if part := d % time.Second; part > 0 {
		d += time.Second - part
	}
	return l.Change(ctx, receipt, d)
}

// Received tells what SQS said of the delivery.
func (l *Lease) Received(m *pubsub.Message) pubsubhost.Received {
	receipt, system := l.Read(m)
	r := pubsubhost.Received{Handle: receipt, Attributes: system}
	if receipt != "" {
		r.ID = m.LoggableID // SQS's message id, which stays
	}
	if n, err := strconv.Atoi(system["ApproximateReceiveCount"]); err == nil && n > 0 {
		r.Receives = n
	}
	if system["SequenceNumber"] != "" { // without one the group is a label of a standard queue
		r.Group = system["MessageGroupId"]
	}
	return r
}
