package lambdahost_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// failing fails the messages whose data or id contains a word.
func failing(words ...string) *eventfx.Router {
	return router(func(_ context.Context, e eventfx.Event[string]) error {
		for _, word := range words {
			if strings.Contains(e.Data, word) || e.Origin.ID == word {
				return errors.New("as asked")
			}
		}
		return nil
	})
}

const (
	s3Payload = `{"Records":[{"eventVersion":"2.6","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2026-01-02T03:04:05.678Z",` +
		`"eventName":"ObjectCreated:Put","responseElements":{"x-amz-request-id":"REQ","x-amz-id-2":"HOST"},` +
		`"s3":{"s3SchemaVersion":"1.0","bucket":{"name":"uploads","arn":"arn:aws:s3:::uploads"},"object":{"key":"a.jpg","size":1,"eTag":"e","sequencer":"0A"}}}]}`
	snsPayload = `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:eu-west-1:123456789012:news:sub",` +
		`"Sns":{"Type":"Notification","MessageId":"n-1","TopicArn":"arn:aws:sns:eu-west-1:123456789012:news","Message":"hello","Timestamp":"2026-01-02T03:04:05.678Z","MessageAttributes":{}}}]}`
	busPayload  = `{"version":"0","id":"e-1","detail-type":"Order Placed","source":"shop","account":"123456789012","time":"2026-01-02T03:04:05Z","region":"eu-west-1","resources":[],"detail":{"id":"7"}}`
	tickPayload = `{"version":"0","id":"e-1","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2026-01-02T03:04:05Z","region":"eu-west-1",` +
		`"resources":["arn:aws:events:eu-west-1:123456789012:rule/nightly"],"detail":{}}`
	cloudEvent = `{"specversion":"1.0","id":"ce-1","source":"/shop","type":"order.placed","data":{"id":"7"}}`
	authorizer = `{"type":"TOKEN","authorizationToken":"secret","methodArn":"arn:aws:execute-api:eu-west-1:123456789012:api/prod/GET/"}`
)

func windowed(payload string) string {
	return strings.TrimSuffix(payload, "}") +
		`,"window":{"start":"2026-01-02T03:00:00Z","end":"2026-01-02T03:05:00Z"},"state":{"sum":1.50, "n":[2]},"shardId":"shardId-1","eventSourceARN":"` + streamARN + `","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false}`
}

func TestAnswers(t *testing.T) {
	partial := &lambdahost.Options{PartialBatch: true}
	tests := []struct {
		name    string
		rule    string
		opts    *lambdahost.Options
		payload string
		fails   []string
		want    string // the answer
		wantErr string // in the error
		errType string // as Lambda shows it
		reason  string
	}{
		{name: "SQS", rule: "C5", payload: string(sqs("a", "b")), want: `{"batchItemFailures":[]}`, reason: "all is done"},
		{name: "SQS in part, zero Options", rule: "C5", payload: string(sqs("a", "b")), fails: []string{"b"}, errType: "FailedMessagesError", wantErr: "1 of 2 messages from sqs failed: orders/m-1: as asked", reason: "the mapping may not read lists"},
		{name: "SQS in part, declared", rule: "C5", opts: partial, payload: string(sqs("a", "b")), fails: []string{"b"}, want: `{"batchItemFailures":[{"itemIdentifier":"m-1"}]}`, reason: "only b comes back"},
		{name: "SQS as a whole, declared", rule: "C5.4", opts: partial, payload: string(sqs("b", "b2")), fails: []string{"b"}, errType: "FailedMessagesError", wantErr: "2 of 2 messages", reason: "the pollers should back off"},
		{name: "SQS as a whole, ReportAll", rule: "C5.4", opts: &lambdahost.Options{PartialBatch: true, ReportAll: true}, payload: string(sqs("b", "b2")), fails: []string{"b"}, want: `{"batchItemFailures":[{"itemIdentifier":"m-0"},{"itemIdentifier":"m-1"}]}`, reason: "it was asked for"},
		{name: "FIFO, declared", rule: "C5.6", opts: partial, payload: string(fifo([]string{"g", "h", "g"}, []string{"b", "c", "d"})), fails: []string{"b"}, want: `{"batchItemFailures":[{"itemIdentifier":"m-0"},{"itemIdentifier":"m-2"}]}`, reason: "the rest of the group goes back, another group does not"},
		{name: "stream", rule: "D4.2", payload: string(stream(3)), want: `{"batchItemFailures":[]}`, reason: "all is done"},
		{name: "stream in part, zero Options", rule: "D3.3", payload: string(stream(3)), fails: []string{sequence(1)}, errType: "FailedMessagesError", wantErr: "users/96: as asked", reason: "the mapping may not read lists"},
		{name: "stream in part, declared", rule: "D4.1", opts: partial, payload: string(stream(8)), fails: []string{sequence(5), sequence(6)}, want: `{"batchItemFailures":[{"itemIdentifier":"100"}]}`, reason: "one identifier, the lowest as a number"},
		{name: "tumbling window", rule: "D5.2", payload: windowed(string(stream(1))), want: `{"state":{"sum":1.50, "n":[2]},"batchItemFailures":[]}`, reason: "without the state the invocation counts as failed"},
		{name: "tumbling window in part, declared", rule: "D5.3", opts: partial, payload: windowed(string(stream(2))), fails: []string{sequence(1)}, want: `{"state":{"sum":1.50, "n":[2]},"batchItemFailures":[{"itemIdentifier":"96"}]}`, reason: "both"},
		{name: "last call of a window", rule: "D5.4", payload: windowed(`{"Records":[]}`), want: `{"state":{"sum":1.50, "n":[2]},"batchItemFailures":[]}`, reason: "it may have no records"},
		{name: "S3", rule: "B7.3", payload: s3Payload, want: `null`, reason: "nobody reads the answer"},
		{name: "S3 fails", rule: "B7.6", opts: partial, payload: s3Payload, fails: []string{"a.jpg"}, errType: "FailedMessagesError", wantErr: "1 of 1 messages from s3 failed: uploads/REQ.HOST.", reason: "an asynchronous source knows no part"},
		{name: "SNS fails", rule: "B7.6", opts: partial, payload: snsPayload, fails: []string{"hello"}, errType: "FailedMessagesError", wantErr: "from sns failed: news/n-1: as asked", reason: "an asynchronous source knows no part"},
		{name: "EventBridge fails", rule: "B7.6", opts: partial, payload: busPayload, fails: []string{"7"}, errType: "FailedMessagesError", wantErr: "e-1: as asked", reason: "an asynchronous source knows no part"},
		{name: "schedule", rule: "E1.6", payload: tickPayload, want: `null`, reason: "an asynchronous source"},
		{name: "direct CloudEvent", rule: "F1.3", payload: cloudEvent, want: `null`, reason: "anybody may invoke with one"},
		{name: "direct CloudEvent fails", rule: "F1.3", opts: partial, payload: cloudEvent, fails: []string{"7"}, errType: "FailedMessagesError", wantErr: "ce-1: as asked", reason: "the caller gets the error"},
		{name: "CloudEvents batch fails in part", rule: "F1.2", opts: partial, payload: "[" + cloudEvent + "," + strings.Replace(strings.Replace(cloudEvent, `"7"`, `"8"`, 1), "ce-1", "ce-2", 1) + "]", fails: []string{"8"}, errType: "FailedMessagesError", wantErr: "1 of 2 messages", reason: "a direct invocation knows no part"},
		{name: "opaque", rule: "F1.15", payload: authorizer, want: `null`, reason: "the route takes everything"},
		{name: "no JSON", rule: "F1.1", payload: `{"Records":[`, errType: "InputError", wantErr: "not JSON", reason: "no source of AWS sends it"},
		{name: "no records", rule: "F1.6", payload: `{"Records":[]}`, want: `{"batchItemFailures":[]}`, reason: "nothing to do, whoever asks"},
		{name: "SQS records without an id", rule: "C5", opts: partial, payload: strings.Replace(string(sqs("a", "b")), `"messageId":"m-1",`, "", 1), errType: "FailedError", wantErr: "identif", reason: "a failure that cannot be named fails the batch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, err := lambdahost.Handler(failing(tt.fails...), tt.opts).Invoke(within(t, time.Minute), []byte(tt.payload))
			if got := string(answer); got != tt.want {
				t.Errorf("answer %s, want %s: %s", got, tt.want, tt.reason)
			}
			if (err != nil) != (tt.errType != "") {
				t.Fatalf("error %v, want one of type %q: %s", err, tt.errType, tt.reason)
			}
			if err == nil {
				return
			}
			if got := reflect.TypeOf(err).Elem().Name(); got != tt.errType {
				t.Errorf("type of the error %s, want %s: %s", got, tt.errType, tt.reason)
			}
			if !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error %q does not say %q: %s", err, tt.wantErr, tt.reason)
			}
		})
	}
}

func TestErrorNamesMessages(t *testing.T) {
	// Rule B7.6
	bodies := make([]string, 12)
	for i := range bodies {
		bodies[i] = fmt.Sprintf("body %d", i)
	}
	long := strings.Repeat("ä", 200)
	r := router(func(context.Context, eventfx.Event[string]) error { return errors.New(long + "\xff") })
	_, err := lambdahost.Handler(r, nil).Invoke(t.Context(), sqs(bodies...))
	var want strings.Builder
	want.WriteString("lambdahost: 12 of 12 messages from sqs failed: ")
	for i := range 10 {
		fmt.Fprintf(&want, "orders/m-%d: %s...; ", i, strings.Repeat("ä", 100))
	}
	want.WriteString("and 2 more")
	if diff := cmp.Diff(want.String(), err.Error()); diff != "" {
		t.Errorf("a long error is cut, at a whole character (-want +got):\n%s", diff)
	}
	failed, ok := errors.AsType[*lambdahost.FailedMessagesError](err)
	if !ok || len(failed.Failures) != 12 || failed.Source != "sqs" || failed.Messages != 12 {
		t.Errorf("error %#v, want all failures as data", err)
	}
}

func TestFallback(t *testing.T) {
	// Rule F1.13, Rule F1.15
	var got string
	fallback := handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		deadline, _ := ctx.Deadline()
		if left := time.Until(deadline); left < 59*time.Second+900*time.Millisecond {
			t.Errorf("the fallback has %v, want all of the minute", left)
		}
		got = string(payload)
		return []byte(`{"principalId":"me"}`), nil
	})
	r := router(func(_ context.Context, e eventfx.Event[string]) error {
		if e.Type() == awsevents.TypeInvocation {
			t.Errorf("%s reached the router", e.Data)
		}
		return nil
	})
	h := lambdahost.Handler(r, &lambdahost.Options{Fallback: fallback})
	spaced := " " + authorizer + "\n"
	answer, err := h.Invoke(within(t, time.Minute), []byte(spaced))
	if string(answer) != `{"principalId":"me"}` || err != nil || got != spaced {
		t.Errorf("answer %s, %v for payload %q; want the fallback's, for the payload as it came", answer, err, got)
	}
	for name, payload := range map[string]string{
		"HTTP API": `{"version":"2.0","routeKey":"$default","rawPath":"/","requestContext":{"http":{"method":"GET","path":"/"},"domainName":"x.execute-api.eu-west-1.amazonaws.com"}}`,
		"Kinesis":  `{"Records":[{"eventSource":"aws:kinesis","eventID":"shard-1:1","kinesis":{"data":"YQ==","sequenceNumber":"1","partitionKey":"k"}}]}`,
		"array":    `[1,2]`,
		"text":     `"x"`,
	} {
		if _, err := h.Invoke(within(t, time.Minute), []byte(payload)); err != nil || got != payload {
			t.Errorf("%s: %v, and the fallback has %q", name, err, got)
		}
	}
	got = ""
	if answer, err := h.Invoke(within(t, time.Minute), sqs("a")); string(answer) != `{"batchItemFailures":[]}` || err != nil || got != "" {
		t.Errorf("answer %s, %v; want that events are the router's", answer, err)
	}
	if _, err := h.Invoke(within(t, time.Minute), []byte(`{"Records":null}`)); err == nil || got != "" {
		t.Errorf("error %v; want that what must be an event and cannot be is an error", err)
	}
}

func TestOpaqueIsTheDefaultRoutes(t *testing.T) {
	// Rule F1.15, Rule A6.2
	var got *eventfx.Message
	r := &eventfx.Router{Default: func(_ context.Context, d *eventfx.Delivery) error {
		got = d.Messages[0]
		return nil
	}}
	answer, err := lambdahost.Handler(r, nil).Invoke(within(t, time.Minute), []byte(authorizer))
	if string(answer) != "null" || err != nil || got == nil || got.Type() != awsevents.TypeInvocation || got.ID() != "request-1" || string(got.DataEncoded) != authorizer {
		t.Errorf("answer %s, %v; message %v", answer, err, got)
	}
	_, err = lambdahost.Handler(&eventfx.Router{}, nil).Invoke(within(t, time.Minute), []byte(authorizer))
	if err == nil || !strings.Contains(err.Error(), eventfx.ErrNoRoute.Error()) {
		t.Errorf("error %v, want that nothing takes the payload", err)
	}
}
