package awscompat_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/awscompat"
	"github.com/eventfx/eventfx-go/eventfx"
)

const ordersARN = "arn:aws:sqs:eu-west-1:123456789012:orders"

func batch(arn string, bodies ...string) events.SQSEvent {
	var e events.SQSEvent
	for i, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: "m-" + string(rune('0'+i)), ReceiptHandle: "r", Body: body, EventSource: "aws:sqs", EventSourceARN: arn, AWSRegion: "eu-west-1",
			Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1767323045000", "MessageGroupId": "g"},
		})
	}
	return e
}

func failed(ids ...string) events.SQSEventResponse {
	r := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, id := range ids {
		r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return r
}

func router(h func(context.Context, events.SQSMessage) error) *eventfx.Router {
	r := &eventfx.Router{Observer: quiet}
	eventfx.On(r, awscompat.SQS{}, eventfx.Data(h))
	return r
}

func TestSQSHandler(t *testing.T) {
	h := awscompat.SQSHandler(router(func(_ context.Context, m events.SQSMessage) error {
		if strings.HasPrefix(m.Body, "fail") {
			return errors.New("as asked")
		}
		return nil
	}), nil)
	tests := []struct {
		name, rule string
		event      events.SQSEvent
		want       events.SQSEventResponse
		wantErr    bool
		reason     string
	}{
		{name: "done", rule: "C5", event: batch(ordersARN, "a", "b"), want: failed(), reason: "an empty list is success"},
		{name: "part", rule: "C5", event: batch(ordersARN, "a", "fail", "c"), want: failed("m-1"), reason: "only what failed"},
		{name: "all", rule: "C5.4", event: batch(ordersARN, "fail", "fail too"), want: failed("m-0", "m-1"), reason: "a list, as the function's type says"},
		{name: "FIFO", rule: "C5.6", event: batch(ordersARN+".fifo", "a", "fail", "c"), want: failed("m-1", "m-2"), reason: "what follows in the group goes back"},
		{name: "empty", rule: "F1.6", event: events.SQSEvent{}, want: events.SQSEventResponse{}, reason: "nothing to do"},
		{name: "no id", rule: "C5", event: events.SQSEvent{Records: []events.SQSMessage{{Body: "a", EventSource: "aws:sqs", EventSourceARN: ordersARN}}}, wantErr: true, reason: "a failure without a name fails the batch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h(t.Context(), tt.event)
			if (err != nil) != tt.wantErr {
				t.Fatalf("error %v: %s", err, tt.reason)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
			}
		})
	}
}

// TestSQSHandlerPassesMessages compares what goes in with what comes out.
func TestSQSHandlerPassesMessages(t *testing.T) {
	// Rule C1.1, Rule C1.3
	text := "42"
	e := batch(ordersARN, "{\"a\": \"\\u00e4\"}\n")
	e.Records[0].Md5OfBody = "b"
	e.Records[0].Md5OfMessageAttributes = "a"
	e.Records[0].MessageAttributes = map[string]events.SQSMessageAttribute{
		"n": {DataType: "Number.int", StringValue: &text, StringListValues: []string{}, BinaryListValues: [][]byte{}},
		"b": {DataType: "Binary", BinaryValue: []byte{0, 255}, StringListValues: []string{}, BinaryListValues: [][]byte{}},
	}
	var got []events.SQSMessage
	h := awscompat.SQSHandler(router(func(_ context.Context, m events.SQSMessage) error {
		got = append(got, m)
		return nil
	}), nil)
	if _, err := h(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e.Records, got); diff != "" {
		t.Errorf("messages (-sent +got):\n%s", diff)
	}
}

func TestSQSHandlerDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Rule C5.7
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		h := awscompat.SQSHandler(router(func(ctx context.Context, m events.SQSMessage) error {
			if m.Body == "long" {
				<-ctx.Done()
			}
			return ctx.Err()
		}), nil)
		began := time.Now()
		got, err := h(ctx, batch(ordersARN, "a", "long", "late"))
		if took := time.Since(began); err != nil || took != 900*time.Millisecond {
			t.Errorf("%v after %v, want an answer a tenth before the deadline", err, took)
		}
		if diff := cmp.Diff(failed("m-1", "m-2"), got); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

func TestSQSHandlerNilRouter(t *testing.T) {
	defer func() {
		if got := recover(); got != "awscompat: nil Router" {
			t.Errorf("panic %v", got)
		}
	}()
	awscompat.SQSHandler(nil, nil)
}
