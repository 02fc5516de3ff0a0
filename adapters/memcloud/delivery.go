package memcloud

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// A retryPolicy says how EventBridge and Scheduler go on when a target did not
// take an event.
type retryPolicy struct {
	retries    int
	maxAge     time.Duration
	deadLetter *Queue // nil: what could not be delivered is lost
}

// newRetryPolicy checks the options of a target of the resource; zeros mean
// AWS's defaults.
func (c *Cloud) newRetryPolicy(resource string, retries int, maxAge time.Duration, deadLetter *Queue) (retryPolicy, error) {
	refuse := func(format string, args ...any) (retryPolicy, error) {
		return retryPolicy{}, &Error{resource, "ValidationException", fmt.Sprintf(format, args...)}
	}
	const constraint = "Value '%v' at '%s' failed to satisfy constraint: Member must be between %d and %d"
	switch {
	case retries < -1 || retries > 185:
		return refuse(constraint, retries, "retryPolicy.maximumRetryAttempts", 0, 185)
	case maxAge != 0 && (maxAge < time.Minute || maxAge > 24*time.Hour):
		return refuse(constraint, maxAge.Seconds(), "retryPolicy.maximumEventAgeInSeconds", 60, 86400)
	case deadLetter != nil && c.known(deadLetter) != nil:
		return retryPolicy{}, c.known(deadLetter)
	case deadLetter != nil && deadLetter.fifo:
		return refuse("Parameter DeadLetterConfig is not valid. Reason: %s is a FIFO queue; only standard queues can be dead-letter queues.", deadLetter.name)
	}
	return retryPolicy{max(0, cmp.Or(retries, 185)), cmp.Or(maxAge, 24*time.Hour), deadLetter}, nil
}

// again returns the back-off after so many tries of an event of this age: from
// a second on it doubles, up to eight minutes, so the 185 retries of the
// default take most of its 24 h. AWS adds jitter and does not document the
// numbers. Without another try f tells why.
func (p retryPolicy) again(f *undelivered, tries int, age time.Duration) (time.Duration, bool) {
	f.retries = tries - 1
	wait := min(time.Second<<min(tries-1, 20), 8*time.Minute)
	switch {
	case f.permanent:
		return 0, false
	case tries > p.retries:
		f.condition = "MaximumRetryAttempts"
		return 0, false
	case age+wait > p.maxAge:
		f.condition = "MaximumEventAgeInSeconds"
		return 0, false
	}
	return wait, true
}

// A targetDelivery is one event on its way to the target of a schedule, by rule
// or by Scheduler. All its functions are called in the loop.
type targetDelivery struct {
	cloud  *Cloud
	sender string // the name of the rule or schedule
	target Recipient
	group  string // of the message, in a FIFO queue
	policy retryPolicy
	cause  string // for the timeline

	// payload makes the bytes for a try, the first is 1. They are not kept.
	payload func(try int) []byte

	// letter makes the dead letter.
	letter func(f *undelivered) Message

	// over is told when the event was delivered or given up. nil: nobody.
	over func()

	since time.Duration
	tries int
}

// undelivered says why the last try failed, and why there is no other.
type undelivered struct {
	err       *Error
	permanent bool   // the target will never take it
	condition string // what is exhausted: a permanent error exhausts nothing
	retries   int
}

// ruleCode is what EventBridge calls the error.
func (f *undelivered) ruleCode() string {
	if f.permanent {
		return "SDK_CLIENT_ERROR"
	}
	return "THROTTLING"
}

// start makes the first try now.
func (d *targetDelivery) start() {
	d.since = d.cloud.now
	d.try()
}

func (d *targetDelivery) try() {
	c := d.cloud
	d.tries++
	failed := d.send(d.payload(d.tries))
	if failed == nil {
		d.end()
		return
	}
	c.note(d.sender, "error", entity{name: d.target.Name()}, failed.err.Code+": "+failed.err.Message)
	if wait, again := d.policy.again(failed, d.tries, c.now-d.since); again {
		c.at(c.now+wait, true, d.try)
		return
	}
	d.giveUp(failed)
}

// send delivers the payload, or says why not. The faults are those of the call
// that the service makes: its answer may be lost after it took effect, and the
// service may make it twice.
func (d *targetDelivery) send(payload []byte) *undelivered {
	c := d.cloud
	unlucky := func(kind Fault) bool { return c.fault(kind, d.sender, "deliver", d.target.Name()) }
	if err := d.refusal(payload); err != nil {
		return &undelivered{err: err, permanent: true}
	}
	if unlucky(CallFails) {
		return &undelivered{err: &Error{d.target.Name(), "ServiceUnavailable", "a fault: please reduce your request rate"}}
	}
	d.hand(payload)
	if unlucky(Duplicate) {
		d.hand(payload)
	}
	if unlucky(CallAnswerLost) {
		return &undelivered{err: &Error{d.target.Name(), "RequestTimeout", "a fault: the call took effect, and its answer was lost"}}
	}
	return nil
}

// maxAsyncPayload bounds the payload of an asynchronous invocation.
const maxAsyncPayload = 1 << 20

// refusal returns what the target answers to a payload that it can never take.
func (d *targetDelivery) refusal(payload []byte) *Error {
	var err error
	switch target := d.target.(type) {
	case *Queue:
		m := d.message(payload)
		err = target.check(&m)
	case *Topic:
		err = target.check(&Notice{Message: string(payload)})
	case *Function:
		if len(payload) > maxAsyncPayload {
			return &Error{target.name, "RequestEntityTooLargeException", fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)", len(payload), maxAsyncPayload)}
		}
	}
	if err != nil {
		return err.(*Error)
	}
	return nil
}

func (d *targetDelivery) message(payload []byte) Message {
	m := Message{Body: string(payload)}
	if q, ok := d.target.(*Queue); ok && q.fifo {
		m.Group = d.group
	}
	return m
}

func (d *targetDelivery) hand(payload []byte) {
	if q, ok := d.target.(*Queue); ok {
		m := d.message(payload)
		_ = q.check(&m) // once more, for the deduplication id that it adds
		q.accept(m)
		return
	}
	d.target.deliver(payload, d.cause, "")
}

func (d *targetDelivery) giveUp(failed *undelivered) {
	c := d.cloud
	defer d.end()
	about := entity{name: d.cause}
	why := fmt.Sprintf("after %d retries: %s", failed.retries, cmp.Or(failed.condition, failed.err.Code))
	q := d.policy.deadLetter
	if q == nil {
		c.note(d.sender, "LOST", about, why+"; the target has no dead-letter queue")
		return
	}
	if c.fault(DeadLetterFails, d.sender, q.name) {
		c.note(d.sender, "LOST", about, why+"; the dead-letter queue could not be written")
		return
	}
	m := q.accept(d.letter(failed))
	c.note(d.sender, "move", m.entity(), "to "+q.name+" "+why)
}

func (d *targetDelivery) end() {
	if d.over != nil {
		d.over()
	}
}

// checkTarget returns what is wrong with a target of the resource.
func (c *Cloud) checkTarget(resource string, target Recipient, group string) error {
	refuse := func(message string) error { return &Error{resource, "ValidationException", message} }
	if target == nil {
		return refuse("Parameter Target is not valid. Reason: there is none.")
	}
	if err := c.known(target); err != nil {
		return err
	}
	q, ok := target.(*Queue)
	switch fifo := ok && q.fifo; {
	case fifo && group == "":
		return refuse("Parameter(s) SqsParameters must be specified for target: " + target.Name() + ": a FIFO queue needs a group.")
	case fifo && !q.contentDedup:
		return refuse("Parameter Target is not valid. Reason: the FIFO queue " + target.Name() + " must have content-based deduplication enabled.")
	case !fifo && group != "":
		return refuse("Parameter SqsParameters is not valid. Reason: " + target.Name() + " is no FIFO queue and takes no group.")
	}
	return nil
}

// ruleLetter makes the dead letter of a rule: the event as it was before the
// target's input took its place.
func ruleLetter(event []byte, rule, target string, f *undelivered) Message {
	m := Message{Body: string(event), Attributes: map[string]Attribute{}}
	addTexts(m.Attributes, "RULE_ARN", rule, "TARGET_ARN", target, "ERROR_CODE", f.ruleCode(), "ERROR_MESSAGE", f.err.Message,
		"EXHAUSTED_RETRY_CONDITION", f.condition, "RETRY_ATTEMPTS", strconv.Itoa(f.retries))
	return m
}

// addTexts adds attributes of type String, from pairs of names and values. One
// without a value is left out.
func addTexts(attributes map[string]Attribute, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			attributes[pairs[i]] = Attribute{Type: "String", Value: pairs[i+1]}
		}
	}
}
