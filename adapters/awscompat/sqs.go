package awscompat

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
)

// SQS matches the messages of a queue that carry no event of another kind.
//
// A notification of S3 in a queue's message, for one, is that event, and [S3]
// matches it. To get the messages themselves, set awsevents.Format.Unwrap to
// false for the queue.
type SQS struct {
	Queue string // its name; "" matches any
}

const sqsType = "com.amazonaws.sqs.message"

// Match reports whether m is a message that the queue delivered.
func (s SQS) Match(m *eventfx.Message) bool {
	if m.Type() != sqsType {
		return false
	}
	if s.Queue == "" || m.Origin.Name == s.Queue {
		return true
	}
	return m.Origin.Name == "" && strings.HasSuffix(m.Source(), ":"+s.Queue)
}

// Decode returns the message.
//
// ReceiptHandle, the digests and the system attributes are facts of one
// delivery. A message that is replayed has none of them but SentTimestamp,
// MessageGroupId and SequenceNumber.
func (s SQS) Decode(m *eventfx.Message) (events.SQSMessage, error) {
	out := events.SQSMessage{
		MessageId:         m.ID(),
		Body:              string(m.DataEncoded),
		MessageAttributes: map[string]events.SQSMessageAttribute{},
		EventSourceARN:    m.Source(),
		EventSource:       "aws:sqs",
	}
	if strings.HasPrefix(m.Origin.Address, "arn:") {
		out.EventSourceARN = m.Origin.Address // the dead-letter queue, and not the first
	}
	if parts := strings.SplitN(out.EventSourceARN, ":", 5); len(parts) == 5 {
		out.AWSRegion = parts[3]
	}
	if list := extension(m, "sqsattributes"); list != "" {
		if err := json.Unmarshal([]byte(list), &out.MessageAttributes); err != nil {
			return events.SQSMessage{}, fmt.Errorf("awscompat: message attributes of %s: %w", m.ID(), err)
		}
	}
	for name, a := range out.MessageAttributes {
		a.StringListValues, a.BinaryListValues = []string{}, [][]byte{} // as SQS sends them
		out.MessageAttributes[name] = a
	}
	record, ok := m.Payload.(*awsevents.Record)
	if !ok {
		out.Attributes = lasting(m)
		return out, nil
	}
	out.ReceiptHandle = record.ReceiptHandle()
	out.Md5OfBody = record.MD5OfBody()
	out.Md5OfMessageAttributes = record.MD5OfMessageAttributes()
	out.Attributes = record.Attributes()
	out.AWSRegion = orElse(record.Region(), out.AWSRegion)
	return out, nil
}

// lasting returns the system attributes that the event itself has.
func lasting(m *eventfx.Message) map[string]string {
	attributes := map[string]string{}
	if at := m.Time(); !at.IsZero() {
		attributes["SentTimestamp"] = strconv.FormatInt(at.UnixMilli(), 10)
	}
	if group := extension(m, "partitionkey"); group != "" {
		attributes["MessageGroupId"] = group
	}
	if number := strings.TrimLeft(extension(m, "sequence"), "0"); number != "" {
		attributes["SequenceNumber"] = number
	}
	return attributes
}

// String returns the source as it is written in Go.
func (s SQS) String() string { return literal("SQS", "Queue", s.Queue) }
