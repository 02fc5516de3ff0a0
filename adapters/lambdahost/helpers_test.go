package lambdahost_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
	"github.com/eventfx/eventfx-go/eventfx"
)

func TestMain(m *testing.M) {
	// The modes and failures of hundreds of handlers are no news.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	code := m.Run()
	if dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// text takes every message and its data as text.
type text struct{}

func (text) Match(*eventfx.Message) bool               { return true }
func (text) Decode(m *eventfx.Message) (string, error) { return string(m.DataEncoded), nil }
func (text) String() string                            { return "text" }

// router returns a router that gives every message to h.
func router(h func(context.Context, eventfx.Event[string]) error) *eventfx.Router {
	r := &eventfx.Router{}
	eventfx.On(r, text{}, h)
	return r
}

const (
	queueARN  = "arn:aws:sqs:eu-west-1:123456789012:orders"
	fifoARN   = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
	streamARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-01-01T00:00:00.000"
)

var sent = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// sqs is the event of a batch with these bodies; ids are m-0, m-1 and so on.
func sqs(bodies ...string) []byte {
	records := make([]awspayload.SQSRecord, len(bodies))
	for i, body := range bodies {
		records[i] = sqsRecord(i, body)
	}
	return awspayload.AppendSQSEvent(nil, records)
}

func sqsRecord(i int, body string) awspayload.SQSRecord {
	return awspayload.SQSRecord{
		MessageID: fmt.Sprintf("m-%d", i), ReceiptHandle: fmt.Sprintf("receipt-%d", i), Body: body,
		ReceiveCount: 1, Sent: sent, FirstReceived: sent, SenderID: "AIDA",
		QueueARN: queueARN, Region: "eu-west-1",
	}
}

// fifo is the same of a FIFO queue: groups[i] is that of bodies[i].
func fifo(groups, bodies []string) []byte {
	records := make([]awspayload.SQSRecord, len(bodies))
	for i, body := range bodies {
		records[i] = sqsRecord(i, body)
		records[i].QueueARN = fifoARN
		records[i].GroupID = groups[i]
		records[i].SequenceNumber = fmt.Sprintf("188493%014d", i)
		records[i].DeduplicationID = records[i].MessageID
	}
	return awspayload.AppendSQSEvent(nil, records)
}

// stream is the event of a table's stream with n new items; the item's key id
// is "0", "1" and so on, its sequence number sequence(i).
func stream(n int) []byte {
	records := make([]awspayload.StreamRecord, n)
	for i := range records {
		key := awspayload.Item{"id": fmt.Sprint(i)}
		records[i] = awspayload.StreamRecord{
			EventID: fmt.Sprintf("event-%d", i), Name: "INSERT", Region: "eu-west-1", StreamARN: streamARN,
			Created: sent, Keys: key, New: key, SequenceNumber: sequence(i), ViewType: "NEW_IMAGE",
		}
	}
	return awspayload.AppendStreamEvent(nil, records)
}

// sequence grows in digits, so that comparing as text goes wrong.
func sequence(i int) string { return fmt.Sprint(95 + i) }

// within is the context of an invocation with a timeout.
func within(t testing.TB, timeout time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
}

// listed returns the identifiers of a partial-batch answer.
func listed(t testing.TB, answer []byte) []string {
	t.Helper()
	var list struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(answer, &list); err != nil || !strings.Contains(string(answer), `"batchItemFailures":[`) {
		t.Fatalf("answer %s is no list of failures: %v", answer, err)
	}
	ids := []string{}
	for _, f := range list.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}
