package memcloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// payloads is a handler that keeps what it got.
type payloads []string

func (p *payloads) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	*p = append(*p, string(payload))
	return nil, nil
}

// unlucky is a bubble with the faults of these names, and no others.
func unlucky(t *testing.T, faults []string, f func(t *testing.T, cloud *memcloud.Cloud)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: append([]string{}, faults...)}})
		f(t, cloud)
		if got := cloud.Faults(); len(got) != len(faults) {
			t.Errorf("%d of %d faults happened: %q", len(got), len(faults), got)
		}
	})
}

func envelope(t *testing.T, payload string) events.EventBridgeEvent {
	t.Helper()
	var e events.EventBridgeEvent
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return e
}

func TestEventBusTargets(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		bus, other := cloud.EventBus("shop"), cloud.EventBus("audit")
		queue, viaTopic, last := cloud.Queue("queue", nil), cloud.Queue("via-topic", nil), cloud.Queue("last", nil)
		fifo := cloud.Queue("q.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true})
		topic := cloud.Topic("news")
		topic.Subscribe(viaTopic, &memcloud.Subscription{Raw: true})
		var got payloads
		cloud.Function("ship", &got, memcloud.Trigger(bus, &memcloud.Rule{Name: "orders", Pattern: `{"source":["shop"]}`}))
		bus.Target(queue, &memcloud.Rule{Name: "orders", Pattern: `{"source":["shop"]}`})
		bus.Target(topic, nil)
		bus.Target(fifo, &memcloud.Rule{Group: "g"})
		bus.Target(cloud.Queue("nothing", nil), &memcloud.Rule{Pattern: `{"detail":{"total":[{"numeric":[">",100]}]}}`})
		bus.Forward(other, nil)
		other.Target(last, nil)

		at := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
		results, err := bus.PutEvents(t.Context(), memcloud.BusEvent{
			Source: "shop", DetailType: "Order Placed", Detail: `{"id":"1","total":7}`, Resources: []string{"arn:x"}, Time: at,
		})
		if err != nil {
			t.Fatal(err)
		}
		cloud.Settle()
		want(t, "invocations", len(got), 1)
		e := envelope(t, got[0])
		want(t, "event", e, events.EventBridgeEvent{
			Version: "0", ID: results[0].EventID, DetailType: "Order Placed", Source: "shop", AccountID: memcloud.Account,
			Time: at, Region: memcloud.Region, Resources: []string{"arn:x"}, Detail: json.RawMessage(`{"id":"1","total":7}`),
		})
		for _, q := range []*memcloud.Queue{queue, viaTopic, fifo, last} {
			want(t, q.Name()+" has the same bytes", bodies(q.Messages()), got[0])
		}
		want(t, "group", fifo.Messages()[0].Group, "g")
	})
}

func TestEventBusRule(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// Rule E1.2, E1.6
		bus := cloud.EventBus("default")
		if bus != cloud.EventBus("default") {
			t.Error("there are two default buses")
		}
		var got payloads
		cloud.Function("ship", &got, memcloud.Trigger(bus, &memcloud.Rule{Pattern: `{"detail":{"ok":[true]}}`, Input: `{"constant":1}`}))
		bad := cloud.Function("bad", failing, memcloud.Trigger(bus, &memcloud.Rule{Pattern: `{"detail-type":["bad"]}`, DeadLetter: cloud.Queue("dead", nil)}))
		bus.Send("shop", "good", `{"ok":true}`)
		bus.Send("shop", "neither", `{"ok":"true"}`)
		bus.Send("shop", "bad", `{"ok":false}`)
		cloud.Settle()
		want(t, "the input", strings.Join(got, " "), `{"constant":1}`)
		// An asynchronous invocation is delivered when it is accepted: its
		// failures are the function's.
		want(t, "tries", len(moments(cloud, bad.Name(), "invoke")), 3)
		want(t, "deliveries", len(moments(cloud, "default", "deliver")), 2)
		want(t, "dropped", len(moments(cloud, "default", "drop")), 1)
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// An event is forwarded once, so two buses do not play ping-pong.
		a, b, c := cloud.EventBus("a"), cloud.EventBus("b"), cloud.EventBus("c")
		a.Forward(b, nil)
		b.Forward(a, nil)
		b.Forward(c, nil)
		a.Send("shop", "x", "{}")
		cloud.Settle()
		want(t, "puts", []int{len(moments(cloud, "a", "put")), len(moments(cloud, "b", "put")), len(moments(cloud, "c", "put"))}, []int{1, 1, 0})
	})
}

func TestPutEvents(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		bus := cloud.EventBus("shop")
		q := cloud.Queue("q", nil)
		bus.Target(q, nil)
		good := memcloud.BusEvent{Source: "shop", DetailType: "x", Detail: "{}"}
		tests := []struct {
			reason        string
			e             memcloud.BusEvent
			code, message string
		}{
			{"good", good, "", ""},
			{"no source", memcloud.BusEvent{DetailType: "x", Detail: "{}"}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."},
			{"no type", memcloud.BusEvent{Source: "shop", Detail: "{}"}, "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."},
			{"no detail", memcloud.BusEvent{Source: "shop", DetailType: "x"}, "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."},
			{"a service's source", memcloud.BusEvent{Source: "aws.s3", DetailType: "x", Detail: "{}"}, "NotAuthorizedForSourceException", "Not authorized for the source."},
			{"not JSON", memcloud.BusEvent{Source: "shop", DetailType: "x", Detail: "{"}, "MalformedDetail", "Detail is malformed."},
			{"no object", memcloud.BusEvent{Source: "shop", DetailType: "x", Detail: "null"}, "MalformedDetail", "Detail is malformed."},
			{"good", good, "", ""},
		}
		var entries []memcloud.BusEvent
		for _, test := range tests {
			entries = append(entries, test.e)
		}
		results, err := bus.PutEvents(t.Context(), entries...)
		if err != nil {
			t.Fatal(err)
		}
		for i, test := range tests {
			r := results[i]
			if r.ErrorCode != test.code || r.ErrorMessage != test.message || (r.EventID != "") != (test.code == "") {
				t.Errorf("%s: %+v", test.reason, r)
			}
		}
		cloud.Settle()
		want(t, "the good ones", len(q.Messages()), 2)

		_, err = bus.PutEvents(t.Context(), make([]memcloud.BusEvent, 11)...)
		wantError(t, err, "ValidationException", "10")
		_, err = bus.PutEvents(t.Context())
		wantError(t, err, "ValidationException", "10")
		big := good
		big.Detail = `{"x":"` + strings.Repeat("x", 256<<10-len("shopx")-len(`{"x":""}`)-1) + `"}`
		if results, err = bus.PutEvents(t.Context(), big); err != nil || results[0].ErrorCode != "" {
			t.Errorf("a byte below the limit: %v, %v", results, err)
		}
		big.Resources = []string{"r"}
		_, err = bus.PutEvents(t.Context(), big)
		wantError(t, err, "ValidationException", "Total size of the entries in the request is over the limit.")
	})
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		cloud := memcloud.New(r)
		cloud.EventBus("shop").Send("shop", "x", "[]")
		r.finish()
		if len(r.errors) != 1 || !strings.Contains(r.errors[0], "Detail is malformed.") {
			t.Errorf("got %q", r.errors)
		}
	})
}

func TestRuleDelivery(t *testing.T) {
	fails := func(n int) (faults []string) {
		for i := range n {
			faults = append(faults, fmt.Sprintf("call-fails@shop/deliver/q#%d", i+1))
		}
		return faults
	}
	tests := []struct {
		reason    string
		rule      memcloud.Rule
		faults    []string
		tries     int // failed ones
		delivered int
		condition string // of the dead letter; "-": there is none
		last      time.Duration
	}{
		{"the second try succeeds", memcloud.Rule{}, fails(1), 1, 1, "-", time.Second},
		{"each waits for twice as long", memcloud.Rule{}, fails(4), 4, 1, "-", 15 * time.Second},
		{"retries are used up", memcloud.Rule{Retries: 2}, fails(3), 3, 0, "MaximumRetryAttempts", 3 * time.Second},
		{"no retries", memcloud.Rule{Retries: -1}, fails(1), 1, 0, "MaximumRetryAttempts", 0},
		{"185 by default, which fit into a day", memcloud.Rule{}, fails(186), 186, 0, "MaximumRetryAttempts", 511*time.Second + 176*8*time.Minute},
		{"too old", memcloud.Rule{MaxAge: time.Minute}, fails(6), 6, 0, "MaximumEventAgeInSeconds", 31 * time.Second},
		{"its answer is lost, so it comes again", memcloud.Rule{}, []string{"call-answer-lost@shop/deliver/q#1"}, 0, 2, "-", time.Second},
		{"twice", memcloud.Rule{}, []string{"duplicate@shop/deliver/q#1"}, 0, 2, "-", 0},
		{"the dead letter is lost", memcloud.Rule{Retries: -1}, append(fails(1), "dead-letter-fails@shop/dead#1"), 1, 0, "-", 0},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			// Rule E1.4, E1.5
			unlucky(t, test.faults, func(t *testing.T, cloud *memcloud.Cloud) {
				bus := cloud.EventBus("shop")
				q, dead := cloud.Queue("q", nil), cloud.Queue("dead", nil)
				test.rule.Name, test.rule.DeadLetter = "r", dead
				bus.Target(q, &test.rule)
				bus.Send("shop", "x", "{}")
				cloud.Settle()
				want(t, "delivered", len(q.Messages()), test.delivered)
				steps := append(moments(cloud, "q", "send"), moments(cloud, "shop", "move")...)
				if lost := moments(cloud, "shop", "LOST"); len(lost) > 0 {
					steps = lost
				}
				want(t, "the last step", steps[len(steps)-1], test.last)
				letters := dead.Messages()
				if test.condition == "-" {
					want(t, "dead letters", len(letters), 0)
					return
				}
				// The event itself, and why it is here.
				want(t, "dead letters", len(letters), 1)
				want(t, "the event", envelope(t, letters[0].Body).Source, "shop")
				a := map[string]string{}
				for name, v := range letters[0].Attributes {
					want(t, name, v.Type, "String")
					a[name] = v.Value
				}
				want(t, "attributes", a, map[string]string{
					"RULE_ARN": "arn:aws:events:eu-west-1:123456789012:rule/shop/r", "TARGET_ARN": q.ARN(), "ERROR_CODE": "THROTTLING",
					"ERROR_MESSAGE": a["ERROR_MESSAGE"], "EXHAUSTED_RETRY_CONDITION": test.condition, "RETRY_ATTEMPTS": fmt.Sprint(test.tries - 1),
				})
			})
		})
	}
}

func TestRuleDeliveryRefused(t *testing.T) {
	// Rule E1.5
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		bus, topic, dead := cloud.EventBus("shop"), cloud.Topic("news"), cloud.Queue("dead", nil)
		bus.Target(topic, &memcloud.Rule{DeadLetter: dead, Name: "big"})
		bus.Target(topic, &memcloud.Rule{Name: "lost"})
		// An event of the size that a bus takes is too large for a topic once
		// it is in its envelope: that is not worth a retry.
		bus.Send("shop", "x", `{"x":"`+strings.Repeat("x", 256<<10-100)+`"}`)
		cloud.Settle()
		letters := dead.Messages()
		want(t, "dead letters", len(letters), 1)
		a := letters[0].Attributes
		_, exhausted := a["EXHAUSTED_RETRY_CONDITION"]
		want(t, "attributes", []string{a["ERROR_CODE"].Value, a["RETRY_ATTEMPTS"].Value, a["TARGET_ARN"].Value, fmt.Sprint(exhausted)},
			[]string{"SDK_CLIENT_ERROR", "0", topic.ARN(), "false"})
		want(t, "lost for want of a dead-letter queue", len(moments(cloud, "shop", "LOST")), 1)
	})
}

func TestRuleDelay(t *testing.T) {
	unlucky(t, []string{"delay@shop/deliver/q#1"}, func(t *testing.T, cloud *memcloud.Cloud) {
		bus, q := cloud.EventBus("shop"), cloud.Queue("q", nil)
		bus.Target(q, &memcloud.Rule{Name: "r"})
		bus.Send("shop", "late", "{}")
		bus.Send("shop", "early", "{}")
		cloud.Settle()
		want(t, "order", envelope(t, q.Messages()[1].Body).DetailType, "late")
	})
}

func TestWrongRules(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		bus, q, fifo := cloud.EventBus("shop"), cloud.Queue("q", nil), cloud.Queue("q.fifo", nil)
		bus.Target(q, &memcloud.Rule{Name: "taken", Pattern: `{"source":["a"]}`})
		for range 5 {
			bus.Target(q, &memcloud.Rule{Name: "full"})
		}
		tests := []struct {
			to         memcloud.Recipient
			r          memcloud.Rule
			code, part string
		}{
			{q, memcloud.Rule{Pattern: `{"source":"shop"}`}, "InvalidEventPatternException", "Event pattern is not valid. Reason: the pattern: \"source\" must be an object or an array"},
			{q, memcloud.Rule{Pattern: `{"source":["` + strings.Repeat("x", 4096) + `"]}`}, "ValidationException", "4096"},
			{q, memcloud.Rule{Input: "{"}, "ValidationException", "JSON syntax error in input for target q"},
			{q, memcloud.Rule{Input: `"` + strings.Repeat("x", 8191) + `"`}, "ValidationException", "input"},
			{q, memcloud.Rule{Retries: 186}, "ValidationException", "185"},
			{q, memcloud.Rule{MaxAge: time.Second}, "ValidationException", "60"},
			{q, memcloud.Rule{MaxAge: 25 * time.Hour}, "ValidationException", "86400"},
			{q, memcloud.Rule{DeadLetter: fifo}, "ValidationException", "only standard queues"}, // Rule E1.5
			{q, memcloud.Rule{Group: "g"}, "ValidationException", "SqsParameters"},
			{fifo, memcloud.Rule{}, "ValidationException", "SqsParameters"},
			{fifo, memcloud.Rule{Group: "g"}, "ValidationException", "deduplication"},
			{nil, memcloud.Rule{}, "ValidationException", "none"},
			{q, memcloud.Rule{Name: "taken"}, "ValidationException", "another pattern"},
			{q, memcloud.Rule{Name: "full"}, "LimitExceededException", "5"},
		}
		for _, test := range tests {
			wantError(t, panicOf(func() { bus.Target(test.to, &test.r) }), test.code, test.part)
		}
		wantError(t, panicOf(func() { bus.Forward(bus, nil) }), "ValidationException", "own rule")
		wantError(t, panicOf(func() { bus.Forward(cloud.EventBus("b"), &memcloud.Rule{Input: "{}"}) }), "ValidationException", "Input")
		if panicOf(func() { cloud.EventBus("shop") }) == nil {
			t.Error("two buses of one name")
		}
	})
}

func TestNothingVanishes(t *testing.T) {
	// Rule B4.1, E1.5
	// Whatever goes wrong, each change of a bucket reaches the target or the
	// dead-letter queue, or the timeline says that it is lost; and one seed
	// gives one timeline.
	play := func(seed uint64) (timeline string) {
		synctest.Test(t, func(t *testing.T) {
			cloud := memcloud.Open(&memcloud.Options{T: t, Seed: seed, Faults: &memcloud.Faults{Rate: 0.4}})
			b := cloud.Bucket("uploads", &memcloud.BucketOptions{EventBridge: true})
			q, dead := cloud.Queue("q", nil), cloud.Queue("dead", nil)
			cloud.EventBus("default").Target(q, &memcloud.Rule{Retries: 1, DeadLetter: dead})
			b.Notify(q, &memcloud.Notification{Suffix: "5"})
			for i := range 10 {
				b.Put(fmt.Sprintf("key-%d", i), nil)
			}
			cloud.Settle()
			arrived := bodies(q.Messages()) + bodies(dead.Messages())
			timeline = cloud.Timeline()
			if !strings.Contains(arrived, "configurationId") {
				t.Errorf("seed %d: the notification of key-5 vanished\n%s", seed, timeline)
			}
			for i := range 10 {
				key := fmt.Sprintf("key-%d", i)
				if !strings.Contains(arrived, `"object":{"key":"`+key+`","size":0,"etag"`) && !lost(cloud, key) {
					t.Errorf("seed %d: %s vanished\n%s", seed, key, timeline)
				}
			}
		})
		return timeline
	}
	for seed := range uint64(40) {
		if a, b := play(seed), play(seed); a != b {
			t.Fatalf("seed %d: two timelines\n%s\n%s", seed, a, b)
		}
	}
}

// lost reports whether the timeline says that the event of the key was lost.
func lost(cloud *memcloud.Cloud, key string) bool {
	event := "-"
	for _, s := range cloud.Steps() {
		switch {
		case s.Resource == "default" && s.Action == "put" && strings.HasSuffix(s.Text, " "+key):
			event = s.ID
		case s.Action == "LOST" && strings.HasSuffix(s.ID, " "+event):
			return true
		}
	}
	return false
}
