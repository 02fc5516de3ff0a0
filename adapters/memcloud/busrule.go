package memcloud

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/eventfx/eventfx-go/internal/eventpattern"
)

// A Rule sends the events of a bus that match a pattern to a target. Rules of
// one bus with one name are one rule with several targets, at most five.
type Rule struct {
	// Name is the rule's. "" makes one.
	Name string

	// Pattern is an event pattern, at most 4,096 bytes of JSON:
	// {"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}}.
	// "" matches each event.
	Pattern string

	// Input is JSON that the target gets in place of the event, of at most
	// 8,192 characters. "" sends the event.
	Input string

	// Group is the group of the messages to a FIFO queue, which needs one. The
	// queue must have ContentBasedDeduplication.
	Group string

	// Retries is how often a delivery that failed is tried again, 0-185, at
	// first after a second, then after twice the time, at most 8 minutes. 0
	// means 185, -1 none. What a function makes of the event is not part of
	// the delivery.
	Retries int

	// MaxAge is the age at which the delivery is given up, 1 minute to 24
	// hours. 0 means 24 hours.
	MaxAge time.Duration

	// DeadLetter gets the events that could not be delivered, with RULE_ARN,
	// TARGET_ARN, ERROR_CODE, ERROR_MESSAGE and more as attributes: a standard
	// queue. nil: they are lost.
	DeadLetter *Queue
}

type busRule struct {
	bus     *EventBus
	name    string
	text    string
	pattern *eventpattern.Pattern // nil: everything
	targets []*busTarget
}

type busTarget struct {
	Rule
	rule      *busRule
	recipient Recipient
	policy    retryPolicy
}

// Target has the bus send events to a function, asynchronously, a queue or a
// topic. nil options send all of them.
func (b *EventBus) Target(recipient Recipient, r *Rule) {
	b.cloud.wire(func() error { return b.target(recipient, r) })
}

// Forward has the bus put events on another bus. An event is forwarded once:
// the other bus does not send it on to a third.
func (b *EventBus) Forward(to *EventBus, r *Rule) {
	b.cloud.wire(func() error {
		if err := b.cloud.known(to); err != nil {
			return err
		}
		switch {
		case to == b:
			return &Error{b.name, "ValidationException", "an event bus cannot be a target of its own rule"}
		case r != nil && r.Input != "":
			return &Error{b.name, "ValidationException", "an event bus takes events: Input is not valid for target " + to.name}
		}
		return b.target(&forwarder{to: to}, r)
	})
}

func (b *EventBus) trigger(f *Function, r *Rule) error { return b.target(f, r) }

func (b *EventBus) target(recipient Recipient, o *Rule) error {
	if o == nil {
		o = &Rule{}
	}
	if err := b.cloud.checkTarget(b.name, recipient, o.Group); err != nil {
		return err
	}
	policy, err := b.cloud.newRetryPolicy(b.name, o.Retries, o.MaxAge, o.DeadLetter)
	switch {
	case err != nil:
		return err
	case len(o.Pattern) > 4096:
		return &Error{b.name, "ValidationException", fmt.Sprintf("Event pattern size is too big: %d bytes, at most 4096", len(o.Pattern))}
	case o.Input != "" && (!json.Valid([]byte(o.Input)) || len(o.Input) > 8192):
		return &Error{b.name, "ValidationException", "JSON syntax error in input for target " + recipient.Name()}
	}
	r, err := b.rule(o)
	if err != nil {
		return err
	}
	if len(r.targets) == 5 {
		return &Error{b.name, "LimitExceededException", "The requested resource exceeds the maximum number allowed: 5 targets of a rule"}
	}
	r.targets = append(r.targets, &busTarget{*o, r, recipient, policy})
	return nil
}

// rule returns the rule of this name, and adds it to the bus if it is new.
func (b *EventBus) rule(o *Rule) (*busRule, error) {
	var pattern *eventpattern.Pattern
	if o.Pattern != "" {
		var err error
		if pattern, err = eventpattern.Parse([]byte(o.Pattern)); err != nil {
			reason := err.Error()
			if e, ok := err.(*eventpattern.Error); ok {
				reason = e.Reason
			}
			return nil, &Error{b.name, "InvalidEventPatternException", "Event pattern is not valid. Reason: " + reason}
		}
	}
	name := o.Name
	if name == "" {
		name = "rule-" + strconv.Itoa(b.cloud.number("rule"))
	}
	for _, r := range b.rules {
		if r.name == name && r.text != o.Pattern {
			return nil, &Error{b.name, "ValidationException", fmt.Sprintf("the rule %s has another pattern already", name)}
		}
		if r.name == name {
			return r, nil
		}
	}
	r := &busRule{bus: b, name: name, text: o.Pattern, pattern: pattern}
	b.rules = append(b.rules, r)
	return r, nil
}

// ARN returns the ARN of the rule. The default bus is not part of it.
func (r *busRule) ARN() string {
	name := r.name
	if r.bus.name != defaultBus {
		name = r.bus.name + "/" + name
	}
	return "arn:aws:events:" + Region + ":" + Account + ":rule/" + name
}

// A forwarder has an event be put on another bus.
type forwarder struct {
	to    *EventBus
	event *busEvent // nil: what is forwarded is not known yet
}

func (f *forwarder) Name() string { return f.to.name }
func (f *forwarder) ARN() string  { return f.to.ARN() }
func (f *forwarder) deliver([]byte, string, string) {
	e := *f.event
	e.forwarded = true
	f.to.route(&e)
}

// The methods below are the loop's.

// start begins the delivery of an event, in a step of its own: what two buses
// send to each other must not be one step without an end.
func (t *busTarget) start(e *busEvent) {
	b := t.rule.bus
	c := b.cloud
	recipient := t.recipient
	if f, ok := recipient.(*forwarder); ok {
		if e.forwarded {
			c.note(b.name, "drop", e.entity(), "forwarded once: "+t.rule.name+" does not send it on to "+f.to.name)
			return
		}
		recipient = &forwarder{f.to, e}
	}
	at := c.now
	if c.fault(Delay, b.name, "deliver", recipient.Name()) {
		at += []time.Duration{time.Second, 30 * time.Second, 5 * time.Minute}[c.pick(3)]
	}
	d := &targetDelivery{
		cloud: c, sender: b.name, target: recipient, group: t.Group, policy: t.policy,
		cause: fmt.Sprintf("%s %s e-%d", b.name, t.rule.name, e.number),
		payload: func(int) []byte {
			if t.Input != "" {
				return []byte(t.Input)
			}
			return e.envelope
		},
		letter: func(f *undelivered) Message { return ruleLetter(e.envelope, t.rule.ARN(), recipient.ARN(), f) },
	}
	c.at(at, true, func() {
		c.note(b.name, "deliver", e.entity(), t.rule.name+" to "+recipient.Name())
		d.start()
	})
}
