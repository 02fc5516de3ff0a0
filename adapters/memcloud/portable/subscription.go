package portable

import (
	"context"
	"encoding/json"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/driver"
)

const (
	// longPoll is how long a receive waits for a message: gocloud's limit.
	longPoll = time.Second

	// nackDelay is after how long a message comes back that was not
	// acknowledged: what gocloud's driver for SQS sets. With 0 a handler
	// that always fails would get it again without end in one instant.
	nackDelay = time.Second
)

// Subscription returns q as gocloud's portable subscription. Ack deletes a
// message; Nack makes it visible again after one second, as gocloud's driver
// for SQS does; without either it comes back when the queue's visibility
// timeout is over. Only what somebody waits for is received: nothing is
// fetched ahead, and receive counts are exact.
//
// A body that is SNS's envelope, of a topic that is not subscribed raw, is
// opened. As gives a **memcloud.Queue; messages give a *memcloud.Message, with
// the receive count.
//
// The subscription is shut down when the cloud is closed, if it is not by
// then.
func Subscription(q *memcloud.Queue) *pubsub.Subscription {
	d := newSubscription(q)
	one := &batcher.Options{MaxBatchSize: 1, MaxHandlers: 1} // any more and gocloud prefetches
	d.face = pubsub.NewSubscription(d, one, nil)
	q.Cloud().OnClose(d.shutDown)
	return d.face
}

type subscription struct {
	errorFace
	q    *memcloud.Queue // nil: there is none
	face *pubsub.Subscription

	stopped context.Context // done when nothing more is to be received
	stop    context.CancelFunc
}

func newSubscription(q *memcloud.Queue) *subscription {
	s := &subscription{q: q}
	s.stopped, s.stop = context.WithCancel(context.Background())
	return s
}

func (s *subscription) As(target any) bool { return as(target, s.q) }

func (s *subscription) IsRetryable(error) bool { return false }

func (s *subscription) CanNack() bool { return true }

// ReceiveBatch gives nothing, and no error, when its context ends: that is at
// Shutdown, which has an error of its own for those who still wait.
func (s *subscription) ReceiveBatch(ctx context.Context, limit int) ([]*driver.Message, error) {
	if s.q == nil {
		return nil, failure(gcerrors.NotFound, "the queue does not exist")
	}
	if s.stopped.Err() != nil {
		pause(ctx)
		return nil, nil
	}
	receiving, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopped, cancel)()
	received, err := s.q.ReceiveMessage(receiving, min(limit, 10), longPoll)
	if receiving.Err() != nil {
		// Whoever asked has gone away: the messages go back, for gocloud would
		// keep them.
		for _, m := range received {
			s.q.HideMessages(0, m.Receipt)
		}
		pause(ctx)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	messages := make([]*driver.Message, len(received))
	for i, m := range received {
		messages[i] = read(m)
	}
	return messages, nil
}

// pause takes the time of a receive that finds nothing, as gocloud calls again
// at once.
func pause(ctx context.Context) {
	timer := time.NewTimer(longPoll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// read makes gocloud's message, which shares nothing with the queue.
func read(m memcloud.Message) *driver.Message {
	body, attributes := m.Body, m.Attributes
	if len(attributes) == 0 {
		body, attributes = openEnvelope(body)
	}
	received := &driver.Message{LoggableID: m.ID, AckID: m.Receipt, AsFunc: func(target any) bool { return as(target, m) }}
	received.Body, received.Metadata = decode(body, attributes)
	return received
}

// openEnvelope returns the message that SNS's envelope carries, or the body
// itself if it is none.
func openEnvelope(body string) (string, map[string]memcloud.Attribute) {
	var envelope struct {
		Type, MessageId, TopicArn, Timestamp, Message string
		MessageAttributes                             map[string]struct{ Type, Value string }
	}
	if json.Unmarshal([]byte(body), &envelope) != nil || envelope.Type != "Notification" ||
		envelope.MessageId == "" || envelope.TopicArn == "" || envelope.Timestamp == "" {
		return body, nil
	}
	attributes := make(map[string]memcloud.Attribute, len(envelope.MessageAttributes))
	for name, a := range envelope.MessageAttributes {
		attributes[name] = memcloud.Attribute{Type: a.Type, Value: a.Value}
	}
	return envelope.Message, attributes
}

// SendAcks does not wait for the cloud: an error of one message would end the
// subscription for all.
func (s *subscription) SendAcks(_ context.Context, ids []driver.AckID) error {
	if s.q == nil {
		return failure(gcerrors.NotFound, "the queue does not exist")
	}
	for _, id := range ids {
		s.q.DeleteMessages(id.(string))
	}
	return nil
}

// SendNacks does not wait for the cloud either.
func (s *subscription) SendNacks(_ context.Context, ids []driver.AckID) error {
	if s.q == nil {
		return failure(gcerrors.NotFound, "the queue does not exist")
	}
	for _, id := range ids {
		s.q.HideMessages(nackDelay, id.(string))
	}
	return nil
}
