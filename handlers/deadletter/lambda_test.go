package deadletter_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob/memblob"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// captureLog returns what the default logger writes during the test.
func captureLog(t *testing.T) *logged {
	t.Helper()
	b := new(logged)
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return b
}

// logged is a buffer that functions write to while a test reads it.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// TestRedrive: a message dies, lies in its queue's own dead-letter queue as it
// was, is moved back by the console, and is known by its first identity.
func TestRedrive(t *testing.T) {
	// Rule C3.5, Rule H3
	captureLog(t)
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		dlq := cloud.Queue("orders-dlq", nil)
		orders := cloud.Queue("orders", &memcloud.QueueOptions{DeadLetters: dlq, MaxReceives: 3})
		type seen struct{ Source, ID, Data, Note, Attributes string }
		var runs []seen
		refuse := true
		r := &eventfx.Router{DeadLetter: deadletter.Topic(portable.Topic(dlq), nil)}
		eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
			attributes, _ := e.Extensions()["sqsattributes"].(string)
			runs = append(runs, seen{e.Source(), e.ID(), e.Data, e.Origin.Attributes["note"], attributes})
			if refuse {
				return eventfx.Permanent(errors.New("card refused"))
			}
			return nil
		})
		cloud.Function("ship", lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true}), memcloud.Trigger(orders, &memcloud.Mapping{ReportBatchItemFailures: true}))

		const body = " plain, with  blanks\n"
		sent := memcloud.Message{Body: body, Attributes: map[string]memcloud.Attribute{
			"note": {Type: "String.x", Value: "a b/ü"}, "n": {Type: "Number", Value: "7"}, "b": {Type: "Binary", Binary: []byte{0, 255}},
		}}
		for round := range 3 {
			refuse = round < 2
			if round == 0 {
				orders.SendBatch(sent)
			} else {
				// It was sent there, so the console needs to be told whereto.
				must(t, dlq.StartMessageMoveTask(t.Context(), &memcloud.MoveTask{Destination: orders}))
			}
			cloud.Settle()
			dead := dlq.Messages()
			if !refuse {
				want(t, "letters", len(dead), 0)
				break
			}
			if len(dead) != 1 || dead[0].Body != body || dead[0].Attributes["n"].Value != "7" || len(dead[0].Attributes) != 4 {
				t.Fatalf("the dead-letter queue has %+v", dead)
			}
			want(t, "left in the queue", len(orders.Messages()), 0)
			time.Sleep(time.Hour)
		}
		want(t, "runs", len(runs), 3)
		for _, run := range runs[1:] {
			want(t, "a redriven message", run, runs[0])
		}
		if !strings.Contains(runs[0].Attributes, `"n":{"dataType":"Number","stringValue":"7"}`) {
			t.Errorf("attributes %s", runs[0].Attributes)
		}
	})
}

// TestWriteFails: a letter that cannot be written is a message that goes back,
// with one line in the log.
func TestWriteFails(t *testing.T) {
	// Rule H5: never both.
	log := captureLog(t)
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		dlq := cloud.Queue("letters", nil)
		topic := portable.Topic(dlq)
		must(t, topic.Shutdown(t.Context()))
		bucket := memblob.OpenBucket(nil)
		must(t, bucket.Close())
		for i, keep := range []eventfx.DeadLetter{deadletter.Topic(topic, nil), deadletter.Bucket(bucket, nil)} {
			log.Reset()
			orders := cloud.Queue("orders"+string(rune('0'+i)), nil)
			var runs atomic.Int32
			r := &eventfx.Router{DeadLetter: keep}
			eventfx.On(r, queue.Text{}, func(context.Context, eventfx.Event[string]) error {
				runs.Add(1)
				return eventfx.Permanent(errors.New("card refused"))
			})
			cloud.Function("ship"+string(rune('0'+i)), lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true}),
				memcloud.Trigger(orders, &memcloud.Mapping{ReportBatchItemFailures: true}))
			orders.Send("hello")
			time.Sleep(time.Second)
			if n := len(orders.Messages()); n != 1 || runs.Load() != 1 {
				t.Errorf("%d messages, %d runs", n, runs.Load())
			}
			var lines []string // beside the host's, which says how it answers
			for line := range strings.Lines(log.String()) {
				if !strings.Contains(line, "level=INFO") {
					lines = append(lines, line)
				}
			}
			if len(lines) != 1 || !strings.Contains(lines[0], "level=ERROR") || !strings.Contains(lines[0], "card refused; and the dead letter failed: deadletter: ") ||
				!strings.Contains(lines[0], "back to the source") {
				t.Errorf("log: %s", log)
			}
			time.Sleep(31 * time.Second)
			want(t, "runs after the visibility timeout", runs.Load(), int32(2))
		}
	})
}

// TestUndecodable: a record that cannot be read is kept as its bytes.
func TestUndecodable(t *testing.T) {
	// Rule H4
	captureLog(t)
	synctest.Test(t, func(t *testing.T) {
		p := inBucket(memcloud.New(t), "letters", nil)
		r := &eventfx.Router{DeadLetter: p.keep}
		const record = `{"eventSource":"aws:sqs","messageId":"m-1","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:orders","attributes":7}`
		answer, err := lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true}).Invoke(t.Context(), []byte(`{"Records":[`+record+`]}`))
		if err != nil || !strings.Contains(string(answer), "[]") {
			t.Fatalf("%s %v", answer, err)
		}
		l := drain(t, p.read())[0]
		if l.Event.Type() != "dev.eventfx.deadletter.raw" || string(l.Event.DataEncoded) != record || l.Event.Subject() != "m-1" || l.Story.Reason != "decode" || l.Story.Error == "" {
			t.Errorf("%s %+v", l.Event, l.Story)
		}
	})
}
