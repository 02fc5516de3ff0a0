package memcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// record is what a destination gets.
type record struct {
	Version        string    `json:"version"`
	Timestamp      time.Time `json:"timestamp"`
	RequestContext struct {
		RequestID   string `json:"requestId"`
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
		Invocations int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext *struct {
		StatusCode    int     `json:"statusCode"`
		Version       string  `json:"executedVersion"`
		FunctionError *string `json:"functionError"`
	} `json:"responseContext"`
	ResponsePayload json.RawMessage `json:"responsePayload"`
}

func decodeRecord(t *testing.T, body string) (r record) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return r
}

func TestThrottledEvent(t *testing.T) {
	// Rule B7.4: back-off from 1 s to 5 minutes, which uses up no retry.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		dead := cloud.Queue("dead", nil)
		f := cloud.Function("f", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}), &memcloud.FunctionOptions{ReservedConcurrency: 1, Timeout: 15 * time.Minute, Retries: 1, DeadLetter: dead})
		f.Send([]byte(`"first"`))
		f.Send([]byte(`"second"`))
		cloud.Settle()
		var offsets []time.Duration
		for _, at := range moments(cloud, "f", "throttle")[:11] {
			offsets = append(offsets, at/time.Second)
		}
		// Waits of 1, 2, 4, 8... 256, 300 s.
		want(t, "tried at", offsets, []time.Duration{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811})
		want(t, "invocations: two each", len(moments(cloud, "f", "invoke")), 4)
		want(t, "dead letters", bodies(dead.Messages()), `"first" "second"`)
	})
}

func TestEventAge(t *testing.T) {
	// Rule B7.4: until the age limit.
	tests := []struct {
		reason string
		o      memcloud.FunctionOptions
		limit  time.Duration
	}{
		{"6 hours", memcloud.FunctionOptions{}, 6 * time.Hour},
		{"a minute", memcloud.FunctionOptions{MaxAge: time.Minute}, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Kinds: []memcloud.Fault{memcloud.Throttle}, Rate: 1}})
				dead, failed := cloud.Queue("dead", nil), cloud.Queue("failed", nil)
				o := test.o
				o.DeadLetter, o.OnFailure = dead, failed
				cloud.Function("f", constant("{}"), &o).Send([]byte(`{"a":1}`))
				cloud.Settle()
				want(t, "invocations", len(moments(cloud, "f", "invoke")), 0)
				want(t, "given up", moments(cloud, "f", "move"), []time.Duration{test.limit, test.limit})
				// Rule H1
				a := dead.Messages()[0].Attributes
				want(t, "code", []string{a["ErrorCode"].Value, a["ErrorMessage"].Value}, []string{"429", "Rate Exceeded."})
				r := decodeRecord(t, failed.Messages()[0].Body)
				want(t, "condition", r.RequestContext.Condition, "EventAgeExceeded")
				want(t, "count", r.RequestContext.Invocations, 0)
				want(t, "no response", r.ResponseContext == nil && r.ResponsePayload == nil, true)
			})
		})
	}
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		failed := cloud.Queue("failed", nil)
		cloud.Function("f", failing, &memcloud.FunctionOptions{MaxAge: 2 * time.Minute, OnFailure: failed}).Send(nil)
		cloud.Settle()
		r := decodeRecord(t, failed.Messages()[0].Body)
		want(t, "condition", r.RequestContext.Condition, "EventAgeExceeded")
		want(t, "count", r.RequestContext.Invocations, 2)
		want(t, "error", string(r.ResponsePayload), `{"errorMessage":"no luck","errorType":"errorString"}`)
	})
}

func TestNoConcurrency(t *testing.T) {
	// Rule B7.5: none may run, so events go at once.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		dead, failed := cloud.Queue("dead", nil), cloud.Queue("failed", nil)
		f := cloud.Function("f", constant("{}"), &memcloud.FunctionOptions{ReservedConcurrency: -1, DeadLetter: dead, OnFailure: failed})
		f.Send([]byte(`{"a":1}`))
		cloud.Settle()
		want(t, "given up", moments(cloud, "f", "move"), []time.Duration{0, 0})
		want(t, "not throttled", len(moments(cloud, "f", "throttle")), 0)
		m := dead.Messages()[0]
		want(t, "dead letter", m.Body, `{"a":1}`)
		_, hasCode := m.Attributes["ErrorCode"]
		want(t, "code", hasCode, false)
		r := decodeRecord(t, failed.Messages()[0].Body)
		want(t, "condition", r.RequestContext.Condition, "ZeroReservedConcurrency")
		want(t, "count", r.RequestContext.Invocations, 0)
	})
}

func TestDestinations(t *testing.T) {
	// Rule H1: a record of what became of the event.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		done, failed, dead := cloud.Queue("done", nil), cloud.Queue("failed", nil), cloud.Queue("dead", nil)
		var id string
		o := &memcloud.FunctionOptions{
			OnSuccess: done, OnFailure: failed, DeadLetter: dead,
			Context: func(ctx context.Context, inv memcloud.Invocation) context.Context { id = inv.RequestID; return ctx },
		}
		f := cloud.Function("f", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			switch string(payload) {
			case `"error"`:
				return nil, errors.New("no luck")
			case `"panic"`:
				panic("boom")
			}
			return payload, nil
		}), o)
		f.Send([]byte(`{"a": 1}`))
		cloud.Settle()
		r := decodeRecord(t, done.Messages()[0].Body)
		want(t, "version", r.Version, "1.0")
		want(t, "request", r.RequestContext.RequestID, id)
		want(t, "function", r.RequestContext.FunctionARN, f.ARN()+":$LATEST")
		want(t, "condition", r.RequestContext.Condition, "Success")
		want(t, "count", r.RequestContext.Invocations, 1)
		want(t, "event", string(r.RequestPayload), `{"a": 1}`)
		want(t, "answer", string(r.ResponsePayload), `{"a": 1}`)
		want(t, "response", []any{r.ResponseContext.StatusCode, r.ResponseContext.Version, r.ResponseContext.FunctionError}, []any{200, "$LATEST", (*string)(nil)})
		want(t, "no failures", len(failed.Messages())+len(dead.Messages()), 0)

		f.Send([]byte(`"error"`))
		cloud.Settle()
		// Both get it, the dead-letter queue the event alone.
		want(t, "dead", bodies(dead.Messages()), `"error"`)
		r = decodeRecord(t, failed.Messages()[0].Body)
		want(t, "condition", r.RequestContext.Condition, "RetriesExhausted")
		want(t, "count", r.RequestContext.Invocations, 3)
		want(t, "event", string(r.RequestPayload), `"error"`)
		want(t, "error", string(r.ResponsePayload), `{"errorMessage":"no luck","errorType":"errorString"}`)
		want(t, "functionError", *r.ResponseContext.FunctionError, "Unhandled")
		want(t, "request", r.RequestContext.RequestID, id)

		f.Send([]byte(`"panic"`))
		cloud.Settle()
		r = decodeRecord(t, failed.Messages()[1].Body)
		var e struct {
			ErrorMessage, ErrorType string
			StackTrace              []struct {
				Path, Label string
				Line        int
			}
		}
		if err := json.Unmarshal(r.ResponsePayload, &e); err != nil {
			t.Fatal(err)
		}
		want(t, "panic", []string{e.ErrorType, e.ErrorMessage}, []string{"string", "boom"})
		if i := slices.IndexFunc(e.StackTrace, func(f struct {
			Path, Label string
			Line        int
		}) bool {
			return strings.HasSuffix(f.Path, "memcloud/async_test.go") && strings.HasPrefix(f.Label, "TestDestinations") && f.Line > 0
		}); i < 0 {
			t.Errorf("the handler is not in the stack %v", e.StackTrace)
		}
		want(t, "done", len(done.Messages()), 1)
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// A function's event is the record; a topic's notification carries it.
		topic, q := cloud.Topic("news"), cloud.Queue("news-q", nil)
		topic.Subscribe(q, &memcloud.Subscription{Raw: true})
		var got string
		next := cloud.Function("next", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			got = string(payload)
			return nil, nil
		}), &memcloud.FunctionOptions{OnSuccess: topic})
		cloud.Function("first", constant("12"), &memcloud.FunctionOptions{OnSuccess: next}).Send([]byte("11"))
		cloud.Settle()
		r := decodeRecord(t, got)
		want(t, "function", []string{string(r.RequestPayload), string(r.ResponsePayload)}, []string{"11", "12"})
		r = decodeRecord(t, q.Messages()[0].Body)
		want(t, "topic", []string{string(r.RequestPayload), string(r.ResponsePayload)}, []string{got, "null"})
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// A dead letter by a topic keeps its attributes.
		topic, q := cloud.Topic("dead"), cloud.Queue("dead-q", nil)
		topic.Subscribe(q, &memcloud.Subscription{Raw: true})
		cloud.Function("f", failing, &memcloud.FunctionOptions{DeadLetter: topic, Retries: -1}).Send([]byte("11"))
		cloud.Settle()
		m := q.Messages()[0]
		want(t, "event", m.Body, "11")
		want(t, "attributes", []string{m.Attributes["ErrorCode"].Value, m.Attributes["ErrorMessage"].Value}, []string{"200", "no luck"})
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// A bus gets the record as the detail of an event.
		bus, q := cloud.EventBus("results"), cloud.Queue("q", nil)
		bus.Target(q, nil)
		f := cloud.Function("f", failing, &memcloud.FunctionOptions{OnFailure: bus, Retries: -1})
		g := cloud.Function("g", constant("{}"), &memcloud.FunctionOptions{OnSuccess: bus})
		f.Send([]byte("11"))
		cloud.Settle()
		g.Send([]byte("12"))
		cloud.Settle()
		for i, result := range []string{"Failure", "Success"} {
			var e events.EventBridgeEvent
			if err := json.Unmarshal([]byte(q.Messages()[i].Body), &e); err != nil {
				t.Fatal(err)
			}
			want(t, "event", []string{e.Source, e.DetailType}, []string{"lambda", "Lambda Function Invocation Result - " + result})
			want(t, "resources", e.Resources, []string{bus.ARN(), []string{f.ARN(), g.ARN()}[i] + ":$LATEST"})
			r := decodeRecord(t, string(e.Detail))
			want(t, "request", string(r.RequestPayload), []string{"11", "12"}[i])
		}
		f.Send([]byte(`"` + strings.Repeat("x", 256<<10) + `"`))
		cloud.Settle()
		want(t, "too large for a bus", len(moments(cloud, "f", "LOST")), 1)
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// A synchronous invocation has no destinations.
		done := cloud.Queue("done", nil)
		if _, err := cloud.Function("f", constant("1"), &memcloud.FunctionOptions{OnSuccess: done}).Invoke(t.Context(), nil); err != nil {
			t.Error(err)
		}
		want(t, "done", len(done.Messages()), 0)
	})
}

func TestWrongDestinations(t *testing.T) {
	// Rule H2: standard queues and topics.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		fifo, f, none := cloud.Queue("q.fifo", nil), cloud.Function("f", constant("{}")), (*memcloud.Queue)(nil)
		tests := []struct {
			reason, part string
			o            memcloud.FunctionOptions
		}{
			{"dead letters to a FIFO queue", "DeadLetter: must be a standard queue", memcloud.FunctionOptions{DeadLetter: fifo}},
			{"successes to a FIFO queue", "OnSuccess: must be a standard queue", memcloud.FunctionOptions{OnSuccess: fifo}},
			{"failures to a FIFO queue", "OnFailure: must be a standard queue", memcloud.FunctionOptions{OnFailure: fifo}},
			{"dead letters to a function", "DeadLetter: must be a queue or a topic", memcloud.FunctionOptions{DeadLetter: f}},
			{"dead letters to a bus", "DeadLetter: must be a queue or a topic", memcloud.FunctionOptions{DeadLetter: cloud.EventBus("bus")}},
			{"a bucket", "OnFailure: must be a queue, a topic, a function or an event bus, not a *memcloud.Bucket", memcloud.FunctionOptions{OnFailure: cloud.Bucket("b", nil)}},
			{"a nil bus", "OnFailure: is a nil *memcloud.EventBus", memcloud.FunctionOptions{OnFailure: (*memcloud.EventBus)(nil)}},
			{"a nil queue", "OnFailure: is a nil *memcloud.Queue", memcloud.FunctionOptions{OnFailure: none}},
			{"a nil topic", "OnSuccess: is a nil *memcloud.Topic", memcloud.FunctionOptions{OnSuccess: (*memcloud.Topic)(nil)}},
			{"a nil function", "OnSuccess: is a nil *memcloud.Function", memcloud.FunctionOptions{OnSuccess: (*memcloud.Function)(nil)}},
		}
		for i, test := range tests {
			err := panicOf(func() { cloud.Function(fmt.Sprint("g", i), constant("{}"), &test.o) })
			wantError(t, err, "InvalidParameterValueException", test.part)
		}
	})
}

func TestLargeDeadLetters(t *testing.T) {
	// Rule H1: what is too large for a topic loses its payloads as a record,
	// and is lost as a dead letter.
	big := []byte(`"` + strings.Repeat("x", 256<<10) + `"`)
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		topic, q := cloud.Topic("dead"), cloud.Queue("dead-q", nil)
		topic.Subscribe(q, &memcloud.Subscription{Raw: true})
		f := cloud.Function("f", failing, &memcloud.FunctionOptions{DeadLetter: topic, OnFailure: topic, Retries: -1})
		f.Send(big)
		cloud.Settle()
		if len(q.Messages()) != 1 {
			t.Fatalf("messages: %s", bodies(q.Messages()))
		}
		r := decodeRecord(t, q.Messages()[0].Body)
		want(t, "condition", r.RequestContext.Condition, "RetriesExhausted")
		want(t, "payloads", r.RequestPayload == nil && r.ResponsePayload == nil, true)
		want(t, "LOST", len(moments(cloud, "f", "LOST")), 1)
		if !strings.Contains(cloud.Timeline(), "could not be written to dead (after 1 tries): memcloud: dead: InvalidParameter: Invalid parameter: Message too") {
			t.Errorf("timeline:\n%s", cloud.Timeline())
		}
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// A record of an event of 1 MB is larger than that.
		q, g := cloud.Queue("q", nil), cloud.Function("g", constant("{}"))
		f := cloud.Function("f", failing, &memcloud.FunctionOptions{OnFailure: q, DeadLetter: q, Retries: -1})
		h := cloud.Function("h", constant("{}"), &memcloud.FunctionOptions{OnSuccess: g})
		event := []byte(`"` + strings.Repeat("x", 1<<20-200) + `"`)
		f.Send(event)
		h.Send(event)
		cloud.Settle()
		want(t, "lost records", []int{len(moments(cloud, "f", "LOST")), len(moments(cloud, "h", "LOST"))}, []int{1, 1})
		want(t, "the dead letter is not", len(q.Messages()), 1)
		want(t, "g", len(moments(cloud, "g", "invoke")), 0)
	})
}

func TestDeadLetterMessage(t *testing.T) {
	// Rule H1: the first KB, no character in two, no empty attribute.
	tests := []struct {
		reason, message string
		want            int // bytes
	}{
		{"short", "no luck", 7},
		{"none", "", 0},
		{"ASCII", strings.Repeat("x", 3000), 1024},
		{"two bytes each", strings.Repeat("é", 3000), 1024},
		{"three bytes each", strings.Repeat("€", 3000), 1023},
		{"four bytes each, one off", "x" + strings.Repeat("😀", 3000), 1021},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				dead := cloud.Queue("dead", nil)
				f := cloud.Function("f", handler(func(context.Context, []byte) ([]byte, error) { return nil, errors.New(test.message) }),
					&memcloud.FunctionOptions{DeadLetter: dead, Retries: -1})
				f.Send(nil)
				cloud.Settle()
				a, ok := dead.Messages()[0].Attributes["ErrorMessage"]
				want(t, "there", ok, test.want > 0)
				want(t, "bytes", len(a.Value), test.want)
				want(t, "is text", utf8.ValidString(a.Value) && strings.HasPrefix(test.message, a.Value), true)
			})
		})
	}
}

func TestAsynchronousFaults(t *testing.T) {
	tests := []struct {
		reason  string
		faults  string
		tries   []time.Duration
		letters int
		lost    int
	}{
		{"nothing happens", "", []time.Duration{0, time.Minute, 3 * time.Minute}, 2, 0},
		{"a duplicate has a life of its own", "duplicate@f#1", []time.Duration{0, 0, time.Minute, time.Minute, 3 * time.Minute, 3 * time.Minute}, 4, 0},
		{"throttled once, and no retry used up", "throttle@f#1", []time.Duration{time.Second, 61 * time.Second, 181 * time.Second}, 2, 0},
		{"throttled at the first retry", "throttle@f#2", []time.Duration{0, 61 * time.Second, 181 * time.Second}, 2, 0},
		{"the back-off begins anew after each try", "throttle@f#1 throttle@f#2 throttle@f#4", []time.Duration{3 * time.Second, 64 * time.Second, 184 * time.Second}, 2, 0},
		{"the dead letter cannot be written", "dead-letter-fails@f#1", []time.Duration{0, time.Minute, 3 * time.Minute}, 1, 1},
		{"the record cannot be written", "dead-letter-fails@f#2", []time.Duration{0, time.Minute, 3 * time.Minute}, 1, 1},
		{"another function's fault", "duplicate@g#1", []time.Duration{0, time.Minute, 3 * time.Minute}, 2, 0},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: strings.Fields(test.faults)}})
				dead := cloud.Queue("dead", nil)
				var mu sync.Mutex // the two of a duplicate run at once
				ids := map[string]bool{}
				f := cloud.Function("f", failing, &memcloud.FunctionOptions{DeadLetter: dead, OnFailure: dead, Context: func(ctx context.Context, inv memcloud.Invocation) context.Context {
					mu.Lock()
					defer mu.Unlock()
					ids[inv.RequestID] = true
					return ctx
				}})
				f.Send(nil)
				cloud.Settle()
				want(t, "tries", moments(cloud, "f", "invoke"), test.tries)
				want(t, "letters", len(dead.Messages()), test.letters)
				want(t, "LOST", len(moments(cloud, "f", "LOST")), test.lost)
				want(t, "request ids", len(ids), 1)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: []string{"delay@f#1"}}})
		cloud.Function("f", constant("{}")).Send(nil)
		cloud.Settle()
		at := moments(cloud, "f", "invoke")
		if len(at) != 1 || at[0] < time.Second || at[0] > 5*time.Minute {
			t.Errorf("invoked at %v", at)
		}
	})
}

func TestUnreadAnswer(t *testing.T) {
	// Rule B7.6, G13: a partial answer to a bucket's event is read by nobody.
	tests := []struct{ answer, note string }{
		{`{"batchItemFailures":[{"itemIdentifier":"x"}]}`, "ok: its 1 batchItemFailures are not read"},
		{`{"batchItemFailures":[{},2,null]}`, "ok: its 3 batchItemFailures are not read"},
		{`{"batchItemFailures":[]}`, "ok"},
		{`{"batchItemFailures":null}`, "ok"},
		{`"batchItemFailures"`, "ok"},
		{`{"batchItemFailures":`, "ok"},
		{``, "ok"},
	}
	for _, test := range tests {
		t.Run(test.answer, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				b := cloud.Bucket("uploads", nil)
				cloud.Function("thumb", constant(test.answer), memcloud.Trigger(b))
				b.Put("a.jpg", nil)
				cloud.Settle()
				want(t, "tries", len(moments(cloud, "thumb", "invoke")), 1)
				steps := cloud.Steps()
				want(t, "timeline", steps[len(steps)-1].Text, test.note)
			})
		})
	}
}
