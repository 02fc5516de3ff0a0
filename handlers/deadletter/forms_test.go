package deadletter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/blob"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

const attributes = `{"n":{"dataType":"Number.int","stringValue":"7"},"note":{"dataType":"String","stringValue":"a b"}}`

type requestKey struct{}

func requestID(ctx context.Context) string { s, _ := ctx.Value(requestKey{}).(string); return s }

// TestGolden shows the three forms of a letter.
func TestGolden(t *testing.T) {
	// Rule H3: the event unchanged, with why, where and how often.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		ctx := context.WithValue(t.Context(), requestKey{}, "req-1")

		p := inQueue(cloud, "cloudevents", &deadletter.TopicOptions{RequestID: requestID})
		must(t, p.keep(ctx, dead(placed())))
		golden(t, "cloudevent.json", indent(t, p.queue.Messages()[0].Body))

		native := inQueue(cloud, "native", &deadletter.TopicOptions{RequestID: requestID})
		must(t, native.keep(ctx, dead(sent(" {\"id\": 1}\n", attributes))))
		m := native.queue.Messages()[0]
		want(t, "body", m.Body, " {\"id\": 1}\n")
		letters := drain(t, native.read())
		want(t, "letters", len(letters), 1)
		var text bytes.Buffer
		fmt.Fprintf(&text, "body: %s\n", m.Body)
		for _, name := range []string{"n", "note"} {
			fmt.Fprintf(&text, "attribute %s: %s %s\n", name, m.Attributes[name].Type, m.Attributes[name].Value)
		}
		text.WriteString("attribute eventfx-deadletter, percent-encoded:\n")
		text.Write(indent(t, unescape(m.Attributes["eventfx-deadletter"].Value)))
		golden(t, "native.txt", text.Bytes())

		b := cloud.Bucket("letters", nil)
		keep := deadletter.Bucket(portable.Bucket(b), &deadletter.BucketOptions{Prefix: "orders/", RequestID: requestID})
		must(t, keep(ctx, dead(placed())))
		object, err := b.GetObject(ctx, b.Keys()[0], "")
		must(t, err)
		golden(t, "object.txt", append([]byte("key: "+object.Key+"\ncontent type: "+object.ContentType+"\n"), indent(t, string(object.Data))...))
	})
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		var c byte
		fmt.Sscanf(s[i+1:i+3], "%02X", &c)
		b.WriteByte(c)
		i += 2
	}
	return b.String()
}

func indent(t *testing.T, doc string) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, json.Indent(&b, []byte(doc), "", "  "))
	b.WriteByte('\n')
	return b.Bytes()
}

// TestTheEventStays: what is read back is the event as it was.
func TestTheEventStays(t *testing.T) {
	// Rule H3
	binary := placed()
	binary.DataEncoded, binary.DataBase64 = []byte{0, 0xff, '{'}, true
	nothing := placed()
	nothing.DataEncoded = nil
	raw := event.New()
	raw.SetType("dev.eventfx.deadletter.raw")
	raw.SetID("m-1")
	raw.SetSource(ordersARN)
	raw.DataEncoded, raw.DataBase64 = []byte(`{"broken`), true
	again := placed()
	again.SetExtension("dlreason", "panic")
	again.SetExtension("dlstory", "{}")
	broken := placed()
	broken.DataEncoded = []byte(`{"id":`) // the content type says JSON
	tests := []struct {
		reason string
		event  event.Event
		change func(*event.Event) // what may differ
	}{
		{"JSON", placed(), nil},
		{"bytes", binary, nil},
		{"no data", nothing, nil},
		{"what could not be read", raw, nil}, // Rule H4
		{"text of a queue, with blanks", sent("  hello\n ", attributes), nil},
		{"a message without attributes", sent("hello", ""), nil},
		{"a binary body that gocloud sent", sent("AP8=", `{"base64encoded":{"dataType":"String","stringValue":"true"}}`), nil},
		{"a letter that died again", again, func(e *event.Event) { e.SetExtension("dlreason", nil); e.SetExtension("dlstory", nil) }},
		{"data that is not of its type is kept as bytes", broken, func(e *event.Event) { e.DataBase64 = true }},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := memcloud.New(t)
				expected := tt.event.Clone()
				if tt.change != nil {
					tt.change(&expected)
				}
				for _, p := range []place{
					inQueue(cloud, "native", nil), inQueue(cloud, "events", &deadletter.TopicOptions{CloudEvents: true}), inBucket(cloud, "bucket", nil),
				} {
					d := dead(tt.event)
					must(t, p.keep(t.Context(), d))
					must(t, p.keep(t.Context(), d)) // a repeat is harmless
					letters := drain(t, p.read())
					if n := p.count(); n != len(letters) || p.bucket != nil && n != 1 {
						t.Errorf("%d letters of %d", len(letters), n)
					}
					for _, l := range letters {
						want(t, "event", l.Event, expected)
						s := l.Story
						if s.Reason != "permanent" || s.Route != d.Route || s.Error != "card refused" || s.ErrorType != "cardError" || s.Runs != 2 ||
							len(s.Attempts) != 2 || s.Attempts[0].Error != "timeout" || !s.Attempts[0].Started.Equal(d.Attempts[0].Started) ||
							s.Receives != 2 || s.Origin != (deadletter.Origin{ID: "5fea7756-0ea4-451a-a703-a558b933e274", Address: ordersARN, Name: "orders"}) || s.Time.IsZero() || !s.FirstTime.Equal(s.Time) {
							t.Errorf("story %+v", s)
						}
						must(t, l.Delete(t.Context()))
						must(t, l.Delete(t.Context()))
					}
					time.Sleep(time.Minute)
					want(t, "letters that are left", p.count(), 0)
				}
				want(t, "the message itself", tt.event, tt.event.Clone())
			})
		})
	}
}

// TestInvalidEvents: what cannot be written as an event is kept all the same.
func TestInvalidEvents(t *testing.T) {
	// Rule H4
	synctest.Test(t, func(t *testing.T) {
		p := inQueue(memcloud.New(t), "dead", nil)
		e := event.New()
		e.DataEncoded = []byte("precious")
		must(t, p.keep(t.Context(), dead(e)))
		must(t, p.keep(t.Context(), &eventfx.Dead{Message: &eventfx.Message{}, Reason: "permanent", Err: eventfx.ErrNoRoute}))
		letters := drain(t, p.read())
		if len(letters) != 2 || string(letters[0].Event.DataEncoded) != "precious" || letters[0].Event.Type() != "dev.eventfx.deadletter.raw" {
			t.Errorf("%v", letters)
		}
	})
}

// TestFirstTime: a message that dies again keeps the time of its first death.
func TestFirstTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		for i, e := range []event.Event{placed(), sent("hello", "")} {
			p := inQueue(cloud, fmt.Sprint("dead", i), nil)
			first := time.Now()
			must(t, p.keep(t.Context(), dead(e)))
			time.Sleep(time.Hour)
			m := p.queue.Messages()[0]

			// A redrive of the console brings the message as it lies there.
			d := dead(e)
			if i == 0 {
				decoded, err := pubsubevents.Decode(&pubsub.Message{Body: []byte(m.Body)})
				must(t, err)
				d.Message.Event = decoded.Event
			} else {
				d.Message.Origin.Attributes = map[string]string{"eventfx-deadletter": m.Attributes["eventfx-deadletter"].Value}
			}
			p = inQueue(cloud, fmt.Sprint("dead", i, "again"), nil)
			must(t, p.keep(t.Context(), d))
			l := drain(t, p.read())[0]
			if !l.Story.FirstTime.Equal(first) || l.Story.Time.Sub(first).Round(time.Millisecond) != time.Hour {
				t.Errorf("%s: first %v, last %v", e.Type(), l.Story.FirstTime, l.Story.Time)
			}
		}
	})
}

// TestSizes: a story is bounded whatever happened, and a letter finds a form
// that fits.
func TestSizes(t *testing.T) {
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"a%d":{"dataType":"String","stringValue":"%d"}`, i, i))
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	huge := func(e event.Event) *eventfx.Dead {
		d := dead(e)
		d.Err = &eventfx.PanicError{Value: strings.Repeat("ü\x00\u0085\"", 5000), Stack: []byte(strings.Repeat("\x01\n\"goroutine", 5000))}
		d.Attempts = nil
		for range 1000 {
			d.Attempts = append(d.Attempts, eventfx.Attempt{Err: d.Err})
		}
		d.Route, d.Message.Origin.Address = strings.Repeat("r", 5000), strings.Repeat("\ufdd0", 5000)
		return d
	}
	tests := []struct {
		reason  string
		dead    func() *eventfx.Dead
		options deadletter.TopicOptions
		native  bool
		most    int // bytes on the wire
	}{
		{"a message", func() *eventfx.Dead { return dead(sent("hello", attributes)) }, deadletter.TopicOptions{}, true, 3000},
		{"nine attributes, and one for the story", func() *eventfx.Dead { return dead(sent("hello", many(9))) }, deadletter.TopicOptions{}, true, 5000},
		{"ten attributes leave no room for one more", func() *eventfx.Dead { return dead(sent("hello", many(10))) }, deadletter.TopicOptions{}, false, 5000},
		{"attributes that are none", func() *eventfx.Dead { return dead(sent("hello", `[]`)) }, deadletter.TopicOptions{}, false, 5000},
		{"as asked", func() *eventfx.Dead { return dead(sent("hello", "")) }, deadletter.TopicOptions{CloudEvents: true}, false, 5000},
		{"a huge story of a message", func() *eventfx.Dead { return huge(sent("hello", attributes)) }, deadletter.TopicOptions{}, true, 90_000},
		{"a huge story of an event", func() *eventfx.Dead { return huge(placed()) }, deadletter.TopicOptions{}, false, 90_000},
		{"the story gives way to the data", func() *eventfx.Dead { return huge(sent(strings.Repeat("x", 240_000), "")) }, deadletter.TopicOptions{}, true, 256_000},
		{"in a limit of its own", func() *eventfx.Dead { return huge(sent(strings.Repeat("x", 5_000), "")) }, deadletter.TopicOptions{Limit: 16_000}, true, 16_000},
		{"too large, and nowhere to put the data: SQS takes more than the limit", func() *eventfx.Dead { return dead(sent(strings.Repeat("x", 300_000), "")) }, deadletter.TopicOptions{}, true, 305_000},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := inQueue(memcloud.New(t), "dead", &tt.options)
				d := tt.dead()
				must(t, p.keep(t.Context(), d))
				m := p.queue.Messages()[0]
				size := len(m.Body)
				for name, a := range m.Attributes {
					size += len(name) + len(a.Type) + len(a.Value)
				}
				if native := m.Body == string(d.Message.DataEncoded); native != tt.native || size > tt.most {
					t.Errorf("native %t, %d bytes, want %t and at most %d", native, size, tt.native, tt.most)
				}
				l := drain(t, p.read())[0]
				want(t, "event", l.Event, d.Message.Event)
				if l.Story.Runs != len(d.Attempts) || l.Story.Error == "" || len(l.Story.Error) > 1024 || len(l.Story.Stack) > 8<<10 || len(l.Story.Attempts) > 10 {
					t.Errorf("story: %d runs, %d attempts, an error of %d and a stack of %d bytes", l.Story.Runs, len(l.Story.Attempts), len(l.Story.Error), len(l.Story.Stack))
				}
			})
		})
	}
}

// TestClaims: data that is too large goes to a bucket, and comes back.
func TestClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		bucket := portable.Bucket(cloud.Bucket("claims", nil))
		claims := &claimcheck.Claims{Bucket: bucket, URL: "s3://claims", Allow: map[string]*blob.Bucket{"s3://claims": bucket}}
		for i, e := range []event.Event{sent(strings.Repeat("x", 300_000), attributes), placed()} {
			if i == 1 {
				e.DataEncoded = []byte(`"` + strings.Repeat("x", 300_000) + `"`)
			}
			p := inQueue(cloud, fmt.Sprint("dead", i), &deadletter.TopicOptions{Claims: claims})
			must(t, p.keep(t.Context(), dead(e)))
			if n := len(p.queue.Messages()[0].Body); n > 10_000 {
				t.Errorf("a letter of %d bytes", n)
			}
			l := drain(t, deadletter.FromSubscription(portable.Subscription(p.queue), &deadletter.ReadOptions{Claims: claims}))[0]
			want(t, "event", l.Event, e)
			time.Sleep(time.Minute)
			l = drain(t, p.read())[0]
			if ref, _ := l.Event.Extensions()["dataref"].(string); !strings.HasPrefix(ref, "s3://claims/") || l.Event.DataEncoded != nil {
				t.Errorf("without claims: %v", l.Event)
			}
			time.Sleep(time.Minute)
			other := &claimcheck.Claims{Allow: map[string]*blob.Bucket{"s3://other": bucket}}
			for _, err := range deadletter.FromSubscription(portable.Subscription(p.queue), &deadletter.ReadOptions{Claims: other}).All(t.Context()) {
				if !errors.Is(err, claimcheck.ErrNotAllowed) {
					t.Errorf("data in a bucket that is not allowed: %v", err)
				}
			}
		}

		// A bucket that does not take the data is a letter that is not kept.
		p := inQueue(cloud, "more", &deadletter.TopicOptions{Claims: &claimcheck.Claims{}})
		if err := p.keep(t.Context(), dead(sent(strings.Repeat("x", 300_000), ""))); err == nil || p.count() != 0 {
			t.Errorf("error %v, %d letters", err, p.count())
		}
	})
}

// TestFIFO: letters of a FIFO queue keep their group, and none is dropped as
// one that was sent before.
func TestFIFO(t *testing.T) {
	// Rule C3.6
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		q := cloud.Queue("dead.fifo", nil)
		keep := deadletter.Topic(portable.Topic(q), &deadletter.TopicOptions{FIFO: true})
		e := sent("hello", `{"MessageGroupId":{"dataType":"String","stringValue":"gocloud's"},"DeduplicationId":{"dataType":"String","stringValue":"x"}}`)
		e.SetExtension("partitionkey", "customer-1")
		must(t, keep(t.Context(), dead(e)))
		time.Sleep(time.Second)
		must(t, keep(t.Context(), dead(e))) // it was replayed, and died again
		odd := sent("hello", "")
		odd.SetExtension("partitionkey", strings.Repeat("é", 100))
		must(t, keep(t.Context(), dead(odd)))
		must(t, keep(t.Context(), dead(placed())))
		var groups []string
		for _, m := range q.Messages() {
			groups = append(groups, m.Group)
		}
		if len(groups) != 4 || groups[0] != "customer-1" || groups[1] != "customer-1" || len(groups[2]) != 40 || len(groups[3]) != 40 {
			t.Errorf("groups %q", groups)
		}

		// A standard queue has no such ids, and refuses them.
		p := inQueue(cloud, "dead", nil)
		must(t, p.keep(t.Context(), dead(e)))
	})
}

// TestPrepare gives attributes their types and values back.
func TestPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("dead", nil)
		keep := deadletter.Topic(portable.Topic(q), &deadletter.TopicOptions{Prepare: func(m *pubsub.Message, story deadletter.Story) {
			if story.Reason != "permanent" {
				t.Errorf("story %+v", story)
			}
			m.BeforeSend = func(as func(any) bool) error {
				var sent *memcloud.Message
				if as(&sent) {
					sent.Attributes["n"] = memcloud.Attribute{Type: "Number.int", Value: "7"}
				}
				return nil
			}
		}})
		must(t, keep(t.Context(), dead(sent("hello", attributes))))
		want(t, "n", q.Messages()[0].Attributes["n"], memcloud.Attribute{Type: "Number.int", Value: "7"})
	})
}

// TestErrorTypes: the type is that of the user's error, not of what wraps it.
func TestErrorTypes(t *testing.T) {
	mine := &cardError{"x"}
	tests := []struct {
		err    error
		want   string
		reason string
	}{
		{mine, "cardError", "a pointer"},
		{fmt.Errorf("a: %w", eventfx.Permanent(fmt.Errorf("b: %w", mine))), "cardError", "wrapped"},
		{eventfx.RetryAfter(mine, 1), "cardError", "with a delay"},
		{errors.New("x"), "errorString", "of package errors"},
		{&eventfx.PanicError{Value: mine}, "PanicError", "a panic"},
		{errors.Join(mine, mine), "joinError", "several"},
		{context.DeadlineExceeded, "deadlineExceededError", "no pointer"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			p := inBucket(memcloud.New(t), "letters", nil)
			d := dead(placed())
			d.Err = tt.err
			must(t, p.keep(t.Context(), d))
			want(t, tt.reason, drain(t, p.read())[0].Story.ErrorType, tt.want)
		})
	}
}
