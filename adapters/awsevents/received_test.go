package awsevents_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/adapters/awspayload"
	"github.com/eventfx/eventfx-go/eventfx"
)

const receivedARN = "arn:aws:sqs:eu-west-1:123456789012:orders"

// TestReceivedIsAsInAPayload opens each body twice: as Lambda would give it,
// and as a program that receives it.
func TestReceivedIsAsInAPayload(t *testing.T) {
	// Rules C1.2, C1.3, F3.1 and C7.1
	bodies := map[string]string{
		"text": "hello", "json": `{"id": 1}`, "number": "42", "blank": " ", "twice": `{"a":1,"a":2}`,
		"cloudevent": `{"specversion":"1.0","id":"1","source":"/s","type":"order.placed","data":{"a":"ü\n"}}`,
		"batch":      `[{"specversion":"1.0","id":"1","source":"/s","type":"t"},{"specversion":"1.0","id":"2","source":"/s","type":"t"}]`,
		"s3 test":    `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b","RequestId":"r","HostId":"h"}`,
		"invalid":    `{"specversion":"1.0","id":"","source":"/s","type":"order.placed"}`,
	}
	for _, pattern := range []string{"s3*.json", "eventbridge*.json", "sns*.json", "scheduler*.json"} {
		files, err := filepath.Glob(filepath.Join("testdata", "payloads", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			bodies[file] = string(body)
		}
	}
	if len(bodies) < 15 {
		t.Fatalf("only %d bodies: where is testdata?", len(bodies))
	}
	for name, body := range bodies {
		for _, arn := range []string{receivedARN, receivedARN + ".fifo"} {
			t.Run(name+"/"+arn[len(receivedARN):], func(t *testing.T) {
				record := awspayload.SQSRecord{MessageID: "m-1", ReceiptHandle: "receipt-1", Body: body, QueueARN: arn, Region: "eu-west-1"}
				record.ReceiveCount = 3
				record.DeadLetterSource = receivedARN + "-first"
				record.TraceHeader = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
				record.Attributes = map[string]awspayload.Attribute{"type": {Type: "String", Value: "a\"b"}}
				system := map[string]string{
					"ApproximateReceiveCount": "3", "SentTimestamp": "1767323045000", "AWSTraceHeader": record.TraceHeader,
					"DeadLetterQueueSourceArn": record.DeadLetterSource,
				}
				if strings.HasSuffix(arn, ".fifo") {
					record.GroupID, record.SequenceNumber = "g", "1889"
					system["MessageGroupId"], system["SequenceNumber"] = "g", "1889"
				}
				record.Sent = time.UnixMilli(1767323045000)
				want, err := awsevents.Format{}.Open(awspayload.AppendSQSEvent(nil, []awspayload.SQSRecord{record}), "")
				if err != nil {
					t.Fatal(err)
				}
				received := []byte(body)
				got := awsevents.Format{}.OpenReceived(&awsevents.Received{
					ID: record.MessageID, QueueARN: arn, Body: received, Handle: record.ReceiptHandle, System: system,
					Attributes: map[string]string{"type": "a\"b"},
				})
				options := cmp.Options{cmpopts.IgnoreUnexported(eventfx.Message{}), cmpopts.IgnoreFields(eventfx.Message{}, "Payload")}
				if diff := cmp.Diff(want.Messages, got.Messages, options); diff != "" {
					t.Errorf("received differs from delivered:\n%s", diff)
				}
				if diff := cmp.Diff(want.Acknowledged, got.Acknowledged); diff != "" {
					t.Errorf("acknowledged:\n%s", diff)
				}
				for _, m := range got.Messages {
					r, ok := m.Payload.(*awsevents.Record)
					if !ok {
						continue
					}
					if r.ReceiptHandle() != record.ReceiptHandle || r.Attributes()["ApproximateReceiveCount"] != "3" {
						t.Errorf("record: handle %q, attributes %v", r.ReceiptHandle(), r.Attributes())
					}
					if a := string(r.MessageAttributes()); !strings.Contains(a, `"stringValue":"a\"b"`) {
						t.Errorf("attributes of the sender: %s", a)
					}
				}
				for _, m := range got.Messages {
					clear(m.DataEncoded[:cap(m.DataEncoded)])
				}
				if string(received) != body {
					t.Error("the message shares its data with who received it")
				}
			})
		}
	}
}

func TestReceivedThatCannotBeRead(t *testing.T) {
	tests := []struct {
		name   string
		m      awsevents.Received
		want   string
		reason string
	}{
		{"no id", awsevents.Received{QueueARN: receivedARN, Body: []byte("x")}, "messageId", "a failure could not be answered"},
		{"no queue", awsevents.Received{ID: "m", Body: []byte("x")}, "eventSourceARN", "the event would have no source"},
		{"no group", awsevents.Received{ID: "m", QueueARN: receivedARN + ".fifo", Body: []byte("x")}, "MessageGroupId", "its order would be lost"},
		{"no count", awsevents.Received{ID: "m", QueueARN: receivedARN, Body: []byte("x"), System: map[string]string{"ApproximateReceiveCount": "many"}}, "ApproximateReceiveCount", "it would never be dead"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := awsevents.Format{}.OpenReceived(&tt.m)
			if len(p.Messages) != 1 || p.Messages[0].Err == nil || !strings.Contains(p.Messages[0].Err.Error(), tt.want) {
				t.Fatalf("%d messages, %v; want one with an error about %s: %s", len(p.Messages), p.Messages[0].Err, tt.want, tt.reason)
			}
			if string(p.Messages[0].DataEncoded) != "x" {
				t.Errorf("its data is %q: the body must be kept", p.Messages[0].DataEncoded)
			}
		})
	}
}

func TestReceivedBinary(t *testing.T) {
	body := []byte{'{', 0xff, 0xfe, '}'}
	p := awsevents.Format{}.OpenReceived(&awsevents.Received{ID: "m", QueueARN: receivedARN, Body: body})
	m := p.Messages[0]
	if m.Err != nil || string(m.DataEncoded) != string(body) || !m.DataBase64 || m.DataContentType() != "application/octet-stream" {
		t.Errorf("%v: data %q, base64 %t, %s", m.Err, m.DataEncoded, m.DataBase64, m.DataContentType())
	}
}

func TestOpenBody(t *testing.T) {
	// Rules F3.6, F3.8 and F3.9
	const event = `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1}`
	off := awsevents.Format{Unwrap: map[string]bool{"orders": false}}
	tests := []struct {
		name   string
		format awsevents.Format
		body   string
		opened bool
		events int
		reason string
	}{
		{"event", awsevents.Format{}, event, true, 1, "a CloudEvent"},
		{"batch", awsevents.Format{}, "[" + event + "," + event + "]", true, 2, "several"},
		{"in a string", awsevents.Format{}, `"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}"`, true, 1, "a bridge encoded it twice"},
		{"s3 test", awsevents.Format{}, `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b","RequestId":"r","HostId":"h"}`, true, 0, "nothing to handle"},
		{"switched off", off, event, false, 0, "the user says that it is data"},
		{"document", awsevents.Format{}, `{"id":1}`, false, 0, "a user's document"},
		{"text", awsevents.Format{}, "hello", false, 0, "no JSON"},
		{"nothing", awsevents.Format{}, "", false, 0, "no body"},
		{"binary", awsevents.Format{}, "{\xff}", false, 0, "no text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, ok := tt.format.OpenBody("orders", []byte(tt.body))
			if ok != tt.opened || ok && len(p.Messages) != tt.events {
				t.Errorf("opened %t, %+v; want %t with %d events: %s", ok, p, tt.opened, tt.events, tt.reason)
			}
		})
	}
}
