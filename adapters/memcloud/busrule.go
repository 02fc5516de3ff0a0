package memcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
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

// A busTarget is a target of a rule: a recipient, or another bus.
type busTarget struct {
	Rule
	policy    retryPolicy
	rule      *busRule
	recipient Recipient
	bus       *EventBus
}

// Target has the bus send events to a function, asynchronously, a queue or a
// topic. nil options send all of them.
func (b *EventBus) Target(recipient Recipient, r *Rule) {
	b.cloud.wire(func() error { return b.target(r, &busTarget{recipient: recipient}) })
}

// Forward has the bus put events on another bus. An event is forwarded once:
// the other bus does not send it on to a third.
func (b *EventBus) Forward(to *EventBus, r *Rule) {
	b.cloud.wire(func() error {
		if to == b {
			return &Error{b.name, "ValidationException", "an event bus cannot be a target of its own rule"}
		}
		return b.target(r, &busTarget{bus: to})
	})
}

func (b *EventBus) trigger(f *Function, r *Rule) error { return b.target(r, &busTarget{recipient: f}) }

func (b *EventBus) target(o *Rule, t *busTarget) error {
	if o == nil {
		o = &Rule{}
	}
	t.Rule = *o
	refuse := func(format string, args ...any) error {
		return &Error{b.name, "ValidationException", fmt.Sprintf(format, args...)}
	}
	switch {
	case len(t.Pattern) > 4096:
		return refuse("Event pattern size is too big: %d bytes, at most 4096", len(t.Pattern))
	case t.Input != "" && (!json.Valid([]byte(t.Input)) || len(t.Input) > 8192):
		return refuse("JSON syntax error in input for target %s", t.name())
	}
	var err error
	if t.policy, err = newRetryPolicy(b.name, t.Retries, t.MaxAge, t.DeadLetter); err != nil {
		return err
	}
	q, _ := t.recipient.(*Queue)
	if q != nil && q.fifo && t.Group == "" {
		return refuse("Parameter(s) SqsParameters must be specified for target: %s.", q.name)
	}
	if t.Group != "" && (q == nil || !q.fifo) {
		return refuse("Parameter(s) SqsParameters not valid for target: %s. Only a FIFO queue takes a group", t.name())
	}
	if t.Input != "" && t.bus != nil {
		return refuse("an event bus takes events: Input is not valid for target %s", t.name())
	}
	return b.addTarget(t)
}

// addTarget adds the target to its rule, and the rule to the bus.
func (b *EventBus) addTarget(t *busTarget) error {
	var pattern *eventpattern.Pattern
	if t.Pattern != "" {
		var err error
		if pattern, err = eventpattern.Parse([]byte(t.Pattern)); err != nil {
			reason := err.Error()
			if e, ok := err.(*eventpattern.Error); ok {
				reason = e.Reason
			}
			return &Error{b.name, "InvalidEventPatternException", "Event pattern is not valid. Reason: " + reason}
		}
	}
	name := t.Rule.Name
	if name == "" {
		name = "rule-" + strconv.Itoa(b.cloud.number("rule"))
	}
	i := slices.IndexFunc(b.rules, func(r *busRule) bool { return r.name == name })
	if i < 0 {
		i = len(b.rules)
		b.rules = append(b.rules, &busRule{bus: b, name: name, text: t.Pattern, pattern: pattern})
	}
	r := b.rules[i]
	switch {
	case r.text != t.Pattern:
		return &Error{b.name, "ValidationException", fmt.Sprintf("the rule %s has another pattern already", name)}
	case len(r.targets) == 5:
		return &Error{b.name, "LimitExceededException", "The requested resource exceeds the maximum number allowed: 5 targets of a rule"}
	}
	t.rule = r
	r.targets = append(r.targets, t)
	return nil
}

// ARN returns the ARN of the rule. The default bus is not part of it.
func (r *busRule) ARN() string {
	name := r.name
	if r.bus.name != defaultBus {
		name = r.bus.name + "/" + name
	}
	return "arn:aws:events:" + Region + ":" + Account + ":rule/" + name
}

func (t *busTarget) name() string {
	if t.bus != nil {
		return t.bus.name
	}
	return t.recipient.Name()
}

func (t *busTarget) arn() string {
	if t.bus != nil {
		return t.bus.ARN()
	}
	return t.recipient.ARN()
}

// A ruleDelivery is an event on its way to one target.
type ruleDelivery struct {
	target *busTarget
	event  *busEvent
	since  time.Duration
	tries  int
}

// start begins the delivery. Each comes in a step of its own: two buses that
// forward to each other must not be one step without an end.
func (t *busTarget) start(e *busEvent) {
	c := t.rule.bus.cloud
	if e.forwarded && t.bus != nil {
		c.note(t.rule.bus.name, "drop", e.entity(), "forwarded once: "+t.rule.name+" does not send it on to "+t.bus.name)
		return
	}
	times := 1
	if c.fault(Duplicate, t.site()...) {
		times = 2
	}
	at := c.now
	if c.fault(Delay, t.site()...) {
		at += []time.Duration{time.Second, 30 * time.Second, 5 * time.Minute}[c.pick(3)]
	}
	for range times {
		d := &ruleDelivery{target: t, event: e, since: c.now}
		c.at(at, true, d.try)
	}
}

// site names the target for faults.
func (t *busTarget) site() []string { return []string{t.rule.bus.name, t.rule.name, t.name()} }

func (d *ruleDelivery) try() {
	t := d.target
	c := t.rule.bus.cloud
	d.tries++
	failure := d.deliver()
	if failure == nil {
		return
	}
	wait, again := t.policy.again(failure, d.tries, c.now-d.since)
	if !again {
		d.giveUp(failure)
		return
	}
	c.note(t.rule.bus.name, "failed", d.event.entity(), fmt.Sprintf("%s to %s: %s: again at %s", t.rule.name, t.name(), failure.ruleCode(), offset(c.now+wait)))
	c.at(c.now+wait, true, d.try)
}

func (d *ruleDelivery) deliver() *undelivered {
	t := d.target
	b := t.rule.bus
	c := b.cloud
	if c.fault(CallFails, t.site()...) {
		return &undelivered{err: &Error{t.name(), "ServiceUnavailable", "a fault: please reduce your request rate"}}
	}
	payload := d.event.envelope
	if t.Input != "" {
		payload = []byte(t.Input)
	}
	cause := fmt.Sprintf("%s %s e-%d", b.name, t.rule.name, d.event.number)
	refused := func(err error) *undelivered { return &undelivered{err: err.(*Error), permanent: true} }
	switch to := t.recipient.(type) {
	case nil:
		c.note(b.name, "forward", d.event.entity(), t.rule.name+" to "+t.bus.name)
		forwarded := *d.event
		forwarded.forwarded = true
		t.bus.route(&forwarded)
	case *Queue:
		m := Message{Body: string(payload), Group: t.Group}
		if err := to.check(&m); err != nil {
			return refused(err)
		}
		c.note(b.name, "deliver", d.event.entity(), t.rule.name+" to "+to.name)
		to.accept(m)
	case *Topic:
		n := Notice{Message: string(payload)}
		if err := to.check(&n); err != nil {
			return refused(err)
		}
		c.note(b.name, "deliver", d.event.entity(), t.rule.name+" to "+to.name)
		to.publish(n)
	default:
		c.note(b.name, "deliver", d.event.entity(), t.rule.name+" to "+to.Name())
		to.deliver(bytes.Clone(payload), cause, "")
	}
	return nil
}

// giveUp writes the event to the dead-letter queue.
func (d *ruleDelivery) giveUp(failure *undelivered) {
	t := d.target
	b := t.rule.bus
	c := b.cloud
	why := fmt.Sprintf("%s to %s: %s: %s: after %d retries", t.rule.name, t.name(), failure.ruleCode(), failure.err.Message, failure.retries)
	q := t.DeadLetter
	if q == nil {
		c.note(b.name, "LOST", d.event.entity(), why+"; the target has no dead-letter queue")
		return
	}
	m := ruleLetter(d.event.envelope, t.rule.ARN(), t.arn(), failure)
	if c.fault(DeadLetterFails, append(t.site(), q.name)...) {
		c.note(b.name, "LOST", d.event.entity(), why+"; "+q.name+" did not take it")
		return
	}
	if err := q.check(&m); err != nil {
		c.note(b.name, "LOST", d.event.entity(), why+"; "+err.Error())
		return
	}
	c.note(b.name, "move", q.accept(m).entity(), "to "+q.name+": "+why)
}

func decodeDocument(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var doc any
	_ = d.Decode(&doc) // an envelope is JSON
	return doc
}
