package awspayload_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 3, 14, 12, 0, 1, 250_000_000, time.UTC)

const (
	region  = "eu-west-1"
	account = "123456789012"
	queue   = "arn:aws:sqs:eu-west-1:123456789012:orders"
	stream  = "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-03-14T00:00:00.000"
)

func sqsStandard() awspayload.SQSRecord {
	return awspayload.SQSRecord{
		MessageID: "m-1", ReceiptHandle: "r-1", Body: "{\"id\":\"7\"}\n", ReceiveCount: 2,
		Sent: noon, FirstReceived: noon.Add(time.Second), SenderID: "AIDAEXAMPLE",
		Attributes: map[string]awspayload.Attribute{
			"type": {Type: "String", Value: "order"}, "n": {Type: "Number.int", Value: "42"},
			"raw": {Type: "Binary.png", Binary: []byte{0, 1}},
		},
		TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793", DeadLetterSource: queue + "-first",
		QueueARN: queue, Region: region,
	}
}

func s3Put() awspayload.S3Record {
	size := int64(5)
	return awspayload.S3Record{
		Region: region, Time: noon, Name: "ObjectCreated:Put", ConfigurationID: "images",
		RequestID: "C3D13FE58DE4C810", HostID: "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
		Principal: "AWS:AIDAEXAMPLE", SourceIP: "127.0.0.1", Owner: "A3NL1KOZZKExample",
		Bucket: "uploads", Key: "in/a b+ü.jpg", Size: &size, ETag: "5d41402abc4b2a76b9719d911017c592",
		Sequencer: "0055AED6DCD90281E5",
	}
}

func change() awspayload.StreamRecord {
	return awspayload.StreamRecord{
		EventID: "e-1", Name: "MODIFY", Region: region, StreamARN: stream, Created: noon,
		Keys: awspayload.Item{"id": "u-1"},
		New: awspayload.Item{
			"id": "u-1", "age": json.Number("42"), "ok": true, "none": nil, "raw": []byte("x"),
			"list": []any{"a", json.Number("1")}, "map": awspayload.Item{"k": "v"},
			"tags": awspayload.StringSet{"a", "b"}, "ns": awspayload.NumberSet{"1", "2"},
			"bs": awspayload.BinarySet{[]byte("y")},
		},
		Old:            awspayload.Item{"id": "u-1"},
		SequenceNumber: "111700000000003860000000", ViewType: "NEW_AND_OLD_IMAGES",
	}
}

func TestGolden(t *testing.T) {
	// Rule B1.1, B1.2, B1.4, B1.6, B1.10, B2.1, B3.5, B6.1, C1.1, C1.2, C1.3, D2.1, D2.2, D2.4, D5.1, D5.3, D6.1, D6.2, E1.1, E3.2, F3.3, F3.5, H1
	fifo := sqsStandard()
	fifo.Attributes, fifo.TraceHeader, fifo.DeadLetterSource = nil, "", ""
	fifo.QueueARN, fifo.SequenceNumber, fifo.GroupID, fifo.DeduplicationID = queue+".fifo", "18849496460467696128", "g1", "d1"
	deleted := s3Put()
	deleted.Name, deleted.Size, deleted.ETag = "ObjectRemoved:Delete", nil, ""
	expired := change()
	expired.Name, expired.New, expired.Expired = "REMOVE", nil, true
	sns := &awspayload.SNS{
		MessageID: "n-1", TopicARN: "arn:aws:sns:eu-west-1:123456789012:news", Region: region,
		SubscriptionARN: "arn:aws:sns:eu-west-1:123456789012:news:s-1", Subject: "Hello", Message: `{"a":1}`, Time: noon,
		Attributes: map[string]awspayload.Attribute{"type": {Type: "String", Value: "x"}, "b": {Type: "Binary", Binary: []byte{1}}},
	}
	plain := *sns
	plain.Subject, plain.Attributes, plain.SequenceNumber = "", nil, "10000000000000000000"

	done := &awspayload.InvocationRecord{
		Time: noon, RequestID: "r-1", FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:thumb", Condition: "Success",
		Invocations: 1, Request: []byte(`{"a":1}`), Response: []byte(`{"ok":true}`),
	}
	failed, never, text := *done, *done, *done
	failed.Condition, failed.Invocations, failed.FunctionError = "RetriesExhausted", 3, "Unhandled"
	failed.Response = awspayload.AppendFunctionError(nil, "no \"luck\"", "string", []awspayload.Frame{{Path: "shop/main.go", Line: 12, Label: "handle"}})
	never.Condition, never.Invocations, never.NoResponse = "ZeroReservedConcurrency", 0, true
	text.Response = []byte("done")
	empty, small := *done, failed
	empty.Response, small.NoPayloads = nil, true

	put, edit := s3Put(), change()
	restored, moved, tiered, tagged := s3Put(), s3Put(), s3Put(), s3Put()
	restored.Name, restored.StorageClass, restored.RestoreExpiry = "ObjectRestore:Completed", "GLACIER", noon.Add(24*time.Hour)
	moved.Name, moved.StorageClass = "LifecycleTransition", "GLACIER"
	tiered.Name, tiered.AccessTier = "IntelligentTiering", "ARCHIVE_ACCESS"
	tagged.Name, tagged.Size, tagged.Sequencer, tagged.VersionID = "ObjectTagging:Put", nil, "", "v1"
	execution := "a1b2c3d4-5678-4abc-9def-0123456789ab"
	tests := []struct {
		file, reason string
		got          []byte
		into         any // aws-lambda-go's type reads it
	}{
		{"sqs.json", "all optional members", awspayload.AppendSQSEvent(nil, []awspayload.SQSRecord{sqsStandard(), fifo}), &events.SQSEvent{}},
		{"s3.json", "a put and a delete", awspayload.AppendS3Event(nil, []awspayload.S3Record{put, deleted}), &events.S3Event{}},
		{"s3-more.json", "members that only some names have, and their version", awspayload.AppendS3Event(nil, []awspayload.S3Record{restored, moved, tiered, tagged}), &events.S3Event{}},
		{"s3-eventbridge-restored.json", "its expiry", awspayload.AppendS3EventBridge(nil, "e-1", account, &restored), &events.EventBridgeEvent{}},
		{"s3-eventbridge-moved.json", "its new class", awspayload.AppendS3EventBridge(nil, "e-1", account, &moved), &events.EventBridgeEvent{}},
		{"s3-eventbridge-tiered.json", "its new tier", awspayload.AppendS3EventBridge(nil, "e-1", account, &tiered), &events.EventBridgeEvent{}},
		{"scheduler-input.json", "the input proper", awspayload.AppendSchedulerInput(nil, "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/nightly", noon, execution, 2, []byte(`{"days":7}`)), nil},
		{"scheduler-input-none.json", "no input", awspayload.AppendSchedulerInput(nil, "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/nightly", noon, execution, 1, nil), nil},
		{"s3-test.json", "no Records", awspayload.AppendS3TestEvent(nil, noon, "uploads", "r", "h"), &events.S3TestEvent{}},
		{"s3-eventbridge-put.json", "kebab names", awspayload.AppendS3EventBridge(nil, "e-1", account, &put), &events.EventBridgeEvent{}},
		{"s3-eventbridge-delete.json", "no size, no etag", awspayload.AppendS3EventBridge(nil, "e-1", account, &deleted), &events.EventBridgeEvent{}},
		{"dynamodb.json", "every attribute type", awspayload.AppendStreamEvent(nil, []awspayload.StreamRecord{edit, expired}), &events.DynamoDBEvent{}},
		{"dynamodb-failure.json", "metadata only", awspayload.AppendStreamFailure(nil, &awspayload.StreamFailure{
			Time: noon, RequestID: "r", FunctionARN: "f", Condition: "RetryAttemptsExhausted", Invocations: 3,
			FunctionError: "Unhandled", ShardID: "shardId-0", First: edit, Last: expired, BatchSize: 2,
		}), nil},
		{"dynamodb-window.json", "state is raw JSON", awspayload.AppendWindowEvent(nil, []awspayload.StreamRecord{expired}, &awspayload.Window{
			Start: noon.Truncate(time.Minute), End: noon.Truncate(time.Minute).Add(time.Minute), State: []byte(`{"sum":1.50,"names":["a"]}`),
			ShardID: "shardId-0", StreamARN: stream,
		}), nil},
		{"dynamodb-window-final.json", "no records, no state yet", awspayload.AppendWindowEvent(nil, nil, &awspayload.Window{
			Start: noon, End: noon.Add(time.Minute), ShardID: "shardId-0", StreamARN: stream, Final: true, Early: true,
		}), &events.DynamoDBTimeWindowEvent{}},
		{"dynamodb-failure-payload.json", "in a bucket: the records as text", awspayload.AppendStreamFailure(nil, &awspayload.StreamFailure{
			Time: noon, Condition: "RetryAttemptsExhausted", First: edit, Last: edit, BatchSize: 1,
			Payload: awspayload.AppendStreamEvent(nil, []awspayload.StreamRecord{expired}),
		}), nil},
		{"dynamodb-aged.json", "no response", awspayload.AppendStreamFailure(nil, &awspayload.StreamFailure{
			Time: noon, Condition: "RecordAgeExceeded", NoResponse: true, First: edit, Last: edit, BatchSize: 1,
		}), nil},
		{"schedule.json", "detail is an object", awspayload.AppendScheduledEvent(nil, "e-1", account, region, "nightly", noon), &events.EventBridgeEvent{}},
		{"scheduler.json", "detail is a string", awspayload.AppendSchedulerEvent(nil, "e-1", account, region, "default", "nightly", noon), &events.EventBridgeEvent{}},
		{"sns-envelope.json", "all members", awspayload.AppendSNSEnvelope(nil, sns), &events.SNSEntity{}},
		{"sns-envelope-fifo.json", "no signature", awspayload.AppendSNSEnvelope(nil, &plain), &events.SNSEntity{}},
		{"invocation-success.json", "what it returned", awspayload.AppendInvocationRecord(nil, done), nil},
		{"invocation-failure.json", "the error, with the stack of a panic", awspayload.AppendInvocationRecord(nil, &failed), nil},
		{"invocation-never.json", "it did not run", awspayload.AppendInvocationRecord(nil, &never), nil},
		{"invocation-text.json", "an answer that is not JSON", awspayload.AppendInvocationRecord(nil, &text), nil},
		{"invocation-empty.json", "no answer", awspayload.AppendInvocationRecord(nil, &empty), nil},
		{"invocation-small.json", "too large for a topic", awspayload.AppendInvocationRecord(nil, &small), nil},
		{"sns.json", "one record", awspayload.AppendSNSEvent(nil, sns), &events.SNSEvent{}},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			var got bytes.Buffer
			if err := json.Indent(&got, test.got, "", "\t"); err != nil {
				t.Fatalf("%s: %v\n%s", test.reason, err, test.got)
			}
			got.WriteByte('\n')
			if test.into != nil {
				if err := json.Unmarshal(test.got, test.into); err != nil {
					t.Errorf("%s: aws-lambda-go: %v", test.reason, err)
				}
			}
			name := filepath.Join("testdata", test.file)
			if *update {
				if err := os.WriteFile(name, got.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

func TestAttributesMD5(t *testing.T) {
	// The digest of these three was taken from a recorded answer of ReceiveMessage.
	got := awspayload.AttributesMD5(map[string]awspayload.Attribute{
		"ct": {Type: "String", Value: "application/json"}, "n": {Type: "Number", Value: "42"},
		"bin": {Type: "Binary", Binary: []byte{0, 1}},
	})
	if want := "0d752830c6c64771c1115bc8011bc322"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestS3KeyRoundTrip(t *testing.T) {
	// Rule B3.1
	for _, key := range []string{"a b", "a+b", "a%2Fb", "in/ü€😀.jpg", "~tilde(1)!*'", "tab\tnl\n", "&=?#"} {
		encoded := string(awspayload.AppendS3Key(nil, key))
		got, err := url.QueryUnescape(encoded)
		if err != nil || got != key {
			t.Errorf("%q was encoded as %q, which is %q, %v", key, encoded, got, err)
		}
	}
}

func TestItemSize(t *testing.T) {
	if got, want := awspayload.ItemSize(awspayload.Item{"id": "abc", "ok": true, "l": []any{"x"}}), 5+3+1+3+1+1; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestValuePanics(t *testing.T) {
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "int is no attribute value") {
			t.Errorf("panic %q does not name the type", p)
		}
	}()
	awspayload.AppendValue(nil, 42)
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\t\x00\x7f\u2028<é>")
	f.Add("\xff\xc0\xaf😀\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, s string) {
		encoded := awspayload.AppendString(nil, s)
		var got string
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if want := string([]rune(s)); got != want { // one U+FFFD for each bad byte
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
