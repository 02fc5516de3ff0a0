package awspayload

import (
	"crypto/md5"
	"encoding/binary"
	enchex "encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Attribute is a user's attribute of an SQS message or an SNS notification.
type Attribute struct {
	// Type is String, Number or Binary, with an optional label after a dot:
	// "Number.int".
	Type string
	// Value is the text of a String or a Number.
	Value string
	// Binary is the value of a Binary.
	Binary []byte
}

// IsBinary reports whether the attribute's type is Binary, labelled or not.
func (a Attribute) IsBinary() bool {
	return a.Type == "Binary" || strings.HasPrefix(a.Type, "Binary.")
}

// An SQSRecord is one message of a Lambda SQS event. Empty fields that AWS
// leaves out are left out; SequenceNumber, GroupID and DeduplicationID belong
// to FIFO queues, though a standard queue may carry a GroupID.
type SQSRecord struct {
	MessageID     string
	ReceiptHandle string
	Body          string
	Attributes    map[string]Attribute

	ReceiveCount     int
	Sent             time.Time
	FirstReceived    time.Time
	SenderID         string
	SequenceNumber   string
	GroupID          string
	DeduplicationID  string
	TraceHeader      string
	DeadLetterSource string // ARN of the queue from which it was moved

	QueueARN string
	Region   string
}

// SQSEventEnd ends an event that was built by AppendSQSRecord.
const SQSEventEnd = `]}`

// AppendSQSEvent appends the event that an SQS event source mapping sends.
func AppendSQSEvent(dst []byte, records []SQSRecord) []byte {
	dst = append(dst, `{"Records":[`...)
	for i := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSQSRecord(dst, &records[i])
	}
	return append(dst, SQSEventEnd...)
}

// AppendSQSRecord appends one record to an event that grows record by record:
// to nothing at first, at last SQSEventEnd follows.
func AppendSQSRecord(dst []byte, r *SQSRecord) []byte {
	if len(dst) == 0 {
		dst = slices.Grow(dst, len(r.Body)+1024) // most events have one record
		dst = append(dst, `{"Records":[`...)
	} else {
		dst = append(dst, ',')
	}
	return appendSQSRecord(dst, r)
}

func appendSQSRecord(dst []byte, r *SQSRecord) []byte {
	dst = append(dst, '{')
	dst = appendText(dst, "messageId", r.MessageID)
	dst = appendText(dst, "receiptHandle", r.ReceiptHandle)
	dst = appendText(dst, "body", r.Body)

	dst = append(appendMember(dst, "attributes"), '{')
	dst = append(appendMember(dst, "ApproximateReceiveCount"), '"')
	dst = append(strconv.AppendInt(dst, int64(r.ReceiveCount), 10), '"')
	dst = appendOptional(dst, "AWSTraceHeader", r.TraceHeader)
	dst = appendMillis(dst, "SentTimestamp", r.Sent)
	dst = appendOptional(dst, "SequenceNumber", r.SequenceNumber)
	dst = appendOptional(dst, "MessageGroupId", r.GroupID)
	dst = appendText(dst, "SenderId", r.SenderID)
	dst = appendOptional(dst, "MessageDeduplicationId", r.DeduplicationID)
	dst = appendMillis(dst, "ApproximateFirstReceiveTimestamp", r.FirstReceived)
	dst = appendOptional(dst, "DeadLetterQueueSourceArn", r.DeadLetterSource)
	dst = append(dst, '}')

	dst = append(appendMember(dst, "messageAttributes"), '{')
	if len(r.Attributes) > 0 {
		for _, name := range sorted(r.Attributes) {
			dst = appendSQSAttribute(dst, name, r.Attributes[name])
		}
	}
	dst = append(dst, '}')

	dst = append(appendMember(dst, "md5OfBody"), '"')
	body := md5.Sum([]byte(r.Body))
	dst = append(enchex.AppendEncode(dst, body[:]), '"')
	if len(r.Attributes) > 0 {
		dst = appendText(dst, "md5OfMessageAttributes", AttributesMD5(r.Attributes))
	}
	dst = append(dst, `,"eventSource":"aws:sqs"`...)
	dst = appendText(dst, "eventSourceARN", r.QueueARN)
	dst = appendText(dst, "awsRegion", r.Region)
	return append(dst, '}')
}

// appendMillis appends epoch milliseconds as SQS does: in a string.
func appendMillis(dst []byte, name string, t time.Time) []byte {
	dst = append(appendMember(dst, name), '"')
	return append(strconv.AppendInt(dst, t.UnixMilli(), 10), '"')
}

func appendSQSAttribute(dst []byte, name string, a Attribute) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(append(AppendString(dst, name), ':'), '{')
	if a.IsBinary() {
		dst = appendBase64(appendMember(dst, "binaryValue"), a.Binary)
	} else {
		dst = appendText(dst, "stringValue", a.Value)
	}
	dst = append(dst, `,"stringListValues":[],"binaryListValues":[]`...)
	dst = appendText(dst, "dataType", a.Type)
	return append(dst, '}')
}

// AttributesMD5 returns SQS's digest of message attributes: by name in byte
// order, name, type and value, each behind its length, with a byte between
// that tells text (1) from binary (2).
func AttributesMD5(attributes map[string]Attribute) string {
	h := md5.New()
	write := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, name := range sorted(attributes) {
		a := attributes[name]
		write([]byte(name))
		write([]byte(a.Type))
		if a.IsBinary() {
			h.Write([]byte{2})
			write(a.Binary)
		} else {
			h.Write([]byte{1})
			write([]byte(a.Value))
		}
	}
	return enchex.EncodeToString(h.Sum(nil))
}
