package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// Dead letters in SQS, SNS and S3, read there by other means than ours, and
// sent again.
var letterScripts = []script{
	{"letters", nativeLetters},
	{"letterbucket", bucketLetters},
	{"lettertopic", topicLetters},
	{"letterlarge", largeLetters},
	{"letterless", withoutLetters},
}

var errRefused = errors.New("card refused")

// shutDown flushes what gocloud sends in the background.
func shutDown(r *Run, s interface{ Shutdown(context.Context) error }) {
	r.t.Helper()
	r.Must(s.Shutdown(context.Background()))
}

// replay sends the letters of a queue again, and tells how it went.
func replay(r *Run, from Queue, to deadletter.Target, o *deadletter.ReadOptions) string {
	r.t.Helper()
	if o == nil {
		o = &deadletter.ReadOptions{}
	}
	o.Idle = time.Second
	s := from.Subscription()
	progress, err := deadletter.Replay(r.ctx, deadletter.FromSubscription(s, o), to, nil)
	shutDown(r, s)
	return told(progress, err)
}

func told(p deadletter.Progress, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d read, %d sent, %d skipped, %d failed", p.Read, p.Sent, p.Skipped, p.Failed)
}

// wireStory is the story as the queue has it.
func wireStory(m memcloud.Message) string {
	text, err := url.PathUnescape(m.Attributes["eventfx-deadletter"].Value)
	if err != nil {
		return err.Error()
	}
	var story struct {
		Reason, Error string
		Receives      int
		Attempts      []struct{ Error string }
		Event         struct{ ID, Type string }
	}
	if err := json.Unmarshal([]byte(text), &story); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s: %s, after %d receives and %d runs, of the %s %s", story.Reason, story.Error, story.Receives, len(story.Attempts), story.Event.Type, story.Event.ID)
}

// A message of SQS dies, lies in its queue's own dead-letter queue as it was,
// comes back by a redrive and by a replay, and keeps its identity.
func nativeLetters(r *Run) {
	q, l := r.Queue("orders", &memcloud.QueueOptions{MaxReceives: 5}), locks(r)
	dlq := q.Dead().Publisher()
	refuse, runs := true, 0
	seen := ""
	p := start(r, q, &eventfx.Router{
		Once: l.guard().Once, Retry: eventfx.Retry{Attempts: 2, Base: time.Millisecond, Deliveries: 1}, DeadLetter: deadletter.Topic(dlq, nil),
	}, func(ctx context.Context, _ string) error {
		m := eventfx.FromContext(ctx)
		seen = fmt.Sprintf("%s, note %q, data %s", m.ID(), m.Origin.Attributes["note"], m.DataEncoded)
		runs++
		if refuse {
			return errRefused
		}
		return nil
	})
	const body = ` {"id" : "ä",  "n":1.50} `
	r.SendMessage(q, memcloud.Message{Body: body, Attributes: map[string]memcloud.Attribute{"note": {Type: "String", Value: "by ä"}}})
	peek := r.One(q) // which counts as a receive
	r.Name(peek.ID, "the first id")
	r.Must(q.ChangeMessageVisibility(r.ctx, peek.Receipt, 0))
	r.Want("it dies", p.poll(), "1 done, 0 back")
	r.Want("runs", runs, "2")
	r.Want("the handler has seen", seen, `the first id, note "by ä", data `+body)
	r.Want("its lock is released", l.show(), "no record")
	r.Want("left", r.Count(q), "0")

	letter := r.One(q.Dead())
	r.Want("the body in the dead-letter queue", letter.Body, body)
	r.Want("the note", letter.Attributes["note"].Type+" "+letter.Attributes["note"].Value, "String by%20%C3%A4")
	r.Want("the story", wireStory(letter), "retriesexhausted: card refused, after 2 receives and 2 runs, of the com.amazonaws.sqs.message the first id")

	// What the console does: the same message, with another id.
	r.Must(q.Dead().DeleteMessage(r.ctx, letter.Receipt))
	r.SendMessage(q, memcloud.Message{Body: letter.Body, Attributes: letter.Attributes})
	r.Want("redriven, it dies again", p.poll(), "1 done, 0 back")
	r.Want("by its first identity", seen, `the first id, note "by ä", data `+body)
	r.Want("in the dead-letter queue", r.Count(q.Dead()), "1")

	refuse = false
	orders := q.Publisher()
	r.Want("a replay", replay(r, q.Dead(), deadletter.ToTopic(orders, nil), nil), "1 read, 1 sent, 0 skipped, 0 failed")
	r.Want("takes it from the dead-letter queue", r.Count(q.Dead()), "0")
	again := r.One(q) // killed before the delete, a replay would have sent it twice
	r.Must(q.ChangeMessageVisibility(r.ctx, again.Receipt, 0))
	r.SendMessage(q, memcloud.Message{Body: again.Body, Attributes: again.Attributes})
	r.Want("it is handled", p.poll(), "2 done, 0 back")
	r.Want("once", runs, "5")
	r.Want("by its first identity still", seen, `the first id, note "by ä", data `+body)
	shutDown(r, dlq)
	shutDown(r, orders)
}

func bucketLetters(r *Run) {
	q, l := r.Queue("orders", nil), locks(r)
	b := r.Bucket("letters", nil).Portable()
	defer b.Close()
	refuse := true
	var runs []string
	router := &eventfx.Router{Once: l.guard().Once, DeadLetter: deadletter.Bucket(b, &deadletter.BucketOptions{Prefix: "orders/"})}
	p := start(r, q, router, func(_ context.Context, id string) error {
		runs = append(runs, id)
		if refuse {
			return eventfx.Permanent(errRefused)
		}
		return nil
	})
	r.Send(q, placed("1"), placed("2"))
	r.Want("they die", p.poll(), "2 done, 0 back")
	letters := deadletter.FromBucket(b, "orders/", nil)
	show := func(step, want string) {
		r.t.Helper()
		found := map[string]string{}
		for letter, err := range letters.All(r.ctx) {
			r.Must(err)
			found[letter.Event.ID()] = fmt.Sprintf("%s %s: %s, %s", letter.Event.Source(), letter.Event.DataEncoded, letter.Story.Reason, letter.Story.Error)
		}
		r.Want(step, found, want)
	}
	both := `map[1:/shop {"id":"1"}: permanent, card refused 2:/shop {"id":"2"}: permanent, card refused]`
	show("letters", both)
	progress, err := deadletter.Replay(r.ctx, letters, deadletter.ToRouter(router), &deadletter.ReplayOptions{DryRun: true})
	r.Want("a dry run", told(progress, err), "2 read, 2 sent, 0 skipped, 0 failed")
	show("letters stay", both)

	refuse = false
	one := func(l *deadletter.Letter) bool { return l.Event.ID() == "1" }
	progress, err = deadletter.Replay(r.ctx, letters, deadletter.ToRouter(router), &deadletter.ReplayOptions{Filter: one})
	r.Want("a replay of one", told(progress, err), "2 read, 1 sent, 1 skipped, 0 failed")
	show("the other stays", `map[2:/shop {"id":"2"}: permanent, card refused]`)
	progress, err = deadletter.Replay(r.ctx, letters, deadletter.ToRouter(router), nil)
	r.Want("a replay of the rest", told(progress, err), "1 read, 1 sent, 0 skipped, 0 failed")
	show("none stays", "map[]")
	r.Want("runs in the end", len(runs), "4")
	r.Send(q, placed("1"))
	r.Want("sent once more", p.poll(), "1 done, 0 back")
	r.Want("it does not run", len(runs), "4")
}

// A topic takes letters as CloudEvents, and hands them to who subscribes.
func topicLetters(r *Run) {
	q, news, box := r.Queue("orders", nil), r.Topic("letters"), r.Queue("box", nil)
	r.Must(news.Subscribe(box, true))
	topic := news.Publisher()
	refuse := true
	router := &eventfx.Router{DeadLetter: deadletter.Topic(topic, nil), Retry: eventfx.Retry{Deliveries: 1}}
	p := start(r, q, router, func(context.Context, string) error {
		if refuse {
			panic("no card at all")
		}
		return nil
	})
	r.Send(q, placed("1"))
	r.Want("it dies", p.poll(), "1 done, 0 back")
	letter := r.One(box)
	r.SeeDocument("the letter", parse(letter.Body), "specversion", "id", "source", "type", "data.id", "dlreason", "dlerror", "dlattempts", "dlreceives")
	refuse = false
	r.Must(box.ChangeMessageVisibility(r.ctx, letter.Receipt, 0))
	orders := q.Publisher()
	r.Want("a replay", replay(r, box, deadletter.ToTopic(orders, nil), nil), "1 read, 1 sent, 0 skipped, 0 failed")
	r.Want("it is handled", p.poll(), "1 done, 0 back")
	r.Want("left", r.Count(box), "0")
	shutDown(r, topic)
	shutDown(r, orders)
}

// A letter that is too large leaves its data in a bucket.
func largeLetters(r *Run) {
	q, box := r.Queue("orders", nil), r.Queue("box", nil)
	b := r.Bucket("claims", nil).Portable()
	defer b.Close()
	claims := &claimcheck.Claims{Bucket: b, URL: "s3://claims", Allow: map[string]*blob.Bucket{"s3://claims": b}}
	topic := box.Publisher()
	refuse, size := true, 0
	p := start(r, q, &eventfx.Router{DeadLetter: deadletter.Topic(topic, &deadletter.TopicOptions{Limit: 8000, Claims: claims})}, func(ctx context.Context, _ string) error {
		size = len(eventfx.FromContext(ctx).DataEncoded)
		if refuse {
			return eventfx.Permanent(errRefused)
		}
		return nil
	})
	body := `{"id":"1","padding":"` + strings.Repeat("x", 20_000) + `"}`
	r.Send(q, body)
	r.Want("it dies", p.poll(), "1 done, 0 back")
	letter := r.One(box)
	r.Want("the letter is small", len(letter.Body) < 8000, "true")
	r.Want("and says where its data is", strings.Contains(fmt.Sprint(parse(letter.Body)["dataref"]), "s3://claims/"), "true")
	r.Must(box.ChangeMessageVisibility(r.ctx, letter.Receipt, 0))
	refuse, size = false, 0
	orders := q.Publisher()
	r.Want("a replay", replay(r, box, deadletter.ToTopic(orders, nil), &deadletter.ReadOptions{Claims: claims}), "1 read, 1 sent, 0 skipped, 0 failed")
	r.Want("it is handled", p.poll(), "1 done, 0 back")
	r.Want("with all its data", size == len(body), "true")
	shutDown(r, topic)
	shutDown(r, orders)
}

// What the queue has given up by itself has no story, and can be sent again.
func withoutLetters(r *Run) {
	q := r.Queue("orders", &memcloud.QueueOptions{MaxReceives: 1})
	refuse, seen := true, ""
	p := start(r, q, &eventfx.Router{}, func(ctx context.Context, _ string) error {
		m := eventfx.FromContext(ctx)
		seen = m.Source() + " " + m.ID()
		if refuse {
			return errRefused
		}
		return nil
	})
	r.Name(r.SendMessage(q, memcloud.Message{Body: `{"id":"1"}`}), "the first id")
	r.Want("it goes back", p.poll(), "0 done, 1 back")
	r.Want("and is moved", p.poll(), "nothing")
	r.Want("to the dead-letter queue", r.Count(q.Dead()), "1")
	s := q.Dead().Subscription()
	for l, err := range deadletter.FromSubscription(s, &deadletter.ReadOptions{Idle: time.Second, Source: q.ARN()}).All(r.ctx) {
		r.Must(err)
		r.Want("a letter without a story", fmt.Sprintf("%q %s %s", l.Story.Reason, l.Event.ID(), l.Event.DataEncoded), `"" the first id {"id":"1"}`)
		r.Must(l.Delete(r.ctx))
		refuse = false
		orders := q.Publisher()
		r.Must(deadletter.ToTopic(orders, nil)(r.ctx, l))
		shutDown(r, orders)
		break
	}
	shutDown(r, s)
	r.Want("it is handled", p.poll(), "1 done, 0 back")
	r.Want("by its first identity", seen, strings.ReplaceAll(q.ARN(), r.prefix, "")+" the first id")
}
