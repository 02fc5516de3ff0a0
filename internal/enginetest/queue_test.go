package enginetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var queueScripts = []script{
	{"visibility", visibility},
	{"change", changeVisibility},
	{"longest", longest},
	{"receipts", receipts},
	{"redrive", redrive},
	{"delay", delay},
	{"batch", batch},
	{"sendbatch", sendBatch},
	{"receive", receives},
	{"longpoll", longPoll},
	{"message", messages},
	{"refused", refused},
	{"queueoptions", queueOptions},
	{"limits", limits},
}

func visibility(r *Run) {
	q := r.Queue("orders", &memcloud.QueueOptions{Visibility: 2 * short})
	r.See("empty", r.Receive(q, 10))
	r.Send(q, "a")
	r.See("sent", r.Count(q))
	first := r.One(q)
	r.See("first receive", Received{first})
	r.See("while it is hidden", r.Receive(q, 10))
	r.See("in flight", r.Count(q))
	r.Sleep(short)
	r.See("after half the time", r.Receive(q, 10))
	r.Send(q, "b")
	r.See("another meanwhile", r.Receive(q, 10))
	r.Sleep(short)
	second := r.One(q)
	r.See("after the time", Received{second})
	r.See("its id stays", second.ID == first.ID)
	r.See("its receipt is new", second.Receipt != first.Receipt)
	r.See("sent when it was", second.Sent.Equal(first.Sent))
	r.See("first received when it was", second.FirstReceived.Equal(first.FirstReceived))
	r.See("received after it was sent", !first.FirstReceived.Before(first.Sent))
	r.See("delete", q.DeleteMessage(r.ctx, second.Receipt))
	r.See("left", r.Count(q))
	r.Sleep(2 * short)
	r.See("the other comes back", r.Receive(q, 10))
	r.See("the deleted one does not", r.Receive(q, 10))
}

func changeVisibility(r *Run) {
	q := r.Queue("orders", &memcloud.QueueOptions{Visibility: short})
	r.Send(q, "a")
	m := r.One(q)
	r.See("longer", q.ChangeMessageVisibility(r.ctx, m.Receipt, 3*short))
	r.Sleep(short)
	r.See("after the queue's timeout", r.Receive(q, 1))
	r.Sleep(2 * short)
	m = r.One(q)
	r.See("after the longer one", Received{m})
	r.See("to nothing", q.ChangeMessageVisibility(r.ctx, m.Receipt, 0))
	m = r.One(q)
	r.See("there at once", Received{m})
	r.See("more than 12 hours", q.ChangeMessageVisibility(r.ctx, m.Receipt, 12*time.Hour+time.Second))
	r.See("less than nothing", q.ChangeMessageVisibility(r.ctx, m.Receipt, -time.Second))
	r.Sleep(short)
	again := r.One(q)
	r.See("the count goes on", Received{again})
	r.See("delete", q.DeleteMessage(r.ctx, again.Receipt))
	r.See("of one that is deleted", q.ChangeMessageVisibility(r.ctx, again.Receipt, time.Second))
	r.See("of nonsense", q.ChangeMessageVisibility(r.ctx, "nonsense", time.Second))

	r.Send(q, "b", "c")
	both := r.Receive(q, 10)
	r.See("two", both)
	r.See("one of them longer", q.ChangeMessageVisibility(r.ctx, both[0].Receipt, 10*short))
	r.Sleep(short)
	r.See("the other comes back", r.Receive(q, 10))

	late := r.Queue("late", &memcloud.QueueOptions{Visibility: short})
	r.Send(late, "d")
	m = r.One(late)
	r.Sleep(short)
	r.See("of one that is visible", late.ChangeMessageVisibility(r.ctx, m.Receipt, 5*short))
	r.See("it stays visible", r.Receive(late, 10))
}

// The total from the receive is limited, and what was asked for before does
// not count.
func longest(r *Run) {
	q := r.Queue("orders", nil)
	r.Send(q, "a")
	m := r.One(q)
	r.Sleep(short)
	r.See("12 hours from now", q.ChangeMessageVisibility(r.ctx, m.Receipt, 12*time.Hour))
	r.See("12 hours from the receive", q.ChangeMessageVisibility(r.ctx, m.Receipt, 12*time.Hour-5*time.Second))
	r.See("shorter again", q.ChangeMessageVisibility(r.ctx, m.Receipt, short))
	r.See("still hidden", r.Receive(q, 1))
	r.Sleep(short)
	r.See("after the shorter one", r.Receive(q, 1))
}

func receipts(r *Run) {
	q := r.Queue("orders", &memcloud.QueueOptions{Visibility: short})
	r.Send(q, "a")
	first := r.One(q)
	r.Sleep(short)
	second := r.One(q)
	r.See("delete by the receipt of before", q.DeleteMessage(r.ctx, first.Receipt))
	r.See("it is still there", r.Count(q))
	r.See("hide by the receipt of before", q.ChangeMessageVisibility(r.ctx, first.Receipt, 5*short))
	r.See("delete by the latest", q.DeleteMessage(r.ctx, second.Receipt))
	r.See("it is gone", r.Count(q))
	r.See("delete once more", q.DeleteMessage(r.ctx, second.Receipt))
	r.See("delete by nonsense", q.DeleteMessage(r.ctx, "nonsense"))

	r.Send(q, "b")
	late := r.One(q)
	r.Sleep(short)
	r.See("delete when it is visible again", q.DeleteMessage(r.ctx, late.Receipt))
	r.See("that is not too late", r.Count(q))
}

func redrive(r *Run) {
	q := r.Queue("orders", &memcloud.QueueOptions{Visibility: short, MaxReceives: 2})
	id := r.SendMessage(q, memcloud.Message{
		Body: "poison", Attributes: map[string]memcloud.Attribute{"kind": {Type: "String", Value: "bad"}}, TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793",
	})
	r.Send(q, "good")
	received := r.Receive(q, 10)
	r.See("first receive", received)
	for _, m := range received {
		if m.Body == "good" {
			r.See("delete the good one", q.DeleteMessage(r.ctx, m.Receipt))
		}
	}
	r.Sleep(short)
	r.See("second receive", r.Receive(q, 10))
	r.See("not moved while it is in flight", r.Count(q.Dead()))
	r.Sleep(short)
	r.See("not moved when it is visible", r.Count(q.Dead()))
	r.See("third receive", r.Receive(q, 10))
	r.See("moved by that receive", r.Count(q.Dead()))
	r.See("left in the queue", r.Count(q))

	dead := r.One(q.Dead())
	r.See("the count goes on", Received{dead})
	r.See("the id stays", dead.ID == id)
	r.See("its attributes", Attributes(dead.Attributes))
	r.See("its trace", dead.TraceHeader)
	r.See("the queue it came from", dead.Source)
	r.See("first received after it was sent", !dead.FirstReceived.Before(dead.Sent))
	r.See("delete", q.Dead().DeleteMessage(r.ctx, dead.Receipt))
	r.See("left in the dead-letter queue", r.Count(q.Dead()))

	once := r.Queue("once", &memcloud.QueueOptions{Visibility: short, MaxReceives: 1})
	r.Send(once, "a")
	r.See("limit 1: first receive", r.Receive(once, 1))
	r.Sleep(short)
	r.See("limit 1: second receive", r.Receive(once, 1))
	r.See("limit 1: dead letters", r.Receive(once.Dead(), 1))
	r.Send(once, "b")
	r.See("limit 1: in time", once.DeleteMessage(r.ctx, r.One(once).Receipt))
	r.Sleep(short)
	r.See("limit 1: no more", r.Receive(once, 1))
	r.See("limit 1: no more dead letters", r.Count(once.Dead()))

	// What is released at once has been received all the same.
	released := r.Queue("released", &memcloud.QueueOptions{MaxReceives: 2})
	r.Send(released, "a")
	for i := range 2 {
		m := r.One(released)
		r.See(fmt.Sprint("release ", i+1), released.ChangeMessageVisibility(r.ctx, m.Receipt, 0))
	}
	r.See("released too often", r.Receive(released, 1))
	r.See("released to the dead letters", r.Receive(released.Dead(), 1))
}

func delay(r *Run) {
	slow := r.Queue("slow", &memcloud.QueueOptions{Delay: short})
	r.Send(slow, "a")
	r.See("the queue's delay", r.Receive(slow, 10))
	r.See("it counts", r.Count(slow))
	r.SendMessage(slow, memcloud.Message{Body: "b", Delay: 4 * short})
	r.Sleep(short)
	r.See("after the queue's delay", r.Receive(slow, 10))
	r.Sleep(short)
	r.See("before the message's own", r.Receive(slow, 10))
	r.Sleep(2 * short)
	r.See("after the message's own", r.Receive(slow, 10))

	slower := r.Queue("slower", &memcloud.QueueOptions{Delay: 10 * short})
	r.SendMessage(slower, memcloud.Message{Body: "c", Delay: time.Second})
	r.Sleep(short)
	r.See("a shorter one of its own counts, too", r.Receive(slower, 10))

	plain := r.Queue("plain", nil)
	r.SendMessage(plain, memcloud.Message{Body: "late", Delay: short})
	r.Send(plain, "now")
	r.See("what is not delayed overtakes", r.Receive(plain, 10))
	r.See("a receive waits for what is due", r.ReceiveWait(plain, 10, 4*time.Second))

	send := func(d time.Duration) error {
		_, err := plain.SendMessage(r.ctx, memcloud.Message{Body: "x", Delay: d})
		return err
	}
	r.See("more than 15 minutes", send(15*time.Minute+time.Second))
	r.See("15 minutes", send(15*time.Minute))
	r.See("less than nothing", send(-time.Second))
}

func batch(r *Run) {
	q := r.Queue("orders", &memcloud.QueueOptions{Visibility: 2 * short})
	r.Send(q, "a", "b", "c", "d")
	got := r.Receive(q, 10)
	r.See("received", got)
	for i, err := range q.DeleteMessageBatch(r.ctx, got[0].Receipt, "nonsense", got[2].Receipt) {
		r.See(fmt.Sprint("delete ", i+1, " of the batch"), err)
	}
	r.See("left", r.Count(q))
	r.Sleep(2 * short)
	rest := r.Receive(q, 10)
	r.See("the rest comes back", rest)
	for i, err := range q.DeleteMessageBatch(r.ctx, rest[0].Receipt, rest[1].Receipt) {
		r.See(fmt.Sprint("delete the rest ", i+1), err)
	}
	r.See("nothing is left", r.Count(q))
}

// sendBatch sends several in one request, some of them wrong.
func sendBatch(r *Run) {
	q := r.Queue("orders", nil)
	send := func(step string, messages ...memcloud.Message) {
		results, err := q.SendMessageBatch(r.ctx, messages)
		r.See(step, err)
		for i, result := range results {
			r.See(fmt.Sprint(step, ": entry ", i+1), result.Err)
			r.See(fmt.Sprint(step, ": entry ", i+1, " has an id"), result.ID != "")
		}
		got := r.Receive(q, 10)
		r.See(step+": received", got)
		for _, m := range got {
			r.Must(q.DeleteMessage(r.ctx, m.Receipt))
		}
	}
	of := func(bodies ...string) []memcloud.Message {
		var messages []memcloud.Message
		for _, body := range bodies {
			messages = append(messages, memcloud.Message{Body: body})
		}
		return messages
	}
	send("three", of("a", "b", "c")...)
	send("one of them wrong", of("d", "e\x01", "f")...)
	send("one of them empty", of("g", "")...)
	send("one with a delay", memcloud.Message{Body: "h"}, memcloud.Message{Body: "i", Delay: time.Minute})
	send("ten", of(strings.Fields(strings.Repeat("x ", 10))...)...)
	send("eleven", of(strings.Fields(strings.Repeat("x ", 11))...)...)
	send("1 MiB together", of(strings.Repeat("x", 1<<19), strings.Repeat("y", 1<<19+1))...)
}

func receives(r *Run) {
	q := r.Queue("orders", nil)
	for i := range 12 {
		r.Send(q, fmt.Sprintf("m%02d", i))
	}
	r.See("one", r.Receive(q, 1))
	r.See("three", r.Receive(q, 3))
	r.See("ten at most", r.Receive(q, 10))
	r.See("in flight", r.Count(q))
	_, err := q.ReceiveMessage(r.ctx, 11, 0)
	r.See("eleven", err)
	_, err = q.ReceiveMessage(r.ctx, -1, 0)
	r.See("less than none", err)
	_, err = q.ReceiveMessage(r.ctx, 1, 21*time.Second)
	r.See("a wait of 21 seconds", err)
}

func longPoll(r *Run) {
	q := r.Queue("orders", &memcloud.QueueOptions{Visibility: short})
	began := time.Now()
	r.See("nothing comes", r.ReceiveWait(q, 10, time.Second))
	r.See("and it waited", time.Since(began) >= 900*time.Millisecond)

	sent := make(chan error, 1)
	go func() {
		time.Sleep(time.Second)
		_, err := q.SendMessage(r.ctx, memcloud.Message{Body: "a"})
		sent <- err
	}()
	began = time.Now()
	r.See("something comes", r.ReceiveWait(q, 10, 10*time.Second))
	r.See("and it came early", time.Since(began) < 5*time.Second)
	r.See("sent meanwhile", <-sent)
	began = time.Now()
	r.See("it comes back", r.ReceiveWait(q, 10, 10*time.Second))
	r.See("as soon as it is visible", time.Since(began) < 5*time.Second)
	r.Send(q, "b")
	began = time.Now()
	r.See("what is there comes alone", r.ReceiveWait(q, 10, 10*time.Second))
	r.See("without a wait", time.Since(began) < 5*time.Second)
}

func messages(r *Run) {
	q := r.Queue("orders", nil)
	text := func(s string) memcloud.Attribute { return memcloud.Attribute{Type: "String", Value: s} }
	see := func(step string, m memcloud.Message) {
		_, err := q.SendMessage(r.ctx, m)
		r.See(step+": send", err)
		if err != nil {
			return
		}
		got := r.One(q)
		r.See(step+": body", got.Body == m.Body)
		r.See(step+": attributes", Attributes(got.Attributes))
		r.Must(q.DeleteMessage(r.ctx, got.Receipt))
	}
	see("plain", memcloud.Message{Body: "a"})
	see("blanks", memcloud.Message{Body: " \t\r\n"})
	see("unicode", memcloud.Message{Body: "Grüße, 世界 🙂 <&\"'>"})
	see("JSON", memcloud.Message{Body: `{"a":[1,2.50,"x"]}`})
	see("a string", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{"s": text("ä <b>&amp;")}})
	see("numbers", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{
		"n": {Type: "Number", Value: "1.50"}, "big": {Type: "Number", Value: strings.Repeat("9", 38)},
	}})
	see("a binary", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{"b": {Type: "Binary", Binary: []byte{0, 255, 1}}}})
	see("types of one's own", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{
		"n": {Type: "Number.int", Value: "7"}, "b": {Type: "Binary.png", Binary: []byte("x")}, "s": {Type: "String.id", Value: "y"},
	}})
	see("names", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{"A_b-c.d": text("1"), "a_b-c.d": text("2")}})
	ten := map[string]memcloud.Attribute{}
	for i := range 10 {
		ten[fmt.Sprint("n", i)] = text("x")
	}
	see("ten attributes", memcloud.Message{Body: "a", Attributes: ten})

	id := r.SendMessage(q, memcloud.Message{Body: "traced", TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"})
	m := r.One(q)
	r.See("trace", m.TraceHeader)
	r.See("id", m.ID == id)
	r.See("no group", m.Group+m.DeduplicationID+m.SequenceNumber+m.Source)

	tenant := r.Queue("tenants", nil)
	_, err := tenant.SendMessage(r.ctx, memcloud.Message{Body: "a", Group: "one"})
	r.See("a group in a standard queue", err)
	if err == nil {
		r.See("a group's name", r.One(tenant).Group)
	}
	r.SendMessage(tenant, memcloud.Message{Body: "b", Group: "one"})
	r.See("a group there blocks nothing", r.Receive(tenant, 10))
}

func refused(r *Run) {
	q := r.Queue("orders", nil)
	text := func(s string) memcloud.Attribute { return memcloud.Attribute{Type: "String", Value: s} }
	send := func(step string, m memcloud.Message) {
		_, err := q.SendMessage(r.ctx, m)
		r.See(step, err)
	}
	send("an empty body", memcloud.Message{})
	send("a control character", memcloud.Message{Body: "a\x01b"})
	send("a noncharacter", memcloud.Message{Body: "a\uffffb"})
	eleven := map[string]memcloud.Attribute{}
	for i := range 11 {
		eleven[fmt.Sprint("n", i)] = text("x")
	}
	send("eleven attributes", memcloud.Message{Body: "a", Attributes: eleven})
	send("an attribute without a value", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{"n": text("")}})
	send("an attribute of no type", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{"n": {Type: "Text", Value: "x"}}})
	send("a number that is none", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{"n": {Type: "Number", Value: "x"}}})
	send("a name with a blank", memcloud.Message{Body: "a", Attributes: map[string]memcloud.Attribute{"a b": text("x")}})
	send("a deduplication id", memcloud.Message{Body: "a", DeduplicationID: "1"})
	r.See("accepted", r.Count(q))
}

// limits sends as much as a queue and a topic take, and more.
func limits(r *Run) {
	q, topic := r.Queue("orders", nil), r.Topic("news")
	x := func(n int) string { return strings.Repeat("x", n) }
	send := func(step string, m memcloud.Message) {
		_, err := q.SendMessage(r.ctx, m)
		r.See(step, err)
	}
	send("as much as it takes", memcloud.Message{Body: x(1 << 20)})
	send("a byte too much", memcloud.Message{Body: x(1<<20 + 1)})
	send("a byte too much with its attribute", memcloud.Message{
		Body: x(1<<20 - 7), Attributes: map[string]memcloud.Attribute{"n": {Type: "String", Value: "x"}},
	})
	publish := func(step, message string) {
		_, err := topic.Publish(r.ctx, memcloud.Notice{Message: message})
		r.See(step, err)
	}
	publish("256 KB to a topic", x(256<<10))
	publish("a byte more", x(256<<10+1))
}

func queueOptions(r *Run) {
	for _, o := range []struct {
		name    string
		options memcloud.QueueOptions
	}{
		{"visibility-of-12-hours", memcloud.QueueOptions{Visibility: 12 * time.Hour}},
		{"visibility-of-more", memcloud.QueueOptions{Visibility: 12*time.Hour + time.Second}},
		{"delay-of-15-minutes", memcloud.QueueOptions{Delay: 15 * time.Minute}},
		{"delay-of-more", memcloud.QueueOptions{Delay: 15*time.Minute + time.Second}},
		{"retention-of-a-minute", memcloud.QueueOptions{Retention: time.Minute}},
		{"retention-of-less", memcloud.QueueOptions{Retention: 59 * time.Second}},
		{"retention-of-14-days", memcloud.QueueOptions{Retention: 14 * 24 * time.Hour}},
		{"retention-of-more", memcloud.QueueOptions{Retention: 14*24*time.Hour + time.Second}},
		{"limit-of-1000", memcloud.QueueOptions{MaxReceives: 1000}},
		{"limit-of-more", memcloud.QueueOptions{MaxReceives: 1001}},
		{"limit-of-less", memcloud.QueueOptions{MaxReceives: -1}},
		{"content-in-standard", memcloud.QueueOptions{ContentBasedDeduplication: true}},
	} {
		_, err := r.engine.queue(r.name(o.name), &o.options)
		r.See(o.name, err)
	}
}
