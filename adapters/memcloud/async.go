package memcloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// asyncEvent is an event in a function's own queue for asynchronous
// invocations.
type asyncEvent struct {
	function  *Function
	id        string // the request's, of all tries
	payload   []byte
	cause     string
	since     time.Duration
	tries     int // invocations so far
	throttled int // refusals since the last of them
}

// Send invokes the function asynchronously, as buckets, topics and schedules
// do: its answer is ignored, a failure is retried. The payload is JSON of at
// most 1 MB; an empty one is {}. Send does not wait, and like all that takes no
// context it is for the test: sends of handlers at one instant come in any
// order.
func (f *Function) Send(payload []byte) {
	if f.cloud.t != nil {
		f.cloud.t.Helper()
	}
	payload, err := f.checkPayload(payload, "Event", maxAsyncPayload)
	if err != nil {
		f.cloud.misuse(err)
		return
	}
	f.cloud.post(func() { f.cloud.invokeAsync(f, payload, "asynchronous") })
}

func (f *Function) deliver(payload []byte, cause, _ string) { f.cloud.invokeAsync(f, payload, cause) }

// invokeAsync takes an event over. The caller no longer uses the payload.
func (c *Cloud) invokeAsync(f *Function, payload []byte, cause string) {
	e := &asyncEvent{function: f, id: c.uuid("request-async", c.number("request-async")), payload: payload, cause: cause, since: c.now}
	c.queueAsync(e)
	if c.fault(Duplicate, f.name) {
		twin := *e
		twin.cause += " (a duplicate)"
		c.queueAsync(&twin)
	}
}

func (c *Cloud) queueAsync(e *asyncEvent) {
	at := c.now
	if c.fault(Delay, e.function.name) {
		at += []time.Duration{time.Second, 10 * time.Second, time.Minute, 5 * time.Minute}[c.pick(4)]
	}
	c.at(at, true, func() { c.tryAsync(e) })
}

// tryAsync invokes the function, if that may be. A throttled event waits for
// 1 s, 2 s, 4 s... 5 minutes, which uses up none of its retries.
func (c *Cloud) tryAsync(e *asyncEvent) {
	f := e.function
	switch {
	case f.reserved < 0:
		c.giveUpAsync(e, zeroConcurrency, nil)
		return
	case c.now-e.since >= f.maxAge:
		c.giveUpAsync(e, eventAgeExceeded, nil)
		return
	case !f.admit():
		wait := min(time.Second<<min(e.throttled, 9), 5*time.Minute)
		e.throttled++
		c.at(min(c.now+wait, e.since+f.maxAge), true, func() { c.tryAsync(e) })
		return
	}
	e.throttled = 0
	e.tries++
	cause := e.cause
	if e.tries > 1 {
		cause += " (" + ordinal(e.tries) + " try)"
	}
	// Each try gets bytes of its own: a handler may scribble over them.
	c.invoke(f, e.id, bytes.Clone(e.payload), cause, nil, func(inv *invocation, answer []byte, failure *FunctionError) {
		c.finishAsync(e, inv, answer, failure)
	})
}

// asyncDelays are those before the second and the third try.
var asyncDelays = [...]time.Duration{time.Minute, 2 * time.Minute}

func (c *Cloud) finishAsync(e *asyncEvent, inv *invocation, answer []byte, failure *FunctionError) {
	f := e.function
	if failure == nil {
		inv.noteUnread(countFailures(answer))
		if f.onSuccess != nil {
			r := c.invocationRecord(e, success)
			r.Response = answer
			c.tell(f.onSuccess, e, r)
		}
		return
	}
	inv.noteAnswer("", failure)
	if e.tries > f.retries {
		c.giveUpAsync(e, retriesExhausted, inv)
		return
	}
	again := c.now + asyncDelays[e.tries-1]
	if again-e.since >= f.maxAge {
		c.giveUpAsync(e, eventAgeExceeded, inv)
		return
	}
	c.at(again, true, func() { c.tryAsync(e) })
}

// countFailures returns how many items an answer names that nobody reads.
func countFailures(answer []byte) int {
	if !bytes.Contains(answer, []byte(`"batchItemFailures"`)) {
		return 0
	}
	var object map[string]json.RawMessage
	var items []json.RawMessage
	if json.Unmarshal(answer, &object) != nil || json.Unmarshal(object["batchItemFailures"], &items) != nil {
		return 0
	}
	return len(items)
}

// What became of an event, as its record says.
const (
	success          = "Success"
	retriesExhausted = "RetriesExhausted"
	eventAgeExceeded = "EventAgeExceeded"
	zeroConcurrency  = "ZeroReservedConcurrency"
)

// giveUpAsync hands the event to those who are told of failures. last is its
// last run; nil: it was throttled since, or has never run.
func (c *Cloud) giveUpAsync(e *asyncEvent, condition string, last *invocation) {
	f := e.function
	why := fmt.Sprintf("after %d tries", e.tries)
	switch condition {
	case eventAgeExceeded:
		why = "older than " + f.maxAge.String()
	case zeroConcurrency:
		why = "its reserved concurrency is 0"
	}
	if f.deadLetter == nil && f.onFailure == nil {
		c.note(f.name, "LOST", entity{name: e.cause}, why+"; the function has no dead-letter queue and no destination")
		return
	}
	if f.deadLetter != nil {
		c.write(f.deadLetter, e, e.payload, deadLetterAttributes(e, condition, last), why)
	}
	if f.onFailure != nil {
		r := c.invocationRecord(e, condition)
		if r.NoResponse = last == nil; !r.NoResponse {
			r.FunctionError = "Unhandled"
			r.Response = awspayload.AppendFunctionError(nil, last.failure.Message, last.failure.Type, last.stack)
		}
		c.tell(f.onFailure, e, r)
	}
}

// deadLetterAttributes are what Lambda says of an event in its dead-letter
// queue.
func deadLetterAttributes(e *asyncEvent, condition string, last *invocation) map[string]Attribute {
	code, message := 200, ""
	switch {
	case last != nil:
		message = last.failure.Message
	case condition == zeroConcurrency:
		code, message = 0, "Function not invoked. Function is configured with zero reserved concurrent executions"
	default:
		code, message = 429, "Rate Exceeded."
	}
	attributes := map[string]Attribute{"RequestID": {Type: "String", Value: e.id}}
	if code != 0 {
		attributes["ErrorCode"] = Attribute{Type: "Number", Value: strconv.Itoa(code)}
	}
	if message = firstKB(message); message != "" { // no attribute may be empty
		attributes["ErrorMessage"] = Attribute{Type: "String", Value: message}
	}
	return attributes
}

// firstKB cuts s to 1 KB, but no character in two.
func firstKB(s string) string {
	if n := 1024; len(s) > n {
		for n > 1024-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func (c *Cloud) invocationRecord(e *asyncEvent, condition string) *awspayload.InvocationRecord {
	return &awspayload.InvocationRecord{
		Time: c.instant(), RequestID: e.id, FunctionARN: e.function.ARN(), Condition: condition,
		Invocations: e.tries, Request: e.payload,
	}
}

// tell sends a destination the record.
func (c *Cloud) tell(target Destination, e *asyncEvent, r *awspayload.InvocationRecord) {
	body := awspayload.AppendInvocationRecord(nil, r)
	why := r.Condition
	if _, ok := target.(*Topic); ok && len(body) > maxNotice {
		r.NoPayloads = true
		body = awspayload.AppendInvocationRecord(nil, r)
		why += ", without the payloads, which are too large for a topic"
	}
	c.write(target, e, body, nil, why)
}

// write sends what AWS itself writes. What cannot be written is lost: AWS
// counts it in a metric, and that is all.
func (c *Cloud) write(target Destination, e *asyncEvent, body []byte, attributes map[string]Attribute, why string) {
	f := e.function
	about := entity{name: e.cause}
	lost := func(reason string) {
		c.note(f.name, "LOST", about, "could not be written to "+target.Name()+" ("+why+"): "+reason)
	}
	if c.fault(DeadLetterFails, f.name) {
		lost("a fault")
		return
	}
	switch target := target.(type) {
	case *Queue:
		m := Message{Body: string(body), Attributes: attributes}
		if err := target.check(&m); err != nil {
			lost(err.Error())
			return
		}
		about = target.accept(m).entity()
	case *Topic:
		n := Notice{Message: string(body), Attributes: attributes}
		if err := target.check(&n); err != nil {
			lost(err.Error())
			return
		}
		target.publish(n)
	case *Function:
		if _, err := target.checkPayload(body, "Event", maxAsyncPayload); err != nil {
			lost(err.Error())
			return
		}
		c.invokeAsync(target, body, f.name+" destination")
	case *EventBus:
		result := "Failure"
		if why == success {
			result = "Success"
		}
		event := BusEvent{
			Source: "lambda", DetailType: "Lambda Function Invocation Result - " + result, Detail: string(body),
			Resources: []string{target.ARN(), f.ARN() + ":$LATEST"},
		}
		if code, message := event.check(); code != "" {
			lost(code + ": " + message)
			return
		}
		target.accept(event)
	}
	c.note(f.name, "move", about, "to "+target.Name()+" "+why)
}
