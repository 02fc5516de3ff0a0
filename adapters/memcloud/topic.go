package memcloud

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A Topic is an SNS topic: what is published goes to all its subscribers.
type Topic struct {
	cloud         *Cloud
	name          string
	subscriptions []*subscription
}

// A Subscription configures how a subscriber gets the notifications.
type Subscription struct {
	// Raw sends a queue the message alone, with the attributes as the queue's
	// message attributes. Without it the body is SNS's JSON envelope.
	Raw bool
}

type subscription struct {
	Subscription
	arn    string
	target Recipient
}

// A Notice is what is published to a topic.
type Notice struct {
	Message    string
	Subject    string
	Attributes map[string]Attribute
}

// Topic makes a topic.
func (c *Cloud) Topic(name string) *Topic {
	t := &Topic{cloud: c, name: name}
	c.wire(func() error { return register(c.topics, "topic", name, t) })
	return t
}

// Name returns the name that was given.
func (t *Topic) Name() string { return t.name }

// ARN returns the topic's ARN.
func (t *Topic) ARN() string { return "arn:aws:sns:" + Region + ":" + Account + ":" + t.name }

// Subscribe has the topic send to a queue or a function.
func (t *Topic) Subscribe(target Recipient, o *Subscription) {
	if o == nil {
		o = &Subscription{}
	}
	t.cloud.wire(func() error { return t.subscribe(target, o) })
}

func (t *Topic) trigger(f *Function, o *Subscription) error { return t.subscribe(f, o) }

func (t *Topic) subscribe(target Recipient, o *Subscription) error {
	c := t.cloud
	if err := c.known(target); err != nil {
		return err
	}
	switch target := target.(type) {
	case *Topic:
		return &Error{t.name, "InvalidParameter", "Invalid parameter: a topic cannot subscribe to a topic"}
	case *Queue:
		if target.fifo {
			return &Error{t.name, "InvalidParameter", "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"}
		}
	case *Function:
		if o.Raw {
			return &Error{t.name, "InvalidParameter", "Invalid parameter: Attributes Reason: RawMessageDelivery: a function takes the envelope"}
		}
	}
	t.subscriptions = append(t.subscriptions, &subscription{
		Subscription: *o, target: target, arn: t.ARN() + ":" + c.uuid("subscription", c.number("subscription")),
	})
	return nil
}

// Send publishes a message, and does not wait.
func (t *Topic) Send(message string) {
	if t.cloud.t != nil {
		t.cloud.t.Helper()
	}
	n := Notice{Message: message}
	if err := t.check(&n); err != nil {
		t.cloud.misuse(err)
		return
	}
	t.cloud.post(func() { t.publish(n) })
}

// Publish publishes a message and returns its id.
func (t *Topic) Publish(ctx context.Context, n Notice) (id string, err error) {
	if err := t.check(&n); err != nil {
		return "", err
	}
	n.Attributes = cloneAttributes(n.Attributes)
	m := Message{Body: n.Message, Group: n.Subject, Attributes: n.Attributes}
	err = t.cloud.do(ctx, "publish\x00"+t.name+"\x00"+m.key(), func() error {
		id = t.publish(n)
		return nil
	})
	return id, err
}

// maxNotice bounds a message of a topic, with its attributes.
const maxNotice = 256 << 10

func (t *Topic) check(n *Notice) error {
	size := len(n.Message)
	for name, a := range n.Attributes {
		size += len(name) + len(a.Type) + len(a.Value) + len(a.Binary)
	}
	switch {
	case n.Message == "":
		return &Error{t.name, "InvalidParameter", "Invalid parameter: Empty message"}
	case size > maxNotice:
		return &Error{t.name, "InvalidParameter", fmt.Sprintf("Invalid parameter: Message too long: %d bytes", size)}
	}
	return nil
}

// publish sends to all subscribers, in the order of their subscription.
func (t *Topic) publish(n Notice) string {
	c := t.cloud
	number := c.number("notice")
	s := awspayload.SNS{
		MessageID: c.uuid("notice", number), TopicARN: t.ARN(), Region: Region, Subject: n.Subject,
		Message: n.Message, Time: c.instant(), Attributes: n.Attributes,
	}
	c.note(t.name, "publish", entity{prefix: 'n', number: number}, n.Message)
	for _, to := range t.subscriptions {
		s.SubscriptionARN = to.arn
		switch target := to.target.(type) {
		case *Queue:
			m := Message{Body: string(awspayload.AppendSNSEnvelope(nil, &s))}
			if to.Raw {
				m.Body, m.Attributes = n.Message, n.Attributes
			}
			target.acceptFrom(t.name, m)
		case *Function:
			c.invokeAsync(target, awspayload.AppendSNSEvent(nil, &s), fmt.Sprintf("%s n-%d", t.name, number))
		}
	}
	return s.MessageID
}

func (t *Topic) deliver(payload []byte, _, subject string) {
	t.publish(Notice{Message: string(payload), Subject: subject})
}
