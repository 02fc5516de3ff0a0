package portable

import (
	"errors"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/pubsub"
)

// asTest checks the escape hatches within pubsub's conformance suite.
type asTest struct{}

func (asTest) Name() string { return "memcloud" }

func (asTest) TopicCheck(t *pubsub.Topic) error {
	var to *memcloud.Topic
	var q *memcloud.Queue
	if t.As(&to) == t.As(&q) || to == nil && q == nil {
		return errors.New("a topic gives its memcloud.Topic or its memcloud.Queue")
	}
	return nil
}

func (asTest) SubscriptionCheck(s *pubsub.Subscription) error {
	var q *memcloud.Queue
	if !s.As(&q) || q == nil {
		return errors.New("a subscription gives its memcloud.Queue")
	}
	return nil
}

func (asTest) TopicErrorCheck(t *pubsub.Topic, err error) error {
	var e *memcloud.Error
	if t.ErrorAs(err, &e) {
		return errors.New("an error of the driver is no memcloud.Error")
	}
	return nil
}

func (asTest) SubscriptionErrorCheck(*pubsub.Subscription, error) error { return nil }

func (asTest) MessageCheck(m *pubsub.Message) error {
	var got memcloud.Message
	if !m.As(&got) || got.Receives != 1 {
		return errors.New("a message gives its memcloud.Message, with the receive count")
	}
	return nil
}

func (asTest) BeforeSend(as func(any) bool) error {
	var n *memcloud.Notice
	var m *memcloud.Message
	if as(&n) == as(&m) {
		return errors.New("BeforeSend gives the notice or the message")
	}
	return nil
}

func (asTest) AfterSend(as func(any) bool) error {
	var m *memcloud.Message
	if as(&m) && m.ID == "" {
		return errors.New("AfterSend gives the message with its id")
	}
	return nil
}
