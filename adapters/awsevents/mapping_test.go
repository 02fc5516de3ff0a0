package awsevents

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The expected events of this file are computed from the payloads by
// encoding/json and by formulas of its own, written from the rules.

// attributes is a JSON object, such as an event.
type attributes = map[string]any

// mapping says how the events of one record of a payload are expected.
var mappings = []struct {
	rule    string
	payload string
	format  Format
	expect  func(r expected)
}{
	{rule: "A8", payload: "s3_put", expect: func(r expected) { r.each(s3Event) }},
	{rule: "A7.1", payload: "s3_delete_two", expect: func(r expected) { r.each(s3Event) }},
	{rule: "B1.6", payload: "s3_tagging_prefixed_name", expect: func(r expected) { r.each(s3Event) }},
	{rule: "A7.2", payload: "s3_compatible_store", expect: func(r expected) { r.each(s3Event) }},
	{rule: "A7.1", payload: "s3_delete_two", format: Format{StrictS3IDs: true}, expect: func(r expected) { r.each(strictS3Event) }},
	{rule: "B6.1", payload: "s3_eventbridge", expect: func(r expected) { r.event(s3BridgeEvent(r.payload)) }},
	{rule: "B6.4", payload: "s3_eventbridge_deleted", expect: func(r expected) { r.event(s3BridgeEvent(r.payload)) }},
	{rule: "C1.1", payload: "sqs_standard", expect: func(r expected) { r.each(sqsEvent) }},
	{rule: "C1.6", payload: "sqs_fifo", expect: func(r expected) { r.each(sqsEvent) }},
	{rule: "C3.2", payload: "sqs_dead_letter_queue", expect: func(r expected) { r.each(sqsEvent) }},
	{rule: "D2.1", payload: "dynamodb", expect: func(r expected) { r.each(streamEvent) }},
	{rule: "D2.9", payload: "dynamodb_odd_keys", expect: func(r expected) { r.each(streamEvent) }},
	{rule: "E1.1", payload: "schedule_rule", expect: func(r expected) { r.event(ruleEvent(r.payload)) }},
	{rule: "E3.2", payload: "scheduler_default", expect: func(r expected) { r.event(schedulerEvent(r.payload)) }},
	{rule: "E3.3", payload: "scheduler_input", expect: func(r expected) { r.event(schedulerInputEvent(r.payload)) }},
	{rule: "A8", payload: "eventbridge", expect: func(r expected) { r.event(bridgeEvent(r.payload)) }},
	{rule: "B6.2", payload: "eventbridge_s3_api_call", expect: func(r expected) { r.event(apiCallEvent(r.payload)) }},
	{rule: "A7.3", payload: "sns", expect: func(r expected) { r.each(snsEvent) }},
	{rule: "F3.7", payload: "nested_s3_in_sqs", expect: func(r expected) { r.each(carried) }},
	{rule: "F3.2", payload: "nested_s3_in_sns_in_sqs", expect: func(r expected) { r.each(carried) }},
	{rule: "F3.4", payload: "nested_eventbridge_in_sqs", expect: func(r expected) { r.each(carried) }},
	{rule: "F3.5", payload: "nested_lambda_dlq_in_sqs", expect: func(r expected) { r.each(carried) }},
}

// expected collects events, each as the members of its JSON form.
type expected struct {
	payload attributes
	events  *[]attributes
}

func (r expected) event(e attributes) { *r.events = append(*r.events, e) }

func (r expected) each(f func(record attributes) []attributes) {
	for _, record := range r.payload["Records"].([]any) {
		*r.events = append(*r.events, f(record.(attributes))...)
	}
}

func TestMapping(t *testing.T) {
	// Rule A6.1, Rule A8, Rule A8.1, Rule A8.2: each event is computed from its record alone.
	files := payloadFiles(t)
	for _, tt := range mappings {
		t.Run(tt.rule+" "+tt.payload, func(t *testing.T) {
			payload := files["payloads/"+tt.payload]
			var want []attributes
			tt.expect(expected{payload: parse(t, payload), events: &want})
			p, err := tt.format.Open(payload, "another request")
			if err != nil {
				t.Fatal(err)
			}
			var got []attributes
			for _, m := range p.Messages {
				text, err := json.Marshal(m.Event)
				if err != nil {
					t.Fatal(err)
				}
				if m.Err != nil || m.Validate() != nil {
					t.Errorf("%s: %v %v", m.ID(), m.Err, m.Validate())
				}
				got = append(got, parse(t, text))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A firing may be delivered by several envelopes: they are the same event.
func TestOneFiring(t *testing.T) {
	// Rule E1.4
	const envelope = `{"version":"0","id":%q,"detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":%q,` +
		`"region":"eu-west-1","resources":["arn:aws:events:eu-west-1:123456789012:rule/nightly"],"detail":{}}`
	identity := func(id, at string) string {
		m := open(t, fmt.Sprintf(envelope, id, at)).Messages[0]
		return m.Source() + " " + m.ID()
	}
	first := identity("envelope-1", "2026-11-23T03:00:07Z")
	if again := identity("envelope-2", "2026-11-23T03:00:41Z"); again != first {
		t.Errorf("one minute of one rule is %s and %s", first, again)
	}
	if next := identity("envelope-1", "2026-11-23T03:01:07Z"); next == first {
		t.Errorf("two minutes are both %s", first)
	}
}

func TestSentAttributesAsTheyCame(t *testing.T) {
	// Rule C1.4
	const digits = "12345678901234567890123456789012345678"
	record := strings.TrimSuffix(sqsRecord("m", "x"), "}") + `,"messageAttributes":{` +
		`"N":{"dataType":"Number","stringValue":"` + digits + `"},"n":{"dataType":"String","stringValue":"small"},"a.b-c_D":{"dataType":"Number.int","stringValue":"007"}}}`
	m := open(t, `{"Records":[`+record+`]}`).Messages[0]
	want := map[string]string{"N": digits, "n": "small", "a.b-c_D": "007"}
	if diff := cmp.Diff(want, m.Origin.Attributes); diff != "" {
		t.Errorf("of the origin (-want +got):\n%s", diff)
	}
	kept := attributes{
		"N": attributes{"dataType": "Number", "stringValue": digits}, "n": attributes{"dataType": "String", "stringValue": "small"},
		"a.b-c_D": attributes{"dataType": "Number.int", "stringValue": "007"},
	}
	text, _ := m.Extensions()["sqsattributes"].(string)
	if diff := cmp.Diff(kept, parse(t, []byte(text))); diff != "" {
		t.Errorf("of the event (-want +got):\n%s", diff)
	}
}

func TestOnePrefix(t *testing.T) {
	// Rule A6.4
	for name, payload := range payloadFiles(t) {
		p, err := Format{}.Open(payload, "request-1")
		if err != nil {
			continue // TestGolden has it
		}
		for _, m := range p.Messages {
			own := strings.Contains(name, "cloudevent") || m.Type() == TypeRaw
			if !own && !strings.HasPrefix(m.Type(), "com.amazonaws.") {
				t.Errorf("%s: type %s", name, m.Type())
			}
		}
	}
}

func parse(t testing.TB, text []byte) attributes {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // D2.6: a float would lose digits
	var v attributes
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func at(v any, path ...string) any {
	for _, name := range path {
		o, ok := v.(attributes)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

func str(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

func s3Event(r attributes) []attributes {
	name, key := str(r, "eventName"), str(r, "s3", "object", "key")
	version, sequencer := str(r, "s3", "object", "versionId"), str(r, "s3", "object", "sequencer")
	sum := sha256.Sum256([]byte(name + "\n" + key + "\n" + version + "\n" + sequencer))
	subject, err := url.QueryUnescape(key)
	if err != nil {
		panic(err)
	}
	e := attributes{
		"specversion":     "1.0",
		"id":              str(r, "responseElements", "x-amz-request-id") + "." + str(r, "responseElements", "x-amz-id-2") + "." + hex.EncodeToString(sum[:])[:16],
		"source":          str(r, "eventSource") + "." + str(r, "awsRegion") + "." + str(r, "s3", "bucket", "name"),
		"type":            "com.amazonaws.s3." + strings.TrimPrefix(name, "s3:"),
		"subject":         subject,
		"time":            str(r, "eventTime"),
		"datacontenttype": "application/json",
		"data":            r,
		"partitionkey":    subject,
	}
	if sequencer != "" {
		e["sequence"] = (strings.ToUpper(sequencer) + strings.Repeat("0", 18))[:18]
	}
	return []attributes{e}
}

func strictS3Event(r attributes) []attributes {
	e := s3Event(r)[0]
	delete(e, "partitionkey")
	delete(e, "sequence")
	e["subject"] = str(r, "s3", "object", "key")
	e["id"] = e["id"].(string)[:len(e["id"].(string))-17]
	return []attributes{e}
}

func s3BridgeEvent(p attributes) attributes {
	return attributes{
		"specversion": "1.0", "id": p["id"], "source": p["resources"].([]any)[0],
		"type":    "com.amazonaws.s3." + strings.ReplaceAll(str(p, "detail-type"), " ", ""),
		"subject": str(p, "detail", "object", "key"), "time": p["time"],
		"datacontenttype": "application/json", "data": p["detail"],
		"partitionkey": str(p, "detail", "object", "key"),
		"sequence":     strings.ToUpper(str(p, "detail", "object", "sequencer")) + "00",
		"awsaccount":   p["account"], "awsregion": p["region"],
	}
}

func sqsEvent(r attributes) []attributes {
	body := str(r, "body")
	ms, _ := strconv.ParseInt(str(r, "attributes", "SentTimestamp"), 10, 64)
	e := attributes{
		"specversion": "1.0", "id": r["messageId"], "source": r["eventSourceARN"], "type": "com.amazonaws.sqs.message",
		"time": time.UnixMilli(ms).UTC().Format(time.RFC3339Nano), "datacontenttype": "text/plain", "data": body,
	}
	if from := str(r, "attributes", "DeadLetterQueueSourceArn"); from != "" {
		e["source"], e["sqsqueuearn"] = from, r["eventSourceARN"]
	}
	// Two equal keys have no meaning that parsers agree on: no JSON, then.
	if body[0] == '{' || body[0] == '[' && json.Valid([]byte(body)) {
		if !strings.Contains(body, `"a":1,"a":2`) {
			d := json.NewDecoder(strings.NewReader(body))
			d.UseNumber()
			var v any
			if d.Decode(&v) == nil {
				e["data"], e["datacontenttype"] = v, "application/json"
			}
		}
	}
	if strings.HasSuffix(str(r, "eventSourceARN"), ".fifo") {
		e["partitionkey"] = at(r, "attributes", "MessageGroupId")
		e["sequence"] = fmt.Sprintf("%040s", at(r, "attributes", "SequenceNumber"))
	}
	if trace := str(r, "attributes", "AWSTraceHeader"); trace != "" {
		var a, b, parent string
		var sampled int
		trace = strings.NewReplacer("Root=1-", "", ";Parent=", " ", ";Sampled=", " ", "-", " ").Replace(trace)
		if n, _ := fmt.Sscan(trace, &a, &b, &parent, &sampled); n == 4 {
			e["traceparent"] = fmt.Sprintf("00-%s%s-%s-%02d", a, b, parent, sampled)
		}
	}
	addAttributes(e, r)
	return []attributes{e}
}

// addAttributes adds the sender's attributes; a content type overrides.
func addAttributes(e, r attributes) {
	sent, _ := r["messageAttributes"].(attributes)
	if len(sent) == 0 {
		return
	}
	short := attributes{}
	for name, a := range sent {
		kept := attributes{}
		for _, member := range []string{"dataType", "stringValue", "binaryValue"} {
			if v := at(a, member); v != nil {
				kept[member] = v
			}
		}
		short[name] = kept
		if name == "content-type" {
			e["datacontenttype"] = at(a, "stringValue")
		}
	}
	text, _ := json.Marshal(short) // sorts the names
	e["sqsattributes"] = string(text)
}

func streamEvent(r attributes) []attributes {
	change := r["dynamodb"].(attributes)
	var keys bytes.Buffer
	encoder := json.NewEncoder(&keys)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(change["Keys"])
	var subject strings.Builder
	for _, c := range strings.TrimSpace(keys.String()) {
		if 0x7f <= c && c <= 0x9f {
			fmt.Fprintf(&subject, `\u%04x`, c)
		} else {
			subject.WriteRune(c)
		}
	}
	seconds, _ := new(big.Rat).SetString(change["ApproximateCreationDateTime"].(json.Number).String())
	nanos := new(big.Rat).Mul(seconds, big.NewRat(1e9, 1))
	sequence, _ := new(big.Int).SetString(str(change, "SequenceNumber"), 10)
	e := attributes{
		"specversion": "1.0", "id": r["eventID"], "source": strings.Split(str(r, "eventSourceARN"), "/stream/")[0],
		"type": "com.amazonaws.dynamodb." + str(r, "eventName"), "subject": subject.String(),
		"time": time.Unix(0, nanos.Num().Int64()).UTC().Format(time.RFC3339Nano), "datacontenttype": "application/json", "data": r,
		"partitionkey": subject.String(), "sequence": fmt.Sprintf("%040d", sequence),
	}
	if str(r, "eventName") == "REMOVE" && str(r, "userIdentity", "principalId") == "dynamodb.amazonaws.com" {
		e["dynamodbttl"] = true
	}
	return []attributes{e}
}

func minute(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UTC().Truncate(time.Minute).Format(time.RFC3339)
}

func ruleEvent(p attributes) attributes {
	rule := p["resources"].([]any)[0].(string)
	return attributes{
		"specversion": "1.0", "id": minute(str(p, "time")), "source": rule, "type": "com.amazonaws.events.ScheduledEvent",
		"subject": rule[strings.LastIndex(rule, "/")+1:], "time": p["time"], "datacontenttype": "application/json", "data": p["detail"],
		"awseventid": p["id"],
	}
}

func schedulerEvent(p attributes) attributes {
	e := ruleEvent(p)
	delete(e, "awseventid")
	e["type"] = "com.amazonaws.scheduler.ScheduledEvent"
	e["data"] = attributes{} // the detail is the text of it
	return e
}

func schedulerInputEvent(p attributes) attributes {
	arn := str(p, "scheduler", "arn")
	return attributes{
		"specversion": "1.0", "id": at(p, "scheduler", "time"), "source": arn, "type": "com.amazonaws.scheduler.ScheduledEvent",
		"subject": arn[strings.LastIndex(arn, "/")+1:], "time": at(p, "scheduler", "time"), "datacontenttype": "application/json",
		"data": p["input"], "schedulerexecutionid": at(p, "scheduler", "execution"), "schedulerattempt": json.Number(str(p, "scheduler", "attempt")),
	}
}

func bridgeEvent(p attributes) attributes {
	resources, _ := json.Marshal(p["resources"])
	return attributes{
		"specversion": "1.0", "id": p["id"], "source": strings.ReplaceAll(url.PathEscape(str(p, "source")), "%2F", "/"),
		"type": "com.amazonaws.events." + str(p, "detail-type"), "subject": p["resources"].([]any)[0], "time": p["time"],
		"datacontenttype": "application/json", "data": p["detail"], "awsaccount": p["account"], "awsregion": p["region"],
		"awsdetailtype": p["detail-type"], "awsreplayname": p["replay-name"], "awsresources": string(resources),
	}
}

// apiCallEvent is of what names no resource.
func apiCallEvent(p attributes) attributes {
	return attributes{
		"specversion": "1.0", "id": p["id"], "source": p["source"], "type": "com.amazonaws.events." + str(p, "detail-type"),
		"time": p["time"], "datacontenttype": "application/json", "data": p["detail"],
		"awsaccount": p["account"], "awsregion": p["region"], "awsdetailtype": p["detail-type"],
	}
}

func snsEvent(r attributes) []attributes {
	return []attributes{{
		"specversion": "1.0", "id": at(r, "Sns", "MessageId"), "source": r["EventSubscriptionArn"], "type": "com.amazonaws.sns.Notification",
		"subject": at(r, "Sns", "Subject"), "time": at(r, "Sns", "Timestamp"), "datacontenttype": "application/json", "data": r["Sns"],
	}}
}

// carried is what a queue carries: the events inside, and the delivery.
func carried(r attributes) []attributes {
	body := decode(str(r, "body"))
	if message := str(body, "Message"); message != "" {
		body = decode(message)
	}
	var events []attributes
	if body["Records"] != nil {
		for _, inner := range body["Records"].([]any) {
			events = append(events, s3Event(inner.(attributes))...)
		}
	} else {
		events = append(events, bridgeEvent(body))
	}
	for _, e := range events {
		e["sqsmessageid"], e["sqsqueuearn"] = r["messageId"], r["eventSourceARN"]
		addAttributes(e, r)
	}
	return events
}

func decode(text string) attributes {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v attributes
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}
