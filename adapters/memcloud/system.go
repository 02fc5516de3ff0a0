package memcloud

import (
	"strconv"
	"time"
)

const senderID = "AIDAMEMCLOUDEXAMPLE00"

// System returns the system attributes of a received message, by the names and
// in the form that SQS's ReceiveMessage gives them.
func (m Message) System() map[string]string {
	system := map[string]string{
		"ApproximateReceiveCount": strconv.Itoa(m.Receives),
		"SenderId":                senderID,
	}
	set := func(name, value string) {
		if value != "" {
			system[name] = value
		}
	}
	millis := func(name string, t time.Time) {
		if !t.IsZero() {
			system[name] = strconv.FormatInt(t.UnixMilli(), 10)
		}
	}
	millis("SentTimestamp", m.Sent)
	millis("ApproximateFirstReceiveTimestamp", m.FirstReceived)
	set("SequenceNumber", m.SequenceNumber)
	set("MessageGroupId", m.Group)
	set("MessageDeduplicationId", m.DeduplicationID)
	set("AWSTraceHeader", m.TraceHeader)
	set("DeadLetterQueueSourceArn", m.Source)
	return system
}
