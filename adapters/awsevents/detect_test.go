package awsevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	sqsARN    = "arn:aws:sqs:eu-west-1:123456789012:orders"
	streamARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-11-01T00:00:00.000"
)

// sqsRecord returns a record with this id and body.
func sqsRecord(id, body string) string {
	return fmt.Sprintf(`{"messageId":%q,"body":%q,"eventSource":"aws:sqs","eventSourceARN":%q}`, id, body, sqsARN)
}

func sqsRecords(bodies ...string) []byte {
	var all []string
	for i, body := range bodies {
		all = append(all, sqsRecord(fmt.Sprintf("m%d", i), body))
	}
	return []byte(`{"Records":[` + strings.Join(all, ",") + `]}`)
}

func streamRecord(sequence string) string {
	return fmt.Sprintf(`{"eventID":"e%[1]s","eventName":"INSERT","eventSource":"aws:dynamodb","eventSourceARN":%[2]q,`+
		`"dynamodb":{"Keys":{"id":{"S":"k%[1]s"}},"SequenceNumber":"%[1]s"}}`, sequence, streamARN)
}

func open(t testing.TB, payload string) *Payload {
	t.Helper()
	p, err := Format{}.Open([]byte(payload), "request-1")
	if err != nil {
		t.Fatalf("%.200s: %v", payload, err)
	}
	return p
}

const (
	s3Inner    = `{"eventSource":"aws:s3","awsRegion":"r","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}`
	s3Body     = `{"Records":[` + s3Inner + `]}`
	cloudEvent = `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1}`
	s3TestBody = `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`
)

func TestDetection(t *testing.T) {
	for _, tt := range []struct {
		rule, reason string
		payload      string
		source       string
		messages     int
		opaque       bool
	}{
		{rule: "F1.1", reason: "a scalar", payload: `12`, source: "opaque", messages: 1, opaque: true},
		{rule: "F1.1", reason: "a string, also of JSON", payload: `"{}"`, source: "opaque", messages: 1, opaque: true},
		{rule: "F1.2", reason: "a batch of events", payload: `[` + cloudEvent + `,` + cloudEvent + `]`, source: "cloudevents", messages: 2},
		{rule: "A2.11", reason: "an empty batch is a batch", payload: `[]`, source: "cloudevents"},
		{rule: "F1.2", reason: "one element is no event", payload: `[` + cloudEvent + `,{"id":1}]`, source: "opaque", messages: 1, opaque: true},
		{rule: "F1.3", reason: "an event", payload: cloudEvent, source: "cloudevent", messages: 1},
		{rule: "F1.3", reason: "the version is no string", payload: `{"specversion":1.0,"id":"1","source":"/s","type":"t"}`, source: "opaque", messages: 1, opaque: true},
		{rule: "F1.4", reason: "the last call of a window, before empty Records", payload: `{"Records":[],"window":{},"isFinalInvokeForWindow":true,"eventSourceARN":"` + streamARN + `"}`, source: "dynamodb"},
		{rule: "F1.5", reason: "S3 by its source", payload: s3Body, source: "s3", messages: 1},
		{rule: "F1.5", reason: "S3 by its member", payload: strings.Replace(s3Body, "aws:s3", "store:s3", 1), source: "s3", messages: 1},
		{rule: "F1.5", reason: "SQS", payload: string(sqsRecords("x")), source: "sqs", messages: 1},
		{rule: "F1.5", reason: "a stream", payload: `{"Records":[` + streamRecord("1") + `]}`, source: "dynamodb", messages: 1},
		{rule: "F1.5", reason: "Kinesis, opaque", payload: `{"Records":[{"eventSource":"aws:kinesis","kinesis":{}}]}`, source: "kinesis", messages: 1, opaque: true},
		{rule: "F1.5", reason: "SNS has capitals", payload: `{"Records":[{"EventSource":"aws:sns","EventSubscriptionArn":"arn:aws:sns:r:1:t:s","Sns":{"MessageId":"1","Message":"x","TopicArn":"arn:aws:sns:r:1:t"}}]}`, source: "sns", messages: 1},
		{rule: "F2.1", reason: "SNS without its capitals is something else", payload: `{"Records":[{"eventSource":"aws:sns","Sns":{"MessageId":"1"}}]}`, source: "opaque", messages: 1, opaque: true},
		{rule: "F1.5", reason: "SES, opaque", payload: `{"Records":[{"eventSource":"aws:ses","ses":{}}]}`, source: "ses", messages: 1, opaque: true},
		{rule: "F1.5", reason: "CodeCommit, opaque", payload: `{"Records":[{"eventSource":"aws:codecommit"}]}`, source: "codecommit", messages: 1, opaque: true},
		{rule: "F1.5", reason: "records of nobody", payload: `{"Records":[{"a":1},{"b":2}]}`, source: "opaque", messages: 1, opaque: true},
		{rule: "F1.6", reason: "nothing to do", payload: `{"Records":[]}`, source: "empty"},
		{rule: "F1.7", reason: "Kafka", payload: `{"eventSource":"aws:kafka","records":{"t-0":[]}}`, source: "kafka", messages: 1, opaque: true},
		{rule: "F1.7", reason: "Kafka of one's own", payload: `{"eventSource":"SelfManagedKafka","records":{}}`, source: "kafka", messages: 1, opaque: true},
		{rule: "F1.7", reason: "Firehose", payload: `{"deliveryStreamArn":"arn:x","records":[{"recordId":"1"}]}`, source: "firehose", messages: 1, opaque: true},
		{rule: "F1.8", reason: "ActiveMQ", payload: `{"eventSource":"aws:mq","messages":[]}`, source: "activemq", messages: 1, opaque: true},
		{rule: "F1.8", reason: "RabbitMQ", payload: `{"eventSource":"aws:rmq","rmqMessagesByQueue":{}}`, source: "rabbitmq", messages: 1, opaque: true},
		{rule: "F1.9", reason: "S3 tries its configuration", payload: s3TestBody, source: "s3-test"},
		{rule: "F1.10", reason: "an event of a bus", payload: `{"id":"1","detail-type":"x","source":"y","detail":{}}`, source: "eventbridge", messages: 1},
		{rule: "F1.10", reason: "no detail", payload: `{"id":"1","detail-type":"x","source":"y"}`, source: "opaque", messages: 1, opaque: true},
		{rule: "F1.10", reason: "a rule ticks", payload: `{"id":"1","detail-type":"Scheduled Event","source":"aws.events","detail":{},"resources":["arn:aws:events:r:1:rule/x"],"time":"2026-01-01T00:00:00Z"}`, source: "schedule", messages: 1},
		{rule: "F1.10", reason: "a scheduler ticks", payload: `{"id":"1","detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}","resources":["arn:aws:scheduler:r:1:schedule/g/x"],"time":"2026-01-01T00:00:00Z"}`, source: "scheduler", messages: 1},
		{rule: "F1.10", reason: "S3 by way of a bus", payload: `{"id":"1","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`, source: "s3-eventbridge", messages: 1},
		{rule: "B6.2", reason: "each detail-type of S3 begins alike", payload: `{"id":"1","detail-type":"Object Tags Added","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`, source: "s3-eventbridge", messages: 1},
		{rule: "B6.2", reason: "a call of S3's API is none of them", payload: `{"id":"1","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":{"eventName":"PutBucketPolicy"}}`, source: "eventbridge", messages: 1},
		{rule: "F1.11", reason: "an SNS envelope", payload: `{"Type":"Notification","TopicArn":"arn:aws:sns:r:1:t","MessageId":"1","Message":"x"}`, source: "sns-envelope", messages: 1},
		{rule: "F1.11", reason: "a confirmation", payload: `{"Type":"SubscriptionConfirmation","TopicArn":"arn:aws:sns:r:1:t","MessageId":"1","Message":"x"}`, source: "sns-envelope", messages: 1},
		{rule: "F1.12", reason: "what a function failed at", payload: `{"requestContext":{"condition":"RetriesExhausted"},"requestPayload":` + s3Body + `}`, source: "lambda-destination", messages: 1},
		{rule: "F1.12", reason: "what it did is not done again", payload: `{"requestContext":{"condition":"Success"},"requestPayload":` + s3Body + `}`, source: "lambda-destination", messages: 1, opaque: true},
		{rule: "F1.12", reason: "records of a stream were given up", payload: `{"requestContext":{"condition":"x"},"DDBStreamBatchInfo":{}}`, source: "stream-failure", messages: 1, opaque: true},
		{rule: "E3.4", reason: "the documented input", payload: `{"scheduler":{"arn":"arn:aws:scheduler:r:1:schedule/g/x","time":"2026-01-01T00:00:00Z"}}`, source: "scheduler", messages: 1},
		{rule: "F1.13", reason: "an authorizer", payload: `{"type":"REQUEST","methodArn":"a","requestContext":{"elb":{}}}`, source: "authorizer", messages: 1, opaque: true},
		{rule: "F1.13", reason: "a load balancer", payload: `{"requestContext":{"elb":{}},"httpMethod":"GET"}`, source: "alb", messages: 1, opaque: true},
		{rule: "F1.13", reason: "a web socket, before REST", payload: `{"requestContext":{"connectionId":"x"},"httpMethod":"GET"}`, source: "websocket", messages: 1, opaque: true},
		{rule: "F1.13", reason: "a function URL", payload: `{"version":"2.0","requestContext":{"http":{},"domainName":"x.lambda-url.r.on.aws"}}`, source: "function-url", messages: 1, opaque: true},
		{rule: "F1.13", reason: "an HTTP API", payload: `{"version":"2.0","requestContext":{"http":{},"domainName":"x"}}`, source: "http-api", messages: 1, opaque: true},
		{rule: "F1.13", reason: "a REST API", payload: `{"httpMethod":"GET","requestContext":{}}`, source: "rest-api", messages: 1, opaque: true},
		{rule: "F1.14", reason: "logs", payload: `{"awslogs":{"data":"x"}}`, source: "logs", messages: 1, opaque: true},
		{rule: "F1.15", reason: "never guess", payload: `{"order":1}`, source: "opaque", messages: 1, opaque: true},
		{rule: "E1.2", reason: "a rule's own input has no envelope", payload: `{"job":"cleanup"}`, source: "opaque", messages: 1, opaque: true},
	} {
		p := open(t, tt.payload)
		if p.Source != tt.source || len(p.Messages) != tt.messages || p.Opaque != tt.opaque {
			t.Errorf("%s, %s: got %s, %d messages, opaque %v; want %s, %d, %v",
				tt.rule, tt.reason, p.Source, len(p.Messages), p.Opaque, tt.source, tt.messages, tt.opaque)
		}
		for _, m := range p.Messages {
			if m.Err != nil {
				t.Errorf("%s, %s: %v", tt.rule, tt.reason, m.Err)
			}
			if tt.opaque && (m.Type() != TypeInvocation || m.ID() != "request-1" || string(m.DataEncoded) != tt.payload) {
				t.Errorf("%s, %s: opaque event %s", tt.rule, tt.reason, m)
			}
		}
	}
}

// What is in the body of one message, by the types of the events.
func TestNesting(t *testing.T) {
	const (
		message = "com.amazonaws.sqs.message"
		created = "com.amazonaws.s3.ObjectCreated:Put"
	)
	notification := func(message string) string {
		return fmt.Sprintf(`{"Type":"Notification","MessageId":"n","TopicArn":"arn:aws:sns:r:1:topic","Message":%q}`, message)
	}
	fifo := fmt.Sprintf(`{"Type":"Notification","MessageId":"n","SequenceNumber":"10000000000000003000","TopicArn":"arn:aws:sns:r:1:topic.fifo",`+
		`"Message":%q,"Timestamp":"2026-11-23T09:15:43.101Z","UnsubscribeURL":"https://x"}`, s3Body)
	failed := func(payload string) string {
		return `{"requestContext":{"condition":"RetriesExhausted"},"requestPayload":` + payload + `}`
	}
	for _, tt := range []struct {
		rule, reason string
		body         string
		types        string
		content      string
	}{
		{rule: "C7.1", reason: "text", body: "hello", types: message, content: "text/plain"},
		{rule: "C7.1", reason: "a number is text", body: "123", types: message, content: "text/plain"},
		{rule: "C7.1", reason: "a JSON string is text", body: `"x"`, types: message, content: "text/plain"},
		{rule: "C7.1", reason: "broken JSON is text", body: `{"a":`, types: message, content: "text/plain"},
		{rule: "C7.1", reason: "JSON after space", body: " \n[1]", types: message, content: "application/json"},
		{rule: "F3.10", reason: "keys that are there twice", body: `{"Records":[` + s3Inner + `],"Records":[]}`, types: message, content: "text/plain"},
		{rule: "F3.10", reason: "also deep inside", body: `{"a":[{"b":1,"b":2}]}`, types: message, content: "text/plain"},
		{rule: "F3.10", reason: "text after the end", body: s3Body + "x", types: message, content: "text/plain"},
		{rule: "F3.1", reason: "an empty array is data", body: `[]`, types: message, content: "application/json"},
		{rule: "F3.1", reason: "empty Records are data", body: `{"Records":[]}`, types: message, content: "application/json"},
		{rule: "F3.1", reason: "only S3's records are taken out", body: string(sqsRecords("x")), types: message, content: "application/json"},
		{rule: "F3.11", reason: "mixed records are data", body: `{"Records":[` + s3Inner + `,` + strings.Replace(s3Inner, "aws:s3", "store", 1) + `]}`, types: message, content: "application/json"},
		{rule: "B7.1", reason: "S3", body: s3Body, types: created},
		{rule: "A8.1", reason: "each of its records", body: `{"Records":[` + s3Inner + `,` + s3Inner + `]}`, types: created + " " + created},
		{rule: "F3.1", reason: "S3 inside a JSON string", body: fmt.Sprintf("%q", s3Body), types: created},
		{rule: "F3.2", reason: "S3 inside SNS", body: notification(s3Body), types: created},
		{rule: "F3.2", reason: "an SNS notification of text", body: notification("hello"), types: "com.amazonaws.sns.Notification"},
		{rule: "F3.3", reason: "a FIFO topic's notification has a number and no signature", body: fifo, types: created},
		{rule: "F3.10", reason: "keys that are there twice inside SNS", body: notification(`{"Records":[` + s3Inner + `],"Records":[]}`), types: "com.amazonaws.sns.Notification"},
		{rule: "F3.10", reason: "text after the end inside SNS", body: notification(s3Body + "x"), types: "com.amazonaws.sns.Notification"},
		{rule: "F3.4", reason: "EventBridge", body: `{"id":"1","detail-type":"x","source":"y","detail":{}}`, types: "com.amazonaws.events.x"},
		{rule: "F3.5", reason: "what a function failed at", body: failed(s3Body), types: created},
		{rule: "F3.5", reason: "the same as text", body: failed(fmt.Sprintf("%q", s3Body)), types: created},
		{rule: "F3.5", reason: "and it has no known event", body: failed(`{"x":1}`), types: message, content: "application/json"},
		{rule: "F3.6", reason: "an event", body: cloudEvent, types: "t"},
		{rule: "F3.6", reason: "a batch of them", body: "[" + cloudEvent + "," + cloudEvent + "]", types: "t t"},
		{rule: "F3.6", reason: "an invalid event is data", body: strings.Replace(cloudEvent, `"/s"`, `""`, 1), types: message, content: "application/json"},
		{rule: "F3.8", reason: "S3's test", body: s3TestBody, types: ""},
		{rule: "F3.8", reason: "inside SNS", body: notification(s3TestBody), types: ""},
		{rule: "F3.8", reason: "inside SNS inside SNS inside SNS", body: notification(notification(notification(s3TestBody))), types: ""},
		{rule: "B2.1", reason: "inside a failure record", body: failed(s3TestBody), types: ""},
		{rule: "F3.1", reason: "four envelopes", body: notification(notification(notification(s3Body))), types: created},
		{rule: "F3.1", reason: "a fifth stays", body: notification(notification(notification(notification(s3Body)))), types: "com.amazonaws.sns.Notification"},
		{rule: "F3.9", reason: "one marker of two", body: `{"Service":"Amazon S3","Event":"other"}`, types: message, content: "application/json"},
		{rule: "F3.12", reason: "a list in an SNS message", body: notification("[" + cloudEvent + "]"), types: "t"},
	} {
		p := open(t, string(sqsRecords(tt.body, "last")))
		var types []string
		for _, m := range p.Messages[:len(p.Messages)-1] {
			if m.Err != nil {
				t.Errorf("%s, %s: %v", tt.rule, tt.reason, m.Err)
			}
			types = append(types, m.Type())
			if m.Type() == message && (string(m.DataEncoded) != tt.body || m.DataContentType() != tt.content) {
				t.Errorf("%s, %s: data %s of type %s", tt.rule, tt.reason, m.DataEncoded, m.DataContentType())
			}
			if m.Origin.ID != "m0" || m.Origin.Name != "orders" {
				t.Errorf("%s, %s: origin %+v", tt.rule, tt.reason, m.Origin)
			}
		}
		if got := strings.Join(types, " "); got != tt.types {
			t.Errorf("%s, %s: got %q, want %q", tt.rule, tt.reason, got, tt.types)
		}
		if last := p.Messages[len(p.Messages)-1]; last.Origin.ID != "m1" || string(last.DataEncoded) != "last" {
			t.Errorf("%s, %s: the next message is %v", tt.rule, tt.reason, last)
		}
	}
}

func TestAnEventWinsOverWhatElseItHas(t *testing.T) {
	// Rule F1.3: it is one, and not a valid one.
	p := open(t, `{"Records":[`+sqsRecord("m", "x")+`],"specversion":"1.0","id":"1","source":"/s","type":"t"}`)
	if p.Source != "cloudevent" || len(p.Messages) != 1 || p.Messages[0].Err == nil {
		t.Errorf("%s: %v", p.Source, p.Messages)
	}
}

func TestUnwrapPerQueue(t *testing.T) {
	// Rule F3.9
	f := Format{Unwrap: map[string]bool{"orders": false}}
	p, err := f.Open(sqsRecords(s3Body), "")
	if err != nil || p.Messages[0].Type() != "com.amazonaws.sqs.message" || string(p.Messages[0].DataEncoded) != s3Body {
		t.Errorf("not left alone: %v, %v", p, err)
	}
	f.Unwrap = map[string]bool{"another": false}
	p, err = f.Open(sqsRecords(s3Body), "")
	if err != nil || p.Messages[0].Type() != "com.amazonaws.s3.ObjectCreated:Put" {
		t.Errorf("not unwrapped: %v, %v", p, err)
	}
}

func TestContentTypeOfTheSender(t *testing.T) {
	for _, tt := range []struct {
		rule, reason       string
		said, body, expect string
	}{
		{rule: "C7.2", reason: "it overrides the guess", said: "text/csv", body: "a,b", expect: "text/csv"},
		{rule: "C7.2", reason: "also for what would be an event", said: "text/plain", body: s3Body, expect: "text/plain"},
		{rule: "C7.2", reason: "a kind of JSON", said: "application/vnd.x+json", body: `{"a":1}`, expect: "application/vnd.x+json"},
		{rule: "C7.2", reason: "JSON that is none would make an event that cannot be written", said: "application/json", body: "{", expect: "text/plain"},
		{rule: "C7.2", reason: "a key twice is no JSON that parsers agree on", said: "application/json", body: `{"a":1,"a":2}`, expect: "text/plain"},
		{rule: "C7.2", reason: "a number, if its sender says so", said: "application/json", body: "123", expect: "application/json"},
		{rule: "C7.2", reason: "a string", said: "application/json; charset=utf-8", body: `"abc"`, expect: "application/json; charset=utf-8"},
		{rule: "C7.2", reason: "null after space, a kind of JSON", said: "application/vnd.x+json", body: " null", expect: "application/vnd.x+json"},
		{rule: "C7.2", reason: "two numbers are no JSON", said: "application/json", body: "1 2", expect: "text/plain"},
		{rule: "C7.2", reason: "nor is nothing", said: "application/json", body: "", expect: "text/plain"},
		{rule: "C7.2", reason: "as gocloud's drivers write it", said: "text%2Fplain%3B%20charset=utf-8", body: s3Body, expect: "text/plain; charset=utf-8"},
		{rule: "C7.2", reason: "a broken escape", said: "text%2", body: "x", expect: "text/plain"},
		{rule: "C7.2", reason: "no content type at all", said: "nonsense;;", body: "x", expect: "text/plain"},
	} {
		for _, name := range []string{"content-type", "contentType", "Content-Type"} {
			record := strings.TrimSuffix(sqsRecord("m", tt.body), "}") + fmt.Sprintf(`,"messageAttributes":{%q:{"dataType":"String","stringValue":%q}}}`, name, tt.said)
			p := open(t, `{"Records":[`+record+`]}`)
			m := p.Messages[0]
			if m.DataContentType() != tt.expect || string(m.DataEncoded) != tt.body {
				t.Errorf("%s, %s: got %s by %s", tt.rule, tt.reason, m.DataContentType(), name)
			}
			if text, err := json.Marshal(m.Event); err != nil {
				t.Errorf("%s, %s: %s, %v", tt.rule, tt.reason, text, err)
			}
		}
	}
}

func TestShapeErrors(t *testing.T) {
	for _, tt := range []struct {
		reason, payload, want string
	}{
		{"Records is null", `{"Records":null}`, "Records is null"},
		{"Records is an object", `{"Records":{}}`, "Records is no array"},
		{"a record without Records", sqsRecord("m", "x"), "sqs payload: Records is not there"},
		{"a record of S3 alone", s3Inner, "s3 payload: Records is not there"},
		{"records with a small letter", `{"records":[` + sqsRecord("m", "x") + `]}`, "sqs payload: Records is not there, only records"},
		{"Records twice", `{"Records":[` + sqsRecord("m", "x") + `],"Records":[` + sqsRecord("n", "x") + `]}`, "Records is there twice"},
		{"mixed sources", `{"Records":[` + sqsRecord("m", "x") + `,` + streamRecord("1") + `]}`, "several sources: aws:sqs and aws:dynamodb"},
		{"mixed with a source of nobody", `{"Records":[` + sqsRecord("m", "x") + `,{"eventSource":"mine"}]}`, "several sources: aws:sqs and mine"},
		{"a source of nobody first", `{"Records":[{"eventSource":"mine"},` + sqsRecord("m", "x") + `]}`, "several sources: mine and aws:sqs"},
		{"S3 among SQS by its member alone", `{"Records":[` + sqsRecord("m", "x") + `,{"s3":{}}]}`, "several sources: sqs and s3"},
		{"a window that goes on without Records", `{"window":{},"isFinalInvokeForWindow":false,"eventSourceARN":"` + streamARN + `"}`, "dynamodb payload: Records is not there"},
		{"a window with Records of text", `{"Records":"","window":{},"isFinalInvokeForWindow":true,"eventSourceARN":"` + streamARN + `"}`, "dynamodb payload: Records is not there"},
		{"more records than any mapping sends", `{"Records":[` + strings.Repeat(sqsRecord("m", "x")+",", 10000) + sqsRecord("n", "x") + `]}`, "more than 10000"},
		{"the detail twice", `{"id":"1","detail-type":"x","source":"y","detail":{},"detail":{}}`, "detail is there twice"},
	} {
		// Rule F3.11, Rule F2.1
		p, err := Format{}.Open([]byte(tt.payload), "")
		if _, ok := errors.AsType[*ShapeError](err); !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, %v, want %q", tt.reason, p, err, tt.want)
		}
	}
}
