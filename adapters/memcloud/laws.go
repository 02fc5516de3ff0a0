package memcloud

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// An Entry makes a source in a cloud, and returns how a sample enters it and
// what connects a function with it. FromQueue and its like are entries; one of
// your own may give the function other options, too.
type Entry[S any] func(cloud *Cloud) (send func(S), options []FunctionOption)

// FromQueue has messages come from a queue.
func FromQueue(name string, o *QueueOptions, m *Mapping) Entry[Message] {
	return func(c *Cloud) (func(Message), []FunctionOption) {
		q := c.Queue(name, o)
		return func(m Message) { q.SendBatch(m) }, []FunctionOption{Trigger(q, m)}
	}
}

// FromTopic has notices come from a topic.
func FromTopic(name string) Entry[Notice] {
	return func(c *Cloud) (func(Notice), []FunctionOption) {
		t := c.Topic(name)
		return func(n Notice) {
			_, err := t.Publish(own, n)
			c.misuse(err)
		}, []FunctionOption{Trigger(t)}
	}
}

// FromEventBus has events be put on a bus.
func FromEventBus(name string, r *Rule) Entry[BusEvent] {
	return func(c *Cloud) (func(BusEvent), []FunctionOption) {
		b := c.EventBus(name)
		return func(e BusEvent) {
			results, err := b.PutEvents(own, e)
			if err == nil && results[0].ErrorCode != "" {
				err = &Error{name, results[0].ErrorCode, results[0].ErrorMessage}
			}
			c.misuse(err)
		}, []FunctionOption{Trigger(b, r)}
	}
}

// FromBucket has objects be written to a bucket.
func FromBucket(name string, o *BucketOptions, n *Notification) Entry[Object] {
	return func(c *Cloud) (func(Object), []FunctionOption) {
		b := c.Bucket(name, o)
		return func(object Object) {
			_, err := b.PutObject(own, object, Condition{})
			c.misuse(err)
		}, []FunctionOption{Trigger(b, n)}
	}
}

// FromTable has items be written to a table.
func FromTable(name string, o *TableOptions, m *Mapping) Entry[Item] {
	return func(c *Cloud) (func(Item), []FunctionOption) {
		t := c.Table(name, o)
		return t.Put, []FunctionOption{Trigger(t, m)}
	}
}

// FromSchedule has time pass, and a schedule tick meanwhile.
func FromSchedule(name, expression string) Entry[time.Duration] {
	return func(c *Cloud) (func(time.Duration), []FunctionOption) {
		return c.Advance, []FunctionOption{Trigger(c.Schedule(name, expression))}
	}
}

// lawKinds are the faults that no handler may be hurt by: each of them is
// followed by another delivery.
var lawKinds = []Fault{Duplicate, Reorder, CrashBefore, CrashAfter, LostAnswer}

const (
	lawSingles = 400 // runs with one fault each
	lawSeeds   = 100 // runs with as many as there are
)

// Laws tries to break a handler: it feeds the samples to it with a message
// delivered twice, with two that change places, with a crash before and after
// each call that changes something, and with its answer lost. Each time it
// compares what is in buckets and tables, and what was sent to topics, queues
// and event buses, with a run without faults; what differs is a failure of t, said in a
// sentence:
//
//	not idempotent: table ledger, row total: n 10 → 11 after a duplicate at orders/send
//
// handler makes the handler and what it works with, in a cloud of its own for
// each run. Values that two runs without faults do not agree on, such as times
// and random ids, are not compared, only counted. To send the same message
// twice is no failure, since no handler can avoid it.
//
// What the handler keeps in variables survives a crash here, unlike on Lambda.
func Laws[S any](t *testing.T, handler func(*Cloud) Handler, entry Entry[S], samples ...S) {
	t.Helper()
	if f := searchLaws(t, handler, entry, samples, lawSeeds); f != nil {
		t.Errorf("%s", f)
	}
}

func searchLaws[S any](t *testing.T, handler func(*Cloud) Handler, entry Entry[S], samples []S, seeds int) *Finding {
	t.Helper()
	law := &law{}
	s := &search{t: t, o: Exploration{Faults: Faults{Kinds: lawKinds}}}
	s.scenario = func(t testing.TB, c *Cloud) {
		time.Sleep(law.later)
		h := handler(c)
		send, options := entry(c)
		dead := c.Queue("laws-dead-letters", nil) // so that nothing is lost that was only given up
		c.Function("handler", h, append([]FunctionOption{&FunctionOptions{DeadLetter: dead}}, options...)...)
		for _, sample := range samples {
			send(sample)
		}
		c.Settle()
		law.judge(t, c)
	}

	// Two runs without faults, at another time and with other ids: what they
	// do not agree on is no subject of the law.
	first := s.play(1, []string{})
	law.later = 36*time.Hour + 7*time.Minute + 3*time.Second
	second := s.play(2, []string{})
	law.later = 0
	switch {
	case first.failed():
		return s.finding(1, []string{}, 1)
	case second.failed():
		return s.finding(2, []string{}, 1)
	}
	if problem := law.settle(); problem != "" {
		return &Finding{Seed: 1, Errors: []string{problem}, Timeline: first.timeline(), Tried: 1}
	}

	if seed, faults, ok := repeatOf(t); ok {
		return s.repeat(seed, faults)
	}
	tried := 0
	stride := 1 + len(first.chances)/lawSingles
	for i := 0; i < len(first.chances); i += stride {
		tried++
		if one := first.chances[i : i+1 : i+1]; s.play(1, one).failed() {
			return s.finding(1, one, tried)
		}
	}
	for seed := range uint64(seeds) {
		tried++
		if run := s.play(seed+1, nil); run.failed() {
			return s.finding(seed+1, s.shrink(seed+1, run.faults), tried)
		}
	}
	return nil
}

// law is what a handler must keep to: the state that it reaches without faults.
type law struct {
	later    time.Duration // when the samples are sent
	baseline []*state      // of the runs without faults
	settled  bool          // the baseline is complete
	worked   bool          // the handler has succeeded without faults
}

// judge compares the state of the cloud with the law.
func (l *law) judge(t testing.TB, c *Cloud) {
	var now *state
	var moved, answered int
	c.look(func() {
		now = c.state()
		now.effects = c.faults.effects
		for s := range c.steps.from(0) {
			switch s.action {
			case "move":
				moved++
			case "answer":
				answered++
			}
		}
	})
	now.moved = moved
	if !l.settled {
		l.baseline = append(l.baseline, now)
		l.worked = l.worked || answered > 0
		return
	}
	if moved > l.baseline[0].moved {
		return // it was given up after as many deliveries as it may have
	}
	if difference := compare(l.baseline[0], l.baseline[1], now); difference != nil {
		t.Errorf("%s: %s after %s", difference.law(c.Faults()), difference.text, describe(c.Faults()))
	}
}

// settle ends the baseline, and says why it cannot be one.
func (l *law) settle() string {
	l.settled = true
	switch {
	case !l.worked:
		return "memcloud: the handler fails for every sample, without any fault: there is nothing to try"
	case l.baseline[0].effects == 0:
		return "memcloud: the handler changes no bucket and no table, and sends nothing: there is nothing to compare"
	}
	return ""
}

// describe puts faults into words.
func describe(names []string) string {
	var list []string
	for _, name := range names {
		kind, rest, _ := strings.Cut(name, "@")
		site, _, _ := strings.Cut(rest, "#")
		place := strings.Split(site, "/")
		switch Fault(kind) {
		case CrashBefore, CrashAfter:
			when := strings.TrimPrefix(kind, "crash-")
			if len(place) == 1 {
				list = append(list, "a crash before it began")
				continue
			}
			list = append(list, "a crash "+when+" "+strings.Join(place[1:], " "))
		case LostAnswer:
			list = append(list, "a lost answer")
		case Duplicate:
			list = append(list, "a duplicate at "+site)
		case Reorder:
			list = append(list, "a change of order at "+site)
		default:
			list = append(list, fmt.Sprintf("a %s at %s", kind, site))
		}
	}
	return strings.Join(list, ", ")
}
