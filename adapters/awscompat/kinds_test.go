package awscompat_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/awscompat"
	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/kindlaw"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // each handler says its mode
	os.Exit(m.Run())
}

// payloads are those of awsevents, by file name.
func payloads(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("../awsevents/testdata/payloads/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no payloads: %v", err)
	}
	files := make(map[string][]byte)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(name), ".json")] = data
	}
	return files
}

// kind is a source of any type.
type kind struct {
	match  func(*eventfx.Message) bool
	decode func(*eventfx.Message) (any, error)
	name   string
}

func kindOf[T any](s eventfx.Source[T]) kind {
	return kind{match: s.Match, decode: func(m *eventfx.Message) (any, error) { return s.Decode(m) }, name: s.String()}
}

var kinds = []kind{
	kindOf(awscompat.SQS{}),
	kindOf(awscompat.S3{}),
	kindOf(awscompat.DynamoDB{}),
	kindOf(awscompat.EventBridge{}),
}

// direct reads a payload by aws-lambda-go, as a function would. It returns nil
// when none of the kinds is about it.
func direct(payload []byte, source string) ([]any, error) {
	switch source {
	case "sqs":
		var e events.SQSEvent
		err := json.Unmarshal(payload, &e)
		return list(e.Records), err
	case "s3":
		var e events.S3Event
		err := json.Unmarshal(payload, &e)
		return list(e.Records), err
	case "dynamodb":
		var e events.DynamoDBEvent
		err := json.Unmarshal(payload, &e)
		return list(e.Records), err
	case "eventbridge", "s3-eventbridge", "schedule":
		var e events.EventBridgeEvent
		err := json.Unmarshal(payload, &e)
		return []any{e}, err
	}
	return nil, nil
}

func list[T any](records []T) []any {
	all := make([]any, len(records))
	for i, r := range records {
		all[i] = r
	}
	return all
}

// TestEqualsLambdaGo reads payloads both ways.
func TestEqualsLambdaGo(t *testing.T) {
	// Rule C1.1, Rule B1.2, Rule D2.1, Rule E1.1
	compared := make(map[string]int)
	for name, payload := range payloads(t) {
		// A queue's messages are compared as they are.
		format := awsevents.Format{Unwrap: make(map[string]bool)}
		for _, match := range queueName.FindAllSubmatch(payload, -1) {
			format.Unwrap[string(match[1])] = false
		}
		p, err := format.Open(payload, "request")
		if err != nil {
			continue
		}
		want, err := direct(payload, p.Source)
		if err != nil || len(want) != len(p.Messages) {
			continue // aws-lambda-go cannot read it, or it has records that carry several
		}
		for i, m := range p.Messages {
			for _, k := range kinds {
				if m.Err != nil || !k.match(m) {
					continue
				}
				compared[k.name]++
				got, err := k.decode(m)
				if err != nil {
					t.Errorf("%s, record %d: %v", name, i, err)
					continue
				}
				if diff := cmp.Diff(want[i], got, everything); diff != "" {
					t.Errorf("%s, record %d (-aws-lambda-go +awscompat):\n%s", name, i, diff)
				}
			}
		}
	}
	for _, k := range kinds {
		if compared[k.name] == 0 {
			t.Errorf("no payload for %s", k.name)
		}
	}
}

var queueName = regexp.MustCompile(`"arn:aws:sqs:[^":]*:[^":]*:([^":]*)"`)

// everything compares unexported fields, too.
var everything = cmp.Exporter(func(reflect.Type) bool { return true })

// TestFromTheEventAlone is the law of kinds: what is decoded survives the way
// of the event through JSON, but for the facts of one delivery.
func TestFromTheEventAlone(t *testing.T) {
	// Rule A8
	decoded := make(map[string]int)
	check := func(name string, matched bool) {
		if matched {
			decoded[name]++
		}
	}
	for _, payload := range payloads(t) {
		p, err := awsevents.Format{}.Open(payload, "request")
		if err != nil {
			continue
		}
		for _, m := range p.Messages {
			check("SQS", kindlaw.Check(t, awscompat.SQS{}, m, lasting))
			check("S3", kindlaw.Check(t, awscompat.S3{}, m))
			check("S3 of a bucket", kindlaw.Check(t, awscompat.S3{Bucket: "uploads"}, m))
			check("DynamoDB", kindlaw.Check(t, awscompat.DynamoDB{}, m))
			check("DynamoDB of a table", kindlaw.Check(t, awscompat.DynamoDB{Table: "users"}, m))
			check("EventBridge", kindlaw.Check(t, awscompat.EventBridge{}, m))
			check("EventBridge of a type", kindlaw.Check(t, awscompat.EventBridge{DetailType: "Object Created"}, m))
		}
	}
	for _, name := range []string{"SQS", "S3", "S3 of a bucket", "DynamoDB", "DynamoDB of a table", "EventBridge", "EventBridge of a type"} {
		if decoded[name] == 0 {
			t.Errorf("no payload for %s", name)
		}
	}
}

// A keptMessage is an SQS message without the facts of one delivery.
type keptMessage struct {
	ID, Body, EventSource, Region string
	MessageAttributes             map[string]events.SQSMessageAttribute
	Attributes                    map[string]string
}

// lasting compares keptMessages. The ARN is not among them: it is that of the
// queue that delivered the message, which may be the dead-letter queue.
var lasting = cmp.Transformer("lasting", func(m events.SQSMessage) keptMessage {
	attributes := map[string]string{}
	for name, value := range m.Attributes {
		// The group of a standard queue has no order, and is not in the event.
		if name == "SentTimestamp" || m.Attributes["SequenceNumber"] != "" && (name == "SequenceNumber" || name == "MessageGroupId") {
			attributes[name] = value
		}
	}
	return keptMessage{
		ID: m.MessageId, Body: m.Body, EventSource: m.EventSource, Region: m.AWSRegion,
		MessageAttributes: m.MessageAttributes, Attributes: attributes,
	}
})

// message returns a message with the data, made by hand.
func message(kind, source, data string) *eventfx.Message {
	m := &eventfx.Message{Event: event.New()}
	m.SetID("id-1")
	m.SetType(kind)
	m.SetSource(source)
	m.DataEncoded = []byte(data)
	return m
}

func TestMatch(t *testing.T) {
	sqs := message("com.amazonaws.sqs.message", "arn:aws:sqs:eu-west-1:123456789012:orders", "x")
	moved := sqs.Clone()
	moved.Origin.Name = "orders-dlq"
	s3 := message("com.amazonaws.s3.ObjectCreated:Put", "aws:s3.eu-west-1.my.uploads", "{}")
	minio := message("com.amazonaws.s3.ObjectCreated:Put", "minio:s3..uploads", `{"s3":{"bucket":{"name":"uploads"}}}`)
	lost := message("com.amazonaws.s3.ReducedRedundancyLostObject", "aws:s3.eu-west-1.uploads", "{}")
	s3Bus := message("com.amazonaws.s3.ObjectTagsAdded", "arn:aws:s3:::uploads", "{}")
	row := message("com.amazonaws.dynamodb.MODIFY", "arn:aws:dynamodb:eu-west-1:123456789012:table/users", "{}")
	bus := message("com.amazonaws.events.Order Placed", "my%20shop", "{}")
	tick := message("com.amazonaws.events.ScheduledEvent", "arn:aws:events:eu-west-1:123456789012:rule/nightly", "{}")
	later := message("com.amazonaws.scheduler.ScheduledEvent", "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/nightly", "{}")
	other := message("order.placed", "/shop", "{}")
	all := []*eventfx.Message{sqs, moved, s3, minio, lost, s3Bus, row, bus, tick, later, other}

	tests := []struct {
		kind   kind
		want   []*eventfx.Message
		name   string
		reason string
	}{
		{kindOf(awscompat.SQS{}), []*eventfx.Message{sqs, moved}, `awscompat.SQS{}`, "any queue"},
		{kindOf(awscompat.SQS{Queue: "orders"}), []*eventfx.Message{sqs}, `awscompat.SQS{Queue: "orders"}`, "the queue that delivered it decides"},
		{kindOf(awscompat.SQS{Queue: "orders-dlq"}), []*eventfx.Message{moved}, `awscompat.SQS{Queue: "orders-dlq"}`, "also a dead-letter queue"},
		{kindOf(awscompat.SQS{Queue: "ders"}), nil, `awscompat.SQS{Queue: "ders"}`, "the whole name"},
		{kindOf(awscompat.S3{}), []*eventfx.Message{s3, minio, lost}, `awscompat.S3{}`, "any bucket, but not by EventBridge"},
		{kindOf(awscompat.S3{Bucket: "my.uploads"}), []*eventfx.Message{s3}, `awscompat.S3{Bucket: "my.uploads"}`, "bucket names have dots"},
		{kindOf(awscompat.S3{Bucket: "uploads"}), []*eventfx.Message{minio, lost}, `awscompat.S3{Bucket: "uploads"}`, "another store's source tells nothing, its record does"},
		{kindOf(awscompat.DynamoDB{}), []*eventfx.Message{row}, `awscompat.DynamoDB{}`, "any table"},
		{kindOf(awscompat.DynamoDB{Table: "users"}), []*eventfx.Message{row}, `awscompat.DynamoDB{Table: "users"}`, "by the source"},
		{kindOf(awscompat.DynamoDB{Table: "user"}), nil, `awscompat.DynamoDB{Table: "user"}`, "the whole name"},
		{kindOf(awscompat.EventBridge{}), []*eventfx.Message{s3Bus, bus, tick, later}, `awscompat.EventBridge{}`, "all that has an envelope"},
		{kindOf(awscompat.EventBridge{Source: "my shop"}), []*eventfx.Message{bus}, `awscompat.EventBridge{Source: "my shop"}`, "the source as the envelope had it"},
		{kindOf(awscompat.EventBridge{DetailType: "Scheduled Event"}), []*eventfx.Message{tick, later}, `awscompat.EventBridge{DetailType: "Scheduled Event"}`, "rules and schedules"},
		{kindOf(awscompat.EventBridge{Source: "aws.s3", DetailType: "Object Tags Added"}), []*eventfx.Message{s3Bus}, `awscompat.EventBridge{Source: "aws.s3", DetailType: "Object Tags Added"}`, "with the spaces that the type lacks"},
		{kindOf(awscompat.EventBridge{Source: "aws.events", DetailType: "Order Placed"}), nil, `awscompat.EventBridge{Source: "aws.events", DetailType: "Order Placed"}`, "both must be right"},
	}
	for _, tt := range tests {
		if tt.kind.name != tt.name {
			t.Errorf("name %s, want %s", tt.kind.name, tt.name)
		}
		var got []*eventfx.Message
		for _, m := range all {
			if tt.kind.match(m) {
				got = append(got, m)
			}
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s matches %v, want %v: %s", tt.name, types(got), types(tt.want), tt.reason)
		}
	}
}

func types(messages []*eventfx.Message) (all []string) {
	for _, m := range messages {
		all = append(all, m.Type()+" of "+m.Source())
	}
	return all
}

func TestDecodeS3(t *testing.T) {
	tests := []struct {
		rule, record string
		key, at      string
		wantErr      string
		reason       string
	}{
		{rule: "B3.1", record: `{"eventTime":"2026-01-02T03:04:05.678Z","s3":{"object":{"key":"a+b%2Bc"}}}`, key: "a b+c", at: "2026-01-02T03:04:05.678Z", reason: "decoded as a form"},
		{rule: "B3.2", record: `{"eventTime":"2026-01-02T03:04:05Z","s3":{"object":{"key":"100%"}}}`, key: "100%", at: "2026-01-02T03:04:05Z", reason: "an invalid escape is no reason to fail"},
		{rule: "B8", record: `{"eventTime":"2026-01-02T03:04:05","s3":{"object":{"key":"a"}}}`, key: "a", at: "2026-01-02T03:04:05Z", reason: "emulators leave the zone out"},
		{rule: "B1.2", record: `{"s3":{"object":{"key":"a"}}}`, key: "a", at: "0001-01-01T00:00:00Z", reason: "no time is no error in aws-lambda-go either"},
		{rule: "B1.2", record: `{"eventTime":"yesterday"}`, wantErr: "eventTime", reason: "not a time"},
		{rule: "B1.2", record: `{"s3":7}`, wantErr: "S3 record", reason: "not a record"},
	}
	for _, tt := range tests {
		r, err := awscompat.S3{}.Decode(message("com.amazonaws.s3.ObjectCreated:Put", "aws:s3..b", tt.record))
		if tt.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("%s: error %v, want %q: %s", tt.record, err, tt.wantErr, tt.reason)
			}
			continue
		}
		if err != nil || r.S3.Object.URLDecodedKey != tt.key || r.EventTime.UTC().Format("2006-01-02T15:04:05.999Z07:00") != tt.at {
			t.Errorf("%s: key %q, time %v, %v: %s", tt.record, r.S3.Object.URLDecodedKey, r.EventTime, err, tt.reason)
		}
	}
}

func TestDecodeDynamoDBNeverPanics(t *testing.T) {
	// Rule D2.8
	m := message("com.amazonaws.dynamodb.INSERT", "arn:aws:dynamodb:eu-west-1:1:table/t", `{"dynamodb":{"Keys":{"id":{"BS":[7]}}}}`)
	if r, err := (awscompat.DynamoDB{}).Decode(m); err == nil || !reflect.DeepEqual(r, events.DynamoDBEventRecord{}) {
		t.Errorf("record %v, error %v; want an error alone", r, err)
	}
}

func TestDecodeEventBridge(t *testing.T) {
	m := message("com.amazonaws.events.x", "shop", "{}")
	m.SetSubject("arn:aws:ec2:eu-west-1:123456789012:instance/i-1")
	m.SetExtension("awsresources", `["arn:aws:ec2:eu-west-1:123456789012:instance/i-1","arn:aws:ec2:eu-west-1:123456789012:instance/i-2"]`)
	e, err := awscompat.EventBridge{}.Decode(m)
	if err != nil || len(e.Resources) != 2 || e.Region != "eu-west-1" || e.AccountID != "123456789012" {
		t.Errorf("event %+v, %v", e, err)
	}
	if _, err := (awscompat.EventBridge{}).Decode(message("order.placed", "/", "{}")); err == nil {
		t.Error("an event of another type was decoded")
	}
	if _, err := (awscompat.EventBridge{}).Decode(message("com.amazonaws.events.x", "shop", "no JSON")); err == nil {
		t.Error("a detail that is no JSON was decoded")
	}
	m.DataEncoded = []byte(`{"a":1}`)
	e, err = awscompat.EventBridge{}.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	e.Detail[1] = '!'
	if string(m.DataEncoded) != `{"a":1}` {
		t.Error("the detail is the message's own data")
	}
}

func TestDecodeSQSBadAttributes(t *testing.T) {
	m := message("com.amazonaws.sqs.message", "arn:aws:sqs:eu-west-1:1:q", "x")
	m.SetExtension("sqsattributes", "no JSON")
	if _, err := (awscompat.SQS{}).Decode(m); err == nil {
		t.Error("attributes that are no JSON were decoded")
	} else if errors.Unwrap(err) == nil {
		t.Errorf("error %v without its cause", err)
	}
}
