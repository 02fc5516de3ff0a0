package awsevents

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/eventfx"
)

// sqsPayload returns a payload as a mapping sends it: receipt handles of 412
// characters, and bodies of JSON that are about size long.
func sqsPayload(messages, size int) []byte {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i := range messages {
		if i > 0 {
			b.WriteByte(',')
		}
		body := fmt.Sprintf(`{"id":"order-%d","customer":"c-42","total":12.5,"lines":[{"sku":"a","n":1},{"sku":"b","n":2}],"note":""}`, i)
		body = strings.Replace(body, `""}`, `"`+strings.Repeat("n", max(0, size-len(body)))+`"}`, 1)
		text, _ := json.Marshal(body)
		fmt.Fprintf(&b, `{"messageId":"%08d-1111-4222-8333-444455556666","receiptHandle":"%s","body":%s,`+
			`"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1795401850640","SenderId":"AIDAEXAMPLESENDER","ApproximateFirstReceiveTimestamp":"1795401850648"},`+
			`"messageAttributes":{},"md5OfBody":"0123456789abcdef0123456789abcdef","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:orders","awsRegion":"eu-west-1"}`,
			i, strings.Repeat("AQEBhandle/+=", 32)[:412], text)
	}
	return []byte(b.String() + "]}")
}

func streamPayload(records int) []byte {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i := range records {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"eventID":"%032x","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1","dynamodb":{`+
			`"ApproximateCreationDateTime":1795425342,"Keys":{"id":{"S":"user#%d"}},"NewImage":{"id":{"S":"user#%d"}`, i, i, i)
		for j := range 12 {
			fmt.Fprintf(&b, `,"attribute%d":{"S":"some value of it %d"}`, j, j)
		}
		fmt.Fprintf(&b, `},"SequenceNumber":"%d","SizeBytes":591,"StreamViewType":"NEW_IMAGE"},"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-11-01T00:00:00.000"}`,
			100000000000000000+i)
	}
	return []byte(b.String() + "]}")
}

func BenchmarkOpen(b *testing.B) {
	small, large, stream := sqsPayload(10, 300), sqsPayload(10, 4096), streamPayload(100)
	for _, bench := range []struct {
		name    string
		payload []byte
		lambda  func([]byte) error // what a program without this package does
	}{
		{"SQS10x300", small, func(p []byte) error { return json.Unmarshal(p, new(events.SQSEvent)) }},
		{"SQS10x4096", large, func(p []byte) error { return json.Unmarshal(p, new(events.SQSEvent)) }},
		{"DynamoDB100", stream, func(p []byte) error { return json.Unmarshal(p, new(events.DynamoDBEvent)) }},
	} {
		b.Run(bench.name+"/open", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bench.payload)))
			for b.Loop() {
				p, err := Format{}.Open(bench.payload, "request")
				if err != nil || p.Messages[0].Err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bench.name+"/lambda", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bench.payload)))
			for b.Loop() {
				if err := bench.lambda(bench.payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAnswer(b *testing.B) {
	p, err := Format{}.Open(sqsPayload(10, 300), "")
	if err != nil {
		b.Fatal(err)
	}
	failures := []eventfx.Failure{{Message: p.Messages[3]}, {Message: p.Messages[7]}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Answer(failures); err != nil {
			b.Fatal(err)
		}
	}
}
