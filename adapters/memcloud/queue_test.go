package memcloud_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestLongPoll(t *testing.T) {
	// Rule C2.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		start := time.Now()
		messages, err := q.ReceiveMessage(t.Context(), 1, 20*time.Second)
		if err != nil || len(messages) != 0 {
			t.Errorf("got %v, %v", messages, err)
		}
		want(t, "the wait", time.Since(start).Truncate(time.Millisecond), 20*time.Second)

		start = time.Now()
		go func() {
			time.Sleep(5 * time.Second)
			q.Send("a")
			q.Send("b")
		}()
		messages, err = q.ReceiveMessage(t.Context(), 10, 20*time.Second)
		if got := bodies(messages); got != "a b" || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
		want(t, "the wait", time.Since(start).Truncate(time.Millisecond), 5*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.ReceiveMessage(ctx, 1, 20*time.Second); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
	})
}

func TestCancelledReceiveLosesNothing(t *testing.T) {
	// Rule C2.5: a message that comes at the instant of the cancel is either
	// handed out or still there.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		for i := range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			go func() {
				time.Sleep(time.Second + time.Duration(i-10))
				q.Send("a")
			}()
			messages, _ := q.ReceiveMessage(ctx, 1, 20*time.Second)
			cancel()
			cloud.Advance(time.Microsecond)
			for _, m := range append(messages, q.Receive(1)...) {
				if err := q.DeleteMessage(t.Context(), m.Receipt); err != nil {
					t.Error(err)
				}
			}
			want(t, "what is left", len(q.Messages()), 0)
		}
		want(t, "deleted", len(moments(cloud, "orders", "delete")), 20)
	})
}

func TestDelay(t *testing.T) {
	// Rule C2.6
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{Delay: 10 * time.Second})
		q.SendBatch(memcloud.Message{Body: "queue's"}, memcloud.Message{Body: "own", Delay: 20 * time.Second})
		cloud.Advance(9 * time.Second)
		want(t, "after 9 s", bodies(q.Receive(10)), "")
		cloud.Advance(time.Second)
		want(t, "after 10 s", bodies(q.Receive(10)), "queue's")
		cloud.Advance(10 * time.Second)
		want(t, "after 20 s", bodies(q.Receive(10)), "own")
		q.SendBatch(memcloud.Message{Body: "shorter", Delay: time.Second}, memcloud.Message{Body: "none", Delay: -1})
		want(t, "at once", bodies(q.Receive(10)), "none")
		cloud.Advance(time.Second)
		want(t, "after 1 s", bodies(q.Receive(10)), "shorter")
		fifo := cloud.Queue("orders.fifo", nil)
		_, err := fifo.SendMessage(t.Context(), memcloud.Message{Body: "a", Group: "g", DeduplicationID: "d", Delay: time.Second})
		wantError(t, err, "InvalidParameterValue", "not valid for this queue type")
	})
}

func TestChangedDelay(t *testing.T) {
	// Rule C2.6: a change goes for what is delayed already in a FIFO queue
	// alone.
	for _, test := range []struct{ name, after5, after30 string }{
		{"orders", "", "a b"},
		{"orders.fifo", "a b", ""},
	} {
		bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
			q := cloud.Queue(test.name, &memcloud.QueueOptions{Delay: 30 * time.Second})
			for i, body := range []string{"a", "b"} {
				m := memcloud.Message{Body: body}
				if strings.HasSuffix(test.name, ".fifo") {
					m.Group, m.DeduplicationID = "g", string(rune('a'+i))
				}
				q.SendBatch(m)
			}
			cloud.Advance(2 * time.Second)
			q.SetDelay(5 * time.Second)
			cloud.Advance(2 * time.Second)
			want(t, test.name+": after 4 s", bodies(q.Receive(10)), "")
			cloud.Advance(time.Second)
			want(t, test.name+": after 5 s", bodies(q.Receive(10)), test.after5)
			cloud.Advance(25 * time.Second)
			want(t, test.name+": after 30 s", bodies(q.Receive(10)), test.after30)
		})
	}
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := fifo(cloud, memcloud.QueueOptions{})
		send(q, "g1a")
		want(t, "in flight", bodies(q.Receive(1)), "g1a")
		q.SetDelay(time.Second) // is for what was never received
		cloud.Advance(29 * time.Second)
		want(t, "after 29 s", bodies(q.Receive(1)), "")
		cloud.Advance(time.Second)
		want(t, "after its visibility timeout", bodies(q.Receive(1)), "g1a")
	})
	r := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(r)
		cloud.Queue("orders", nil).SetDelay(time.Hour)
		r.finish()
	})
	want(t, "an hour", len(r.errors), 1)
}

func TestReceiveLimits(t *testing.T) {
	// Rule C2.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		for range 12 {
			q.Send("a")
		}
		for _, limit := range []int{0, 11} {
			_, err := q.ReceiveMessage(t.Context(), limit, 0)
			wantError(t, err, "InvalidParameterValue", "Must be between 1 and 10, if provided.")
		}
		for _, wait := range []time.Duration{-time.Second, 21 * time.Second} {
			_, err := q.ReceiveMessage(t.Context(), 1, wait)
			wantError(t, err, "InvalidParameterValue", "Must be >= 0 and <= 20, if provided.")
		}
		want(t, "one", len(q.Receive(1)), 1)
		want(t, "ten", len(q.Receive(10)), 10)
		want(t, "what is left", len(q.Receive(10)), 1)
	})
}

func TestInFlightLimit(t *testing.T) {
	// Rule C2.9: 120,000 messages, then an error for those who do not wait.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: time.Hour})
		messages := make([]memcloud.Message, 120_002)
		for i := range messages {
			messages[i].Body = "a"
		}
		q.SendBatch(messages...)
		var last memcloud.Message
		for range 12_000 {
			got := q.Receive(10)
			if len(got) != 10 {
				t.Fatalf("received %d", len(got))
			}
			last = got[9]
		}
		_, err := q.ReceiveMessage(t.Context(), 10, 0)
		wantError(t, err, "OverLimit", "Too many messages have been received without being deleted")
		got, err := q.ReceiveMessage(t.Context(), 10, time.Second)
		if len(got) > 0 || err != nil {
			t.Errorf("one that waits: got %d, %v", len(got), err)
		}
		if err := q.DeleteMessage(t.Context(), last.Receipt); err != nil {
			t.Fatal(err)
		}
		want(t, "after a delete there is room for one", len(q.Receive(10)), 1)
	})
}

func TestInFlightLimitWaiting(t *testing.T) {
	// Rule C2.9: who waits gets what there is room for; delayed messages are
	// not in flight; a FIFO queue gives nothing, and no error.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		q.SetMaxInFlight(2)
		q.SendBatch(memcloud.Message{Body: "late", Delay: time.Minute})
		for _, body := range []string{"a", "b", "c"} {
			q.Send(body)
		}
		got := q.Receive(10)
		want(t, "first", bodies(got), "a b")
		go func() {
			time.Sleep(time.Second)
			if err := q.DeleteMessage(t.Context(), got[1].Receipt); err != nil {
				t.Error(err)
			}
		}()
		waited, err := q.ReceiveMessage(t.Context(), 10, 5*time.Second)
		if got := bodies(waited); got != "c" || err != nil {
			t.Errorf("who waited got %s, %v", got, err)
		}
		want(t, "at", cloud.Now().Truncate(time.Millisecond), time.Second)

		fifo := fifo(cloud, memcloud.QueueOptions{})
		fifo.SetMaxInFlight(2)
		send(fifo, "g1a", "g1b", "g2a")
		want(t, "FIFO", bodies(fifo.Receive(10)), "g1a g1b")
		want(t, "FIFO: no error", len(fifo.Receive(10)), 0)
		cloud.Advance(31 * time.Second)
		want(t, "FIFO: in flight no longer", bodies(fifo.Receive(10)), "g1a g1b")

		read := cloud.Queue("read", nil)
		read.SetMaxInFlight(2)
		h := &answers{}
		cloud.Function("ship", h, memcloud.Trigger(read, &memcloud.Mapping{ReportBatchItemFailures: true}))
		for range 5 {
			read.Send("a")
		}
		cloud.Settle()
		want(t, "a mapping", h.batches(), []string{"a/1", "a/1 a/1", "a/1 a/1"})
	})
}

func TestBack(t *testing.T) {
	// Rule C2.14: what comes back waits behind what is there.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		q.Send("a")
		for range 3 {
			q.Receive(1)
			cloud.Advance(29 * time.Second)
			q.Send("other")
			cloud.Advance(time.Second)
			want(t, "the other first", bodies(q.Receive(1)), "other")
			cloud.Advance(time.Millisecond)
			for _, m := range q.Messages() {
				if m.Body == "other" {
					q.Forget(m.ID)
				}
			}
		}
		want(t, "still there", q.Receive(1)[0].Receives, 4)
	})
}

func TestMessageLimits(t *testing.T) {
	// Rules C2.7, C1.3 and C1.4
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		many := map[string]memcloud.Attribute{}
		for i := range 11 {
			many[strings.Repeat("x", i+1)] = memcloud.Attribute{Type: "String", Value: "v"}
		}
		one := map[string]memcloud.Attribute{"n": {Type: "String", Value: "v"}}
		full := strings.Repeat("x", 1<<20)
		with := func(name, kind, value string) memcloud.Message {
			return memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{name: {Type: kind, Value: value}}}
		}
		tests := []struct {
			reason string
			m      memcloud.Message
			code   string
		}{
			{"exactly 1 MiB", memcloud.Message{Body: full}, ""},
			{"a byte more", memcloud.Message{Body: full + "x"}, "InvalidParameterValue"},
			{"attributes count", memcloud.Message{Body: full, Attributes: one}, "InvalidParameterValue"},
			{"with name, type and value 1 MiB", memcloud.Message{Body: full[:1<<20-8], Attributes: one}, ""},
			{"a byte more with name, type and value", memcloud.Message{Body: full[:1<<20-7], Attributes: one}, "InvalidParameterValue"},
			{"no body", memcloud.Message{}, "MissingParameter"},
			{"a character that XML cannot carry", memcloud.Message{Body: "a\x00"}, "InvalidMessageContents"},
			{"a noncharacter", memcloud.Message{Body: "a\uffff"}, "InvalidMessageContents"},
			{"a tab, a line and a character beyond 16 bits", memcloud.Message{Body: "\t\r\n😀"}, ""},
			{"not UTF-8", memcloud.Message{Body: "a\xff"}, "InvalidMessageContents"},
			{"ten attributes at most", memcloud.Message{Body: "a", Attributes: many}, "InvalidParameterValue"},
			{"a type of one's own", with("A_b-c.9", "Number.int", "1.5e3"), ""},
			{"a type that is none", with("n", "Text", "x"), "InvalidParameterValue"},
			{"a name with a blank", with("a b", "String", "x"), "InvalidParameterValue"},
			{"no value", with("n", "String", ""), "InvalidParameterValue"},
			{"text where bytes belong", with("n", "Binary", "x"), "InvalidParameterValue"},
			{"a number that is none", with("n", "Number", "x"), "InvalidParameterValue"},
			{"a number of 39 digits", with("n", "Number", strings.Repeat("1", 39)), "InvalidParameterValue"},
		}
		small := cloud.Queue("small", &memcloud.QueueOptions{MaximumMessageSize: 1024})
		if _, err := small.SendMessage(t.Context(), memcloud.Message{Body: full[:1024]}); err != nil {
			t.Error(err)
		}
		_, err := small.SendMessage(t.Context(), memcloud.Message{Body: full[:1025]})
		wantError(t, err, "InvalidParameterValue", "Message must be shorter than 1024 bytes.")
		for _, test := range tests {
			_, err := q.SendMessage(t.Context(), test.m)
			if test.code == "" && err != nil {
				t.Errorf("%s: %v", test.reason, err)
			} else if test.code != "" {
				wantError(t, err, test.code, "")
			}
		}
	})
}

// What S3 or SNS send is bound as well: a message that the queue does not take
// is lost, and the timeline says so.
func TestMessageLimitsOfServices(t *testing.T) {
	// Rule C2.7
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		topic, b := cloud.Topic("news"), cloud.Bucket("uploads", nil)
		small, raw, large := cloud.Queue("small", &memcloud.QueueOptions{MaximumMessageSize: 1024}), cloud.Queue("raw", nil), cloud.Queue("large", nil)
		topic.Subscribe(small, nil)
		topic.Subscribe(raw, &memcloud.Subscription{Raw: true})
		topic.Subscribe(large, nil)
		b.Notify(small, nil)
		topic.Send(strings.Repeat("x", 1024) + "\x00")
		b.Put(strings.Repeat("k", 1024), nil)
		cloud.Settle()
		want(t, "messages, of which one is the test event", []int{len(small.Messages()), len(raw.Messages()), len(large.Messages())}, []int{1, 0, 1})
		var lost []string
		for _, s := range cloud.Steps() {
			if s.Action == "LOST" {
				lost = append(lost, strings.Join([]string{s.Resource, s.ID, s.Text}, " "))
			}
		}
		want(t, "lost", lost, []string{
			"news small the queue refuses it: One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
			"news raw the queue refuses it: Message contains characters outside the allowed set: XML 1.0 characters in UTF-8.",
			"uploads small the queue refuses it: One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
		})
	})
}

func TestMessageBatch(t *testing.T) {
	// Rule C2.7
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		ctx := t.Context()
		q := cloud.Queue("orders", nil)
		body := func(n int) memcloud.Message { return memcloud.Message{Body: strings.Repeat("x", n)} }
		_, err := q.SendMessageBatch(ctx, nil)
		wantError(t, err, "EmptyBatchRequest", "at least one")
		_, err = q.SendMessageBatch(ctx, make([]memcloud.Message, 11))
		wantError(t, err, "TooManyEntriesInBatchRequest", "You have sent 11.")
		_, err = q.SendMessageBatch(ctx, []memcloud.Message{body(1 << 19), body(1<<19 + 1)})
		wantError(t, err, "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.")
		want(t, "nothing was sent", len(q.Messages()), 0)

		results, err := q.SendMessageBatch(ctx, []memcloud.Message{body(1 << 19), {Body: "a\x00"}, body(1<<19 - 2)})
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, results[1].Err, "InvalidMessageContents", "")
		sent := q.Messages()
		want(t, "the others were sent", []string{results[0].ID, results[1].ID, results[2].ID}, []string{sent[0].ID, "", sent[1].ID})
	})
}

func TestRetention(t *testing.T) {
	// Rule C2.8, C3.3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		dead := cloud.Queue("dead", &memcloud.QueueOptions{Retention: 4 * 24 * time.Hour})
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1, DeadLetters: dead})
		q.Send("moved")
		cloud.Advance(24 * time.Hour)
		q.Receive(1)
		cloud.Advance(time.Minute)
		q.Receive(1) // moves it
		q.Send("stays")
		cloud.Advance(3*24*time.Hour - 2*time.Minute)
		want(t, "just before", len(dead.Messages()), 1)
		cloud.Advance(time.Minute)
		want(t, "four days after the send, not the move", len(dead.Messages()), 0)
		want(t, "the queue of 4 days", len(q.Messages()), 1)
		cloud.Advance(24*time.Hour + time.Minute)
		want(t, "the queue of 4 days", len(q.Messages()), 0)
	})
}

func TestRedrive(t *testing.T) {
	// Rule C3.1, C3.2
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1})
		q.SendBatch(memcloud.Message{Body: "a", TraceHeader: "Root=1", Attributes: map[string]memcloud.Attribute{"k": {Type: "String", Value: "v"}}})
		first := q.Receive(1)[0]
		cloud.Advance(time.Hour)
		want(t, "before the next receive", len(q.DeadLetters()), 0) // lazily
		want(t, "the second receive", len(q.Receive(1)), 0)
		want(t, "after it", len(q.DeadLetters()), 1)
		dead := q.DeadLetterQueue().Receive(1)[0]
		want(t, "count goes on", dead.Receives, 2)
		want(t, "what is kept", []string{dead.ID, dead.Body, dead.TraceHeader, dead.Attributes["k"].Value}, []string{first.ID, "a", "Root=1", "v"})
		want(t, "source", dead.Source, q.ARN())
		want(t, "sent", dead.Sent, first.Sent)
	})
}

func TestRedriveGoesOnInPlace(t *testing.T) {
	// Rule C3.1: the receive that moves a message returns the next one.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1})
		q.Send("a")
		q.Receive(1)
		cloud.Advance(time.Minute)
		q.Send("b")
		want(t, "received", bodies(q.Receive(1)), "b")
		want(t, "moved", bodies(q.DeadLetters()), "a")
	})
}

func TestQueueOptions(t *testing.T) {
	// Rule C3.6, C2.1, C2.6, C2.7, C2.8, C2.10
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		standard := cloud.Queue("standard", nil)
		tests := []struct {
			reason, name, part string
			o                  memcloud.QueueOptions
		}{
			{"over 12 h", "a", "VisibilityTimeout", memcloud.QueueOptions{Visibility: 13 * time.Hour}},
			{"over 15 min", "a", "DelaySeconds", memcloud.QueueOptions{Delay: time.Hour}},
			{"under 60 s", "a", "MessageRetentionPeriod", memcloud.QueueOptions{Retention: time.Second}},
			{"under 1 KiB", "a", "MaximumMessageSize", memcloud.QueueOptions{MaximumMessageSize: 1023}},
			{"over 1 MiB", "a", "MaximumMessageSize", memcloud.QueueOptions{MaximumMessageSize: 1<<20 + 1}},
			{"no such scope", "a.fifo", "DeduplicationScope", memcloud.QueueOptions{DeduplicationScope: "group"}},
			{"a standard queue has no scope", "a", "DeduplicationScope", memcloud.QueueOptions{DeduplicationScope: "queue"}},
			{"over 1000", "a", "maxReceiveCount", memcloud.QueueOptions{MaxReceives: 1001}},
			{"FIFO needs FIFO", "a.fifo", "must be FIFO", memcloud.QueueOptions{DeadLetters: standard}},
			{"a standard queue has none", "a", "ContentBasedDeduplication", memcloud.QueueOptions{ContentBasedDeduplication: true}},
			{"the name is taken", "standard", "two queues", memcloud.QueueOptions{}},
		}
		for _, test := range tests {
			err := panicOf(func() { cloud.Queue(test.name, &test.o) })
			if err == nil || !strings.Contains(err.Error(), test.part) {
				t.Errorf("%s: got %v", test.reason, err)
			}
		}
	})
}
