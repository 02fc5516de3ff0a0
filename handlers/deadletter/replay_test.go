package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

// numbered returns letters of n messages of a queue, in p, and lets time pass.
func numbered(t testing.TB, p place, n int) {
	t.Helper()
	for i := range n {
		d := dead(sent(fmt.Sprintf("m%d", i), ""))
		d.Message.SetID(fmt.Sprintf("id-%d", i))
		d.Message.Origin.ID = d.Message.ID()
		must(t, p.keep(t.Context(), d))
	}
	time.Sleep(time.Second)
}

// each runs f with letters in a queue and in a bucket.
func each(t *testing.T, f func(t *testing.T, cloud *memcloud.Cloud, p place)) {
	for _, name := range []string{"queue", "bucket"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := memcloud.New(t)
				if name == "queue" {
					f(t, cloud, inQueue(cloud, "letters", nil))
				} else {
					f(t, cloud, inBucket(cloud, "letters", nil))
				}
			})
		})
	}
}

func TestReplay(t *testing.T) {
	each(t, func(t *testing.T, _ *memcloud.Cloud, p place) {
		numbered(t, p, 5)
		var got []string
		var at []time.Duration
		start := time.Now()
		refuse := true
		to := func(_ context.Context, l *deadletter.Letter) error {
			at = append(at, time.Since(start).Round(10*time.Millisecond))
			if refuse && l.Event.ID() == "id-3" {
				return errors.New("refused")
			}
			got = append(got, l.Event.ID()+" "+string(l.Event.DataEncoded))
			return nil
		}
		var told []deadletter.Progress
		options := &deadletter.ReplayOptions{
			Rate:     2,
			Filter:   func(l *deadletter.Letter) bool { return l.Event.ID() != "id-1" },
			Progress: func(n deadletter.Progress) { told = append(told, n) },
		}

		dry := *options
		dry.DryRun = true
		n, err := deadletter.Replay(t.Context(), p.read(), to, &dry)
		want(t, "a dry run", fmt.Sprint(n, err, len(got), p.count()), fmt.Sprint(deadletter.Progress{Read: 5, Sent: 4, Skipped: 1}, nil, 0, 5))
		time.Sleep(time.Minute)

		told, start = nil, time.Now()
		n, err = deadletter.Replay(t.Context(), p.read(), to, options)
		want(t, "progress", n, deadletter.Progress{Read: 5, Sent: 3, Skipped: 1, Failed: 1})
		if err == nil || err.Error() != "deadletter: replay: 1 of 5 letters failed, first: send id-3: refused" {
			t.Error(err)
		}
		if len(told) != 5 || told[4] != n {
			t.Errorf("told %v", told)
		}
		want(t, "times of the rate", at[len(at)-4:], []time.Duration{0, 500 * time.Millisecond, time.Second, 1500 * time.Millisecond})
		slices.Sort(got)
		want(t, "sent", got, []string{"id-0 m0", "id-2 m2", "id-4 m4"})
		time.Sleep(time.Minute)
		want(t, "left", p.count(), 2)

		// The next replay goes on with what is left.
		refuse, options.Filter = false, nil
		n, err = deadletter.Replay(t.Context(), p.read(), to, options)
		want(t, "the rest", fmt.Sprint(n, err), fmt.Sprint(deadletter.Progress{Read: 2, Sent: 2}, nil))
		time.Sleep(time.Minute)
		want(t, "left", p.count(), 0)
		n, err = deadletter.Replay(t.Context(), p.read(), to, nil)
		want(t, "nothing is left", fmt.Sprint(n, err), fmt.Sprint(deadletter.Progress{}, nil))
	})
}

// TestReplayIsKilled kills a replay between each pair of its steps, by a
// cancelled context and by a panic, and starts it again: no letter is lost,
// each is sent with its own id, and behind a guard each handler runs once.
func TestReplayIsKilled(t *testing.T) {
	// Rule H7: a replay keeps the id.
	const letters = 4
	steps := []string{"before it begins", "before the send", "after the send", "after the delete"}
	for _, how := range []string{"cancel", "panic"} {
		for _, step := range steps {
			for victim := range letters {
				t.Run(fmt.Sprintf("%s %s %d", how, step, victim), func(t *testing.T) {
					each(t, func(t *testing.T, cloud *memcloud.Cloud, p place) {
						numbered(t, p, letters)
						runs := map[string]int{}
						guard := &idempotency.Guard{Store: &idempotency.Memory{}, Cache: -1}
						r := &eventfx.Router{Once: guard.Once, Observer: eventfx.Observer{Message: quiet}}
						eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
							runs[e.ID()]++
							return nil
						})
						router := deadletter.ToRouter(r)
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						killed := false
						kill := func(at string, n int) {
							if at != step || n != victim || killed {
								return
							}
							killed = true
							if how == "panic" {
								panic("killed")
							}
							cancel()
						}
						sent, read, done := 0, 0, 0
						to := func(ctx context.Context, l *deadletter.Letter) error {
							kill("before the send", sent)
							if err := router(ctx, l); err != nil {
								return err
							}
							sent++
							kill("after the send", sent-1)
							return nil
						}
						options := &deadletter.ReplayOptions{
							Filter: func(*deadletter.Letter) bool {
								read++
								kill("before it begins", read-1)
								return true
							},
							Progress: func(deadletter.Progress) {
								done++
								kill("after the delete", done-1)
							},
						}
						func() {
							defer func() {
								if v := recover(); v != nil && v != "killed" {
									panic(v)
								}
							}()
							_, err := deadletter.Replay(ctx, p.read(), to, options)
							if how == "cancel" && !errors.Is(err, context.Canceled) {
								t.Errorf("a cancelled replay ends with %v", err)
							}
						}()
						if !killed {
							t.Fatal("nothing was killed")
						}
						if how == "cancel" && step == "after the send" {
							// What is sent is deleted, whoever has lost patience.
							synctest.Wait()
							time.Sleep(time.Second)
							want(t, "letters after the kill", p.count(), letters-victim-1)
						}
						time.Sleep(time.Minute) // the letters in hand come back

						n, err := deadletter.Replay(t.Context(), p.read(), to, options)
						if err != nil || n.Sent == 0 && p.count() > 0 {
							t.Errorf("the second replay: %v %v", n, err)
						}
						time.Sleep(time.Minute)
						want(t, "letters that are left", p.count(), 0)
						if len(runs) != letters {
							t.Errorf("%d of %d messages were handled", len(runs), letters)
						}
						for id, n := range runs {
							if n != 1 {
								t.Errorf("%s was handled %d times", id, n)
							}
						}
					})
				})
			}
		}
	}
}

// TestToTopic: what is sent to a queue arrives there as it was before it died,
// under its id, whatever the form of its letter.
func TestToTopic(t *testing.T) {
	// Rule C3.5, Rule H7
	binary := placed()
	binary.DataEncoded, binary.DataBase64 = []byte{0, 255}, true
	many := `{"a":{"dataType":"String","stringValue":"1"},"b":{"dataType":"String","stringValue":"1"},"c":{"dataType":"String","stringValue":"1"},` +
		`"d":{"dataType":"String","stringValue":"1"},"e":{"dataType":"String","stringValue":"1"},"f":{"dataType":"String","stringValue":"1"},` +
		`"g":{"dataType":"String","stringValue":"1"},"h":{"dataType":"String","stringValue":"1"},"i":{"dataType":"String","stringValue":"1"},"j":{"dataType":"String","stringValue":"1"}}`
	for i, e := range []event.Event{sent(" two\n apples ", attributes), sent("x", ""), sent("x", many), placed(), binary} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			each(t, func(t *testing.T, cloud *memcloud.Cloud, p place) {
				orders := cloud.Queue("orders", nil)
				var got *eventfx.Message
				cloud.Function("f", memcloud.Handler(opener(func(m *eventfx.Message) { got = m })), memcloud.Trigger(orders))
				d := dead(e)
				must(t, p.keep(t.Context(), d))
				time.Sleep(time.Second)
				n, err := deadletter.Replay(t.Context(), p.read(), deadletter.ToTopic(portable.Topic(orders), nil), nil)
				want(t, "progress", fmt.Sprint(n, err), fmt.Sprint(deadletter.Progress{Read: 1, Sent: 1}, nil))
				cloud.Settle()
				if got == nil {
					t.Fatal("nothing arrived")
				}
				// What says how it travelled is about this delivery.
				for _, name := range []string{"sqsmessageid", "sqsqueuearn", "dlfirsttime"} {
					got.SetExtension(name, nil)
				}
				if i > 2 {
					got.SetExtension("sqsattributes", nil) // the content type, as gocloud sends it
				}
				got.Event.SetTime(time.Time{})
				expected := e.Clone()
				expected.SetTime(time.Time{})
				want(t, "event", got.Event, expected)
			})
		})
	}
}

// opener is a function that opens payloads.
type opener func(*eventfx.Message)

func (f opener) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	p, err := awsevents.Format{}.Open(payload, "")
	if err != nil {
		return nil, err
	}
	for _, m := range p.Messages {
		f(m)
	}
	return nil, nil
}

// TestPoison: a letter that dies again at once is a new letter, which this
// replay leaves, and which it does not delete.
func TestPoison(t *testing.T) {
	each(t, func(t *testing.T, _ *memcloud.Cloud, p place) {
		numbered(t, p, 2)
		runs := 0
		r := &eventfx.Router{DeadLetter: p.keep, Observer: eventfx.Observer{Message: quiet}}
		eventfx.On(r, queue.Text{Queue: "orders"}, func(context.Context, eventfx.Event[string]) error {
			runs++
			return eventfx.Permanent(errors.New("still refused"))
		})
		for round := 1; round <= 3; round++ {
			n, err := deadletter.Replay(t.Context(), p.read(), deadletter.ToRouter(r), nil)
			if err != nil || n.Sent != 2 || n.Failed != 0 {
				t.Errorf("round %d: %+v %v", round, n, err)
			}
			want(t, "runs", runs, 2*round)
			time.Sleep(time.Minute)
			want(t, "letters", p.count(), 2)
		}
		for _, l := range drain(t, p.read()) {
			if l.Story.Error != "still refused" || !l.Story.FirstTime.Before(l.Story.Time.Add(-time.Minute)) {
				t.Errorf("story %+v", l.Story)
			}
		}
	})
}

// TestTransient: what fails for now stays a letter.
func TestTransient(t *testing.T) {
	each(t, func(t *testing.T, _ *memcloud.Cloud, p place) {
		numbered(t, p, 2)
		r := &eventfx.Router{DeadLetter: p.keep, Observer: eventfx.Observer{Message: quiet}}
		eventfx.On(r, queue.Text{Queue: "orders"}, func(context.Context, eventfx.Event[string]) error { return errors.New("not now") })
		n, err := deadletter.Replay(t.Context(), p.read(), deadletter.ToRouter(r), nil)
		if err == nil || n != (deadletter.Progress{Read: 2, Failed: 2}) {
			t.Errorf("%+v %v", n, err)
		}
		time.Sleep(time.Minute)
		want(t, "letters", p.count(), 2)
	})
}

// TestGivenUp: messages that a queue gave up by itself are letters without a
// reason, and go back as they were.
func TestGivenUp(t *testing.T) {
	// Rule C3.1, Rule C3.2
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		orders := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 2})
		dlq := orders.DeadLetterQueue()
		broken := true
		var got []string
		r := &eventfx.Router{Observer: eventfx.Observer{Message: quiet}}
		eventfx.On(r, queue.Text{Queue: "orders"}, func(_ context.Context, e eventfx.Event[string]) error {
			got = append(got, e.Source()+" "+e.ID()+" "+e.DataContentType()+" "+e.Data)
			if broken {
				return errors.New("broken")
			}
			return nil
		})
		cloud.Function("ship", lambdahost.Handler(r, nil), memcloud.Trigger(orders))
		orders.SendBatch(memcloud.Message{Body: ` {"a":1}`, Attributes: map[string]memcloud.Attribute{"note": {Type: "String", Value: "a b"}}})
		cloud.Settle()
		want(t, "dead", len(dlq.Messages()), 1)
		broken = false

		from := deadletter.FromSubscription(portable.Subscription(dlq), &deadletter.ReadOptions{Source: orders.ARN()})
		for l, err := range from.All(t.Context()) {
			must(t, err)
			if l.Story.Reason != "" || l.Story.Runs != 0 || l.Event.ID() != l.Key || l.Event.Source() != orders.ARN() ||
				l.Event.Extensions()["sqsattributes"] != `{"note":{"dataType":"String","stringValue":"a b"}}` {
				t.Errorf("%s %+v", l.Event, l.Story)
			}
		}
		time.Sleep(time.Minute)
		n, err := deadletter.Replay(t.Context(), from, deadletter.ToTopic(portable.Topic(orders), nil), nil)
		want(t, "progress", fmt.Sprint(n, err), fmt.Sprint(deadletter.Progress{Read: 1, Sent: 1}, nil))
		cloud.Settle()
		want(t, "runs", len(got), 3)
		want(t, "the last", got[len(got)-1], got[0])

		// Without a source nothing is claimed about its identity.
		time.Sleep(time.Minute) // gocloud goes on receiving for a while
		dlq.Send("stray")
		time.Sleep(time.Second)
		l := drain(t, deadletter.FromSubscription(portable.Subscription(dlq), nil))
		want(t, "source", l[0].Event.Source(), "aws:sqs")
		must(t, deadletter.ToTopic(portable.Topic(orders), nil)(t.Context(), l[0]))
		cloud.Settle()
		if len(got) != 4 || !strings.HasSuffix(got[3], " text/plain stray") || strings.Contains(got[3], "aws:sqs ") {
			t.Errorf("runs %q", got)
		}
	})
}

// TestFIFOReplay: a letter that is sent twice, because the first replay was
// killed, arrives once.
func TestFIFOReplay(t *testing.T) {
	// Rule C2.10
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		p := inBucket(cloud, "letters", nil)
		numbered(t, p, 2)
		orders := cloud.Queue("orders.fifo", nil)
		to := deadletter.ToTopic(portable.Topic(orders), &deadletter.TargetOptions{FIFO: true})
		for l, err := range p.read().All(t.Context()) {
			must(t, err)
			must(t, to(t.Context(), l))
		}
		n, err := deadletter.Replay(t.Context(), p.read(), to, nil)
		want(t, "progress", fmt.Sprint(n, err), fmt.Sprint(deadletter.Progress{Read: 2, Sent: 2}, nil))
		want(t, "messages", len(orders.Messages()), 2)
	})
}

// TestUnreadable: one object that is no letter stops nothing.
func TestUnreadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := inBucket(memcloud.New(t), "letters", nil)
		numbered(t, p, 2)
		must(t, p.bucket.WriteAll(t.Context(), "00.json", []byte("{"), nil))
		must(t, p.bucket.WriteAll(t.Context(), "01.json", []byte("\"\xff\""), nil))
		must(t, p.bucket.WriteAll(t.Context(), "02.txt", []byte("not ours"), nil))
		n, err := deadletter.Replay(t.Context(), p.read(), func(context.Context, *deadletter.Letter) error { return nil }, nil)
		if n != (deadletter.Progress{Read: 4, Sent: 2, Failed: 2}) || err == nil || !strings.Contains(err.Error(), "first: deadletter: read 00.json: ") {
			t.Errorf("%+v %v", n, err)
		}
		want(t, "objects that are left", p.count(), 3)
	})
}

// TestEachLetterOnce: letters that are left come back while others are read,
// and the iteration ends all the same.
func TestEachLetterOnce(t *testing.T) {
	// Rule C2.1
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		q := cloud.Queue("letters", &memcloud.QueueOptions{Visibility: 2 * time.Second})
		p := place{keep: deadletter.Topic(portable.Topic(q), nil)}
		numbered(t, p, 3)
		start := time.Now()
		letters := drain(t, deadletter.FromSubscription(portable.Subscription(q), nil))
		if len(letters) != 3 || time.Since(start) > 10*time.Second {
			t.Errorf("%d letters of 3 in %v", len(letters), time.Since(start))
		}
	})
}
